"""What `truth.json` says was planted in a market, held against what is published of it: one claim each.

A claim that has an interval holds where what is published lies in the 99.9 % interval about what was planted: the
sampling error of the figure, as said at each, times 3.29. A claim without one (a day is flagged, a step is proposed)
is made only where it would fail less often than once in a thousand times. So of n claims about n / 1000 miss by chance;
`most_misses` is the number that more would be too many.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb
import numpy as np
from scipy import stats

from ops.simulate import demand, lines, parties
from ops.simulate.settings import Settings
from ops.simulate.world import build_world

MISSED = 0.001  # how often a claim may fail by chance
Z = stats.norm.isf(MISSED / 2)
DAY_EFFECT = 0.06  # what every day is multiplied by, as a standard deviation of its logarithm
# A day of a buyer in another time zone is partly the next business day (or the one before): up to this share of orders.
OTHER_DAY = 0.04
# Season and growth between a day and the mean of the same weekdays up to four weeks before and after.
DRIFT = 0.03


@dataclass(frozen=True)
class Claim:
    """One thing that was planted: of which kind, what it is, and whether it was found."""

    kind: str
    what: str
    is_held: bool
    seen: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}: {'found' if self.is_held else 'NOT FOUND'}{self.seen and ', ' + self.seen}"


def most_misses(claims: int) -> int:
    """The number of misses among so many claims that chance exceeds once in a thousand times (binomial)."""
    return int(stats.binom.isf(MISSED, claims, MISSED))


def claims_of(market: duckdb.DuckDBPyConnection, truth: dict) -> Iterator[Claim]:
    """Every claim about a market, its tables in the current schema."""
    for claim in (odd_days, campaign, affinities, experiments, sellers_that_change, trends, lagged_pairs, stories,
                  category_of_six, targets):  # fmt: skip
        yield from claim(market, truth)


def _between(kind: str, what: str, planted: float, low: float, high: float, figure: str) -> Claim:
    interval = f"planted {planted:.3g}, interval {low:.3g} to {high:.3g}"
    return Claim(kind, what, low <= planted <= high, f"{figure}, {interval}")


def odd_days(market: duckdb.DuckDBPyConnection, truth: dict) -> Iterator[Claim]:
    """Unexplained days are flagged in the KPI they move, explained ones never; orders move by what was planted."""
    first, last = (date.fromisoformat(truth["campaign_lift"][key]) for key in ("first_day", "last_day"))
    days = {
        row[:2]: row[2:]
        for row in market.execute(
            """select kpi_id, period_start, value, z, is_anomaly, is_special_day, special_day_name
            from kpi_anomalies where kpi_id in ('orders', 'sessions', 'page_views')"""
        ).fetchall()
    }
    odd = {date.fromisoformat(planted["date"]) for planted in truth["anomalous_days"]}
    for planted in truth["anomalous_days"]:
        day, factor, reason = date.fromisoformat(planted["date"]), planted["order_factor"], planted["explained_by"]
        for kpi in ("orders", "sessions", "page_views"):
            what = f"{planted['kind']} of {day} in {kpi}"
            _, z, is_anomaly, is_special, name = days.get((kpi, day), (None, math.nan, False, False, None))
            if reason:
                is_held = is_special and not is_anomaly and reason in (name or "")
            else:
                is_held = is_anomaly and (z > 0) == (factor > 1)
            yield Claim("odd day", what, is_held, f"z {z:.1f}")
        if factor == 0:
            yield Claim("odd day", f"nobody orders on {day}", days["orders", day][0] == 0)
            continue
        # Pairs of the same weekday before and after, so that growth cancels; neither odd, special nor of the campaign.
        pairs = [(day - timedelta(weeks=w), day + timedelta(weeks=w)) for w in range(1, 5)]
        usual = [
            days["orders", other][0]
            for pair in pairs
            if all(
                ("orders", d) in days and d not in odd and not days["orders", d][3] and not first <= d <= last
                for d in pair
            )
            for other in pair
        ]
        seen = days["orders", day][0] / np.mean(usual)
        # Counts vary by their root, days by their common effect.
        error = math.sqrt(1 / (factor * np.mean(usual)) + 1 / sum(usual) + DAY_EFFECT**2 * (1 + 1 / len(usual)))
        yield _between(
            "odd day", f"orders of {day}", factor,
            seen * math.exp(-Z * error) * (1 - DRIFT), seen * math.exp(Z * error) * (1 + DRIFT) / (1 - OTHER_DAY),
            f"{seen:.2f} times the usual",
        )  # fmt: skip


def campaign(market: duckdb.DuckDBPyConnection, truth: dict) -> Iterator[Claim]:
    """The market's change, adjusted by the year before, is the planted lift (a plain market: 1)."""
    lift = truth["campaign_lift"]
    found = market.execute(
        """select first_day, last_day, market_orders, market_orders_before, market_change_adjusted, orders
        from campaign_impact where campaign_id = ?""",
        [lift["campaign_id"]],
    ).fetchone()
    if found is None or found[4] is None:
        yield Claim("campaign", lift["campaign_id"], is_held=False, seen="nothing is said of it")
        return
    first, last, during, before, change, brought = found
    year = [
        market.execute(
            """select sum(value) from kpi_values where kpi_id = 'orders' and period_grain = 'day' and dimension = 'all'
            and period_start between ? and ?""",
            [first - timedelta(days=back), last - timedelta(days=back)],
        ).fetchone()[0]
        for back in (364, 364 + 14)
    ]
    # Four windows of counts, each of as many days with an effect of their own.
    windows = [during, before, *year]
    error = math.sqrt(sum(1 / n for n in windows) + len(windows) * DAY_EFFECT**2 / ((last - first).days + 1))
    yield _between(
        "campaign", "lift of the market's orders", lift["order_factor"],
        change * math.exp(-Z * error), change * math.exp(Z * error), f"market_change_adjusted {change:.2f}",
    )  # fmt: skip
    if lift["order_factor"] > 1:
        yield Claim("campaign", "orders attributed to it", (brought or 0) > 0, f"{brought} of {during}")


