"""Sellers evaluated on tiny marketplaces, worked by hand. As_of is Sunday 30 June 2024 unless said otherwise."""

import datetime as dt
import math
from fractions import Fraction

import polars as pl
import pytest
from recompute_market import market, orders

from python_checks.sellers.check import expected_tables
from python_checks.sellers.evaluation import Evaluator, Rule, evaluation_days, further_bad, read_rules, written
from python_checks.sellers.health import health_table

LINES = "order_line_id,order_id,seller_id,product_id,quantity,unit_price"
HEADER = "policy,kpi_id,operator,alert_value,limit_value,window_days,min_volume,source"
SUNDAY = dt.date(2024, 6, 30)


def evaluator(tmp_path, *rules, as_of="2024-06-30", **tables):
    """The sellers of a tiny marketplace under built-in rules, each `policy kpi operator alert limit days volume`."""
    builtin = tmp_path / "builtin.csv"
    rows = [",".join("" if word == "-" else word for word in rule.split()) + ",somewhere" for rule in rules]
    builtin.write_text("\n".join([HEADER, *rows]) + "\n")
    world = market(tmp_path, as_of=as_of, **tables).world
    return Evaluator(world, read_rules(world, builtin))


def row(found, day, seller="s1", kpi_id=None):
    """The row of a seller and day, None without."""
    rows = found.scorecard(evaluation_days(found.world.calendar.as_of)).filter(
        (pl.col("seller_id") == seller) & (pl.col("evaluated_on") == dt.date.fromisoformat(day)))
    if kpi_id:
        rows = rows.filter(pl.col("kpi_id") == kpi_id)
    assert len(rows) <= 1
    return rows.to_dicts()[0] if len(rows) else None


def terms(found, day, **where):
    """Numerator and denominator of such a row."""
    there = row(found, day, **where)
    return there and (there["numerator"], there["denominator"])


def lines(count, *, seller="s1", **columns):
    """A line in each of the orders o1.., and further columns by line number."""
    names = sorted({name for column in columns.values() for name in column})
    rows = [f"{LINES}" + "".join(f",{name}" for name in names)]
    for n in range(1, count + 1):
        told = columns.get(f"l{n}", {})
        rows.append(f"l{n},o{n},{seller},p1,1,1.00" + "".join(f",{told.get(name, '')}" for name in names))
    return "\n".join(rows)


def test_evaluation_days_are_as_of_and_26_sundays_before_it():
    days = evaluation_days(SUNDAY)
    assert (len(days), days[-1], days[-2], days[0]) == (27, SUNDAY, dt.date(2024, 6, 23), dt.date(2023, 12, 31))
    assert evaluation_days(dt.date(2024, 7, 3))[-2:] == [SUNDAY, dt.date(2024, 7, 3)]
    assert evaluation_days(dt.date(2024, 7, 1))[-2:] == [SUNDAY, dt.date(2024, 7, 1)]


def test_an_order_is_decided_the_day_it_is_accepted_or_refused(tmp_path):
    found = evaluator(
        tmp_path, "default acceptance_rate >= - 0.9 30 1",
        orders=orders("o1 c1 2024-06-14", "o2 c1 2024-06-15", "o3 c1 2024-06-15", "o4 c1 2024-06-28"),
        order_lines=lines(
            4, l1={"accepted_at": "2024-06-17T10:00:00Z"}, l2={"refused_at": "2024-06-24T10:00:00Z"},
            # accepted, then refused: overturned, so never accepted
            l3={"accepted_at": "2024-06-16T10:00:00Z", "refused_at": "2024-06-27T10:00:00Z"}, l4={}))
    assert terms(found, "2024-06-16") is None
    assert terms(found, "2024-06-23") == (1, 1)
    assert terms(found, "2024-06-30") == (1, 3)


