"""Orders, money, loyalty and balance, worked by hand on tiny marketplaces."""

import pytest
from recompute_market import NOTHING_REFUNDED, market, orders

from python_checks.recompute.money import MissingRateError

LINES = "order_line_id,order_id,seller_id,product_id,quantity,unit_price"


def test_a_month_pools_its_orders_instead_of_averaging_its_days(tmp_path):
    m = market(
        tmp_path,
        orders=orders("o1 c1 2024-05-01", "o2 c2 2024-05-02", "o3 c2 2024-05-02", "o4 c2 2024-05-02"),
        order_lines=f"""{LINES}
            l1,o1,s1,p1,1,100.00
            l2,o2,s1,p1,1,10.00
            l3,o3,s1,p1,2,5.00
            l4,o4,s1,p1,1,10.00""")
    assert m.terms("aov", "day", "2024-05-01") == (100, 1, 100)
    assert m.terms("aov", "day", "2024-05-02") == (30, 3, 10)
    assert m.terms("aov", "month", "2024-05-01") == (130, 4, 32.5)
    assert m.row("aov", "month", "2024-05-01")["sample_size"] == 4
    assert m.terms("items_per_order", "month", "2024-05-01") == (5, 4, 1.25)


def test_an_order_counts_under_each_category_and_money_adds_up(tmp_path):
    m = market(
        tmp_path,
        orders=orders("o1 c1 2024-05-01", "o2 c1 2024-05-01"),
        order_lines=f"""{LINES}
            l1,o1,s1,p1,1,10.10
            l2,o1,s2,p3,1,20.20
            l3,o1,s2,p4,1,0.30""")
    day = ("day", "2024-05-01")
    assert [m.value("orders", *day, f"category={c}") for c in ("books", "toys", "unknown")] == [1, 1, 1]
    assert m.value("orders", *day) == 2  # the order without lines is an order too
    assert [m.value("gmv", *day, f"category={c}") for c in ("books", "toys", "unknown")] == [10.1, 20.2, 0.3]
    assert m.value("gmv", *day) == 30.6
    assert m.terms("median_order_value", *day) == (None, None, 15.3)
    assert m.row("median_order_value", *day)["sample_size"] == 2
    assert m.row("orders", "day", "2024-05-01", "seller=s1") is None  # sellers have no days
    assert m.value("orders", "month", "2024-05-01", "seller=s1") == 1
    assert m.value("valid_orders", *day) == 1
    assert m.terms("multi_product_order_share", *day) == (1, 1, 1)


def test_the_business_day_follows_the_clocks_of_the_market(tmp_path):
    m = market(
        tmp_path,
        orders=orders("o1 c1 2024-03-30T22:59:59Z", "o2 c1 2024-03-31T21:59:59Z", "o3 c1 2024-03-31T22:00:00Z",
                      "o4 c1 2024-10-27T22:59:59Z", "o5 c1 2024-10-28T00:30:00+01:00"))
    assert m.value("orders", "day", "2024-03-30") == 1  # winter time until the night of the 31st
    assert m.value("orders", "day", "2024-03-31") == 1
    assert m.value("orders", "day", "2024-04-01") == 1
    assert m.value("orders", "month", "2024-03-01") == 2
    assert m.value("orders", "day", "2024-10-27") == 1
    assert m.value("orders", "day", "2024-10-28") == 1
    assert m.value("orders", "week", "2024-03-25") == 2  # Monday to Sunday
    assert m.value("orders", "quarter", "2024-04-01") == 1


def test_refunds_lower_the_net_value_never_below_zero(tmp_path):
    m = market(
        tmp_path,
        orders=orders("o1 c1 2024-05-01", "o2 c1 2024-05-01"),
        order_lines=f"""{LINES},seller_discount,cancelled_at
            l1,o1,s1,p1,2,50.00,10.00,
            l2,o1,s1,p2,1,30.00,,
            l3,o2,s1,p3,1,40.00,,2024-05-02T00:00:00Z""",
        refunds="""
            refund_id,order_line_id,refunded_at,amount,currency
            r1,l1,2024-06-01T00:00:00Z,80.00,EUR
            r2,l1,2024-06-02T00:00:00Z,80.00,EUR
            r3,l2,2024-06-02T00:00:00Z,5.50,EUR
            r4,l3,2024-06-02T00:00:00Z,40.00,EUR""",
        as_of="2024-08-31")
    assert m.value("gmv", "month", "2024-05-01") == 160
    assert m.value("gmv_net", "month", "2024-05-01") == 24.5
    assert m.value("refunded_amount", "month", "2024-06-01") == 205.5
    assert m.value("refunded_amount", "month", "2024-06-01", "category=toys") == 40
    assert m.terms("cancellation_rate", "month", "2024-05-01") == (1, 2, 0.5)


