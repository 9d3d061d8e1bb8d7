"""Sessions, channels, attribution, carts and advertising, worked by hand on tiny marketplaces."""

import pytest
from recompute_market import NOTHING_REFUNDED, RULES, market, orders

from python_checks.recompute.web import channel_of

LINES = "order_line_id,order_id,seller_id,product_id,quantity,unit_price"
DAY, MONTH = ("day", "2024-05-01"), ("month", "2024-05-01")


def events(header, *rows):
    """Events of 2024 with ids e1, e2, ...; a row starts with its time `05-01T10:00:00` and its event name."""
    lines = [f"event_id,occurred_at,event_name,{header}"]
    lines += [f"e{n:03},2024-{row.split(',')[0]}Z,{row.split(',', 1)[1]}" for n, row in enumerate(rows, 1)]
    return "\n".join(lines)


@pytest.mark.parametrize(("source", "medium", "channel"), [
    (None, None, ("direct", False)),
    (" ", "", ("direct", False)),
    ("Google ", "CPC", ("paid_search", True)),
    ("google.com", "cpc", ("other", False)),  # the whole value has to match
    (None, "organic", ("organic_search", False)),
    ("partner", None, ("other", False)),
])
def test_channels(source, medium, channel):
    assert channel_of(RULES, source, medium) == channel


def test_sessions_without_id_break_after_thirty_minutes(tmp_path):
    m = market(tmp_path, events=events(
        "visitor_id,session_id,is_bot",
        "05-01T10:00:00,page_view,v1,,",
        "05-01T10:29:59,page_view,v1,,",
        "05-01T10:59:59,page_view,v1,,",  # exactly thirty minutes later: another session
        "05-01T11:10:00,page_view,v1,a,",
        "05-01T15:00:00,page_view,v1,a,",
        "05-01T15:00:00,page_view,v2,a,",  # the same session_id of another visitor
        "05-02T00:00:00,search,v2,a,",
        "05-01T15:00:00,page_view,v3,b,true",
    ))
    assert m.value("sessions", *DAY) == 4
    assert m.value("visitors", *DAY) == 2
    assert m.terms("pages_per_session", *DAY) == (6, 4, 1.5)
    assert m.terms("new_visitor_rate", *DAY) == (2, 2, 1)
    assert m.terms("avg_session_duration", *DAY) == (1799 + 0 + 13800 + 32400, 4, 11999.75)
    assert m.value("median_session_duration", *DAY) == 7799.5
    assert m.terms("bounce_rate", *DAY) == (1, 4, 0.25)
    assert m.terms("bounce_rate_single_page", *DAY) == (2, 4, 0.5)
    assert m.value("searches", "day", "2024-05-02") == 1  # on its own day, in a session of the day before
    assert m.value("sessions", "day", "2024-05-02") == 0


def test_a_session_has_the_dimensions_of_its_first_event(tmp_path):
    m = market(tmp_path, events=events(
        "visitor_id,session_id,source,medium,device,country,page_type,load_ms",
        "05-01T10:00:10,page_view,v1,a,,,desktop,DE,home,1000",
        "05-01T10:00:00,page_view,v1,a,google,cpc,mobile,FR,home,2500",
        "05-01T11:00:00,page_view,v1,b,,organic,mobile,FR,list,4000",
        "05-01T12:00:00,page_view,v2,c,,,,,list,",
    ))
    assert [m.value("sessions", *DAY, f"channel={c}") for c in ("paid_search", "organic_search", "direct")] == [1, 1, 1]
    assert m.terms("organic_share", *DAY) == (1, 3, 0.333333333)
    assert m.row("sessions", *DAY, "device=desktop") is None
    assert m.value("page_views", *DAY, "country=FR") == 3
    assert m.value("sessions", *DAY, "country=unknown") == 1
    assert m.value("page_load_p75", *DAY) == 3250  # of 1000, 2500, 4000
    assert m.terms("good_page_load_share", *DAY, "page_type=list") == (0, 1, 0)
    assert m.terms("new_visitor_rate", *DAY, "channel=organic_search") == (0, 1, 0)


