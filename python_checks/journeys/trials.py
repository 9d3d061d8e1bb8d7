"""What experiments show."""

from __future__ import annotations

import datetime as dt
import math
from fractions import Fraction

import numpy as np
import polars as pl
from scipy import stats
from statsmodels.stats.proportion import proportions_ztest

from python_checks.recompute.catalogue import KPIS
from python_checks.recompute.money import as_number
from python_checks.recompute.world import World
from python_checks.sellers.columns import read_columns

CONVERSION, MONEY = "conversion", "gmv_per_visitor"
FAMILY = {CONVERSION: "conversion", MONEY: "sales"}
Z = float(stats.norm.ppf(0.975))
LEAST_FREEDOM = 3  # degrees of freedom of an interval
BROKEN_SPLIT, SIGNIFICANT = 0.01, 0.05
RESULTS = {
    "experiment": pl.String, "variant": pl.String, "metric": pl.String, "is_primary": pl.Boolean,
    "visitors": pl.Int64, "srm_p_value": pl.Float64, "control_value": pl.Float64, "variant_value": pl.Float64,
    "effect": pl.Float64, "relative_effect": pl.Float64, "ci_low": pl.Float64, "ci_high": pl.Float64,
    "p_value": pl.Float64, "guardrail_control": pl.Float64, "guardrail_variant": pl.Float64, "verdict": pl.String,
}


def assigned(world: World) -> pl.DataFrame:
    """experiment, visitor_id, variant, assigned_at of the visitors that are in one variant of an experiment."""
    rows = read_columns(world.extracts, "experiment_assignments", "variant", "assigned_at").filter(
        pl.col("assigned_at") < world.calendar.end)
    variants = read_columns(world.extracts, "experiments").select("experiment", "variant")
    rows = rows.join(variants, on=["experiment", "variant"], how="semi")
    one = pl.col("variant").n_unique().over("experiment", "visitor_id") == 1
    return rows.filter(one).sort("assigned_at", "variant").unique(
        ["experiment", "visitor_id"], keep="first", maintain_order=True)


def without_bots(world: World, people: pl.DataFrame) -> pl.DataFrame:
    """The visitors but for those whose events by as_of are all those of bots."""
    bots = world.extracts.bots.filter(pl.col("occurred_at") < world.calendar.end)["visitor_id"]
    others = world.sessions.select(pl.col("visitor_id").unique().cast(pl.String)).to_series()
    only_bots = bots.filter(~bots.is_in(others.implode()))
    return people.filter(~pl.col("visitor_id").is_in(only_bots.implode()))


def purchases_of(world: World, visitors: pl.Series) -> pl.DataFrame:
    """visitor_id, purchased_at and order_id of the purchases of these visitors."""
    purchases = world._web.kinds["purchase"].select("session", "occurred_at", "order_id")
    visitor = world.sessions["visitor_id"].gather(purchases["session"]).cast(pl.String)
    return purchases.select(pl.col("order_id").cast(pl.String), purchased_at="occurred_at").with_columns(
        visitor.alias("visitor_id")).filter(pl.col("visitor_id").is_in(visitors.implode()))


def results_table(world: World) -> pl.DataFrame:
    """experiment_results."""
    columns = ["is_control", "expected_share", "ended_at", "kpi_id"]
    experiments = read_columns(world.extracts, "experiments", *columns).sort("experiment", "variant")
    if experiments.is_empty() or not world.has("events:purchase") or not world.has("experiment_assignments"):
        return pl.DataFrame(schema=RESULTS)
    people = without_bots(world, assigned(world))
    purchases = purchases_of(world, people["visitor_id"].unique())
    refusing = world.tables["customers"].filter(~pl.col("consent_analytics"))["customer_id"]
    orders = world.orders.filter(~pl.col("customer_id").is_in(refusing.implode())).select(
        "order_id", gmv=as_number(pl.col("gmv")), is_cancelled="is_cancelled")
    rows = []
    for (experiment,), variants in experiments.partition_by("experiment", as_dict=True).items():
        own = people.filter(pl.col("experiment") == experiment)
        rows += _of_experiment(world, variants.to_dicts(), own, purchases, orders)
    return pl.DataFrame(rows, schema=RESULTS)


class Group:
    """What the visitors of a variant that were assigned before the end did until then. An order counts once for each
    visitor who named it."""

    def __init__(self, people: pl.DataFrame, purchases: pl.DataFrame, orders: pl.DataFrame, end: dt.datetime) -> None:
        people = people.filter(pl.col("assigned_at") < end)
        bought = people.select("visitor_id", "assigned_at").join(purchases, on="visitor_id").filter(
            (pl.col("purchased_at") >= pl.col("assigned_at")) & (pl.col("purchased_at") < end))
        named = bought.select("visitor_id", "order_id").drop_nulls().unique().join(orders, on="order_id")
        spent = people.select("visitor_id").join(
            named.group_by("visitor_id").agg(pl.sum("gmv")), on="visitor_id", how="left")
        self.visitors = len(people)
        self.converted = bought["visitor_id"].n_unique()
        self.money = np.sort(spent["gmv"].fill_null(0.0).to_numpy())
        self.guardrail = named["is_cancelled"].mean() if len(named) else None