def test_money_is_converted_at_the_day_of_its_own_date(tmp_path):
    tables = {
        "orders": """
            order_id,customer_id,ordered_at,paid_at,currency
            o1,c1,2024-05-04T12:00:00Z,2024-05-04T12:00:00Z,USD""",
        "order_lines": f"{LINES},commission_amount,shipped_at\nl1,o1,s1,p1,1,100.00,10.00,2024-05-08T12:00:00Z",
        "refunds": """
            refund_id,order_line_id,refunded_at,amount,currency,commission_reversed
            r1,l1,2024-05-08T12:00:00Z,100.00,USD,10.00""",
        "exchange_rates": """
            rate_date,currency,rate_to_eur
            2024-05-03,USD,0.9
            2024-05-08,USD,0.95
            2024-05-08,GBP,1.2""",
    }
    m = market(tmp_path, as_of="2024-05-31", **tables)
    month = ("month", "2024-05-01")
    assert m.value("gmv", *month) == 90
    assert m.value("refunded_amount", *month) == 95
    assert m.value("gmv_net", *month) == 0  # capped after conversion
    assert m.value("platform_revenue", "day", "2024-05-08") == -0.5  # 9.00 at the order day less 9.50

    tables["orders"] = tables["orders"].replace("2024-05-04", "2024-05-01")
    with pytest.raises(MissingRateError, match="USD on 2024-05-01"):
        market(tmp_path, as_of="2024-05-31", **tables).value("gmv", *month)


def test_money_converts_between_two_currencies_through_the_euro(tmp_path):
    m = market(
        tmp_path, currency="GBP",
        orders="order_id,customer_id,ordered_at,paid_at,currency\no1,c1,2024-05-08T12:00:00Z,2024-05-08T12:00:00Z,USD",
        order_lines=f"{LINES}\nl1,o1,s1,p1,3,100.00",
        exchange_rates="rate_date,currency,rate_to_eur\n2024-05-01,USD,0.9\n2024-05-01,GBP,1.2")
    assert m.value("gmv", "day", "2024-05-08") == 225


def test_platform_revenue_and_margins_take_each_amount_on_its_own_day(tmp_path):
    m = market(
        tmp_path,
        orders=orders("o1 c1 2024-05-01", "o2 c2 2024-05-01"),
        order_lines=f"""{LINES},commission_amount,platform_discount,unit_cost,shipped_at,delivered_at
            l1,o1,s1,p1,2,50.00,12.00,1.00,0.50,2024-05-02T12:00:00Z,
            l2,o2,s2,p1,1,20.00,3.00,,,,2024-05-03T12:00:00Z""",
        seller_fees="fee_id,seller_id,charged_at,kind,amount,currency\nf1,s1,2024-05-03T12:00:00Z,subscription,4.00,EUR",
        payments="""
            payment_id,order_id,attempted_at,status,amount,currency,fee_amount
            y1,o1,2024-05-01T11:00:00Z,failed,100.00,EUR,0.25
            y2,o1,2024-05-01T12:00:00Z,succeeded,100.00,EUR,0.30""",
        ad_spend="""
            spend_date,platform,campaign_id,impressions,clicks,cost,currency
            2024-05-02,g,k1,10,1,2.00,EUR""",
        operating_costs="cost_id,cost_date,kind,amount,currency\nx1,2024-05-03,staff,5.00,EUR",
        as_of="2024-05-03")
    assert [m.value("platform_revenue", "day", f"2024-05-0{d}") for d in (1, 2, 3)] == [0, 11, 7]
    assert m.value("platform_revenue", "month", "2024-05-01", "seller=s1") == 15
    assert m.terms("take_rate", "month", "2024-05-01") == (18, 120, 0.15)
    assert m.value("gross_margin", "day", "2024-05-01") == -0.3
    assert m.terms("gross_margin_rate", "day", "2024-05-01") == (-0.3, None, None)
    assert m.value("gross_margin", "month", "2024-05-01") == 16.7
    assert m.value("contribution_margin", "month", "2024-05-01") == 9.7
    assert m.terms("arpu", "month", "2024-05-01") == (18, 2, 9)
    assert m.terms("transaction_completion_rate", "day", "2024-05-01") == (1, 1, 1)


