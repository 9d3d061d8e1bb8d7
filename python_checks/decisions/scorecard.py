"""kpi_scorecard and kpi_month."""

from __future__ import annotations

import polars as pl

from python_checks.decisions.calendar import GRAINS
from python_checks.decisions.comparisons import compared
from python_checks.decisions.definitions import COARSE, Definition
from python_checks.decisions.inputs import Target, Targets
from python_checks.decisions.values import Values
from python_checks.recompute.measure import ALL

LABELS = ("label_en", "label_fr", "family", "unit", "format", "direction", "owner")
FEW = 5  # of a month
SAME = 9  # decimals to which two values are the same: the last bit of a sum says nothing
SCORECARD = {
    "kpi_id": pl.String, "period_grain": pl.String, "period_start": pl.Date, "dimension": pl.String,
    "dimension_value": pl.String, **dict.fromkeys(LABELS, pl.String), "period_end": pl.Date, "is_partial": pl.Boolean,
    "is_mature": pl.Boolean, "is_covered": pl.Boolean, "is_latest": pl.Boolean, "value": pl.Float64,
    "numerator": pl.Float64, "denominator": pl.Float64, "sample_size": pl.Int64, "previous_value": pl.Float64,
    "previous_year_value": pl.Float64, "change": pl.Float64, "change_rate": pl.Float64, "year_change": pl.Float64,
    "year_change_rate": pl.Float64, "is_better": pl.Boolean, "target": pl.Float64, "target_low": pl.Float64,
    "target_high": pl.Float64, "gap": pl.Float64, "gap_rate": pl.Float64, "attainment": pl.Float64,
    "projected_value": pl.Float64, "status": pl.String, "benchmark_value": pl.Float64, "benchmark_source": pl.String,
    "benchmark_position": pl.String, "trend": pl.String, "is_anomaly": pl.Boolean, "recommended_action": pl.String,
}


def labels(kpis: dict[str, Definition], names: tuple[str, ...] = LABELS) -> pl.DataFrame:
    """kpi_id and what a reader is told of it."""
    rows = [(kpi.kpi_id, *(getattr(kpi, name) for name in names)) for kpi in kpis.values()]
    return pl.DataFrame(rows, schema=dict.fromkeys(["kpi_id", *names], pl.String), orient="row")


# -- month ------------------------------------------------------------------------------------------------------------


def kpi_month(values: Values, kpis: dict[str, Definition]) -> pl.DataFrame:
    """KPI x month x segment, all but sellers and campaigns; value_text is judged beside (text.py)."""
    rows = values.frame.filter((pl.col("period_grain") == "month") & ~pl.col("dimension").is_in(COARSE))
    return compared(rows, values, kpis).join(labels(kpis), on="kpi_id").with_columns(
        is_small=(pl.col("sample_size") < FEW).fill_null(False)).select(
            "kpi_id", "period_start", "dimension", "dimension_value", *LABELS, "value", "numerator", "denominator",
            "sample_size", "previous_value", "previous_year_value", "is_partial", "is_mature", "is_covered", "is_small")


# -- scorecard --------------------------------------------------------------------------------------------------------


def kpi_scorecard(
    values: Values, kpis: dict[str, Definition], targets: Targets, reference: dict[str, tuple[float, str]],
    trends: pl.DataFrame, anomalies: pl.DataFrame,
) -> pl.DataFrame:
    """KPI x grain x period x `all` and the segments that have a target at that grain."""
    trend_of = {(kpi_id, grain): (trend, verdict) for kpi_id, grain, trend, verdict in trends.select(
        "kpi_id", "period_grain", "trend", "verdict").iter_rows()}
    odd_periods = _periods_with_days(anomalies, values)
    latest = {}
    found = []
    rows = compared(_rows(values, kpis, targets), values, kpis)
    for row in rows.iter_rows(named=True):
        kpi, grain, start = kpis[row["kpi_id"]], row["period_grain"], row["period_start"]
        is_whole = row["dimension"] == ALL
        if (kpi.kpi_id, grain) not in latest:
            latest[kpi.kpi_id, grain] = values.latest(kpi.kpi_id, grain)
        is_latest = latest[kpi.kpi_id, grain] == start
        target = targets.at(kpi.kpi_id, grain, start, row["dimension"], row["dimension_value"])
        is_final = (
            not row["is_partial"] and row["is_mature"] and row["is_covered"] and start >= values.calendar.first_day)
        card = {name: row[name] for name in SCORECARD if name in row}
        card |= {name: getattr(kpi, name) for name in LABELS} | {"is_latest": is_latest}
        card |= _changes(row, kpi, target)
        card["projected_value"] = _projected(row, kpi)
        card |= _gap(card["projected_value"], kpi, target)
        card["status"] = _status(row, kpi, target, is_final)
        card["benchmark_value"], card["benchmark_source"] = reference.get(kpi.kpi_id, (None, None))
        is_known = card["status"] not in ("not_final", "insufficient_data")
        if is_known and card["benchmark_value"] is not None and kpi.sense:
            is_better = better(row["value"], card["benchmark_value"], kpi)
            card["benchmark_position"] = {True: "better", False: "worse", None: "equal"}[is_better]
        verdict = None
        if is_latest and is_whole:
            card["trend"], verdict = trend_of.get((kpi.kpi_id, grain), (None, None))
        if is_whole and grain in ("week", "month"):
            card["is_anomaly"] = odd_periods.get((kpi.kpi_id, grain, start))
        if card["status"] in ("warn", "alert") or verdict == "worsening":
            card["recommended_action"] = kpi.action_when_bad
        found.append([card.get(name) for name in SCORECARD])
    return pl.DataFrame(found, schema=SCORECARD, orient="row")