def affinities(market: duckdb.DuckDBPyConnection, truth: dict) -> Iterator[Claim]:
    """The orders of a pair are as many as the planted probability makes of the further lines that there are.

    A further line of an order that begins with the first family is of the second one with probability p, else (and in
    all other orders) with the share q that the second family has elsewhere. An order holds the pair when one of its k
    further lines does: 1 - (1 - p)^k. Products whose family is not delivered count as themselves, so p is reduced by
    their share among the lines that by their name are of the second family.
    """
    if not truth["affinities"]:
        return
    market.execute(
        """create or replace temp table basket_lines as
        select
            order_id, lines.product_family, product_name,
            row_number() over (partition by order_id order by order_line_id) as rank,
            count(*) over (partition by order_id) as width
        from fct_order_lines as lines join fct_orders as orders using (order_id)
            left join dim_product using (product_id)
        where orders.is_paid and orders.ordered_on between cast($last as date) - 364 and cast($last as date)""",
        {"last": truth["last_day"]},
    )
    for planted in truth["affinities"]:
        leader, follower = planted["first_family"], planted["second_family"]
        found = market.execute(
            """select pair_orders, expected_orders, lift from cross_sell_pairs
            where first_item = least($a, $b) and second_item = greatest($a, $b)""",
            {"a": leader, "b": follower},
        ).fetchone()
        what = f"{leader} and {follower}"
        if found is None:
            yield Claim("affinity", what, is_held=False, seen="no such pair")
            continue
        known, elsewhere = market.execute(
            """select
                avg(cast(product_family is not null as int))
                    filter (product_name like '%' || replace($b, '_', ' ') and rank > 1),
                (select avg(cast(coalesce(product_family = $b, false) as int)) from basket_lines
                where order_id not in (
                    select order_id from basket_lines where rank = 1 and coalesce(product_family = $a, false)))
            from basket_lines""",
            {"a": leader, "b": follower},
        ).fetchone()
        chance = planted["probability_of_a_further_line"] * known
        chance += (1 - planted["probability_of_a_further_line"]) * elsewhere
        orders = market.execute(
            """select coalesce(bool_or(rank = 1 and product_family = $a), false), any_value(width) - 1
            from basket_lines group by order_id
            having coalesce(bool_or(product_family = $a), false) and any_value(width) > 1""",
            {"a": leader},
        ).fetchall()
        each = np.array([1 - (1 - (chance if is_led else elsewhere)) ** further for is_led, further in orders])
        expected, error = each.sum(), math.sqrt((each * (1 - each)).sum())
        pair_orders, by_chance, lift = found
        low, high = ((expected + sign * Z * error) / by_chance for sign in (-1, 1))
        yield Claim(
            "affinity", what, low <= lift <= high and lift > 1,
            f"lift {lift:.2f} of {pair_orders} orders, planted {expected / by_chance:.2f}, "
            f"interval {low:.2f} to {high:.2f}",
        )  # fmt: skip


