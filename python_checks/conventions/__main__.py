"""Command line of the conventions check."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ops.project import ROOT, ProjectError, kpis, models, read_artifact
from python_checks.conventions.rules import RULES


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m python_checks.conventions", description=__doc__)
    parser.add_argument("--target", type=Path, default=ROOT / "target", help="dbt's folder with the manifest")
    manifest = read_artifact(parser.parse_args().target, "manifest.json")
    broken = 0
    for rule in RULES:
        problems = list(rule(manifest))
        broken += bool(problems)
        if problems:
            print(f"BROKEN {rule.__name__.replace('_', ' ')}: {rule.__doc__.splitlines()[0]}")
        for problem in problems:
            print(f"  {problem}")
    verdict = f"{broken} broken" if broken else "all kept"
    print(f"{len(RULES)} rules on {len(models(manifest))} models and {len(kpis(manifest))} KPIs, {verdict}")
    return 1 if broken else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ProjectError as error:
        sys.exit(str(error))