def test_a_cancelled_first_order_does_not_make_a_buyer(tmp_path):
    m = market(
        tmp_path,
        orders=orders("o1 c1 2024-01-10", "o2 c1 2024-03-20", "o3 c1 2024-03-20", "o4 c2 2024-03-21"),
        order_lines=f"""{LINES},refused_at
            l1,o1,s1,p1,1,10.00,2024-01-11T00:00:00Z
            l2,o2,s1,p1,1,10.00,
            l3,o3,s2,p1,1,10.00,
            l4,o4,s1,p1,1,10.00,""")
    assert m.value("new_buyers", "month", "2024-01-01") == 0
    assert m.value("new_buyers", "month", "2024-03-01") == 2
    assert m.terms("returning_buyer_share", "month", "2024-03-01") == (1, 2, 0.5)  # two orders on one day
    assert m.terms("returning_order_share", "day", "2024-03-20") == (1, 2, 0.5)
    assert m.terms("repeat_purchase_rate_90d", "month", "2024-03-01") == (1, 2, 0.5)
    assert m.row("repeat_purchase_rate_90d", "month", "2024-03-01")["is_mature"] is False
    assert m.value("period_buyers", "year", "2024-01-01") == 2
    assert m.terms("second_seller_rate", "month", "2024-03-01") == (1, 2, 0.5)


def test_rolling_windows_include_their_edges(tmp_path):
    m = market(
        tmp_path,
        orders=orders("o1 c1 2023-01-01", "o2 c2 2023-01-02", "o3 c3 2023-12-31"),
        order_lines=f"{LINES}\nl1,o1,s1,p1,1,1.00\nl2,o2,s1,p1,1,1.00\nl3,o3,s2,p3,1,1.00",
        as_of="2024-01-01")
    assert m.value("active_buyers", "day", "2023-12-31") == 3  # the 365 days to it start on 1 January
    assert m.value("active_buyers", "day", "2024-01-01") == 2
    assert m.value("active_buyers", "year", "2024-01-01") == 2  # a period under way is counted to as_of
    assert m.row("active_buyers", "year", "2024-01-01")["is_partial"] is True
    assert m.value("active_sellers", "day", "2023-01-31") == 1
    assert m.value("active_sellers", "day", "2023-02-01") == 0
    assert m.terms("buyer_seller_ratio", "day", "2023-01-30") == (2, 1, 2)
    assert m.terms("buyer_seller_ratio", "month", "2023-06-01") == (0, 0, None)
    # 30 June has D-359..D-180 up to 1 January: c1, gone since
    assert m.terms("churn_rate_180d", "day", "2023-06-29") == (0, 0, None)
    assert m.terms("churn_rate_180d", "day", "2023-06-30") == (1, 1, 1)
    assert m.terms("churn_rate_180d", "day", "2023-12-27") == (1, 1, 1)  # D-359 is 2 January
    assert m.terms("churn_rate_180d", "day", "2023-12-28") == (0, 0, None)


def test_retention_compares_with_the_period_before(tmp_path):
    m = market(
        tmp_path,
        orders=orders(
            "o1 c1 2024-01-10", "o2 c2 2024-01-10", "o3 c1 2024-02-10", "o4 c3 2024-02-10", "o5 c1 2024-04-01"),
        order_lines=f"""{LINES}
            l1,o1,s1,p1,1,1.00
            l2,o2,s1,p1,1,1.00
            l3,o3,s1,p1,1,1.00
            l4,o4,s1,p1,1,1.00
            l5,o5,s1,p1,1,1.00""")
    assert m.terms("retention_rate", "month", "2024-01-01") == (0, 0, None)
    assert m.terms("retention_rate", "month", "2024-02-01") == (1, 2, 0.5)
    assert m.terms("retention_rate", "month", "2024-03-01") == (0, 2, 0)
    assert m.terms("retention_rate", "month", "2024-04-01") == (0, 0, None)
    assert m.terms("retention_rate", "quarter", "2024-04-01") == (1, 3, 0.333333333)


