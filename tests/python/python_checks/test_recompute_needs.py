"""What a KPI needs and which days the deliveries cover, worked by hand on tiny marketplaces."""

import csv
import datetime as dt
import os
from pathlib import Path

import polars as pl
import pytest
from recompute_market import NOTHING_REFUNDED, market, orders

from python_checks.recompute.catalogue import KPIS, Kpi
from python_checks.recompute.contract import TABLES
from python_checks.recompute.coverage import COUNTED_LATER, FEEDS, named, unknown
from python_checks.recompute.files import ExtractError

KPIS_CSV = Path(os.environ.get("KPIS_CSV", Path(__file__).parents[4] / "shared" / "spec" / "kpis.csv"))
LINES = "order_line_id,order_id,seller_id,product_id,quantity,unit_price"
ORDER = {"orders": orders("o1 c1 2024-05-01"), "order_lines": f"{LINES}\nl1,o1,s1,p1,1,10.00"}
DAY = ("day", "2024-05-01")
NOTHING = (None, None, None)
# A market from New Year's Day to New Year's Eve of a leap year, with an order on both.
YEAR = {
    "orders": orders("o1 c1 2024-01-01", "o2 c1 2024-12-31"),
    "order_lines": f"{LINES}\nl1,o1,s1,p1,1,10.00\nl2,o2,s1,p1,1,10.00",
}


def covered(m, kpi_id, grain, start):
    """Whether a period is covered; when it is not, nothing is said of it."""
    row = m.row(kpi_id, grain, start)
    if not row["is_covered"]:
        assert [row[name] for name in ("numerator", "denominator", "value", "sample_size")] == [None] * 4
    return row["is_covered"]


def days(first, count, step=1):
    start = dt.date.fromisoformat(first)
    return [(start + dt.timedelta(days=n * step)).isoformat() for n in range(count)]


def payments(moments):
    rows = [f"y{n},o1,{day}T12:00:00Z,succeeded,1.00,EUR" for n, day in enumerate(moments)]
    return "\n".join(["payment_id,order_id,attempted_at,status,amount,currency", *rows])


# -- the catalogue ----------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not KPIS_CSV.is_file(), reason="skipped: no data")
def test_the_catalogue_is_that_of_the_definitions():
    with KPIS_CSV.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["kpi_id"] for row in rows) == sorted(KPIS)
    for row in rows:
        kpi = KPIS[row["kpi_id"]]
        maturity = None if row["mode"] == "event" else int(row["maturity_days"])
        assert (row["family"], maturity) == (kpi.family, kpi.maturity)
        assert row["dimensions"].split() == list(kpi.dimensions)
        assert row["needs"].split() == list(kpi.needs), kpi.kpi_id


def test_every_need_names_something_known():
    needs = {one for kpi in KPIS.values() for need in kpi.needs for one in need.split("|")}
    assert not [need for need in needs if unknown(need)]
    for need in needs:
        table, column, _ = named(need)
        assert not column or column in TABLES[table].used
    for need in ("refund", "orders.paid", "payments.status=paid", "events:buy", "orders:purchase"):
        assert unknown(need)
    assert set(FEEDS) >= COUNTED_LATER


# -- needs ------------------------------------------------------------------------------------------------------------


def test_one_of_the_alternatives_is_enough(tmp_path):
    assert market(tmp_path, **ORDER).terms("cancellation_rate", *DAY) == NOTHING
    refused = f"{LINES},refused_at\nl1,o1,s1,p1,1,10.00,\nl2,o1,s1,p2,1,5.00,2024-05-01T13:00:00Z"
    m = market(tmp_path, **{**ORDER, "order_lines": refused})
    assert m.terms("cancellation_rate", *DAY) == (1, 1, 1)
    assert m.value("gmv_net", *DAY) == 10
    empty = f"{LINES},refused_at,cancelled_at\nl1,o1,s1,p1,1,10.00,,"
    m = market(tmp_path, **{**ORDER, "order_lines": empty})
    assert m.value("gmv_net", *DAY) is None  # columns that are null in every row are absent
    assert m.row("gmv_net", *DAY)["is_covered"] is False
    assert m.value("gmv", *DAY) == 10


def test_dates_do_not_matter_to_a_need_and_rejected_rows_do_not_meet_it(tmp_path):
    refund = "refund_id,order_line_id,refunded_at,amount,currency\nr1,l1,2024-05-09T12:00:00Z,{},EUR"
    m = market(tmp_path, **ORDER, refunds=refund.format("5.00"))
    assert m.value("refunded_amount", *DAY) == 0  # later than as_of, but refunds are delivered
    assert m.value("gmv_net", *DAY) == 10
    m = market(tmp_path, **ORDER, refunds=refund.format("five"))
    assert m.value("refunded_amount", *DAY) is None
    assert m.row("refunded_amount", *DAY, "category=books") is None


