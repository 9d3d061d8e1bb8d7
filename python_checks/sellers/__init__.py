"""An independent recomputation of the tables of the folder `sellers`, from the extracts."""

from python_checks.sellers.check import check_sellers, kept_values

__all__ = ["check_sellers", "kept_values"]
