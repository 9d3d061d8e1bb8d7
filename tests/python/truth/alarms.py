"""How often the methods raise an alarm in markets in which nothing is planted, beside what they promise.

A tally counts alarms among the chances to raise one. `interval` is the exact 99.9 % one (Clopper and Pearson); it takes
chances for independent, as days of one KPI, splits and pairs of different markets are. A promise is broken where even
the lower end lies above it.

KPIs of one market are all linked by its days: more orders are more payments, shipments and reviews. So what goes
together by chance is looked for in pairs of KPIs of two markets, which have nothing in common, by the rules of
kpi_correlations as they are recomputed (python_checks). Without those that fees and costs are in: all markets are
billed in the first days of the month, which ties their margins together as it should.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import duckdb
import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests

from ops.simulate import parties
from ops.simulate.settings import Settings
from ops.simulate.world import build_world
from python_checks.decisions.correlations import FALSE_SHARE, OWN_DAYS, STEP, best_lag, memory, p_value
from python_checks.decisions.scorecard import SAME
from python_checks.decisions.signals import lagged
from tests.python.truth.claims import MISSED, late_share

# What is level in a plain market, by the noise it has: KPIs that no history of accounts moves.
COUNTS = ("orders", "sessions", "page_views", "product_views", "searches")
RATES = (
    "conversion_rate_session", "bounce_rate", "engagement_rate", "zero_result_rate", "multi_product_order_share",
    "good_page_load_share",
)  # fmt: skip
SUMS = ("gmv", "aov", "median_order_value", "items_per_order", "avg_session_duration", "page_load_p75")
LEVEL = (*COUNTS, *RATES, *SUMS)
WAYS_TO_WORK = (0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)  # between which the share of late shipments is a line
# A simulated span is not level at its end: nobody comes for the orders of the weeks after it, and the last day ends at
# midnight UTC.
LAST_DAYS = 28
TURNS = 5  # pairs of each KPI of a market with one of the market before

# Days: what kpi_anomalies.yml says of such noise (tests/python/decisions/test_false_alarms.py). Counts have an effect
# of the day besides chance, which moves busy weekdays more; rates of a few visits and sums of money have heavy tails.
PROMISED = {
    "days of counts": 0.0025,
    "days of rates": 0.02,
    "days of sums and averages": 0.02,
    "trends by week": 0.05,
    "trends by month": 0.05,
    "pairs with p < 0.05": 0.05,
    "families of pairs with a significant one": FALSE_SHARE,
    "splits of experiments": 0.01,
    "verdicts on conversion": 0.05,
    "verdicts on money": 0.05,
    "sellers certainly beyond what they do": 0.025,
}


@dataclass
class Tally:
    """Alarms among chances."""

    alarms: int = 0
    chances: int = 0

    @property
    def rate(self) -> float:
        """Alarms per chance."""
        return self.alarms / self.chances

    @property
    def interval(self) -> tuple[float, float]:
        """The exact 99.9 % interval of the rate."""
        found = stats.binomtest(self.alarms, self.chances).proportion_ci(1 - MISSED, method="exact")
        return float(found.low), float(found.high)


@dataclass
class Alarms:
    """The tallies of plain markets, by method. `add` each market once."""

    tallies: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    of_kpis: dict[tuple[str, str], Tally] = field(default_factory=lambda: defaultdict(Tally))
    steps_before: dict[str, np.ndarray] | None = None

    @property
    def broken(self) -> list[str]:
        """The methods that certainly raise more alarms than they promise."""
        return [name for name, promised in PROMISED.items()
                if self.tallies[name].chances and self.tallies[name].interval[0] > promised]

    def add(self, market: duckdb.DuckDBPyConnection, settings: Settings) -> None:
        """Count the alarms of one market, and of its pairs with the market before."""
        self.count_signals(market)
        self._add_sellers(market, settings)
        self._add_pairs(market)

    def count_signals(self, market: duckdb.DuckDBPyConnection) -> None:
        """Count days, trends and experiments."""
        for name, kpis in (
            ("days of counts", COUNTS), ("days of rates", RATES), ("days of sums and averages", SUMS)
        ):  # fmt: skip
            for kpi, alarms, chances in market.execute(
                """select kpi_id, count(*) filter (is_anomaly), count(*) from kpi_anomalies
                where kpi_id in (select unnest($kpis)) and z is not null and not is_special_day
                    and period_start <= (select max(period_start) from kpi_anomalies) - $last
                group by kpi_id""",
                {"kpis": kpis, "last": LAST_DAYS},
            ).fetchall():
                self._count(name, alarms, chances)
                self._count_of(kpi, "day", alarms, chances)
        for grain in ("week", "month"):
            for kpi, is_trend in market.execute(
                """select kpi_id, trend <> 'flat' from kpi_trends
                where kpi_id in (select unnest($kpis)) and period_grain = $grain and trend <> 'unknown'""",
                {"kpis": LEVEL, "grain": grain},
            ).fetchall():
                self._count(f"trends by {grain}", is_trend, 1)
                self._count_of(kpi, grain, is_trend, 1)
        for metric, p, split in market.execute(
            "select metric, p_value, srm_p_value from experiment_results where variant = 'b'"
        ).fetchall():
            self._count("verdicts on conversion" if metric == "conversion" else "verdicts on money", p < 0.05, 1)
            if metric == "conversion":
                self._count("splits of experiments", split < 0.01, 1)

    def _count(self, name: str, alarms: int, chances: int) -> None:
        tally = self.tallies[name]
        tally.alarms, tally.chances = tally.alarms + int(alarms), tally.chances + chances

    def _count_of(self, kpi: str, grain: str, alarms: int, chances: int) -> None:
        tally = self.of_kpis[kpi, grain]
        tally.alarms, tally.chances = tally.alarms + int(alarms), tally.chances + chances

    def _add_sellers(self, market: duckdb.DuckDBPyConnection, settings: Settings) -> None:
        """Sellers whose interval lies beyond the very share that they ship late by their way to work.

        Such a seller would count as certainly beyond a limit that it just keeps to; any other limit it keeps to lies
        farther away.
        """
        bad = parties.simulate_sellers(build_world(settings)).bad
        for seller, low in market.execute(
            """select cast(substr(seller_id, 2) as integer), wilson_low from seller_scorecard
            where kpi_id = 'late_shipment_rate' and status <> 'insufficient_data'
                and evaluated_on = (select max(evaluated_on) from seller_scorecard)"""
        ).fetchall():
            share = np.interp(bad[seller], WAYS_TO_WORK, [late_share(way) for way in WAYS_TO_WORK])
            self._count("sellers certainly beyond what they do", low > share, 1)

    def _add_pairs(self, market: duckdb.DuckDBPyConnection) -> None:
        steps = steps_of(market)
        before, self.steps_before = self.steps_before, steps
        if before is None:
            return
        p_values = []
        names, others = sorted(steps), sorted(before)
        for turn in range(TURNS):
            for place, name in enumerate(names):
                one, other = before[others[(place + 11 * turn + 1) % len(others)]], steps[name]
                best = best_lag(one, other)
                if best:
                    n_eff = best[3] / max(1.0, 1 + 2 * float(np.sum(memory(one) * memory(other))))
                    p_values.append(p_value(best[0], n_eff))
        self._count("pairs with p < 0.05", sum(p < 0.05 for p in p_values), len(p_values))
        found = multipletests(p_values, alpha=FALSE_SHARE, method="fdr_bh")[0]
        self._count("families of pairs with a significant one", any(found), 1)


def steps_of(market: duckdb.DuckDBPyConnection) -> dict[str, np.ndarray]:
    """Per KPI that kpi_correlations looks at: its changes over a week, by day of the market's last 250 final ones."""
    rows = market.execute(
        """select kpi_id, period_number, case when has_volume then value end, recency
        from intermediate.int_final_values join dim_kpi using (kpi_id)
        where period_grain = 'day' and not is_rolling and source_tables not like '%fct_ledger%'
            and source_tables not like '%fct_operating_costs%'"""
    ).fetchall()
    last = max(number for _, number, _, _ in rows)
    values, own = defaultdict(lambda: np.full(250, np.nan)), defaultdict(lambda: np.zeros(250, bool))
    for kpi, number, value, recency in rows:
        if (place := number - last + 249) >= 0:
            values[kpi][place] = np.nan if value is None else value
            own[kpi][place] = recency <= OWN_DAYS
    found = {}
    for kpi, known in values.items():
        steps = np.where(own[kpi], np.round(known - lagged(known, STEP), SAME), np.nan)
        if np.count_nonzero(~np.isnan(steps)) >= 28 and np.nanmin(steps) < np.nanmax(steps):
            found[kpi] = steps
    return found