def test_lines_that_wait_for_their_order_do_not_meet_a_need(tmp_path):
    lines = f"{LINES},commission_amount,delivered_at\nl1,o1,s1,p1,1,10.00,,2024-05-01T13:00:00Z"
    waiting = f"{lines}\nl2,o9,s1,p1,1,10.00,1.00,2024-05-01T13:00:00Z"
    assert market(tmp_path, **{**ORDER, "order_lines": waiting}).value("platform_revenue", *DAY) is None
    known = f"{lines}\nl2,o1,s1,p1,1,10.00,1.00,"
    m = market(tmp_path, **{**ORDER, "order_lines": known})
    assert m.value("platform_revenue", *DAY) == 0  # l2 has not left
    assert m.terms("take_rate", *DAY) == (0, 10, 0)


def test_kinds_of_events_and_the_events_of_bots(tmp_path):
    events = """
        event_id,occurred_at,event_name,visitor_id,session_id,is_bot
        e1,2024-05-01T10:00:00Z,page_view,v1,a,
        e2,2024-05-01T10:01:00Z,purchase,v2,b,{}"""
    m = market(tmp_path, **ORDER, events=events.format("true"))
    assert m.terms("conversion_rate_session", *DAY) == NOTHING  # only a bot ever bought
    assert m.terms("bounce_rate", *DAY) == (1, 1, 1)
    m = market(tmp_path, **ORDER, events=events.format("false"))
    assert m.terms("conversion_rate_session", *DAY) == (1, 2, 0.5)
    assert m.terms("conversion_rate_cart", *DAY) == NOTHING  # nothing was ever added to a cart
    assert m.terms("organic_share", *DAY) == NOTHING  # neither source nor medium


def test_web_events_without_advertising_make_no_segments(tmp_path):
    events = """
        event_id,occurred_at,event_name,visitor_id,session_id,customer_id,source,medium
        e1,2024-05-01T10:00:00Z,page_view,v1,a,c1,google,cpc"""
    m = market(tmp_path, **ORDER, events=events)
    assert m.value("new_buyers", *DAY, "channel=paid_search") == 1
    assert m.terms("cpa", "month", "2024-05-01") == NOTHING
    assert set(m.frame("acquisition")["dimension"]) == {"all", "country", "region", "channel", "customer_type"}


def test_where_there_is_no_acceptance_step(tmp_path):
    """Neither refused nor cancelled before shipment is accepted; cancelled before shipment is before acceptance."""
    m = market(
        tmp_path,
        orders=orders(*(f"o{n} c1 2024-05-01" for n in range(1, 8))),
        order_lines=f"""{LINES},refused_at,cancelled_at,cancelled_by,shipped_at,ship_by_at
            l1,o1,s1,p1,1,1.00,,,,2024-05-02T12:00:00Z,2024-05-03T12:00:00Z
            l2,o2,s1,p1,1,1.00,,2024-05-01T13:00:00Z,buyer,,2024-05-03T12:00:00Z
            l3,o3,s1,p1,1,1.00,,2024-05-01T13:00:00Z,seller,,2024-05-03T12:00:00Z
            l4,o4,s1,p1,1,1.00,2024-05-01T13:00:00Z,,,,2024-05-03T12:00:00Z
            l5,o5,s1,p1,1,1.00,,2024-05-04T13:00:00Z,buyer,2024-05-02T12:00:00Z,2024-05-03T12:00:00Z
            l6,o5,s1,p2,1,1.00,,,,,2024-05-03T12:00:00Z
            l7,o6,s1,p2,1,1.00,,2024-05-01T13:00:00Z,buyer,,2024-05-03T12:00:00Z
            l8,o6,s1,p1,1,1.00,,,,2024-05-02T12:00:00Z,2024-05-03T12:00:00Z
            l9,o7,s1,p2,1,1.00,,2024-05-01T13:00:00Z,platform,,2024-05-03T12:00:00Z
            l0,o7,s1,p1,1,1.00,,,,2024-05-02T12:00:00Z,2024-05-03T12:00:00Z""",
        claims="claim_id,order_line_id,opened_at,kind\nx1,l5,2024-05-06T12:00:00Z,incident",
        as_of="2024-05-31")
    month = ("month", "2024-05-01")
    assert m.terms("claim_rate", *month) == (1, 5, 0.2)  # l1, l5, l6, l8 and l0 are accepted
    # o1, o6 without the line that its buyer took back, and o5, which is half shipped; o3, o4 and o7 are refused
    assert m.terms("shipping_rate", *month) == (2, 3, 0.666666667)
    assert m.terms("acceptance_rate", *month) == NOTHING


