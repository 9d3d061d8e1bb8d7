"""Great Expectations suites for every staged and every published table, run as a gate before publishing.

    python -m python_checks.expectations --database build/warehouse.duckdb

Staged tables are judged by their own contract (models/staging/sources.yml), published ones by the suites in
`suites/*.yml` and by what the contract and the metrics of their columns say. Exit code 1 when an expectation fails or
cannot be computed, when a table has no suite, or when the canaries, which are known to be wrong, pass.
"""
