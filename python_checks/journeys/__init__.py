"""An independent recomputation of the tables of the folder `journeys`, from the extracts."""

from python_checks.journeys.check import check_journeys

__all__ = ["check_journeys"]