def test_an_order_enters_on_its_payment_day_and_the_window_counts_order_days(tmp_path):
    found = evaluator(
        tmp_path, "default seller_cancellation_rate <= - 0.1 7 1",
        orders="""order_id,customer_id,ordered_at,paid_at,currency
            o1,c1,2024-06-14T12:00:00Z,2024-06-15T12:00:00Z,EUR
            o2,c1,2024-06-16T12:00:00Z,2024-06-17T12:00:00Z,EUR
            o3,c1,2024-06-17T12:00:00Z,2024-06-17T12:00:00Z,EUR
            o4,c1,2024-06-23T21:59:00Z,2024-06-23T21:59:00Z,EUR
            o5,c1,2024-06-23T22:00:00Z,2024-06-23T22:00:00Z,EUR""",
        order_lines=lines(
            5, l1={"cancelled_at": "2024-06-20T10:00:00Z", "cancelled_by": "seller"},
            l3={"cancelled_at": "2024-06-24T10:00:00Z", "cancelled_by": "seller"},
            l4={"cancelled_at": "2024-06-24T10:00:00Z", "cancelled_by": "platform"},
            l5={"cancelled_at": "2024-06-24T10:00:00Z", "cancelled_by": "seller"}))
    # days 10..16: o1; o2 is paid the day after; cancelled later
    assert terms(found, "2024-06-16") == (0, 1)
    # days 17..23: o3 and o4; o2 is too old by now, o3 is cancelled the day after
    assert terms(found, "2024-06-23") == (0, 2)
    # days 24..30: o5, an order of the 24th in Paris
    assert terms(found, "2024-06-30") == (1, 1)


def test_a_defect_counts_from_its_day_once_and_never_when_overturned(tmp_path):
    found = evaluator(
        tmp_path, "default order_defect_rate <= - 0.1 60 1",
        orders=orders(*(f"o{n} c1 2024-06-14" for n in range(1, 6))), order_lines=lines(5),
        reviews="""review_id,order_id,seller_id,subject,rating,created_at,withdrawn_at
            r1,o1,s1,seller,1,2024-06-20T10:00:00Z,
            r2,o2,,seller,2,2024-06-18T10:00:00Z,2024-06-29T10:00:00Z
            r3,o3,s1,product,1,2024-06-18T10:00:00Z,
            r4,o4,s1,seller,3,2024-06-18T10:00:00Z,""",
        claims="""claim_id,order_line_id,opened_at,kind,decided_at,decision
            k1,l1,2024-06-25T10:00:00Z,a_to_z,,
            k2,l3,2024-06-18T10:00:00Z,chargeback,2024-06-28T10:00:00Z,seller
            k3,l4,2024-06-26T10:00:00Z,chargeback,,
            k4,l5,2024-06-18T10:00:00Z,incident,,""")
    assert terms(found, "2024-06-16") == (0, 5)
    assert terms(found, "2024-06-23") == (1, 5)  # o1; the review of o2 was withdrawn later
    assert terms(found, "2024-06-30") == (2, 5)  # and o4


def test_a_late_shipment_counts_from_its_ship_by_day(tmp_path):
    found = evaluator(
        tmp_path, "default late_shipment_rate <= - 0.1 30 1",
        orders=orders("o1 c1 2024-06-14", "o2 c1 2024-06-14", "o3 c1 2024-06-14"),
        order_lines=lines(
            3, l1={"ship_by_at": "2024-06-16T10:00:00Z", "shipped_at": "2024-06-18T10:00:00Z"},
            l2={"ship_by_at": "2024-06-22T10:00:00Z", "shipped_at": "2024-06-22T09:00:00Z"},
            l3={"ship_by_at": "2024-06-24T10:00:00Z"}))
    assert terms(found, "2024-06-16") == (1, 1)
    assert terms(found, "2024-06-23") == (1, 2)
    assert terms(found, "2024-06-30") == (2, 3)


def test_what_is_dated_in_a_vacation_is_left_out(tmp_path):
    found = evaluator(
        tmp_path, "default seller_cancellation_rate <= - 0.1 30 1",
        orders=orders("o1 c1 2024-06-11", "o2 c1 2024-06-12T06:00:00Z", "o3 c1 2024-06-13", "o4 c1 2024-06-14"),
        order_lines=lines(4, l1={"cancelled_by": "", "refused_at": "2024-06-12T10:00:00Z"}),
        seller_status_events="""event_id,seller_id,occurred_at,status
            e1,s1,2024-06-12T10:00:00Z,vacation_started
            e2,s1,2024-06-14T10:00:00Z,vacation_ended""")
    # at the end of the 12th and the 13th the seller is away
    assert terms(found, "2024-06-30") == (1, 2)