def test_commission_is_reversed_for_paid_orders_only(tmp_path):
    m = market(
        tmp_path,
        orders=orders("o1 c1 2024-05-01") + "\no2,c1,2024-05-01T12:00:00Z,,EUR",
        order_lines=f"""{LINES},commission_amount,shipped_at
            l1,o1,s1,p1,1,10.00,3.00,2024-05-01T13:00:00Z
            l2,o2,s1,p1,1,10.00,3.00,2024-05-01T13:00:00Z""",
        refunds="""
            refund_id,order_line_id,refunded_at,amount,currency,commission_reversed
            r1,l1,2024-05-01T14:00:00Z,1.00,EUR,0.50
            r2,l2,2024-05-01T14:00:00Z,1.00,EUR,0.50
            r3,l9,2024-05-01T14:00:00Z,1.00,EUR,0.50""")
    assert m.value("platform_revenue", *DAY) == 2.5
    assert m.value("refunded_amount", *DAY) == 3


def test_a_market_in_which_nothing_was_paid_by_as_of_is_none(tmp_path):
    unpaid = {**ORDER, "orders": "order_id,customer_id,ordered_at,paid_at,currency\no1,c1,2024-05-01T12:00:00Z,,EUR"}
    with pytest.raises(ExtractError, match="paid by 2024-05-01"):
        market(tmp_path, **unpaid).world.require_a_paid_order()
    with pytest.raises(ExtractError, match="paid by 2024-04-30"):
        market(tmp_path, **ORDER, as_of="2024-04-30").world.require_a_paid_order()
    market(tmp_path, **ORDER).world.require_a_paid_order()


# -- coverage ---------------------------------------------------------------------------------------------------------


def test_a_dense_feed_covers_from_the_start_when_it_begins_within_sixty_days(tmp_path):
    m = market(tmp_path, **YEAR, payments=payments(days("2024-03-01", 10)))  # 60 days after 1 January
    assert covered(m, "transactions", "day", "2024-01-01")
    assert m.value("transactions", "month", "2024-01-01") == 0
    assert m.value("transactions", "day", "2024-03-10") == 1
    assert not covered(m, "transactions", "day", "2024-03-11")
    assert not covered(m, "transactions", "month", "2024-03-01")
    assert not covered(m, "transactions", "year", "2024-01-01")
    m = market(tmp_path, **YEAR, payments=payments(days("2024-03-02", 10)))  # 61 days
    assert not covered(m, "transactions", "day", "2024-01-01")
    assert not covered(m, "transactions", "day", "2024-03-01")
    assert covered(m, "transactions", "day", "2024-03-02")
    assert m.row("transactions", "month", "2024-03-01", "country=FR")["value"] is None  # segments say nothing either


def test_a_sparse_feed_covers_everything(tmp_path):
    m = market(tmp_path, **YEAR, payments=payments(days("2024-06-01", 9)))  # nine row days
    assert covered(m, "transactions", "year", "2024-01-01")
    ten = days("2024-06-01", 9)
    m = market(tmp_path, **YEAR, payments=payments([*ten, "2024-06-20"]))  # ten row days of twenty
    assert not covered(m, "transactions", "day", "2024-06-21")
    assert covered(m, "transactions", "day", "2024-06-15")
    m = market(tmp_path, **YEAR, payments=payments([*ten, "2024-06-21"]))  # ten row days of twenty-one
    assert covered(m, "transactions", "year", "2024-01-01")


def test_a_dense_feed_covers_to_as_of_when_it_ends_within_seven_days(tmp_path):
    m = market(tmp_path, **YEAR, payments=payments(days("2024-12-15", 10)))  # to 24 December
    assert covered(m, "transactions", "day", "2024-12-31")
    assert not covered(m, "transactions", "day", "2024-12-14")
    m = market(tmp_path, **YEAR, payments=payments(days("2024-12-14", 10)))  # to 23 December
    assert not covered(m, "transactions", "day", "2024-12-24")


def test_rows_after_as_of_and_outside_the_span_are_no_row_days(tmp_path):
    m = market(tmp_path, **YEAR, payments=payments(days("2024-11-26", 10)), as_of="2024-12-04")  # nine of them
    assert covered(m, "transactions", "year", "2024-01-01")
    m = market(tmp_path, **YEAR, payments=payments(days("2024-11-26", 10)), as_of="2024-12-05")
    assert not covered(m, "transactions", "year", "2024-01-01")