def experiments(market: duckdb.DuckDBPyConnection, truth: dict) -> Iterator[Claim]:
    """Visitors are those assigned, the lift of conversion is the planted one, a broken split is seen as such."""
    for planted in truth["experiments"]:
        name, lift = planted["experiment"], planted["planted_relative_lift"]
        found = market.execute(
            """select visitors, control_visitors, variant_value, control_value, p_value, srm_p_value, verdict,
                visitors_in_two_variants + bot_visitors as left_out
            from experiment_results where experiment = ? and variant = 'b' and metric = 'conversion'""",
            [name],
        ).fetchone()
        if found is None:
            yield Claim("experiment", name, is_held=False, seen="nothing is said of it")
            continue
        visitors, control, value, control_value, p_value, split, verdict, left_out = found
        counted = visitors + control + left_out
        yield Claim(
            "experiment", f"visitors of {name}", counted == sum(planted["visitors"].values()), f"{counted} counted"
        )
        seen = value / control_value
        # The logarithm of a quotient of two shares of visitors.
        error = math.sqrt((1 - value) / (visitors * value) + (1 - control_value) / (control * control_value))
        yield _between(
            "experiment", f"lift of {name}", lift,
            seen * math.exp(-Z * error) - 1, seen * math.exp(Z * error) - 1, f"relative effect {seen - 1:.3f}",
        )  # fmt: skip
        if planted["is_split_broken"]:
            yield Claim(
                "experiment", f"broken split of {name}", split < 0.01 and verdict == "invalid", f"p {split:.1g}"
            )
        # The test is made at 1.96 standard errors: with 3.29 more it finds the lift all but once in a thousand times.
        elif math.log1p(lift) > (1.96 + Z) * error and verdict != "running":
            yield Claim("experiment", f"verdict on {name}", verdict == "better", f"{verdict}, p {p_value:.1g}")


@functools.cache
def late_share(badness: float) -> float:
    """The share of seller orders shipped late by sellers who all work so badly: the simulator itself, on one market."""
    world = build_world(Settings(orders=20_000, days=100, seed=1, plain=True))
    sellers = parties.simulate_sellers(world)
    sellers.bad[:], sellers.bad_change[:] = badness, 0
    sellers.platform_fulfilled[:] = False
    sellers.vacation_from[:] = sellers.vacation_to[:] = np.datetime64("NaT")
    bought = demand.simulate_demand(world)
    made = lines.simulate_lines(world, bought, sellers, parties.simulate_offers(world, sellers, "kitchen"))
    # Lines cancelled before shipment, refused or unpaid are not waited for.
    due = ~np.isnat(bought.paid[made.order]) & np.isnat(made.refused)
    due &= np.isnat(made.cancelled) | ~np.isnat(made.shipped)
    groups = made.seller_order[due]
    late = np.zeros(groups.max() + 1, bool)
    np.logical_or.at(late, groups, np.isnat(made.shipped[due]) | (made.shipped[due] > made.ship_by[due]))
    return float(late[np.unique(groups)].mean())


# What the model of `late_share` leaves open: orders of mixed lines, ends of vacations.
_ABOUT = 0.02
# badness before and after (parties.py), planted in `worsening_sellers` and `improving_sellers`
CHANGES = {"worsening_sellers": (0.05, 0.80), "improving_sellers": (0.75, 0.07)}


