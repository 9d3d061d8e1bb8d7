"""The project's own rules, read off dbt's manifest.

    python -m python_checks.conventions [--target target]

Each rule is a function of `rules.py`; its first line says what it holds. Exit code 1 when one is broken.
"""