def test_lifetime_value_over_acquisition_cost(tmp_path):
    m = market(
        tmp_path,
        orders=orders("o1 c1 2023-01-01", "o2 c1 2023-12-31", "o3 c1 2024-01-01"),
        order_lines=f"""{LINES},commission_amount,unit_cost
            l1,o1,s1,p1,2,10.00,4.00,0.50
            l2,o2,s1,p1,1,10.00,2.00,
            l3,o3,s1,p1,1,10.00,2.00,""",
        ad_spend="""
            spend_date,platform,campaign_id,audience,objective,impressions,clicks,cost,currency
            2023-01-05,g,k1,buyers,,1,1,2.00,EUR
            2023-01-06,g,k1,buyers,retention,1,1,64.00,EUR
            2023-01-07,g,k1,,sales,1,1,32.00,EUR""")
    assert m.terms("ltv_12m", "month", "2023-01-01") == (5, 1, 5)  # the order 365 days later is too late
    assert m.terms("cac_blended", "month", "2023-01-01") == (2, 1, 2)
    assert m.terms("ltv_cac_ratio", "month", "2023-01-01") == (5, 2, 2.5)
    assert m.terms("ltv_cac_ratio", "month", "2023-02-01") == (None, None, None)
    assert m.terms("repeat_order_cost", "month", "2023-01-01") == (64, 0, None)


def test_sellers_join_close_and_make_their_first_sale(tmp_path):
    m = market(
        tmp_path,
        sellers="""
            seller_id,registered_at,validated_at,country
            s1,2024-01-01T00:00:00Z,2024-02-01T12:00:00Z,FR
            s2,2024-01-01T00:00:00Z,2024-02-10T12:00:00Z,FR
            s3,2024-01-01T00:00:00Z,2024-02-10T12:00:00Z,DE
            s4,2024-01-01T00:00:00Z,,DE""",
        seller_status_events="""
            event_id,seller_id,occurred_at,status
            e1,s1,2024-03-05T12:00:00Z,closed
            e2,s1,2024-03-20T12:00:00Z,reinstated
            e3,s2,2024-03-25T12:00:00Z,closed""",
        orders=orders("o1 c1 2024-01-15", "o2 c1 2024-04-01", "o3 c1 2024-04-11"),
        order_lines=f"{LINES}\nl1,o1,s1,p1,1,1.00\nl2,o2,s1,p1,1,1.00\nl3,o3,s2,p1,1,1.00",
        as_of="2024-04-30")
    assert m.value("registered_sellers", "month", "2024-02-01") == 3
    assert m.value("registered_sellers", "day", "2024-03-10") == 2
    assert m.value("registered_sellers", "month", "2024-03-01") == 2
    assert m.value("registered_sellers", "month", "2024-03-01", "country=DE") == 1
    assert m.value("new_sellers", "month", "2024-02-01") == 3
    # s1 sold before it was validated and again 60 days after, s2 61 days after
    assert m.terms("seller_activation_rate_60d", "month", "2024-02-01") == (1, 3, 0.333333333)
    february = m.row("time_to_first_sale_median", "month", "2024-02-01")
    assert (february["value"], february["sample_size"]) == (61, 3)  # 0, 61 and never
    week = m.row("time_to_first_sale_median", "week", "2024-02-05")
    assert (week["value"], week["sample_size"]) == (None, 2)  # 61 and never: falls on a seller without a sale


def test_concentration_counts_the_ten_largest_sellers(tmp_path):
    sellers = "\n".join(["seller_id,registered_at", *(f"s{n:02},2024-01-01T00:00:00Z" for n in range(12))])
    lines = "\n".join([LINES, *(f"l{n},o1,s{n:02},p1,1,{n + 1}.00" for n in range(12))])
    m = market(tmp_path, sellers=sellers, orders=orders("o1 c1 2024-05-01"), order_lines=lines,
               refunds=NOTHING_REFUNDED)
    assert m.terms("top10_seller_share", "day", "2024-05-01") == (75, 78, 0.961538462)
    assert m.terms("seller_concentration_hhi", "day", "2024-05-01", "category=books") == (
        10000 * 650, 78**2, 1068.376068376)