def test_returns_add_up_day_by_day_to_no_more_than_was_bought(tmp_path):
    found = evaluator(
        tmp_path, "default return_rate <= - 0.1 60 1",
        orders=orders("o1 c1 2024-06-01"),
        order_lines=f"{LINES},delivered_at\nl1,o1,s1,p1,3,1.00,2024-06-05T10:00:00Z",
        returns="""return_id,order_line_id,requested_at,quantity
            r1,l1,2024-06-20T10:00:00Z,2
            r2,l1,2024-06-25T10:00:00Z,2""")
    assert terms(found, "2024-06-02") is None
    assert terms(found, "2024-06-16") == (0, 3)
    assert terms(found, "2024-06-23") == (2, 3)
    assert terms(found, "2024-06-30") == (3, 3)


def test_a_ticket_is_due_once_24_hours_have_passed(tmp_path):
    found = evaluator(
        tmp_path, "default seller_response_sla_24h_rate >= - 0.9 90 1",
        "default seller_response_time_median <= - 24 90 1",
        orders=orders("o1 c1 2024-06-01"), order_lines=lines(1),
        support_tickets="""ticket_id,opened_at,requester,handled_by,seller_id,first_response_at
            t1,2024-06-20T10:00:00Z,buyer,seller,s1,2024-06-20T14:00:00Z
            t2,2024-06-22T10:00:00Z,buyer,seller,s1,2024-06-24T10:00:00Z
            t3,2024-06-29T22:00:00Z,buyer,seller,s1,
            t4,2024-06-29T22:00:01Z,buyer,seller,s1,""")
    sla = "seller_response_sla_24h_rate"
    assert terms(found, "2024-06-23", kpi_id=sla) == (1, 2)  # the 22nd at 12:00 in Paris and a day lies before the end
    assert terms(found, "2024-06-30", kpi_id=sla) == (1, 3)  # t4 is a second too young
    hours = row(found, "2024-06-30", kpi_id="seller_response_time_median")
    assert (hours["value"], hours["volume"], hours["numerator"], hours["headroom"], hours["wilson_low"]) == (
        26, 2, None, None, None)
    # t2 is answered the day after that Sunday
    assert row(found, "2024-06-23", kpi_id="seller_response_time_median")["value"] == 4


def test_the_state_of_a_rate(tmp_path):
    rules = ["default cancellation_rate <= 0.05 0.1 30 {volume}"]
    tables = {
        "orders": orders(*(f"o{n} c1 2024-06-{n:02}" for n in range(1, 22))),
        "order_lines": lines(21, l20={"refused_at": "2024-06-21T10:00:00Z"}),
    }
    calm = row(evaluator(tmp_path, rules[0].format(volume=12), **tables), "2024-06-30")
    # days 1..30: 1 of 21 is 0.0476; the last 15 days, 16..30, hold 6, half of 12, and 1 bad of them
    assert (calm["status"], calm["projected_breach"], calm["headroom"], calm["is_certain"]) == ("ok", True, 1, False)
    assert not row(evaluator(tmp_path, rules[0].format(volume=13), **tables), "2024-06-30")["projected_breach"]
    z2 = 1.959963984540054**2
    middle, half = (1 + z2 / 2) / (21 + z2), math.sqrt(z2 * (20 / 21 + z2 / 4)) / (21 + z2)
    assert calm["wilson_low"] == pytest.approx(middle - half, abs=1e-12)
    assert calm["wilson_high"] == pytest.approx(middle + half, abs=1e-12)
    few = row(evaluator(tmp_path, rules[0].format(volume=22), **tables), "2024-06-30")
    assert (few["status"], few["projected_breach"], few["value"]) == ("insufficient_data", False, 1 / 21)


