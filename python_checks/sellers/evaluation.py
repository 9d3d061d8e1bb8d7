"""Sellers held against the policies: the scorecard, and the same done again over later facts."""

from __future__ import annotations

import csv
import datetime as dt
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import numpy as np
import polars as pl
from statsmodels.stats.proportion import proportion_confint

from python_checks.recompute.catalogue import KPIS
from python_checks.recompute.coverage import BY_ANSWER, BY_DECISION, FEEDS, named
from python_checks.recompute.world import World
from python_checks.sellers.columns import read_columns
from python_checks.sellers.things import COUNT, JUDGED, PERCENTILE, RATIO, Things, away_at

DEFAULT = "default"
LEAST_VOLUME = 20
SUNDAYS = 26
ORDER: dict[str, Callable] = {
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b}
SCORECARD = {
    "seller_id": pl.String, "evaluated_on": pl.Date, "kpi_id": pl.String, "policy": pl.String, "volume": pl.Int64,
    "numerator": pl.Float64, "denominator": pl.Float64, "value": pl.Float64, "alert_value": pl.Float64,
    "limit_value": pl.Float64, "status": pl.String, "headroom": pl.Int64, "projected_breach": pl.Boolean,
    "wilson_low": pl.Float64, "wilson_high": pl.Float64, "is_certain": pl.Boolean,
}
POLICIES = {
    "policy": pl.String, "kpi_id": pl.String, "operator": pl.String, "alert_value": pl.Float64,
    "limit_value": pl.Float64, "window_days": pl.Int64, "min_volume": pl.Int64,
}


@dataclass(frozen=True)
class Rule:
    """A row of a policy. `min_volume` is None where none holds, levels are exact."""

    policy: str
    kpi_id: str
    operator: str
    alert: Fraction | None
    limit: Fraction
    window_days: int
    min_volume: int | None

    def is_in_order(self, value: float | np.ndarray, level: Fraction) -> bool | np.ndarray:
        """Whether a value (or each of them) is on the right side of a level."""
        return ORDER[self.operator](value, float(level))

    @property
    def low_is_good(self) -> bool:
        """Whether small values are in order."""
        return self.operator in ("<", "<=")


# -- policies ----------------------------------------------------------------------------------------------------------


def read_rules(world: World, builtin: Path) -> list[Rule]:
    """The built-in rules and the delivered ones, which win, by policy and KPI."""
    with builtin.open(encoding="utf-8-sig", newline="") as file:
        rows = {(row["policy"], row["kpi_id"]): row for row in csv.DictReader(file)}
    columns = ["operator", "alert_value", "limit_value", "window_days", "min_volume"]
    for row in read_columns(world.extracts, "seller_policies", *columns).iter_rows(named=True):
        rows[row["policy"], row["kpi_id"]] = row
    return [_rule(*key, row) for key, row in sorted(rows.items())]


def _rule(policy: str, kpi_id: str, row: dict) -> Rule:
    def given(name: str) -> str | None:
        return None if row[name] is None or str(row[name]).strip() == "" else str(row[name]).strip()

    alert, volume = given("alert_value"), given("min_volume")
    counts = kpi_id in JUDGED and JUDGED[kpi_id].kind == COUNT
    return Rule(
        policy, kpi_id, given("operator"), Fraction(alert) if alert is not None else None,
        Fraction(given("limit_value")), int(given("window_days")),
        int(volume) if volume is not None else None if counts else LEAST_VOLUME)


def policies_table(rules: Iterable[Rule]) -> pl.DataFrame:
    """seller_policies as published."""
    rows = [
        (rule.policy, rule.kpi_id, rule.operator, None if rule.alert is None else float(rule.alert),
         float(rule.limit), rule.window_days, rule.min_volume) for rule in rules]
    return pl.DataFrame(rows, schema=POLICIES, orient="row")


def policies_of_sellers(world: World, rules: Iterable[Rule]) -> dict[str, str]:
    """The policy each seller of `sellers` is under."""
    known = {rule.policy for rule in rules}
    sellers = read_columns(world.extracts, "sellers", "policy")
    return {seller: policy if policy in known else DEFAULT
            for seller, policy in sellers.select("seller_id", "policy").iter_rows()}


# -- the days ----------------------------------------------------------------------------------------------------------


def evaluation_days(as_of: dt.date) -> list[dt.date]:
    """as_of and the last 26 Sundays before it, in order."""
    last = as_of - dt.timedelta(days=as_of.isoweekday() % 7 or 7)
    return [*(last - dt.timedelta(weeks=n) for n in reversed(range(SUNDAYS))), as_of]


