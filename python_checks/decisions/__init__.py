"""The decisions' tables recomputed from the words of their contract, the KPI values of the recomputation and the files.

Nothing of the models is read. Statistics come from scipy, statsmodels and pymannkendall. `check.check_decisions` holds
every row and column of the published tables against it.
"""
