"""Apache Superset on the release, for this machine alone: its data in SUPERSET_HOME, its dashboard from bi/superset.

    python -m ops.superset             serve it, after what was not yet done or has changed (make superset)
    python -m ops.superset columns     take the columns of the release over into the data sets of bi/superset

The first runs in .venv-superset, the second in .venv.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from ops.project import ROOT, ProjectError, Settings

BUNDLE = ROOT / "bi" / "superset"
CONFIG = BUNDLE / "superset_config.py"
DATABASE = "databases/marketplace.yaml"
DASHBOARD = "/superset/dashboard/marketplace-kpis/"
ADMIN = "admin"
# A worker takes one request at a time, so that no query of it overlaps another: DuckDB shares what a process has open
# at a path, and overlapping queries would go on reading the release that the first of them had opened.
SERVER = ["--worker-class=gthread", "--threads=1", "--workers=3", "--preload", "--timeout=120", "--no-control-socket"]


@dataclass(frozen=True)
class Superset:
    """One Superset: the folder of its data, the release it reads, the port it answers on."""

    home: Path
    published: Path
    port: int
    environment: dict[str, str]

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Superset:
        """Read PUBLISHED_DB, SUPERSET_HOME and SUPERSET_PORT. Raises ProjectError on a bad one."""
        published = Settings.from_environment(environment).published
        if not published.is_file():
            raise ProjectError(f"PUBLISHED_DB: {published} is not there; `make build` publishes it.")
        home = ROOT / (environment.get("SUPERSET_HOME") or "build/superset")
        port = environment.get("SUPERSET_PORT") or "8088"
        if not port.isdigit() or not 0 < int(port) < 2**16:
            raise ProjectError(f"SUPERSET_PORT: {port!r} is not a port.")
        with socket.socket() as taken:
            if taken.connect_ex(("127.0.0.1", int(port))) == 0:
                raise ProjectError(f"SUPERSET_PORT: something answers on {port} already; say another one.")
        own = {"SUPERSET_HOME": str(home), "SUPERSET_CONFIG_PATH": str(CONFIG), "FLASK_APP": "superset"}
        return cls(home, published, int(port), {**environment, **own})

    def prepare(self) -> None:
        """Make what is not there: key, metadata, user; import the bundle when it or the release's path is new."""
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        _kept(self.home / "secret_key", secrets.token_urlsafe(48))
        made = self.home / "made"
        lock = sha256((ROOT / "requirements-superset.lock").read_bytes()).hexdigest()
        if not made.exists() or made.read_text() != lock:
            self._run("Metadata database", "db", "upgrade")
            self._run("Roles and permissions", "init")
            made.write_text(lock)
        password = self.home / "password"
        if not password.exists():
            word = self.environment.get("SUPERSET_PASSWORD") or secrets.token_urlsafe(12)
            user = {"username": ADMIN, "firstname": "Local", "lastname": "Admin", "email": f"{ADMIN}@localhost"}
            options = (f"--{name}={value}" for name, value in {**user, "password": word}.items())
            self._run("User", "fab", "create-admin", *options)
            _kept(password, word)
        files = bundle(self.published)
        digest = sha256(repr(sorted(files.items())).encode()).hexdigest()
        imported = self.home / "imported"
        if not imported.exists() or imported.read_text() != digest:
            for name, text in files.items():
                copy = self.home / "bundle" / name
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_text(text, encoding="utf-8")
            self._run("Data sets and dashboard", "import-directory", "--overwrite", str(self.home / "bundle"))
            imported.write_text(digest)

    def serve(self) -> None:
        """Answer on 127.0.0.1 until stopped; this process becomes the server."""
        url = f"http://127.0.0.1:{self.port}{DASHBOARD}"
        print(f"{url}\nUser {ADMIN}, password in {self.home / 'password'}. Ctrl-C stops.", flush=True)
        output = os.open(self.home / "server.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(output, 1)
        os.dup2(output, 2)
        command = [_program("gunicorn"), *SERVER, f"--bind=127.0.0.1:{self.port}", "superset.app:create_app()"]
        os.chdir(ROOT)
        os.execve(command[0], command, self.environment)

    def _run(self, what: str, *arguments: str) -> None:
        """One command of Superset's own; its output, long and full of warnings that mean nothing, goes to a file."""
        print(f"{what} ...", flush=True)
        log = self.home / "prepare.log"
        with log.open("w", encoding="utf-8") as output:
            done = subprocess.run(
                [_program("superset"), *arguments],
                env=self.environment, cwd=ROOT, stdout=output, stderr=output, check=False,
            )
        # what it cannot import Superset reports, and ends well
        if done.returncode or "An error occurred" in log.read_text(encoding="utf-8"):
            raise ProjectError(f"{what}: superset {arguments[0]} failed, see {log}.")


def bundle(published: Path) -> dict[str, str]:
    """The files of the bundle as Superset imports them, with the path of the release in the database's address."""
    files = {str(path.relative_to(BUNDLE)): path.read_text(encoding="utf-8") for path in sorted(BUNDLE.rglob("*.yaml"))}
    database = yaml.safe_load(files[DATABASE])
    _, _, options = database["sqlalchemy_uri"].partition("?")
    files[DATABASE] = written({**database, "sqlalchemy_uri": f"duckdb:///{published}?{options}"})
    return files


def with_columns(dataset: Mapping[str, Any], published: Path) -> dict[str, Any]:
    """A data set with the columns of its table in the release: names, types and descriptions from there, the rest as it
    was; a new column gets its name as label. Calculated columns stay, after them."""
    import duckdb

    with duckdb.connect(str(published), read_only=True) as release:
        columns = release.execute(
            "select column_name, data_type, comment from duckdb_columns()"
            " where schema_name = ? and table_name = ? order by column_index",
            [dataset["schema"], dataset["table_name"]],
        ).fetchall()
    before = {column["column_name"]: column for column in dataset["columns"]}
    found = []
    for name, data_type, description in columns:
        column = {
            "column_name": name,
            "verbose_name": name.replace("_", " ").capitalize(),
            "is_dttm": data_type == "DATE",
            "is_active": True,
            "type": data_type,
            "groupby": data_type not in ("DOUBLE", "BIGINT"),
            "filterable": True,
            "expression": None,
        }
        found.append({**column, **before.get(name, {}), "type": data_type, "description": description})
    calculated = [column for column in dataset["columns"] if column["expression"]]
    return {**dataset, "columns": found + calculated}


def written(content: Mapping[str, Any]) -> str:
    """A file of the bundle as text, in the order and form in which Superset exports it."""
    return yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True, width=120)


def main(arguments: list[str]) -> int:
    """See the module. Returns the exit code: 0, or 3 where a setting is wrong or a step failed."""
    try:
        if arguments == ["columns"]:
            for path in sorted(BUNDLE.glob("datasets/*.yaml")):
                dataset = yaml.safe_load(path.read_text(encoding="utf-8"))
                path.write_text(written(with_columns(dataset, Settings.from_environment().published)), encoding="utf-8")
        else:
            superset = Superset.from_environment()
            superset.prepare()
            superset.serve()
    except ProjectError as error:
        print(error, file=sys.stderr)
        return 3
    return 0


def _kept(path: Path, text: str) -> None:
    """Write a secret for its owner alone, once."""
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)


def _program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
