"""Funnels and campaigns of tiny marketplaces, worked by hand."""

import datetime as dt

import polars as pl
from recompute_market import market, orders

from python_checks.journeys.campaigns import impact_table
from python_checks.journeys.funnels import funnel_table

LINES = "order_line_id,order_id,seller_id,product_id,quantity,unit_price"
EVENTS = "event_id,occurred_at,event_name,visitor_id,session_id,device,source,medium,campaign_id,order_id,is_bot"
NEVER = {"orders": orders("o1 c1 2024-06-03"), "order_lines": f"{LINES}\nl1,o1,s1,p1,1,1.00"}


def events(*sessions):
    """Events of sessions, each `day device names times` (names joined by +), one visitor and session each time."""
    rows, count = [EVENTS], 0
    for session in sessions:
        day, device, names, times = session.split()
        for _ in range(int(times)):
            count += 1
            for place, name in enumerate(names.split("+")):
                rows.append(f"e{count}-{place},{day}T10:00:{place:02}Z,{name},v{count},s,{device},,,,,")
    return "\n".join(rows)


def funnel(tmp_path, *sessions, grain="month", segment=("all", "all"), as_of="2024-06-30", **tables):
    world = market(tmp_path, as_of=as_of, **{**NEVER, **tables}, events=events(*sessions)).world
    table = funnel_table(world)
    return table.filter(
        (pl.col("period_grain") == grain) & (pl.col("dimension") == segment[0])
        & (pl.col("dimension_value") == segment[1])).sort("period_start", "step_no")


def test_a_session_did_every_step_before_its_last(tmp_path):
    found = funnel(
        tmp_path, "2024-06-03 mobile page_view 4", "2024-06-03 mobile product_view 3",
        "2024-06-03 desktop add_to_cart 1",  # without a product view
        "2024-06-03 desktop begin_checkout+product_view 1", "2024-06-03 desktop purchase 1")
    assert found.select("step_no", "step", "sessions", "lost").rows() == [
        (1, "session", 10, None), (2, "product_view", 6, 4), (3, "cart", 3, 3), (4, "checkout", 2, 1),
        (5, "purchase", 1, 1)]
    assert found["share_of_previous"].to_list() == [None, 0.6, 0.5, 2 / 3, 0.5]
    assert found["share_of_first"].to_list() == [1, 0.6, 0.3, 0.2, 0.1]
    assert found["share_of_previous_before"].to_list() == [None] * 5


def test_segments_and_steps_that_are_not_there(tmp_path):
    sessions = ["2024-06-03 mobile page_view 1", "2024-06-03 desktop add_to_cart+purchase 1"]
    mobile = funnel(tmp_path, *sessions, segment=("device", "mobile"))
    # no product_view and no begin_checkout was ever delivered
    assert mobile.select("step_no", "sessions", "share_of_previous").rows() == [(1, 1, None), (3, 0, 0), (5, 0, None)]
    (tmp_path / "again").mkdir()
    assert funnel(tmp_path / "again", *sessions, segment=("device", "app")).is_empty()


def test_a_covered_period_without_a_session_says_so_of_all(tmp_path):
    found = funnel(tmp_path, "2024-06-03 mobile page_view+purchase 1", orders=orders("o1 c1 2024-05-30"))
    may = found.filter(pl.col("period_start") == dt.date(2024, 5, 1))
    assert may.select("step_no", "sessions", "share_of_previous", "share_of_first", "lost").rows() == [
        (1, 0, None, None, None), (5, 0, None, None, 0)]


def month(day, steps):
    """Sessions of a day that reach cart, checkout and purchase so many times."""
    carts, checkouts, purchases = steps
    parts = (("add_to_cart", carts - checkouts), ("add_to_cart+begin_checkout", checkouts - purchases),
             ("add_to_cart+begin_checkout+purchase", purchases))
    return [f"{day} mobile {names} {times}" for names, times in parts if times]


def losses(tmp_path, before, after, first_day="2024-04-30"):
    folder = tmp_path / f"{before}{after}"
    folder.mkdir()
    found = funnel(
        folder, *month("2024-05-10", before), *month("2024-06-10", after), orders=orders(f"o1 c1 {first_day}"))
    june = found.filter(pl.col("period_start") == dt.date(2024, 6, 1))
    return june.filter("biggest_loss")["step"].to_list()


