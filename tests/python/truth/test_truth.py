"""What was planted in two markets of one seed is found, and each way of looking for it fails where it is not there.

`make soak` does the same with twenty seeds (soak.py).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from ops.project import ROOT
from tests.python.truth import claims
from tests.python.truth.alarms import Alarms, Tally
from tests.python.truth.claims import Claim
from tests.python.truth.markets import PLANTED, Market

SEED = 2

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def markets(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Market]:
    """What a soak of one seed told, and the market in which something is planted."""
    folder: Path = tmp_path_factory.mktemp("truth")
    soak = ["tests.python.truth.soak", "--seeds", "1", "--first", str(SEED), "--folder", str(folder)]
    done = subprocess.run(
        [sys.executable, "-m", *soak],
        cwd=ROOT, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, Market(PLANTED.with_changes(seed=SEED), folder / "planted")


def found(market: Market, claim: Callable[..., Iterator[Claim]], change: str = "", **truth: object) -> list[Claim]:
    """What a claim finds, after a table was overlaid or the truth was told otherwise."""
    with market.open() as tables:
        if change:
            tables.execute(change)
        return list(claim(tables, market.truth | truth))


def missed(every: list[Claim]) -> list[Claim]:
    return [claim for claim in every if not claim.is_held]


def test_everything_planted_is_found(markets: tuple[str, Market]) -> None:
    told, market = markets
    every = found(market, claims.claims_of)
    assert len(missed(every)) <= claims.most_misses(len(every)), missed(every)
    assert {claim.kind for claim in every} == {
        "odd day", "campaign", "affinity", "experiment", "worsening_sellers", "improving_sellers", "trend",
        "lagged pair", "story", "category of six", "targets",
    }  # fmt: skip
    assert "alarms in plain markets" in told


@pytest.mark.parametrize(
    ("claim", "change"),
    [
        (
            claims.odd_days,
            """create temp table kpi_anomalies as select * replace (case when z > 5 then false else is_anomaly end
            as is_anomaly) from marts.kpi_anomalies""",
        ),
        (
            claims.odd_days,
            """create temp table kpi_anomalies as select * replace (value / 3 as value)
            from marts.kpi_anomalies where period_start = date '{spike}'
            union all select * from marts.kpi_anomalies where period_start <> date '{spike}'""",
        ),
        (
            claims.campaign,
            """create temp table campaign_impact as
            select * replace (1 / market_change_adjusted as market_change_adjusted) from marts.campaign_impact""",
        ),
        (
            claims.affinities,
            "create temp table cross_sell_pairs as select * replace (lift / 2 as lift) from marts.cross_sell_pairs",
        ),
        (
            claims.experiments,
            """create temp table experiment_results as
            select * replace (control_value as variant_value, variant_value as control_value)
            from marts.experiment_results""",
        ),
        (
            claims.experiments,
            """create temp table experiment_results as
            select * replace (srm_p_value + 0.01 as srm_p_value) from marts.experiment_results""",
        ),
        (
            claims.sellers_that_change,
            """create temp table kpi_values as
            select * replace (case when kpi_id = 'late_shipment_rate' then denominator - numerator else numerator end
            as numerator) from marts.kpi_values""",
        ),
        (
            claims.sellers_that_change,
            """create temp table seller_scorecard as
            select * replace (case when status = 'limit' then 'alert' else status end as status)
            from marts.seller_scorecard""",
        ),
        (
            claims.trends,
            """create temp table kpi_trends as
            select * replace (slope_rate * 2 as slope_rate) from marts.kpi_trends""",
        ),
        (
            claims.lagged_pairs,
            """create temp table kpi_correlations as
            select * replace (-lag_days as lag_days) from marts.kpi_correlations""",
        ),
        (
            claims.stories,
            """create temp table seller_next_steps as select * replace (case when proposed_step = 'warn_again'
            then 'suspend' else proposed_step end as proposed_step) from marts.seller_next_steps""",
        ),
        (
            claims.stories,
            """create temp table seller_account_events as
            select * from marts.seller_account_events where status <> 'action_plan'""",
        ),
        (
            claims.category_of_six,
            """create temp table seller_benchmarks as
            select * replace ('all' as seller_group) from marts.seller_benchmarks""",
        ),
        (
            claims.targets,
            "create temp table kpi_targets as select * from marts.kpi_targets where valid_to is not null",
        ),
    ],
)
def test_what_is_wrong_is_a_miss(
    markets: tuple[str, Market], claim: Callable[..., Iterator[Claim]], change: str
) -> None:
    """A table that says something else loses what it said."""
    _, market = markets
    (spike,) = (day["date"] for day in market.truth["anomalous_days"] if day["kind"] == "spike")
    assert len(missed(found(market, claim, change.format(spike=spike)))) > len(missed(found(market, claim)))


def test_what_was_not_planted_is_not_found(markets: tuple[str, Market]) -> None:
    """Truth told otherwise: another lift, another day, sellers the other way round."""
    _, market = markets
    truth = market.truth
    spikes = [day | {"date": "2026-06-09"} for day in truth["anomalous_days"] if day["kind"] == "spike"]
    for claim, told in (
        (claims.odd_days, {"anomalous_days": spikes}),
        (claims.campaign, {"campaign_lift": truth["campaign_lift"] | {"order_factor": 1.0}}),
        (claims.trends, {"trends": [trend | {"factor": 1.1} for trend in truth["trends"]]}),
        (claims.sellers_that_change, {"worsening_sellers": truth["improving_sellers"], "improving_sellers": []}),
        (claims.affinities, {"affinities": [a | {"probability_of_a_further_line": 0} for a in truth["affinities"]]}),
    ):
        assert missed(found(market, claim, **told)), claim


def test_how_many_misses_are_chance() -> None:
    """One in a thousand: of a thousand claims one is expected, more than five are no chance any more."""
    assert [claims.most_misses(n) for n in (1, 100, 1000)] == [0, 2, 5]


def test_a_broken_promise_is_seen() -> None:
    alarms = Alarms()
    alarms.tallies["splits of experiments"] = Tally(8, 80)
    alarms.tallies["verdicts on money"] = Tally(8, 80)
    assert alarms.broken == ["splits of experiments"]
    low, high = Tally(8, 80).interval
    assert low < 0.1 < high


def test_days_of_noise_are_counted() -> None:
    """A market in which every day is an anomaly breaks the promise on days."""
    alarms = Alarms()
    with duckdb.connect() as tables:
        tables.execute(
            """create table kpi_anomalies as select 'orders' as kpi_id, true as is_anomaly, 9.0 as z,
            false as is_special_day, date '2026-01-01' + cast(range as integer) as period_start from range(100);
            create table kpi_trends as select 'orders' as kpi_id, 'week' as period_grain, 'flat' as trend;
            create table experiment_results as select 'conversion' as metric, 'b' as variant, 0.5 as p_value,
            0.5 as srm_p_value where false"""
        )
        alarms.count_signals(tables)
    assert alarms.broken == ["days of counts"]
    assert alarms.tallies["trends by week"] == Tally(0, 1)