def test_an_order_belongs_to_the_last_session_that_was_not_direct(tmp_path):
    m = market(
        tmp_path,
        orders="""
            order_id,customer_id,ordered_at,paid_at,currency,session_id
            o1,c1,2024-05-31T12:00:00Z,2024-05-31T12:00:00Z,EUR,
            o2,c1,2024-06-01T12:00:00Z,2024-06-01T12:00:00Z,EUR,
            o3,c2,2024-05-31T12:00:00Z,2024-05-31T12:00:00Z,EUR,z
            o4,c3,2024-05-31T12:00:00Z,2024-05-31T12:00:00Z,EUR,""",
        order_lines=f"{LINES}\nl1,o1,s1,p1,1,10.00\nl2,o2,s1,p1,1,10.00\nl3,o3,s1,p1,1,20.00\nl4,o4,s1,p1,1,40.00",
        events=events(
            "visitor_id,session_id,customer_id,order_id,source,medium,campaign_id",
            "05-02T10:00:00,page_view,v1,a,,,google,cpc,k1",  # 29 days before o1, 30 before o2
            "05-31T11:00:00,purchase,v1,b,,o1,,,",  # direct
            "05-20T11:00:00,page_view,v2,y,,,google,cpc,k2",
            "05-21T11:00:00,page_view,v2,z,,,,organic,",
            "06-02T11:00:00,page_view,v2,z,,,google,cpc,k9",  # the same session going on
            "05-31T11:00:00,page_view,v3,q,c3,,google,cpc,k3",  # c3 refused analytics
        ),
        ad_spend="""
            spend_date,platform,campaign_id,channel,audience,objective,impressions,clicks,cost,currency
            2024-05-10,g,k1,paid_search,buyers,sales,1000,10,4.00,EUR
            2024-05-10,g,k2,paid_search,buyers,leads,1000,10,8.00,EUR""",
        refunds=NOTHING_REFUNDED)
    assert m.value("orders", *MONTH, "channel=paid_search") == 1
    assert m.value("orders", *MONTH, "channel=organic_search") == 1
    assert m.value("orders", *MONTH, "channel=direct") == 1
    assert m.value("orders", "day", "2024-06-01", "channel=direct") == 1
    assert m.terms("cpa", *MONTH) == (4, 1, 4)
    assert m.terms("cpa", *MONTH, "campaign=k1") == (4, 1, 4)
    assert m.terms("roas", *MONTH) == (10, 4, 2.5)
    assert m.terms("click_conversion_rate", *MONTH) == (1, 10, 0.1)
    assert m.terms("cac_blended", *MONTH) == (12, 3, 4)
    assert m.terms("cac_paid", *MONTH, "channel=paid_search") == (12, 1, 12)
    assert m.terms("cpm", *MONTH) == (12000, 2000, 6)
    assert m.row("ad_clicks", "day", "2024-05-10", "campaign=k1") is None  # campaigns have no days
    assert m.value("new_buyers", "quarter", "2024-04-01", "channel=paid_search") == 1  # c1, whatever came later
    assert m.row("returning_order_share", "month", "2024-06-01", "channel=paid_search")["numerator"] == 1


def test_carts_are_bought_within_seven_days(tmp_path):
    m = market(tmp_path, events=events(
        "visitor_id,session_id,cart_id,source,medium",
        "05-01T10:00:00,add_to_cart,v1,a,k1,google,cpc",
        "05-08T21:00:00,purchase,v1,b,k1,,",  # seven days later, whatever the hour
        "05-01T10:00:00,add_to_cart,v2,a,k2,,",
        "05-09T00:00:00,purchase,v2,b,k2,,",  # in the market that is 9 May
        "05-01T10:00:00,add_to_cart,v3,a,,,",
        "05-01T10:01:00,add_to_cart,v3,a,k3,,",
        "05-01T10:02:00,purchase,v3,a,,,",  # buys both carts of its session
        "05-01T10:00:00,purchase,v4,a,,,",  # before there was a cart
        "05-01T10:00:01,add_to_cart,v4,a,,,",
        "05-01T10:00:02,page_view,v4,a,,,",
    ))
    assert m.terms("conversion_rate_cart", *DAY) == (3, 5, 0.6)
    assert m.terms("cart_abandonment_rate", *DAY) == (2, 5, 0.4)
    assert m.terms("conversion_rate_cart", *DAY, "channel=paid_search") == (1, 1, 1)
    assert m.terms("conversion_rate_session", *DAY) == (2, 4, 0.5)
    assert m.terms("orders_per_session", "month", "2024-05-01") == (4, 6, 0.666666667)


