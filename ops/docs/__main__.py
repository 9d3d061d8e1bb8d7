"""Writes the documentation of the project and of its last release as one folder: what `make docs` runs.

    python -m ops.docs                          asks dbt for its artifacts, then writes build/docs
    python -m ops.docs --to /var/www/kpi        another folder
    python -m ops.docs --artifacts target       with manifest.json, catalog.json and index.html of `dbt docs generate`

The pages need no network and no server: index.html opens from the disk. Settings are those of a build (README).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

from ops.docs.release import read_release
from ops.docs.site import Site, write_dbt_page
from ops.project import ROOT, ProjectError, Settings, read_artifact, replace_folder


def main(arguments: list[str]) -> None:
    """Write the folder whole, or leave the one before. Raises ProjectError where release or dbt's page are missing."""
    parser = argparse.ArgumentParser(prog="python -m ops.docs", description=__doc__.splitlines()[0])
    parser.add_argument("--to", type=Path, default=ROOT / "build" / "docs", help="the folder to write")
    parser.add_argument("--artifacts", type=Path, help="what `dbt docs generate` wrote; by default it is run")
    asked = parser.parse_args(arguments)
    settings = Settings.from_environment()
    release = read_release(settings.published)
    artifacts = asked.artifacts or generate(settings)
    manifest = read_artifact(artifacts, "manifest.json")
    new = asked.to.with_name(f".{asked.to.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    Site(manifest, release, new).write(settings.warehouse.parent / "quality" / "index.html")
    write_dbt_page(artifacts, manifest, new)
    replace_folder(new, asked.to)
    pages = sum(1 for _ in asked.to.rglob("*.html"))
    size = sum(path.stat().st_size for path in asked.to.rglob("*") if path.is_file())
    print(f"Written: {asked.to / 'index.html'} ({pages} pages, {size / 1e6:.1f} MB)")


def generate(settings: Settings) -> Path:
    """Have dbt write manifest, catalog and its page, beside the artifacts of the build, which a release needs.

    Nothing is compiled once more: the SQL of a model that is as it was built is the build's.
    """
    from dbt.cli.main import dbtRunner  # takes two seconds

    os.environ.update(settings.environment)
    artifacts = settings.warehouse.parent / "dbt_docs"
    artifacts.mkdir(parents=True, exist_ok=True)
    parsed = settings.target / "partial_parse.msgpack"
    if parsed.is_file() and not (artifacts / parsed.name).exists():
        shutil.copy2(parsed, artifacts)  # saves half a minute of parsing
    where = ["--target-path", str(artifacts)]
    done = dbtRunner().invoke(["--quiet", "parse", *where])
    if done.success:
        done = dbtRunner(manifest=done.result).invoke(["--quiet", "docs", "generate", "--no-compile", *where])
    if not done.success:
        raise ProjectError(f"dbt could not describe the build: {done.exception or 'what it said stands above'}")
    manifest = read_artifact(artifacts, "manifest.json")
    if (settings.target / "manifest.json").is_file():
        built = read_artifact(settings.target, "manifest.json")["nodes"]
        for name, node in manifest["nodes"].items():
            if built.get(name, {}).get("checksum") == node["checksum"]:
                node["compiled_code"] = built[name].get("compiled_code")
        (artifacts / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return artifacts


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except ProjectError as error:
        sys.exit(str(error))
