"""Command line of the conventions check."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ops.project import ROOT, ProjectError, read_artifact
from python_checks.conventions.rules import held


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m python_checks.conventions", description=__doc__)
    parser.add_argument("--target", type=Path, default=ROOT / "target", help="dbt's folder with the manifest")
    kept, told = held(read_artifact(parser.parse_args().target, "manifest.json"))
    print(told)
    return 0 if kept else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ProjectError as error:
        sys.exit(str(error))