def sellers_that_change(market: duckdb.DuckDBPyConnection, truth: dict) -> Iterator[Claim]:
    """Late shipments of whole months before the change and after it: as many as planted, and more (or fewer)."""
    for kind, badness in CHANGES.items():
        before, after = (late_share(b) for b in badness)
        for planted in truth[kind]:
            seller, change = planted["seller_id"], date.fromisoformat(planted["from"])
            counts = [
                market.execute(
                    f"""select coalesce(sum(numerator), 0), coalesce(sum(denominator), 0) from kpi_values
                    where kpi_id = 'late_shipment_rate' and period_grain = 'month' and dimension = 'seller'
                    and dimension_value = ? and {months}""",
                    [seller, day],
                ).fetchone()
                for months, day in (
                    ("period_start + interval 1 month <= cast(? as date)", change),
                    ("period_start >= cast(? as date)", change + timedelta(days=planted["over_days"])),
                )
            ]
            for when, share, (late, due) in zip(("before", "after"), (before, after), counts, strict=True):
                # Exact binomial limits of the count; of a few orders they say nothing.
                low = stats.binom.ppf(MISSED / 2, due, max(share - _ABOUT, 0))
                high = stats.binom.isf(MISSED / 2, due, share + _ABOUT)
                if due and (low > 0 or high < due):
                    yield Claim(
                        kind, f"{seller} {when}", low <= late <= high,
                        f"{late:.0f} of {due:.0f} late, planted {share:.2f}, interval {low:.0f} to {high:.0f}",
                    )  # fmt: skip
            (late0, due0), (late1, due1) = counts
            if min(due0, due1) > 0:
                error = math.sqrt(before * (1 - before) / due0 + after * (1 - after) / due1)
                if abs(after - before) > Z * error:
                    moved = late1 / due1 - late0 / due0
                    yield Claim(kind, f"{seller} moves", moved * (after - before) > 0, f"by {moved:+.2f}")
            yield from _judged(market, kind, seller, change + timedelta(days=planted["over_days"]), after)


def _judged(
    market: duckdb.DuckDBPyConnection, kind: str, seller: str, since: date, share: float
) -> Iterator[Claim]:
    """Where the change lies before the window of the last day: a seller far beyond the limit is seen to be."""
    found = market.execute(
        """select judged.volume, judged.limit_value, judged.status, judged.value, health.score
        from seller_scorecard as judged join seller_health as health using (seller_id, evaluated_on)
            join seller_policies as policies on judged.policy = policies.policy and judged.kpi_id = policies.kpi_id
        where seller_id = ? and judged.kpi_id = 'late_shipment_rate' and judged.status <> 'insufficient_data'
            and judged.evaluated_on - cast(policies.window_days as integer) >= ?
        order by judged.evaluated_on desc limit 1""",
        [seller, since],
    ).fetchone()
    if found and stats.binom.cdf(math.floor(float(found[1]) * found[0]), found[0], max(share - _ABOUT, 0)) < MISSED:
        is_held = found[2] == "limit" and found[4] < 100
        yield Claim(kind, f"{seller} beyond the limit", is_held, f"{found[2]} at {found[3]:.2f}, health {found[4]:.0f}")


def trends(market: duckdb.DuckDBPyConnection, truth: dict) -> Iterator[Claim]:
    """The KPI rises by week, as steeply as planted."""
    for planted in truth["trends"]:
        kpi, factor = planted["kpi_id"], planted["factor"]
        slope_rate, trend, first, last, n = market.execute(
            """select slope_rate, trend, first_period_start, last_period_start, n from kpi_trends
            where kpi_id = ? and period_grain = 'week'""",
            [kpi],
        ).fetchone()
        (views,) = market.execute(
            """select avg(sample_size) from kpi_values where kpi_id = ? and period_grain = 'week'
            and dimension = 'all' and period_start between ? and ?""",
            [kpi, first, last],
        ).fetchone()
        begins, ends = date.fromisoformat(planted["from"]), date.fromisoformat(planted["to"])
        daily = (factor - 1) / (ends - begins).days
        middle = first + (last - first) / 2 + timedelta(days=3)
        expected = 7 * daily / (1 + daily * (middle - begins).days)
        # The upper quartile of n values with a logarithm of deviation s has the error s sqrt(3/16) / 0.318 / sqrt(n);
        # s is 0.5, and views of one visit on one device resemble each other a little. Median of slopes: 5 % more.
        of_week = 1.1 * 0.5 * math.sqrt(3 / 16) / 0.318 / math.sqrt(views)
        error = 1.05 * of_week / math.sqrt(n * (n * n - 1) / 12)
        yield Claim("trend", f"{kpi} rises", trend == "rising", trend)
        yield _between(
            "trend", f"{kpi} by week", expected, slope_rate - Z * error, slope_rate + Z * error,
            f"slope_rate {slope_rate:.4f}",
        )  # fmt: skip