def test_what_feed_coverage_says_counts_alone(tmp_path):
    declared = """
        table_name,covers_from,covers_to
        payments,2024-02-01,2024-03-31
        payments,2024-04-01,2024-05-31
        payments,2024-12-01,"""
    m = market(tmp_path, **YEAR, payments=payments(days("2024-01-01", 10)), feed_coverage=declared)
    assert [month for month in range(1, 13) if covered(m, "transactions", "month", f"2024-{month:02}-01")] == [
        2, 3, 4, 5, 12]
    assert m.value("transactions", "month", "2024-03-01") == 0
    no_feed = market(tmp_path, **YEAR, payments=payments(["2024-01-01"]),
                     feed_coverage="table_name,covers_from\norder_lines,2024-01-01")
    with pytest.raises(ExtractError, match="order_lines is no feed"):
        no_feed.world.coverage.check()


def test_a_cohort_waits_for_the_later_rows_its_numerator_counts(tmp_path):
    """Returns count for thirty days after delivery: deliveries later than thirty days before their end have no rate."""
    lines = f"{LINES},delivered_at\nl1,o1,s1,p1,1,10.00,2024-01-01T12:00:00Z\nl2,o2,s1,p1,1,10.00,"
    returns = "\n".join(["return_id,order_line_id,requested_at,quantity",
                         *(f"t{n},l1,{day}T12:00:00Z,1" for n, day in enumerate(days("2024-01-01", 100)))])
    m = market(tmp_path, **{**YEAR, "order_lines": lines}, returns=returns)  # to 9 April
    assert m.terms("return_rate", "day", "2024-01-01") == (1, 1, 1)
    assert covered(m, "return_rate", "day", "2024-03-10")  # thirty days before 9 April
    assert not covered(m, "return_rate", "day", "2024-03-11")
    assert covered(m, "return_rate", "month", "2024-02-01")
    assert not covered(m, "return_rate", "month", "2024-03-01")
    # never beyond as_of
    m = market(tmp_path, **{**YEAR, "order_lines": lines}, returns=returns, as_of="2024-04-12")
    assert covered(m, "return_rate", "day", "2024-04-12")


def test_carts_wait_for_their_purchases_and_sessions_do_not(tmp_path):
    rows = ["event_id,occurred_at,event_name,visitor_id,session_id", "e0,2024-01-01T12:00:00Z,purchase,v0,s0"]
    for n, day in enumerate(days("2024-01-01", 31)):
        rows += [f"p{n},{day}T12:00:00Z,page_view,v{n},s{n}", f"a{n},{day}T12:01:00Z,add_to_cart,v{n},s{n}"]
    m = market(tmp_path, **YEAR, events="\n".join(rows))
    assert covered(m, "conversion_rate_cart", "day", "2024-01-24")
    assert not covered(m, "conversion_rate_cart", "day", "2024-01-25")
    assert covered(m, "conversion_rate_session", "month", "2024-01-01")
    assert not covered(m, "conversion_rate_session", "day", "2024-02-01")


def test_claims_are_dated_by_their_opening_or_by_their_decision(tmp_path):
    rows = ["claim_id,order_line_id,opened_at,kind,decided_at,decision"]
    for n, (opened, decided) in enumerate(zip(days("2024-02-01", 20), days("2024-05-01", 20), strict=True)):
        rows.append(f"x{n},l1,{opened}T12:00:00Z,a_to_z,{decided}T12:00:00Z,buyer")
    m = market(tmp_path, **YEAR, claims="\n".join(rows))
    assert covered(m, "dispute_buyer_win_rate", "day", "2024-05-20")
    assert m.terms("dispute_buyer_win_rate", "day", "2024-05-20") == (1, 1, 1)
    assert not covered(m, "dispute_buyer_win_rate", "day", "2024-02-05")
    assert not covered(m, "claim_rate", "day", "2024-01-01")  # sixty days later claims had ended
    m = market(tmp_path, **YEAR, claims="\n".join(rows), as_of="2024-02-20")
    assert covered(m, "claim_rate", "day", "2024-01-01")