def test_a_breach_is_certain_when_the_nearer_bound_is_beyond_the_limit_too(tmp_path):
    def judged(bad):
        return row(evaluator(
            tmp_path, "default cancellation_rate <= 0.05 0.1 30 20",
            orders=orders(*(f"o{n} c1 2024-06-20" for n in range(1, 21))),
            order_lines=lines(20, **{f"l{n}": {"refused_at": "2024-06-21T10:00:00Z"} for n in range(1, bad + 1)}),
        ), "2024-06-30")

    assert (judged(2)["status"], judged(2)["headroom"]) == ("alert", 0)
    # 3 of 20: from 0.052; 6 of 20: from 0.145
    assert (judged(3)["status"], judged(3)["is_certain"], judged(3)["headroom"]) == ("limit", False, -1)
    assert (judged(6)["status"], judged(6)["is_certain"], judged(6)["headroom"]) == ("limit", True, -4)


def test_a_feed_that_does_not_cover_the_window_leaves_the_status_open(tmp_path):
    tables = {
        "orders": orders("o1 c1 2024-05-25", "o2 c1 2024-06-20"),
        "order_lines": lines(2, l1={"accepted_at": "2024-05-26T10:00:00Z"}, l2={"accepted_at": "2024-06-20T12:00:00Z"}),
        "claims": "claim_id,order_line_id,opened_at,kind\nk1,l2,2024-06-21T10:00:00Z,incident",
        "feed_coverage": "table_name,covers_from,covers_to\nclaims,2024-05-25,2024-06-25",
    }
    found = evaluator(tmp_path, "default claim_rate <= - 0.1 60 1", **tables)
    assert row(found, "2024-06-23")["status"] == "limit"  # days before the span count as covered
    late = row(found, "2024-06-30")
    assert (late["status"], late["value"], late["volume"]) == ("insufficient_data", 0.5, 2)


def test_policies_are_the_sellers_own_the_delivered_and_the_default(tmp_path):
    found = evaluator(
        tmp_path, "default cancellation_rate <= - 0.1 30 20", "default avg_rating >= 4.0 3.0 180 -",
        "strict reviews >= - 5 90 -",
        sellers="seller_id,policy\ns1,strict\ns2,\ns3,unheard_of",
        seller_policies="""policy,kpi_id,operator,alert_value,limit_value,window_days,min_volume
            default,cancellation_rate,<,0.04,0.05,10,
            strict,cancellation_rate,<=,,0.01,30,5""",
        orders=orders("o1 c1 2024-06-20"), order_lines=lines(1))
    assert found.policies == {"s1": "strict", "s2": "default", "s3": "default"}
    assert [(rule.policy, rule.kpi_id, rule.operator, rule.alert, rule.limit, rule.window_days, rule.min_volume)
            for rule in found.rules] == [
        ("default", "avg_rating", ">=", 4, 3, 180, 20),
        ("default", "cancellation_rate", "<", Fraction("0.04"), Fraction("0.05"), 10, 20),
        ("strict", "cancellation_rate", "<=", None, Fraction("0.01"), 30, 5),
        ("strict", "reviews", ">=", None, 5, 90, None),
    ]


def test_without_what_a_kpi_needs_there_is_no_row(tmp_path):
    found = evaluator(
        tmp_path, "default cancellation_rate <= - 0.1 30 1", "default seller_orders >= - 1 30 -",
        orders=orders("o1 c1 2024-06-20"), order_lines=lines(1))
    only = row(found, "2024-06-30")
    assert (only["kpi_id"], only["value"], only["denominator"], only["status"]) == ("seller_orders", 1, None, "ok")