def is_covered(world: World, kpi_id: str) -> Callable[[dt.date, dt.date], bool]:
    """Whether the feeds a KPI needs cover every day of the span from one day to another (both included)."""
    coverage = world.coverage
    open_days = [False] * len(coverage.days)
    for need in KPIS[kpi_id].needs:
        there = [one for one in need.split("|") if world.has(one)]
        feeds = {named(one)[0] for one in there}
        if not feeds <= FEEDS.keys():
            continue
        each = [coverage.covered(feed, _dated_by(kpi_id, feed)) for feed in feeds]
        open_days = [is_open or not any(days) for is_open, *days in zip(open_days, *each, strict=True)]
    so_far = [0, *accumulate(open_days)]

    def covered(first: dt.date, last: dt.date) -> bool:
        start, end = (min(max((day - world.calendar.first_day).days, 0), len(open_days))
                      for day in (first, last + dt.timedelta(days=1)))
        return so_far[start] == so_far[end]

    return covered


def _dated_by(kpi_id: str, feed: str) -> str:
    if feed == "claims" and kpi_id in BY_DECISION:
        return "decided_at"
    return "answered_at" if feed == "survey_invitations" and kpi_id in BY_ANSWER else FEEDS[feed]


# -- evaluating --------------------------------------------------------------------------------------------------------


class Evaluator:
    """Evaluates sellers on days by the rules of their policies."""

    def __init__(self, world: World, rules: list[Rule]) -> None:
        self.world, self.rules = world, rules
        self.policies = policies_of_sellers(world, rules)
        self.things = Things(world)
        self._made: dict[str, pl.DataFrame] = {}

    def of(self, kpi_id: str) -> pl.DataFrame:
        """Things of a KPI that may be judged: those dated on days at whose end the seller is not away."""
        if kpi_id not in self._made:
            rows = self.things.of(kpi_id)
            # one row for what adds up, by seller and days; percentiles need each thing
            if JUDGED[kpi_id].kind != PERCENTILE:
                rows = rows.group_by("seller_id", "day", "known", "order_day").agg(
                    pl.sum("volume", "counted"), hours=pl.lit(None, pl.Float64))
            self._made[kpi_id] = rows.filter(~away_at(rows, "day", self.world))
        return self._made[kpi_id]

    def scorecard(self, days: list[dt.date], after: dict[str, dt.date] | None = None) -> pl.DataFrame:
        """A row per seller, day and KPI of its policy whose window holds a thing. With `after`, a day by seller, only
        things whose order is later than the seller's day count."""
        parts = []
        for rule in self.rules:
            if rule.kpi_id not in JUDGED or not self.things.is_there(rule.kpi_id):
                continue
            things = self._under(rule, after)
            covers = is_covered(self.world, rule.kpi_id)
            for day in days:
                measured = measure_window(things, rule, day)
                if len(measured):
                    first = day - dt.timedelta(days=rule.window_days - 1)
                    parts.append(judge(measured, rule, day, covers(first, day)))
        return pl.concat([pl.DataFrame(schema=SCORECARD), *parts])

    def _under(self, rule: Rule, after: dict[str, dt.date] | None) -> pl.DataFrame:
        things = self.of(rule.kpi_id)
        mine = [seller for seller, policy in self.policies.items() if policy == rule.policy]
        under = pl.col("seller_id").is_in(mine)
        if rule.policy == DEFAULT:  # a seller that only facts name is under it too
            under |= ~pl.col("seller_id").is_in(list(self.policies))
        things = things.filter(under)
        if after is not None:
            frame = pl.DataFrame(
                {"seller_id": list(after), "step_day": list(after.values())},
                {"seller_id": pl.String, "step_day": pl.Date})
            things = things.join(frame, on="seller_id", how="left").filter(
                pl.col("step_day").is_null() | (pl.col("order_day") > pl.col("step_day")).fill_null(False))
        return things