def lagged_pairs(market: duckdb.DuckDBPyConnection, truth: dict) -> Iterator[Claim]:
    """The two KPIs go together, significantly, at the planted lag and no other."""
    for planted in truth["lagged_pairs"]:
        pair = [planted["first_kpi_id"], planted["second_kpi_id"]]
        lag = planted["lag_days"] if pair == sorted(pair) else -planted["lag_days"]
        found = market.execute(
            """select lag_days, spearman, is_significant from kpi_correlations
            where first_kpi_id = ? and second_kpi_id = ?""",
            sorted(pair),
        ).fetchone()
        what = f"{pair[1]} follow {pair[0]} by {planted['lag_days']} days"
        yield Claim("lagged pair", what, bool(found and found[0] == lag and found[1] > 0 and found[2]), f"{found}")


def stories(market: duckdb.DuckDBPyConnection, truth: dict) -> Iterator[Claim]:
    """The step that follows from a seller's story is proposed, its events stand in its account, its twin is known."""
    for told in truth["seller_stories"]:
        seller, step = told["seller_id"], told["proposed_step"]
        what = f"{told['story']} {seller}"
        found = market.execute(
            "select proposed_step, identity_alert, kpi_id from seller_next_steps where seller_id = ?", [seller]
        ).fetchone()
        proposed, has_twin, kpi = found or (None, None, None)
        if step:
            yield Claim("story", what, proposed == step, f"{proposed} by {kpi}, planted {step}")
        if "shares_identity_with" in told:
            yield Claim("story", f"{what} is known", bool(has_twin))
        events = market.execute(
            """select status, cast(occurred_on as varchar) from seller_account_events
            where seller_id = ? and status not in ('applied', 'validated') order by occurred_on""",
            [seller],
        ).fetchall()
        planted = sorted(((e["status"], e["date"]) for e in told["events"]), key=lambda e: e[1])
        yield Claim("story", f"{what}, events of its account", events == planted, f"{len(events)}")


def category_of_six(market: duckdb.DuckDBPyConnection, truth: dict) -> Iterator[Claim]:
    """Each of the six sellers is compared, in the last month, with at least six of the category it sold most of.

    That is the planted one but for a seller with dearer things of another: its orders are planted, not what they cost.
    """
    planted = truth.get("category_of_six")
    if not planted:
        return
    month = truth["last_day"][:7] + "-01"
    compared = market.execute(
        """with sold as (
            select seller_id, category, row_number() over (
                partition by seller_id order by sum(net_value) desc, category
            ) as place
            from fct_seller_order_categories
            where is_valid and ordered_on >= cast($month as date) - interval 11 months
                and ordered_on < cast($month as date) + interval 1 month
            group by seller_id, category
        )
        select seller_id, sold.category, seller_group, max(group_size)
        from seller_benchmarks inner join sold using (seller_id)
        where place = 1 and period_start = cast($month as date) group by all""",
        {"month": month},
    ).fetchall()
    groups = {seller: told for seller, *told in compared}
    for seller in planted["sellers"]:
        category, group, size = groups.get(seller, (None, None, 0))
        yield Claim(
            "category of six", seller, group is not None and group == category and size >= 6,
            f"sold most of {category}, in a group of {size} of {group}",
        )  # fmt: skip
    of_it = [seller for seller in planted["sellers"] if seller in groups and groups[seller][1] == planted["category"]]
    yield Claim("category of six", planted["category"], len(of_it) >= 5, f"{len(of_it)} of six compared in it")


def targets(market: duckdb.DuckDBPyConnection, truth: dict) -> Iterator[Claim]:
    """Every KPI with a target has one, re-set on the planted day."""
    found = market.execute("select kpi_id, cast(max(valid_from) as varchar) from kpi_targets group by 1").fetchall()
    planted = dict.fromkeys(truth["targets"]["kpis"], truth["targets"]["re_set_on"])
    yield Claim("targets", f"{len(planted)} KPIs, re-set", dict(found) == planted, f"{len(found)}")
