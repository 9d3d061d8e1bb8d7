"""Every KPI once more, straight from the raw extracts, sharing no formula with the SQL models."""

import os

# polars gives freed memory back at once; kept for later it would be half of what the events take.
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:0,muzzy_decay_ms:0")