def test_answers_are_dated_by_themselves(tmp_path):
    rows = ["invitation_id,survey,wave,respondent,customer_id,sent_at,answered_at,score"]
    for n, (sent, answered) in enumerate(zip(days("2024-01-01", 20), days("2024-05-01", 20), strict=True)):
        rows.append(f"i{n},nps,hot,buyer,c1,{sent}T12:00:00Z,{answered}T12:00:00Z,9")
    m = market(tmp_path, **YEAR, survey_invitations="\n".join(rows))
    assert covered(m, "nps", "day", "2024-05-20")
    assert not covered(m, "nps", "day", "2024-01-05")
    assert covered(m, "survey_response_rate", "day", "2024-01-05")
    assert not covered(m, "survey_response_rate", "day", "2024-05-20")


def test_of_alternatives_that_are_there_one_that_covers_is_enough(tmp_path):
    refunds = "\n".join(["refund_id,order_line_id,refunded_at,amount,currency",
                         *(f"r{n},l1,{day}T12:00:00Z,0.01,EUR" for n, day in enumerate(days("2024-01-01", 100)))])
    m = market(tmp_path, **YEAR, refunds=refunds)
    assert not covered(m, "gmv_net", "month", "2024-12-01")
    assert covered(m, "gmv_net", "month", "2024-01-01")
    assert not covered(m, "gmv_net", "month", "2024-03-01")  # refunds end 9 April, sixty days after 9 February
    lines = f"{LINES},cancelled_at\nl1,o1,s1,p1,1,10.00,\nl2,o2,s1,p1,1,10.00,2024-12-31T13:00:00Z"
    m = market(tmp_path, **{**YEAR, "order_lines": lines}, refunds=refunds)
    assert m.value("gmv_net", "month", "2024-12-01") == 0  # order lines are no feed: they cover every day


def test_one_of_two_feeds_is_enough(tmp_path):
    refunds = "\n".join(["refund_id,order_line_id,refunded_at,amount,currency",
                         *(f"r{n},l1,{day}T12:00:00Z,0.01,EUR" for n, day in enumerate(days("2024-05-01", 31)))])
    m = market(tmp_path, **YEAR, payments=payments(days("2024-01-01", 121)), refunds=refunds)  # to 30 April, and May
    kpi = Kpi("made_up", "sales", None, (), ("payments|refunds", "returns|orders"))
    months = m.world.coverage.periods(kpi).filter((pl.col("period_grain") == "month") & pl.col("is_covered"))
    assert months["period_start"].dt.month().to_list() == [1, 2, 3, 4, 5]


def test_a_channel_is_unknown_where_tracking_does_not_reach(tmp_path):
    def events(customer):
        rows = ["event_id,occurred_at,event_name,visitor_id,session_id,source,medium,customer_id"]
        rows += [f"e{n},{day}T10:00:00Z,page_view,v1,s{n},,,{customer}" for n, day in enumerate(days("2024-01-01", 20))]
        return "\n".join(rows)

    m = market(tmp_path, **YEAR, events=events("c2"))
    assert m.value("orders", "month", "2024-01-01", "channel=direct") == 1
    assert m.value("orders", "month", "2024-12-01", "channel=unknown") == 1
    m = market(tmp_path, **YEAR, events=events(""))  # nothing ties a visitor to a buyer
    assert m.value("orders", "month", "2024-01-01", "channel=unknown") == 1
    m = market(tmp_path, **YEAR)
    assert m.value("orders", "month", "2024-01-01", "channel=unknown") == 1


def test_a_session_id_that_several_visitors_have_links_nobody(tmp_path):
    tables = {
        "orders": """
            order_id,customer_id,ordered_at,paid_at,currency,session_id
            o1,c1,2024-05-01T12:00:00Z,2024-05-01T12:00:00Z,EUR,a""",
        "order_lines": f"{LINES}\nl1,o1,s1,p1,1,10.00",
        "refunds": NOTHING_REFUNDED,
    }
    events = """
        event_id,occurred_at,event_name,visitor_id,session_id,source,medium,is_bot
        e1,2024-05-01T10:00:00Z,page_view,v1,a,google,cpc,
        e2,2024-05-01T11:00:00Z,page_view,v2,{},google,cpc,{}"""
    assert market(tmp_path, **tables, events=events.format("a", "")).value("orders", *DAY, "channel=direct") == 1
    for session, is_bot in (("b", ""), ("a", "true")):  # bots are not looked at
        m = market(tmp_path, **tables, events=events.format(session, is_bot))
        assert m.value("orders", *DAY, "channel=paid_search") == 1
    later = events.format("a", "").replace("2024-05-01T11", "2024-05-02T11")
    m = market(tmp_path, **tables, events=later, as_of="2024-05-01")  # nor what comes after as_of
    assert m.value("orders", *DAY, "channel=paid_search") == 1