def _of_experiment(
    world: World, variants: list[dict], people: pl.DataFrame, purchases: pl.DataFrame, orders: pl.DataFrame
) -> list[dict]:
    """The rows of an experiment; the first control says when it ends and which KPI it should move."""
    control_row = next((row for row in variants if row["is_control"]), None)
    if control_row is None:
        return []
    end_of_time = world.calendar.end
    ended_at, kpi = control_row["ended_at"], KPIS.get(control_row["kpi_id"])
    end, is_running = min(ended_at or end_of_time, end_of_time), ended_at is None or ended_at > end_of_time
    groups = {
        row["variant"]: Group(people.filter(pl.col("variant") == row["variant"]), purchases, orders, end)
        for row in variants}
    control = groups[control_row["variant"]]
    srm = split_p_value(
        [groups[row["variant"]].visitors for row in variants], [Fraction(row["expected_share"]) for row in variants])
    rows = []
    for row in variants:
        if row is control_row:
            continue
        group = groups[row["variant"]]
        for metric, compared in ((CONVERSION, conversion), (MONEY, money)):
            told = compared(control, group)
            rows.append({
                "experiment": row["experiment"], "variant": row["variant"], "metric": metric,
                "is_primary": kpi is not None and kpi.family == FAMILY[metric], "visitors": group.visitors,
                "srm_p_value": srm, **told, "guardrail_control": control.guardrail,
                "guardrail_variant": group.guardrail,
                "verdict": verdict(srm, is_running, told["p_value"], told["effect"])})
    return rows


def split_p_value(visitors: list[int], shares: list[Fraction]) -> float | None:
    """Whether so many visitors per variant are what these shares would give: the p-value of the chi-square test."""
    total, whole = sum(visitors), sum(shares)
    if not total or len(visitors) < 2:
        return None
    if any(seen and not share for seen, share in zip(visitors, shares, strict=True)):
        return 0.0
    kept = [(seen, float(total * share / whole)) for seen, share in zip(visitors, shares, strict=True) if share]
    if len(kept) < 2:
        return None
    statistic = sum((seen - expected) ** 2 / expected for seen, expected in kept)
    return float(stats.chi2.sf(statistic, len(kept) - 1))


def verdict(srm: float | None, is_running: bool, p_value: float | None, effect: float | None) -> str:
    """What to make of it, in a word."""
    if srm is not None and srm < BROKEN_SPLIT:
        return "invalid"
    if is_running:
        return "running"
    if p_value is not None and p_value < SIGNIFICANT and effect:
        return "better" if effect > 0 else "worse"
    return "no_difference_shown"


def _told(
    before: float | None, after: float | None, error: float | None, p_value: float | None, reach: float | None = Z
) -> dict:
    effect = None if before is None or after is None else after - before
    bounds = (None, None) if None in (effect, error, reach) else (
        effect - reach * error, effect + reach * error)
    return {
        "control_value": before, "variant_value": after, "effect": effect,
        "relative_effect": effect / before if effect is not None and before else None,
        "ci_low": bounds[0], "ci_high": bounds[1], "p_value": p_value}


def conversion(control: Group, group: Group) -> dict:
    """Visitors who bought, per visitor."""
    rates = [one.converted / one.visitors if one.visitors else None for one in (control, group)]
    if None in rates:
        return _told(*rates, None, None)
    error = math.sqrt(sum(
        rate * (1 - rate) / one.visitors for rate, one in zip(rates, (control, group), strict=True)))
    p_value = None
    if 0 < control.converted + group.converted < control.visitors + group.visitors:
        p_value = float(proportions_ztest(
            [group.converted, control.converted], [group.visitors, control.visitors])[1])
    return _told(*rates, error, p_value)


def money(control: Group, group: Group) -> dict:
    """What visitors spent, per visitor."""
    means = [float(one.money.mean()) if one.visitors else None for one in (control, group)]
    if min(control.visitors, group.visitors) < 2:
        return _told(*means, None, None)
    error = math.sqrt(sum(one.money.var(ddof=1) / one.visitors for one in (control, group)))
    if not error:
        return _told(*means, None, None)
    test = stats.ttest_ind(group.money, control.money, equal_var=False)
    reach = float(stats.t.ppf(0.975, test.df)) if test.df >= LEAST_FREEDOM else None
    return _told(*means, error, float(test.pvalue), reach)
