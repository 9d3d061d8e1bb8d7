"""An independent recomputation of the tables of the folder `journeys`, from the extracts."""

from python_checks.journeys.check import check_journeys, other_tables, tables_of_events

__all__ = ["check_journeys", "other_tables", "tables_of_events"]
