"""A read-only DuckDB dialect for SQLAlchemy under which Great Expectations works."""

from __future__ import annotations

from typing import Any

import duckdb_engine
from sqlalchemy import text
from sqlalchemy.dialects import registry
from sqlalchemy.types import NullType

NAME = "duckdb_readonly"


class QuoteEverything(duckdb_engine.DuckDBIdentifierPreparer):
    """Quotes every identifier: DuckDB knows keywords (`at`) that SQLAlchemy does not."""

    def _requires_quotes(self, value: str) -> bool:
        return True


class ReadOnlyDialect(duckdb_engine.Dialect):
    """Autocommit: in DuckDB a rollback, which SQLAlchemy sends after each statement, ends the result being read."""

    preparer = QuoteEverything
    supports_statement_cache = False

    def do_begin(self, dbapi_connection: Any) -> None: ...

    def do_commit(self, dbapi_connection: Any) -> None: ...

    def do_rollback(self, dbapi_connection: Any) -> None: ...

    def get_columns(self, connection: Any, table_name: str, schema: str | None = None, **kw: Any) -> list[dict]:
        """Names of the columns, without the slow look-up in a catalogue of all tables; types are checked elsewhere."""
        quote = self.identifier_preparer.quote_identifier
        found = connection.execute(text(f"describe {quote(schema or 'main')}.{quote(table_name)}"))
        return [{"name": row[0], "type": NullType(), "nullable": row[2] == "YES", "default": None} for row in found]

    def get_pk_constraint(self, connection: Any, table_name: str, schema: str | None = None, **kw: Any) -> dict:
        """None: keys are expectations of their own, and looking for one takes a search of the PostgreSQL catalogue."""
        return {"constrained_columns": [], "name": None}


registry.register(NAME, __name__, ReadOnlyDialect.__name__)


def connection_string(database: str) -> str:
    """URL of a DuckDB file for this dialect; pass `connect_args={"read_only": True}` with it."""
    return f"{NAME}:///{database}"
