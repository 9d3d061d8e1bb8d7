"""Every KPI once more, straight from the raw extracts, sharing no formula with the SQL models."""

import os

# polars gives freed memory back within half a second: at once costs twice the time, later half of what events take.
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:500,muzzy_decay_ms:0")

# The families declare the KPIs, so that whoever looks one up finds them all.
from python_checks.recompute import families as families
