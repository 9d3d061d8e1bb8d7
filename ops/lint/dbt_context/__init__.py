"""What dbt gives to Jinja, as far as linting needs it: sqlfluff renders models and macros with these names in place.

The macros themselves are the project's own (`load_macros_from_path`), called for DuckDB as dbt would.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml
from jinja2 import Environment, pass_context
from jinja2.runtime import Context, Macro, Undefined
from sqlfluff.core.templaters.builtins.dbt import MacroReturn

_PROJECT = yaml.safe_load((Path(__file__).resolve().parents[3] / "dbt_project.yml").read_text(encoding="utf-8"))

execute = False  # as while dbt parses: no database, no graph
graph = {"nodes": {}, "metrics": {}, "groups": {}}
invocation_id = "00000000-0000-0000-0000-000000000000"
dbt_version = "0.0.0"
run_started_at = datetime(2000, 1, 1, tzinfo=UTC)
target = SimpleNamespace(type="duckdb", name="duckdb", schema="main", database="warehouse")
flags = SimpleNamespace(FULL_REFRESH=False, WHICH="build")
model = SimpleNamespace(columns={}, name="model", config=SimpleNamespace(meta={}), unique_id="model.project.model")


class _Adapter:
    """Resolves a dispatched macro to its DuckDB form, else the default one."""

    @staticmethod
    @pass_context
    def dispatch(context: Context, name: str, package: str | None = None) -> Callable[..., Any]:
        for prefix in ("duckdb__", "default__"):
            macro = context.resolve(prefix + name)
            if not isinstance(macro, Undefined):
                return macro
        raise LookupError(f"no macro duckdb__{name} or default__{name}")


class _DbtMacros:
    """dbt's own cross-database macros, as calls of functions: right in form, which is all that linting sees."""

    @staticmethod
    def listagg(measure: str, delimiter: str = "','", order_by: str = "") -> str:
        return f"listagg({measure}, {delimiter} {order_by})"

    def __getattr__(self, name: str) -> Callable[..., str]:
        if name.startswith("type_"):
            return lambda: name.removeprefix("type_")
        return lambda *arguments, **named: f"{name}({', '.join(map(str, [*arguments, *named.values()]))})"


class _Exceptions:
    @staticmethod
    def raise_compiler_error(message: str) -> str:
        raise ValueError(message)

    @staticmethod
    def warn(message: str) -> str:
        return ""


class _Relation:
    @staticmethod
    def create(schema: str, identifier: str, **named: str) -> str:
        return f"{schema}.{identifier}"


adapter = _Adapter()
api = SimpleNamespace(Relation=_Relation)
dbt = _DbtMacros()
exceptions = _Exceptions()


def var(name: str, default: Any = None) -> Any:
    return _PROJECT.get("vars", {}).get(name, default)


def env_var(name: str, default: str = "") -> str:
    return default


def run_query(sql: str) -> None:
    return None


_invoke = Macro._invoke
_compile = Environment.compile
_compiled: dict[tuple[Any, ...], Any] = {}


def _invoke_for_lint(self: Macro, arguments: list[Any], *settings: Any) -> Any:
    """What a macro returns; sqlfluff itself knows of `return` only in macros of another file than the caller's."""
    if self.name == "kpi_terms":
        return _terms_in_short(arguments[0])
    if self.name == "kpi_definitions":
        return [_A_KPI]
    try:
        return _invoke(self, arguments, *settings)
    except MacroReturn as returned:
        return returned.value


def _compile_once(self: Environment, source: Any, *settings: Any, **named: Any) -> Any:
    """sqlfluff compiles every macro twice for each file it lints, which would be most of its time."""
    if not isinstance(source, str):
        return _compile(self, source, *settings, **named)
    key = (source, *settings, *named.items())
    if key not in _compiled:
        _compiled[key] = _compile(self, source, *settings, **named)
    return _compiled[key]


# Metrics are known to dbt alone; one of them shows the form of what is made for each.
_A_KPI = {
    "kpi_id": "aov",
    "family": "sales",
    "measure": "ratio",
    "mode": "cohort",
    "maturity_days": 0,
    "numerator_term": "gmv",
    "denominator_term": "orders",
    "sample_size": "orders",
    "dimensions": ["country"],
    "needs": ["payments"],
}


def _terms_in_short(specs: list[dict[str, Any]]) -> str:
    """The CTEs of kpi_terms are thousands of lines, none of which stands in the file that is linted."""
    read = sorted({spec["from"] for spec in specs})
    return f"terms as (select 1 from periods cross join {' cross join '.join(read)})"


if _invoke.__name__ != _invoke_for_lint.__name__:  # sqlfluff loads this file, too, once per file it lints
    Macro._invoke = _invoke_for_lint
    Environment.compile = _compile_once
