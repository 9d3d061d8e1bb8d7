"""One module per KPI family: it declares its KPIs, and its `add(rows, world)` adds their rows."""

from python_checks.recompute.families import (
    acquisition,
    balance,
    conversion,
    loyalty,
    sales,
    satisfaction,
    seller_quality,
    traffic,
)

__all__ = ["acquisition", "balance", "conversion", "loyalty", "sales", "satisfaction", "seller_quality", "traffic"]