def test_offers_that_are_live_and_those_that_sell(tmp_path):
    m = market(
        tmp_path,
        offers="""
            offer_id,seller_id,product_id,listed_at,delisted_at
            f1,s1,p1,2024-01-01T12:00:00Z,
            f2,s1,p2,2024-01-01T12:00:00Z,2024-02-10T12:00:00Z
            f3,s2,p3,2024-03-11T12:00:00Z,""",
        orders=orders("o1 c1 2024-01-01", "o2 c1 2024-02-11", "o3 c1 2024-02-11"),
        order_lines=f"{LINES},offer_id\nl1,o1,s1,p1,1,1.00,\nl2,o2,s1,p1,1,1.00,\nl3,o3,s1,p1,1,1.00,f2",
        as_of="2024-03-31")
    assert m.value("listed_sellers", "day", "2024-01-01") == 1
    assert m.value("listed_sellers", "day", "2024-03-31") == 2
    assert m.value("listed_sellers", "day", "2024-03-31", "category=toys") == 1
    # delisted on 10 February: in the 30 days to 10 March still live some time, in those to the 11th no more
    assert m.terms("offer_liquidity_rate", "day", "2024-03-10") == (2, 2, 1)
    assert m.terms("offer_liquidity_rate", "day", "2024-03-11") == (1, 2, 0.5)
    assert m.terms("offer_liquidity_rate", "day", "2024-01-31") == (0, 2, 0)


def test_what_is_later_than_as_of_is_unknown(tmp_path):
    tables = {
        "orders": """
            order_id,customer_id,ordered_at,paid_at,currency,is_test
            o1,c1,2024-05-01T12:00:00Z,2024-05-01T12:00:00Z,EUR,
            o2,c1,2024-05-02T12:00:00Z,2024-05-03T12:00:00Z,EUR,false
            o3,c1,2024-05-20T12:00:00Z,2024-05-20T12:00:00Z,EUR,
            o4,c1,2024-06-30T12:00:00Z,2024-06-30T12:00:00Z,EUR,true""",
        "order_lines": f"""{LINES},cancelled_at,cancelled_by
            l1,o1,s1,p1,1,10.00,2024-05-03T12:00:00Z,buyer
            l2,o2,s1,p1,1,10.00,,
            l3,o3,s1,p1,1,10.00,,
            l4,o4,s1,p1,1,10.00,,""",
    }
    known = market(tmp_path, as_of="2024-05-02", **tables)
    assert known.value("gmv", "month", "2024-05-01") == 10  # o2 is not paid yet
    assert known.value("gmv_net", "month", "2024-05-01") == 10  # l1 is not cancelled yet
    assert known.row("gmv", "month", "2024-05-01")["is_partial"] is True
    later = market(tmp_path, **tables)
    assert later.world.calendar.as_of.isoformat() == "2024-05-20"  # a test order is outside everything
    assert later.value("gmv", "month", "2024-05-01") == 30
    assert later.value("gmv_net", "month", "2024-05-01") == 20


def test_a_missing_table_gives_no_value_and_a_present_one_counts_zero(tmp_path):
    tables = {"orders": orders("o1 c1 2024-05-01"), "order_lines": f"{LINES}\nl1,o1,s1,p1,1,10.00"}
    without = market(tmp_path, **tables)
    assert without.terms("transactions", "day", "2024-05-01") == (None, None, None)
    assert without.row("return_rate", "day", "2024-05-01")["sample_size"] is None
    assert without.value("platform_revenue", "day", "2024-05-01") is None  # commission is null in every row
    payments = "payment_id,order_id,attempted_at,status,amount,currency\ny1,o1,2024-05-02T12:00:00Z,failed,1.00,EUR"
    present = market(tmp_path, **tables, payments=payments)
    assert present.terms("transactions", "day", "2024-05-01") == (0, None, 0)
    assert present.terms("transaction_completion_rate", "day", "2024-05-01") == (0, 0, None)
    assert present.row("transaction_completion_rate", "day", "2024-05-01")["sample_size"] == 0


def test_every_kpi_starts_with_the_span(tmp_path):
    m = market(
        tmp_path,
        sellers="seller_id,registered_at\ns1,2024-05-09T12:00:00Z\ns2,2024-05-10T12:00:00Z",
        orders=orders("o1 c1 2024-05-10"),
        ad_spend="""
            spend_date,platform,campaign_id,impressions,clicks,cost,currency
            2024-05-09,g,k1,1,1,1.00,EUR
            2024-05-10,g,k1,1,1,2.00,EUR""")
    assert m.row("orders", "day", "2024-05-09") is None
    assert m.value("ad_spend", "month", "2024-05-01") == 2  # the days of a month add up to it, the first one too
    assert m.value("new_sellers", "month", "2024-05-01") == 1
    assert m.value("registered_sellers", "month", "2024-05-01") == 2  # what rolls looks back beyond it
