"""Experiments of tiny marketplaces, worked by hand. As_of is 30 June 2024."""

import math
from fractions import Fraction

import pytest
from recompute_market import market, orders
from scipy import stats

from python_checks.journeys.trials import Z, results_table, split_p_value, verdict

LINES = "order_line_id,order_id,seller_id,product_id,quantity,unit_price,cancelled_at"
START, END = "2024-06-01T00:00:00Z", "2024-06-20T00:00:00Z"


def results(tmp_path, events, assignments, *, ended=END, kpi="conversion_rate_session", **tables):
    """experiment_results by metric, of one experiment with the control a and the variant b."""
    world = market(
        tmp_path, as_of="2024-06-30",
        experiments=f"""experiment,variant,is_control,expected_share,started_at,ended_at,kpi_id
            x,a,true,0.5,{START},{ended},{kpi}
            x,b,false,0.5,{START},{ended},{kpi}""",
        experiment_assignments="\n".join(["experiment,visitor_id,variant,assigned_at", *(
            f"x,{visitor},{variant},{when}" for visitor, variant, when in map(str.split, assignments))]),
        events="\n".join(["event_id,occurred_at,event_name,visitor_id,session_id,order_id,is_bot", *events]),
        **tables).world
    return {row["metric"]: row for row in results_table(world).to_dicts()}


def purchase(number, visitor, when, order="", bot=""):
    return f"e{number},{when},purchase,{visitor},s{number},{order},{bot}"


AT = "2024-06-05T00:00:00Z"
MARKET = {
    "orders": orders(*(f"o{n} c1 2024-06-10" for n in range(1, 5)), "o5 c3 2024-06-10", "o6 c1 2024-06-25"),
    "order_lines": "\n".join([LINES, *(f"l{n},o{n},s1,p1,1,{n}0.00,{'2024-06-11T10:00:00Z' if n == 2 else ''}"
                                      for n in range(1, 7))]),
}


def test_conversion_and_money(tmp_path):
    found = results(
        tmp_path, [
            purchase(1, "v1", "2024-06-10T10:00:00Z", "o1"), purchase(2, "v1", "2024-06-10T10:00:00Z", "o1"),
            purchase(3, "v1", "2024-06-11T10:00:00Z", "o2"),
            purchase(4, "v2", "2024-06-04T23:59:59Z", "o3"),  # before its assignment
            purchase(5, "v3", "2024-06-20T00:00:00Z", "o4"),  # at the end: after it
            purchase(6, "v5", "2024-06-05T00:00:00Z", "o3"),  # at its assignment
            purchase(7, "v6", "2024-06-12T00:00:00Z", "o5"),  # of a customer who refused analytics
            purchase(8, "v7", "2024-06-12T00:00:00Z", "unheard_of"),
            purchase(9, "v9", "2024-06-12T00:00:00Z", "o4", "true"),  # a bot, and nothing but a bot
            f"e10,{AT},page_view,v10,s10,,", f"e11,{AT},page_view,v10,s11,,true",
        ],
        # v4 and v8 have no event; v10 is a bot now and then
        [f"v{n} a {AT}" for n in (1, 2, 3, 4)] + [f"v{n} b {AT}" for n in (5, 6, 7, 8, 9, 10)]
        + ["v11 a 2024-06-20T00:00:00Z", "v12 a 2024-06-21T00:00:00Z"],  # once it had ended
        **MARKET)
    share, money = found["conversion"], found["gmv_per_visitor"]
    assert (share["visitors"], share["control_value"], share["variant_value"]) == (5, 0.25, 0.6)
    assert (share["is_primary"], money["is_primary"]) == (True, False)
    assert share["effect"] == pytest.approx(0.35) and share["relative_effect"] == pytest.approx(1.4)
    error = math.sqrt(0.25 * 0.75 / 4 + 0.6 * 0.4 / 5)
    assert share["ci_low"] == pytest.approx(0.35 - Z * error) and share["ci_high"] == pytest.approx(0.35 + Z * error)
    pooled = math.sqrt(4 / 9 * 5 / 9 * (1 / 4 + 1 / 5))
    assert share["p_value"] == pytest.approx(2 * stats.norm.sf(0.35 / pooled))
    # 4 and 5 of 9, half expected: 0.25 / 4.5 + 0.25 / 4.5 = 1 / 9
    assert share["srm_p_value"] == pytest.approx(2 * stats.norm.sf(1 / 3))
    # v1 spent 10 + 20 once each, v5 30, nobody else
    assert (money["control_value"], money["variant_value"]) == (7.5, 6.0)
    error = math.sqrt(225 / 4 + 180 / 5)  # variances of 30 0 0 0 and of 30 0 0 0 0
    freedom = (225 / 4 + 180 / 5) ** 2 / ((225 / 4) ** 2 / 3 + (180 / 5) ** 2 / 4)
    assert money["p_value"] == pytest.approx(2 * stats.t.sf(1.5 / error, freedom))
    assert money["ci_low"] == pytest.approx(-1.5 - stats.t.ppf(0.975, freedom) * error)
    # of o1 and o2 one has a cancelled line; o3 has none
    assert (share["guardrail_control"], share["guardrail_variant"]) == (0.5, 0.0)
    assert share["verdict"] == "no_difference_shown"


