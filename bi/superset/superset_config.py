"""Superset as `make superset` runs it: for this machine alone, its own data in SUPERSET_HOME, no request elsewhere."""

import os
from pathlib import Path

from superset.config import TALISMAN_CONFIG as DEFAULT

HOME = Path(os.environ["SUPERSET_HOME"])
SECRET_KEY = (HOME / "secret_key").read_text(encoding="utf-8")
SQLALCHEMY_DATABASE_URI = f"sqlite:///{HOME}/superset.db"

# The pages hold a tracking pixel that no setting removes, and may ask for map tiles and fonts of others. So the browser
# is told to load from here alone: out goes what names a host, and that a script may load others from anywhere.
TALISMAN_CONFIG = {
    **DEFAULT,
    "content_security_policy": {
        directive: [source for source in sources if "." not in source and source != "'strict-dynamic'"]
        if isinstance(sources, list)
        else sources
        for directive, sources in DEFAULT["content_security_policy"].items()
    },
}
