"""The value before and a year before: of the whole period, or of as many days as have passed."""

from __future__ import annotations

import polars as pl

from python_checks.decisions.calendar import DAY, last_day, neighbours
from python_checks.decisions.definitions import COARSE, Definition
from python_checks.decisions.values import SIDES, Values, other_start
from python_checks.recompute.measure import ALL

SEGMENT = ["kpi_id", "dimension", "dimension_value"]
PERIOD = ["kpi_id", "period_grain", "period_start"]


def compared(rows: pl.DataFrame, values: Values, kpis: dict[str, Definition]) -> pl.DataFrame:
    """Rows of kpi_values from the week on with period_end, days, elapsed and per side (previous, previous_year):
    `<side>_value`, `<side>_whole` (of the whole period, also of a period that has not ended) and `<side>_inside` (the
    other period did not begin before the span)."""
    flags = pl.DataFrame(
        [(kpi.kpi_id, kpi.shape == "amount", kpi.is_additive) for kpi in kpis.values()],
        schema={"kpi_id": pl.String, "_amount": pl.Boolean, "_additive": pl.Boolean}, orient="row")
    rows = rows.join(flags, on="kpi_id").join(neighbours(values.calendar), on=["period_grain", "period_start"])
    rows = rows.rename({"year_start": "previous_year_start"})
    known = values.frame.select(*SEGMENT, *PERIOD[1:], "value")
    whole = values.frame.filter(pl.col("dimension") == ALL).select(*PERIOD, "is_covered")
    for side in SIDES:
        start = f"{side}_start"
        rows = (
            rows.join(
                known.rename({"period_start": start, "value": f"{side}_whole"}),
                on=[*SEGMENT, "period_grain", start], how="left")
            .join(
                whole.rename({"period_start": start, "is_covered": "_covered"}),
                on=["kpi_id", "period_grain", start], how="left")
            .with_columns(
                # a count that nothing was counted of
                pl.when("_amount", "_covered", pl.col(f"{side}_whole").is_null()).then(0.0)
                .otherwise(f"{side}_whole").alias(f"{side}_whole"),
                (pl.col(start) >= values.calendar.first_day).alias(f"{side}_inside"))
            .drop("_covered")
            .join(_like_for_like(rows, values, side), on=[*SEGMENT, "period_grain", "period_start"], how="left")
            .with_columns(
                pl.when("is_partial").then("_alike").otherwise(f"{side}_whole").alias(f"{side}_value"))
            .drop("_alike")
        )
    return rows.drop("_amount", "_additive")


def _like_for_like(rows: pl.DataFrame, values: Values, side: str) -> pl.DataFrame:
    """`_alike` of the periods that have not ended: from the sums of as many days of the other period."""
    found = []
    open_rows = rows.filter("is_partial", "_additive", ~pl.col("dimension").is_in(COARSE))
    keys = [*SEGMENT, "period_grain", "period_start"]
    for (grain, start), own in open_rows.group_by("period_grain", "period_start"):
        first = other_start(side, grain, start)
        count = min(own["elapsed"][0], (last_day(grain, first) - first).days + 1)
        sums = day_sums(values, first, count)
        found.append(own.select(*keys, "_amount").join(covered_days(values, first, count), on="kpi_id").join(
            sums, on=SEGMENT, how="left").select(*keys, _alike=_value_of_sums()))
    schema = {**{name: rows.schema[name] for name in keys}, "_alike": pl.Float64}
    return pl.concat(found) if found else pl.DataFrame(schema=schema)


def _value_of_sums() -> pl.Expr:
    top, bottom = pl.col("numerator").fill_null(0.0), pl.col("denominator").fill_null(0.0)
    return pl.when("_amount").then(top).otherwise(pl.when(bottom != 0).then(top / bottom))


def day_sums(values: Values, first: object, count: int) -> pl.DataFrame:
    """Sums of the terms of so many days, per KPI and segment."""
    days = _days(values, first, count)
    return days.group_by(SEGMENT).agg(pl.sum("numerator", "denominator"))


def covered_days(values: Values, first: object, count: int) -> pl.DataFrame:
    """The KPIs of which every one of so many days lies in the span and is covered."""
    days = _days(values, first, count).filter(pl.col("dimension") == ALL)
    counted = days.group_by("kpi_id").agg(covered=pl.col("is_covered").sum())
    return counted.filter(pl.col("covered") == count).select("kpi_id")


def _days(values: Values, first: object, count: int) -> pl.DataFrame:
    return values.frame.filter(
        (pl.col("period_grain") == "day") & pl.col("period_start").is_between(first, first + DAY * (count - 1)))