def test_an_experiment_that_runs_counts_to_the_end_of_as_of(tmp_path):
    found = results(
        tmp_path, [purchase(1, "v1", "2024-06-30T21:59:59Z", "o6"), purchase(2, "v2", "2024-06-30T22:00:00Z", "o1")],
        [f"v1 b {AT}", f"v2 b {AT}", f"v3 a {AT}", "v4 a 2024-06-30T22:00:00Z"], ended="", kpi="gmv", **MARKET)
    share, money = found["conversion"], found["gmv_per_visitor"]
    assert (share["verdict"], share["visitors"]) == ("running", 2)
    assert (share["variant_value"], share["control_value"]) == (0.5, 0)
    assert (share["is_primary"], money["is_primary"]) == (False, True)
    # one visitor tells no variance
    assert (money["variant_value"], money["p_value"], money["ci_low"]) == (30, None, None)
    assert share["relative_effect"] is None and share["guardrail_control"] is None


def test_nobody_converts(tmp_path):
    found = results(
        tmp_path, [purchase(1, "v9", "2024-06-30T10:00:00Z")], [f"v{n} {'ab'[n % 2]} {AT}" for n in range(4)], **MARKET)
    assert [found[metric]["p_value"] for metric in ("conversion", "gmv_per_visitor")] == [None, None]
    assert found["conversion"]["verdict"] == "no_difference_shown"


def test_without_purchases_nothing_is_known(tmp_path):
    assert results(tmp_path, [f"e1,{AT},page_view,v1,s1,,"], [f"v1 a {AT}", f"v2 b {AT}"], **MARKET) == {}


@pytest.mark.parametrize(("visitors", "shares", "p_value"), [
    ([50, 50], "0.5 0.5", 1.0), ([0, 0], "0.5 0.5", None), ([70, 30], "0.7 0.3", 1.0),
    ([60, 40], "0.5 0.5", 2 * stats.norm.sf(2)),  # 100 / 50 + 100 / 50 = 4
    ([40, 30, 20], "0.3 0.3 0.3", math.exp(-10 / 3)),  # 200 / 30 with two degrees of freedom
    ([70, 1], "1 0", 0.0), ([70, 0], "1 0", None), ([70], "1", None), ([60, 40, 0], "0.5 0.5 0", 2 * stats.norm.sf(2)),
    ([500, 300], "0.5 0.5", 2 * stats.norm.sf(math.sqrt(50))),  # 1.5e-12, to its own size
])
def test_the_split(visitors, shares, p_value):
    found = split_p_value(visitors, [Fraction(share) for share in shares.split()])
    assert found == (None if p_value is None else pytest.approx(p_value, rel=1e-9))


@pytest.mark.parametrize(("srm", "is_running", "p_value", "effect", "word"), [
    (0.0099, True, 0.001, 1.0, "invalid"), (0.01, True, 0.001, 1.0, "running"), (0.5, False, 0.049, 0.1, "better"),
    (0.5, False, 0.049, -0.1, "worse"), (0.5, False, 0.05, 0.1, "no_difference_shown"),
    (None, False, None, None, "no_difference_shown"),
])
def test_verdicts(srm, is_running, p_value, effect, word):
    assert verdict(srm, is_running, p_value, effect) == word
