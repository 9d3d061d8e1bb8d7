"""Hand-made KPI values for the tests of the decisions."""

from __future__ import annotations

import datetime as dt

import polars as pl

from python_checks.decisions.definitions import Definition, definitions
from python_checks.decisions.values import Values
from python_checks.recompute.measure import ROW_SCHEMA
from python_checks.recompute.periods import Calendar

WORDS = {
    "label_en": "Label", "label_fr": "Libellé", "unit": "count", "format": "#,##0", "direction": "up", "owner": "Head",
    "maturity_days": 0, "dimensions": "country", "numerator": None, "denominator": None, "action_when_bad": "Act.",
    "pairs_with": "", "source_tables": "fct_orders", "scope": "internal", "is_custom": False, "is_additive": True,
    "dated_by": "order day", "family": "sales",
}
SCHEMA = {
    **dict.fromkeys(["kpi_id", *WORDS], pl.String), "maturity_days": pl.Int64, "is_custom": pl.Boolean,
    "is_additive": pl.Boolean}


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def dim_kpi(**kpis: dict) -> pl.DataFrame:
    """dim_kpi of these KPIs, in the usual words where none are given."""
    rows = [{"kpi_id": kpi_id, **WORDS, **own} for kpi_id, own in kpis.items()]
    return pl.DataFrame(rows, schema=SCHEMA)


def known(**kpis: dict) -> dict[str, Definition]:
    return definitions(dim_kpi(**kpis))


def calendar(first: str, last: str) -> Calendar:
    return Calendar(day(first), day(last), "Europe/Paris")


def rows(kpi_id: str, grain: str, values: dict[str, object], segment: str = "all=all", **flags: object) -> pl.DataFrame:
    """Rows of kpi_values by period start: a number is a count or sum, a pair two terms (the second is the sample size
    too), None no value in a period that is covered."""
    dimension, _, name = segment.partition("=")
    found = []
    for start, value in values.items():
        top, bottom = value if isinstance(value, tuple) else (value, None)
        ratio = top if bottom is None else top / bottom if bottom else None
        row = {
            "kpi_id": kpi_id, "period_grain": grain, "period_start": day(start), "dimension": dimension,
            "dimension_value": name, "numerator": top, "denominator": bottom, "value": ratio, "sample_size": bottom,
            "is_mature": True, "is_partial": False, "is_covered": True}
        found.append({**row, **flags})
    return pl.DataFrame(found, schema_overrides=ROW_SCHEMA).cast(ROW_SCHEMA)


def collected(span: Calendar, *frames: pl.DataFrame, segments: tuple = ()) -> Values:
    values = Values(span, segments)
    for frame in frames:
        values.add(frame)
    return values


def days(kpi_id: str, first: str, values: list, **how: object) -> pl.DataFrame:
    """Consecutive days."""
    start = day(first)
    named = {(start + dt.timedelta(days=n)).isoformat(): value for n, value in enumerate(values)}
    return rows(kpi_id, "day", named, **how)


def months(kpi_id: str, first: str, values: list, **how: object) -> pl.DataFrame:
    """Consecutive months."""
    start = day(first)
    count = start.year * 12 + start.month - 1
    named = {dt.date((count + n) // 12, (count + n) % 12 + 1, 1).isoformat(): value for n, value in enumerate(values)}
    return rows(kpi_id, "month", named, **how)