def test_sessions_buy_from_the_categories_they_view(tmp_path):
    m = market(
        tmp_path,
        orders=orders("o1 c1 2024-05-01", "o2 c1 2024-05-01"),
        order_lines=f"{LINES}\nl1,o1,s1,p1,1,1.00\nl2,o2,s1,p3,1,1.00",
        events=events(
            "visitor_id,session_id,product_id,seller_id,order_id",
            "05-01T10:00:00,product_view,v1,a,p2,s1,",
            "05-01T10:00:00,product_view,v1,a,p3,s1,",
            "05-01T10:05:00,purchase,v1,a,,,o1",  # of the books
            "05-01T10:06:00,purchase,v1,a,,,o1",
            "05-01T10:00:00,product_view,v2,b,p1,s2,",
            "05-01T10:05:00,purchase,v2,b,,,o2",  # toys it never viewed
            "05-01T10:00:00,begin_checkout,v3,c,,,",
        ))
    assert m.terms("category_conversion_rate", *DAY) == (1, 2, 0.5)
    assert m.terms("category_conversion_rate", *DAY, "category=books") == (1, 2, 0.5)
    assert m.terms("category_conversion_rate", *DAY, "category=toys") == (0, 1, 0)
    assert m.terms("orders_per_session", *DAY) == (2, 3, 0.666666667)
    assert m.terms("checkout_abandonment_rate", *DAY) == (1, 1, 1)
    assert m.terms("liquidity_rate", *DAY) == (2, 2, 1)
    assert m.value("product_views", *MONTH, "seller=s1") == 2
    assert m.value("product_views", *DAY, "category=toys") == 1


def test_a_feature_is_adopted_after_its_release(tmp_path):
    m = market(
        tmp_path,
        features="feature,released_at\nwish,2024-05-02T12:00:00Z\nchat,2024-05-01T12:00:00Z",
        events=events(
            "visitor_id,session_id,feature",
            "05-01T10:00:00,feature_use,v1,a,wish",  # a preview, before the release
            "05-02T10:00:00,feature_use,v1,b,wish",
            "05-03T10:00:00,page_view,v1,c,",
            "05-03T10:00:00,page_view,v2,d,",
        ))
    assert m.terms("feature_adoption_rate", *DAY, "feature=chat") == (0, 1, 0)
    assert m.row("feature_adoption_rate", *DAY, "feature=wish") is None
    assert m.terms("feature_adoption_rate", *MONTH, "feature=wish") == (1, 2, 0.5)
    assert m.terms("feature_adoption_rate", *MONTH) == (1, 4, 0.25)


def test_leads_are_people(tmp_path):
    m = market(
        tmp_path,
        orders=orders("o1 c1 2024-05-01"),
        order_lines=f"{LINES}\nl1,o1,s1,p1,1,1.00",
        leads="""
            lead_id,created_at,person_key,audience,channel,qualified_at,converted_at
            d1,2024-05-01T12:00:00Z,x,buyers,email,,
            d2,2024-05-02T12:00:00Z,x,buyers,email,2024-05-03T12:00:00Z,2024-05-04T12:00:00Z
            d3,2024-05-02T12:00:00Z,,sellers,,2024-06-03T12:00:00Z,2024-06-04T12:00:00Z""",
        ad_spend="""
            spend_date,platform,campaign_id,channel,audience,objective,impressions,clicks,cost,currency
            2024-05-10,g,k1,email,sellers,leads,1000,10,4.00,EUR""",
        as_of="2024-05-31")
    assert m.value("leads", *MONTH) == 2
    assert m.value("leads", *MONTH, "channel=unknown") == 1
    assert m.terms("lead_conversion_rate", *MONTH) == (1, 2, 0.5)  # d3 converts after as_of
    assert m.terms("cpl", *MONTH) == (4, 1, 4)
    assert m.terms("seller_cac", *MONTH) == (4, 1, 4)