def measure_window(things: pl.DataFrame, rule: Rule, day: dt.date) -> pl.DataFrame:
    """Per seller what the window to a day holds as known at its end: volume, counted, value, and the same of the last
    half of the window (recent_volume, recent_value)."""
    first = day - dt.timedelta(days=rule.window_days - 1)
    first_recent = day - dt.timedelta(days=rule.window_days // 2 - 1)
    recent = pl.col("day") >= first_recent
    held = things.filter(pl.col("day").is_between(first, day) & (pl.col("known") <= day))
    judged = JUDGED[rule.kpi_id]
    terms = {
        "volume": pl.sum("volume"), "counted": pl.sum("counted"),
        "recent_volume": pl.col("volume").filter(recent).sum(),
        "recent_counted": pl.col("counted").filter(recent).sum(),
    }
    if judged.kind == PERCENTILE:
        terms["value"] = pl.col("hours").quantile(judged.quantile, "linear")
        terms["recent_value"] = pl.col("hours").filter(recent).quantile(judged.quantile, "linear")
    frame = held.group_by("seller_id").agg(**terms).filter(pl.col("volume") > 0)
    if judged.kind == COUNT:
        return frame.with_columns(
            value=pl.col("counted").cast(pl.Float64), recent_value=pl.col("recent_counted").cast(pl.Float64))
    if judged.kind != PERCENTILE:
        frame = frame.with_columns(
            value=pl.col("counted") / pl.col("volume"),
            recent_value=pl.when(pl.col("recent_volume") > 0).then(pl.col("recent_counted") / pl.col("recent_volume")))
    return frame


def judge(measured: pl.DataFrame, rule: Rule, day: dt.date, covered: bool) -> pl.DataFrame:
    """The rows of the scorecard that these measures make under a rule."""
    kind = JUDGED[rule.kpi_id].kind
    volume, counted = measured["volume"].to_numpy(), measured["counted"].to_numpy()
    value = measured["value"].to_numpy()
    enough = np.full(len(value), covered) & (volume >= (rule.min_volume or 0))
    beyond_limit = ~rule.is_in_order(value, rule.limit)
    beyond_alert = (
        ~rule.is_in_order(value, rule.alert) if rule.alert is not None else np.zeros(len(value), dtype=bool))
    status = np.select(
        [~enough, beyond_limit, beyond_alert], ["insufficient_data", "limit", "alert"], "ok")

    recent_volume = measured["recent_volume"].to_numpy()
    recent_value = measured["recent_value"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    recent_beyond = ~rule.is_in_order(recent_value, rule.limit) & ~np.isnan(recent_value)
    projected = (
        np.isin(status, ["ok", "alert"]) & (recent_volume > 0)
        & (2 * recent_volume >= (rule.min_volume or 0)) & recent_beyond)

    certain = status == "limit"
    low = high = headroom = [None] * len(value)
    if kind == RATIO:
        low, high = proportion_confint(counted, volume, alpha=0.05, method="wilson")
        certain = certain & ~rule.is_in_order(low if rule.low_is_good else high, rule.limit)
        headroom = [further_bad(rule, int(n), int(d)) for n, d in zip(counted, volume, strict=True)]
    is_terms = kind != PERCENTILE
    rows = {
        "seller_id": measured["seller_id"],
        "volume": volume,
        "numerator": counted.astype(float) if is_terms else [None] * len(value),
        "denominator": volume.astype(float) if is_terms and kind != COUNT else [None] * len(value),
        "value": value,
        "status": status.tolist(),
        "headroom": headroom,
        "projected_breach": projected,
        "wilson_low": low,
        "wilson_high": high,
        "is_certain": certain,
    }
    same = {
        "evaluated_on": day, "kpi_id": rule.kpi_id, "policy": rule.policy,
        "alert_value": None if rule.alert is None else float(rule.alert), "limit_value": float(rule.limit)}
    frame = pl.DataFrame(rows, schema_overrides={name: SCORECARD[name] for name in rows}, strict=False)
    return frame.with_columns(pl.lit(v, SCORECARD[name]).alias(name) for name, v in same.items()).select(
        list(SCORECARD))


def further_bad(rule: Rule, numerator: int, denominator: int) -> int:
    """The most further bad things among the same that stay in order; negative: that many too many."""
    edge = rule.limit * denominator
    if rule.low_is_good:
        most = math.floor(edge) if rule.operator == "<=" else math.ceil(edge) - 1
        return min(most - numerator, denominator - numerator)
    least = math.ceil(edge) if rule.operator == ">=" else math.floor(edge) + 1
    return min(numerator - least, numerator)


# -- in words ----------------------------------------------------------------------------------------------------------


def written(value: float | Fraction) -> str:
    """A number with at most four decimals, half away from zero, without trailing zeros."""
    size = math.floor(abs(value) * 10_000 + (Fraction(1, 2) if isinstance(value, Fraction) else 0.5))
    text = f"{size // 10_000}.{size % 10_000:04d}".rstrip("0").rstrip(".")
    return f"-{text}" if value < 0 and size else text


def sentence(row: dict, rule: Rule) -> str:
    """What a row of the scorecard says, with the rule it was judged by."""
    kind = JUDGED[rule.kpi_id].kind
    terms = f" ({row['volume']} measured)" if kind == PERCENTILE else ""
    if kind not in (PERCENTILE, COUNT):
        terms = f" ({int(row['numerator'])} of {int(row['denominator'])})"
    exact = Decimal(rule.limit.numerator) / Decimal(rule.limit.denominator)
    limit = format(exact.normalize(), "f")
    return (f"{row['kpi_id']} {written(row['value'])}{terms}, limit {rule.operator} {limit}, "
            f"{row['evaluated_on'].isoformat()}")