def test_the_biggest_loss_is_the_largest_fall_of_a_share(tmp_path):
    # checkout 40/50 -> 30/50 (-0.2), purchase 20/40 -> 12/30 (-0.1)
    assert losses(tmp_path, (50, 40, 20), (50, 30, 12)) == ["checkout"]
    # checkout 0.8 -> 0.8, purchase 0.5 -> 0.1
    assert losses(tmp_path, (50, 40, 20), (50, 40, 4)) == ["purchase"]
    # nothing fell
    assert losses(tmp_path, (50, 30, 10), (50, 40, 30)) == []
    # 19 carts before: too few for checkout; purchase 15/15 has too few too
    assert losses(tmp_path, (19, 19, 19), (50, 15, 12)) == []
    # equal falls of 0.25: the earlier step
    assert losses(tmp_path, (80, 60, 45), (80, 40, 20)) == ["checkout"]


def test_a_period_before_that_began_before_the_span_is_shown_but_not_compared(tmp_path):
    assert losses(tmp_path, (50, 40, 21), (50, 30, 12), first_day="2024-05-01") == ["checkout"]
    assert losses(tmp_path, (50, 40, 20), (50, 30, 12), first_day="2024-05-02") == []


def test_what_events_do_not_cover_has_no_rows(tmp_path):
    found = funnel(
        tmp_path, "2024-05-10 mobile page_view 1", "2024-06-10 mobile page_view 1",
        orders=orders("o1 c1 2024-05-01"), feed_coverage="table_name,covers_from,covers_to\nevents,2024-05-02,")
    assert found["period_start"].to_list() == [dt.date(2024, 6, 1)]


def campaigns(tmp_path, spend, order_days, web=(), as_of="2024-06-30", **tables):
    """campaign_impact by campaign. `spend` rows are `day campaign audience cost`."""
    ad_spend = ["spend_date,platform,campaign_id,audience,impressions,clicks,cost,currency"]
    ad_spend += [f"{day},p,{campaign},{audience},1,1,{cost},EUR" for day, campaign, audience, cost in map(
        str.split, spend)]
    world = market(
        tmp_path, as_of=as_of, ad_spend="\n".join(ad_spend),
        orders=orders(*(f"o{n} c1 {day}" for n, day in enumerate(order_days))),
        order_lines="\n".join([LINES, *(f"l{n},o{n},s1,p1,1,10.00" for n in range(len(order_days)))]),
        **({"events": "\n".join([EVENTS, *web])} if web else {}), **tables).world
    return {row["campaign_id"]: row for row in impact_table(world).to_dicts()}


def test_campaigns_and_the_market_meanwhile(tmp_path):
    days = ["2023-06-05"] * 2 + ["2023-06-12"] * 3 + ["2024-06-03"] * 4 + ["2024-06-11"] * 6 + ["2024-06-20"]
    found = campaigns(
        tmp_path, ["2024-06-10 k1 buyers 5.00", "2024-06-12 k1 buyers 7.50", "2024-06-12 k2 buyers 1.00",
                   "2024-06-13 k3 buyers 1.00", "2024-06-11 k4 sellers 1.00", "2024-07-01 k1 buyers 9.00"],
        days, web=[
            "e1,2024-06-11T09:00:00Z,page_view,v1,s1,mobile,google,cpc,k1,,",
            "e2,2024-06-11T09:00:05Z,purchase,v1,s1,mobile,google,cpc,k1,o9,",
            "e3,2024-06-13T09:00:00Z,page_view,v1,s2,mobile,google,cpc,k1,,",
            "e4,2024-06-10T09:00:00Z,page_view,v2,s3,mobile,google,cpc,k1,,",
            "e5,2024-06-10T09:00:00Z,page_view,v3,s4,mobile,google,cpc,k1,,true"])
    assert sorted(found) == ["k1", "k2", "k3"]
    k1 = found["k1"]
    assert (k1["first_day"], k1["last_day"], k1["spend"]) == (dt.date(2024, 6, 10), dt.date(2024, 6, 12), 12.5)
    # the session of the 13th is out of it; v1 bought o9, so the buyer's orders of the 11th are attributed to it
    assert (k1["sessions"], k1["orders"], k1["gmv"]) == (2, 6, 60.0)
    # 10..12 June against 3..5 June: 6 / 4; 364 days earlier 12..14 against 5..7 June 2023: 3 / 2
    assert (k1["market_change"], k1["market_change_adjusted"]) == (1.5, 1.0)
    assert (k1["overlapping"], found["k2"]["overlapping"], found["k3"]["overlapping"]) == ("k2", "k1", None)
    # the day a week before k3 had no order
    assert found["k3"]["market_change"] is None


def test_a_market_before_the_span_is_not_known_and_without_events_nothing_is_attributed(tmp_path):
    found = campaigns(tmp_path, ["2024-06-10 k1 buyers 5.00"], ["2024-06-04", "2024-06-10"])["k1"]
    assert (found["market_change"], found["market_change_adjusted"]) == (None, None)
    assert (found["sessions"], found["orders"], found["gmv"]) == (None, None, None)