@pytest.mark.parametrize(("operator", "limit", "numerator", "denominator", "further"), [
    ("<=", "0.1", 0, 20, 2), ("<", "0.1", 0, 20, 1), ("<=", "0.29", 0, 100, 29), ("<", "0.025", 2, 41, -1),
    (">=", "0.9", 18, 20, 0), (">", "0.9", 18, 20, -1), (">=", "0.95", 25, 25, 1), (">=", "0.07", 100, 100, 93),
    ("<=", "1", 4, 5, 1), ("<=", "3", 4, 5, 1), (">=", "-1", 4, 5, 4),
])
def test_headroom_is_exact(operator, limit, numerator, denominator, further):
    rule = Rule("default", "claim_rate", operator, None, Fraction(limit), 30, 20)
    assert further_bad(rule, numerator, denominator) == further


@pytest.mark.parametrize(("value", "text"), [
    (1 / 30, "0.0333"), (0.5, "0.5"), (3.0, "3"), (0.03125, "0.0313"), (0.0, "0"), (12.00004, "12"), (-0.25, "-0.25"),
    (0.99996, "1"),
])
def test_numbers_are_written_short(value, text):
    assert written(value) == text


def test_health_counts_the_worst_of_each_group_once(tmp_path):
    found = evaluator(
        tmp_path, "default cancellation_rate <= - 0.1 30 1",
        sellers="""seller_id,validated_at
            s1,2024-01-01T00:00:00Z
            s2,2024-01-01T00:00:00Z
            s3,2024-06-29T22:30:00Z
            s4,2024-01-01T00:00:00Z
            s5,""",
        orders=orders("o1 c1 2024-06-20"), order_lines=lines(1),
        seller_status_events="""event_id,seller_id,occurred_at,status
            e1,s4,2024-06-25T10:00:00Z,closed
            e2,s3,2024-06-30T10:00:00Z,vacation_started""")
    rows = [
        ("s1", "acceptance_rate", "limit"), ("s1", "seller_cancellation_rate", "ok"), ("s1", "claim_rate", "alert"),
        ("s1", "avg_rating", "insufficient_data"), ("s1", "late_shipment_rate", "ok"),
        ("s2", "acceptance_rate", "ok"), ("s2", "avg_rating", "ok"), ("s3", "avg_rating", "insufficient_data"),
    ]
    scorecard = pl.DataFrame(rows, ["seller_id", "kpi_id", "status"], orient="row").with_columns(
        evaluated_on=pl.lit(SUNDAY))
    days = [dt.date(2024, 6, 23), SUNDAY]
    health = health_table(found.world, scorecard, days, {"s1": "strict"}).sort("evaluated_on", "seller_id")
    on_sunday = health.filter(pl.col("evaluated_on") == SUNDAY).drop("evaluated_on").rows()
    assert on_sunday == [
        ("s1", 50.0, 2, "acceptance_rate", "strict", False),  # promise 0, after_sale 50, delivery 100
        ("s2", 100.0, 1, None, "default", False),
        ("s3", None, None, None, "default", True),
    ]
    # s3 is validated on the 30th in Paris, s4 was not closed yet
    assert health.filter(pl.col("evaluated_on") < SUNDAY)["seller_id"].to_list() == ["s1", "s2", "s4"]


def test_tables_of_a_market_without_anything_optional(tmp_path):
    builtin = tmp_path / "builtin.csv"
    builtin.write_text(f"{HEADER}\ndefault,avg_rating,>=,4.0,3.0,180,10,somewhere\n")
    world = market(
        tmp_path, as_of="2024-06-30", sellers="seller_id\ns1", orders=orders("o1 c1 2024-06-20"),
        order_lines=lines(1)).world
    values = pl.DataFrame(schema={
        "kpi_id": pl.String, "period_grain": pl.String, "period_start": pl.Date, "dimension": pl.String,
        "dimension_value": pl.String, "value": pl.Float64, "sample_size": pl.Int64})
    tables = {expected.table: expected.frame for expected in expected_tables(world, values, builtin)}
    sizes = {name: len(frame) for name, frame in tables.items()}
    assert sizes == {
        "seller_policies": 1, "seller_scorecard": 0, "seller_health": 0, "seller_account_events": 0,
        "seller_next_steps": 1, "seller_benchmarks": 0, "top_sellers": 0}
    assert tables["seller_next_steps"]["proposed_step"].to_list() == ["none"]