def _rows(values: Values, kpis: dict[str, Definition], targets: Targets) -> pl.DataFrame:
    """The rows of `all`, and of every segment with a target a row wherever `all` has one."""
    whole = values.frame.filter((pl.col("dimension") == ALL) & pl.col("period_grain").is_in(GRAINS))
    segments = [
        (*group, kpis[group[0]].shape == "amount") for group in sorted(targets.groups())
        if group[2] != ALL and not (group[2] in COARSE and group[1] == "week")]
    names = ["kpi_id", "period_grain", "dimension", "dimension_value"]
    schema = {**dict.fromkeys(names, pl.String), "_amount": pl.Boolean}
    named = pl.DataFrame(segments, schema=schema, orient="row")
    flags = ["is_mature", "is_partial", "is_covered"]
    measures = ["numerator", "denominator", "value", "sample_size"]
    own = whole.select("kpi_id", "period_grain", "period_start", *flags)
    own = own.join(named, on=["kpi_id", "period_grain"]).join(
        values.frame.select(*names, "period_start", *measures), on=[*names, "period_start"], how="left")
    nothing = pl.col("_amount") & pl.col("is_covered")
    own = own.with_columns(
        pl.when(nothing).then(pl.col(name).fill_null(0.0)).otherwise(name).alias(name)
        for name in ("numerator", "value"))
    return pl.concat([whole, own.select(whole.columns)])


def _periods_with_days(anomalies: pl.DataFrame, values: Values) -> dict[tuple, bool]:
    """Per KPI, grain and period with a judged day whether one of them is an anomaly."""
    found = {}
    for grain, every in (("week", "1w"), ("month", "1mo")):
        each = anomalies.group_by("kpi_id", pl.col("period_start").dt.truncate(every)).agg(pl.col("is_anomaly").any())
        found.update({(kpi_id, grain, start): is_odd for kpi_id, start, is_odd in each.iter_rows()})
    return found


def _changes(row: dict, kpi: Definition, target: Target | None) -> dict:
    card = {}
    for side, name in (("previous", "change"), ("previous_year", "year_change")):
        other = row[f"{side}_value"]
        if row["is_mature"] and row[f"{side}_inside"] and other is not None and row["value"] is not None:
            card[name] = row["value"] - other
            card[f"{name}_rate"] = card[name] / abs(other) if other else None
    if card.get("change") is not None:
        card["is_better"] = better(row["value"], row["previous_value"], kpi, target)
    return card


def better(value: float, other: float, kpi: Definition, target: Target | None = None) -> bool | None:
    """Whether a value is better than another: None where they are equally good or nobody knows."""
    lead = kpi.sense * (value - other)
    if kpi.direction == "band" and target is not None:
        lead = target.distance(other) - target.distance(value)
    lead = round(lead, SAME)
    return lead > 0 if lead else None


def _projected(row: dict, kpi: Definition) -> float | None:
    value = row["value"]
    if value is None or not row["is_partial"] or kpi.shape != "amount" or not kpi.is_additive:
        return value
    if 7 * row["elapsed"] < row["days"]:
        return None
    alike, whole = row["previous_year_value"], row["previous_year_whole"]
    if row["previous_year_inside"] and alike is not None and whole:
        share = round(alike / whole, 12)  # sums of days may miss the whole by a rounding
        if 0 < share <= 1:
            return value / share
    return value * row["days"] / row["elapsed"]


def _gap(value: float | None, kpi: Definition, target: Target | None) -> dict:
    if target is None:
        return {}
    card = {name: getattr(target, name) for name in ("target", "target_low", "target_high")}
    if value is None:
        return card
    if kpi.sense:
        gap, scale = kpi.sense * (value - target.target), abs(target.target)
    else:
        gap, scale = -target.distance(value), abs(target.target_low + target.target_high) / 2
    rate = gap / scale if scale else None
    return card | {"gap": gap, "gap_rate": rate, "attainment": None if rate is None else 1 + rate}


def _status(row: dict, kpi: Definition, target: Target | None, is_final: bool) -> str:
    value, size = row["value"], row["sample_size"]
    if value is None:
        return "insufficient_data"
    if not is_final:
        return "not_final"
    minimum = minimum_of(kpi, target)
    if minimum is not None and size is not None and size < minimum:
        return "insufficient_data"
    if target is None:
        return "no_target"
    if kpi.sense:
        warn = target.target if target.warn is None else target.warn
        if target.alert is not None and kpi.sense * (value - target.alert) < 0:
            return "alert"
        return "good" if kpi.sense * (value - warn) >= 0 else "warn"
    if target.alert is not None and not target.is_within(value, target.alert):
        return "alert"
    return "good" if target.is_within(value, target.warn or 0.0) else "warn"


def minimum_of(kpi: Definition, target: Target | None) -> float | None:
    """The minimum volume: of the target, else that of the KPI."""
    return kpi.min_volume if target is None or target.min_volume is None else target.min_volume


