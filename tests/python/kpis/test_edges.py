"""A tiny marketplace worked by hand: what happens at the edges of sessions, days, periods and first orders.

Every time below is written in UTC; the business day is that of Paris. Each case has a month of its own.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from ops.land import land

CUSTOMERS = ["ann", "bea", "cid", "dan", "eve", "flo", "gil", "hal", "ivy"]

# order, customer, ordered (and paid) at, line value, shipped at, cancelled at
ORDERS = [
    # January: two orders in one session, one whose purchase event has no session id
    ("jan-1", "ann", "2026-01-10T10:15:00Z", 10, "", ""),
    ("jan-2", "ann", "2026-01-10T10:25:00Z", 30, "", ""),
    ("jan-3", "bea", "2026-01-20T12:10:00Z", 20, "", ""),
    # February and March: bought after midnight, 1 March in Paris, in a session that began on 28 February
    ("mar-1", "cid", "2026-02-28T23:20:00Z", 40, "", ""),
    # March: 29 March is 23 hours long; it begins at 23:00Z and ends at 22:00Z
    ("mar-2", "dan", "2026-03-28T23:30:00Z", 11, "2026-03-29T23:30:00Z", ""),
    ("mar-3", "eve", "2026-03-29T22:30:00Z", 12, "", ""),
    # April: flo and gil share a device; hal is refunded more than was paid; ivy's first order falls through
    ("apr-1", "flo", "2026-04-04T12:00:00Z", 10, "", ""),
    ("apr-2", "gil", "2026-04-02T18:00:00Z", 20, "", ""),
    ("apr-3", "hal", "2026-04-06T12:00:00Z", 50, "", ""),
    ("apr-4", "ivy", "2026-04-05T12:00:00Z", 5, "", "2026-04-05T13:00:00Z"),
    ("apr-5", "ivy", "2026-04-10T12:00:00Z", 8, "", ""),
    ("apr-6", "ivy", "2026-04-20T12:00:00Z", 9, "", ""),
]
REFUNDS = [("apr-3", "2026-04-12T12:00:00Z", 30), ("apr-3", "2026-04-13T12:00:00Z", 40)]

# at, name, visitor, session, customer, cart, order, source, medium
EVENTS = [
    ("2026-01-10T10:00:00Z", "page_view", "v-ann", "s1", "", "", "", "google", "cpc"),
    ("2026-01-10T10:10:00Z", "add_to_cart", "v-ann", "s1", "", "k1", "", "", ""),
    ("2026-01-10T10:15:00Z", "purchase", "v-ann", "s1", "", "k1", "jan-1", "", ""),
    ("2026-01-10T10:20:00Z", "add_to_cart", "v-ann", "s1", "", "k2", "", "", ""),
    ("2026-01-10T10:25:00Z", "purchase", "v-ann", "s1", "", "k2", "jan-2", "", ""),
    # the purchase is a session of its own, so the cart of s1 (no cart id: the session's) is not bought; the order comes
    # from the mail all the same, the last session of bea's visitor that is not direct
    ("2026-01-20T12:00:00Z", "page_view", "v-bea", "s1", "", "", "", "newsletter", "email"),
    ("2026-01-20T12:05:00Z", "add_to_cart", "v-bea", "s1", "", "", "", "", ""),
    ("2026-01-20T12:10:00Z", "purchase", "v-bea", "", "", "", "jan-3", "", ""),
    # no session id: less than 30 minutes apart is one session, 30 minutes are two
    ("2026-01-25T08:00:00Z", "page_view", "v-nobody", "", "", "", "", "", ""),
    ("2026-01-25T08:29:59Z", "page_view", "v-nobody", "", "", "", "", "", ""),
    ("2026-01-25T08:59:59Z", "page_view", "v-nobody", "", "", "", "", "", ""),
    ("2026-02-28T22:50:00Z", "page_view", "v-cid", "s1", "", "", "", "google", "organic"),
    ("2026-02-28T23:10:00Z", "begin_checkout", "v-cid", "s1", "", "", "", "", ""),
    ("2026-02-28T23:20:00Z", "purchase", "v-cid", "s1", "", "", "mar-1", "", ""),
    # 01:50 to 03:10 by the clock of Paris, twenty minutes
    ("2026-03-29T00:50:00Z", "page_view", "v-late", "s1", "", "", "", "", ""),
    ("2026-03-29T01:10:00Z", "page_view", "v-late", "s1", "", "", "", "", ""),
    ("2026-04-02T08:00:00Z", "page_view", "v-shared", "s1", "flo", "", "", "google", "cpc"),
    ("2026-04-03T08:00:00Z", "page_view", "v-shared", "s2", "gil", "", "", "facebook", "paid_social"),
]

EXPECTED = {  # KPI, grain, period, segment: numerator, denominator, value
    # s1 of ann, s1 of bea, the purchase of bea, two of v-nobody
    ("sessions", "month", "2026-01-01", "all"): (5, None, 5),
    ("sessions", "month", "2026-01-01", "channel=paid_search"): (1, None, 1),
    ("sessions", "month", "2026-01-01", "channel=email"): (1, None, 1),
    ("sessions", "month", "2026-01-01", "channel=direct"): (3, None, 3),
    ("sessions", "day", "2026-01-25", "all"): (2, None, 2),
    ("conversion_rate_session", "month", "2026-01-01", "all"): (2, 5, 2 / 5),
    ("conversion_rate_visitor", "month", "2026-01-01", "all"): (2, 3, 2 / 3),
    ("orders_per_session", "month", "2026-01-01", "all"): (3, 5, 3 / 5),
    ("orders_per_session", "day", "2026-01-10", "all"): (2, 1, 2),
    ("conversion_rate_session", "day", "2026-01-10", "all"): (1, 1, 1),
    ("conversion_rate_cart", "month", "2026-01-01", "all"): (2, 3, 2 / 3),
    ("cart_abandonment_rate", "month", "2026-01-01", "all"): (1, 3, 1 / 3),
    ("orders", "month", "2026-01-01", "channel=paid_search"): (2, None, 2),
    ("orders", "month", "2026-01-01", "channel=email"): (1, None, 1),
    ("new_buyers", "month", "2026-01-01", "channel=email"): (1, None, 1),
    ("gmv", "month", "2026-01-01", "all"): (60, None, 60),
    ("aov", "month", "2026-01-01", "channel=paid_search"): (40, 2, 20),
    # the session is February's, the order March's
    ("sessions", "month", "2026-02-01", "all"): (1, None, 1),
    ("sessions", "day", "2026-02-28", "all"): (1, None, 1),
    ("sessions", "day", "2026-03-01", "all"): (0, None, 0),
    ("conversion_rate_session", "month", "2026-02-01", "all"): (1, 1, 1),
    ("conversion_rate_session", "day", "2026-03-01", "all"): (0, 0, None),
    ("checkout_abandonment_rate", "month", "2026-02-01", "all"): (0, 1, 0),
    ("avg_session_duration", "month", "2026-02-01", "all"): (1800, 1, 1800),
    ("orders", "month", "2026-02-01", "all"): (0, None, 0),
    ("aov", "month", "2026-02-01", "all"): (0, 0, None),
    ("orders", "day", "2026-02-28", "all"): (0, None, 0),
    ("orders", "day", "2026-03-01", "all"): (1, None, 1),
    ("orders", "month", "2026-03-01", "channel=organic_search"): (1, None, 1),
    # the short day
    ("orders", "month", "2026-03-01", "all"): (3, None, 3),
    ("orders", "day", "2026-03-28", "all"): (0, None, 0),
    ("orders", "day", "2026-03-29", "all"): (1, None, 1),
    ("orders", "day", "2026-03-30", "all"): (1, None, 1),
    ("avg_session_duration", "day", "2026-03-29", "all"): (1200, 1, 1200),
    ("processing_time_median", "month", "2026-03-01", "all"): (None, None, 24),
    # the shared device: each order comes from the last session before it, whoever browsed
    ("sessions", "month", "2026-04-01", "all"): (2, None, 2),
    ("visitors", "month", "2026-04-01", "all"): (1, None, 1),
    ("orders", "month", "2026-04-01", "channel=paid_search"): (1, None, 1),
    ("orders", "month", "2026-04-01", "channel=paid_social"): (1, None, 1),
    ("orders", "month", "2026-04-01", "channel=direct"): (4, None, 4),
    ("new_buyers", "month", "2026-04-01", "channel=paid_search"): (1, None, 1),
    ("new_buyers", "month", "2026-04-01", "channel=direct"): (2, None, 2),
    # refunds take no more than the line value off the net, and count in full as refunds
    ("gmv", "month", "2026-04-01", "all"): (102, None, 102),
    ("gmv_net", "month", "2026-04-01", "all"): (47, None, 47),
    ("gmv_net", "day", "2026-04-06", "all"): (0, None, 0),
    ("kept_sales_rate", "month", "2026-04-01", "all"): (47, 102, 47 / 102),
    ("refunded_amount", "month", "2026-04-01", "all"): (70, None, 70),
    ("refunded_amount", "day", "2026-04-13", "all"): (40, None, 40),
    ("refund_rate", "month", "2026-04-01", "all"): (1, 5, 1 / 5),
    # the first order that stood makes the buyer
    ("orders", "day", "2026-04-05", "all"): (1, None, 1),
    ("valid_orders", "day", "2026-04-05", "all"): (0, None, 0),
    ("new_buyers", "day", "2026-04-05", "all"): (0, None, 0),
    ("new_buyers", "day", "2026-04-10", "all"): (1, None, 1),
    ("new_buyers", "month", "2026-04-01", "all"): (4, None, 4),
    ("period_buyers", "month", "2026-04-01", "all"): (4, None, 4),
    ("returning_order_share", "month", "2026-04-01", "all"): (1, 5, 1 / 5),
    ("returning_buyer_share", "month", "2026-04-01", "all"): (1, 4, 1 / 4),
    ("repeat_purchase_rate_90d", "month", "2026-04-01", "all"): (1, 4, 1 / 4),
    ("cancellation_rate", "month", "2026-04-01", "all"): (1, 6, 1 / 6),
}


def write(folder: Path, table: str, header: str, rows: list[tuple]) -> None:
    lines = [header, *(",".join(map(str, row)) for row in rows)]
    (folder / f"{table}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_market(folder: Path) -> None:
    begun = "2026-01-01T00:00:00Z"
    write(folder, "customers", "customer_id,created_at", [(name, begun) for name in CUSTOMERS])
    write(folder, "sellers", "seller_id,registered_at", [("shop", begun)])
    write(folder, "products", "product_id,category", [("lamp", "light")])
    write(
        folder, "orders", "order_id,customer_id,ordered_at,paid_at,currency",
        [(order, customer, at, at, "EUR") for order, customer, at, *_ in ORDERS],
    )
    write(
        folder, "order_lines",
        "order_line_id,order_id,seller_id,product_id,quantity,unit_price,accepted_at,shipped_at,cancelled_at,cancelled_by",
        [
            (order, order, "shop", "lamp", 1, value, "" if gone else at, shipped, gone, "buyer" if gone else "")
            for order, _, at, value, shipped, gone in ORDERS
        ],
    )
    write(
        folder, "refunds", "refund_id,order_line_id,refunded_at,amount,currency,reason",
        [(f"r{number}", *refund, "EUR", "gesture") for number, refund in enumerate(REFUNDS)],
    )
    write(
        folder, "events",
        "event_id,occurred_at,event_name,visitor_id,session_id,customer_id,cart_id,order_id,source,medium",
        [(f"e{number}", *event) for number, event in enumerate(EVENTS)],
    )


@pytest.fixture(scope="module")
def published(
    tmp_path_factory: pytest.TempPathFactory, run_dbt: Callable[..., subprocess.CompletedProcess]
) -> dict[tuple, tuple]:
    """What kpi_values says of the market, by KPI, grain, period and segment."""
    folder = tmp_path_factory.mktemp("edges")
    extracts = folder / "extracts"
    extracts.mkdir()
    write_market(extracts)
    narrow = json.dumps({"kpi_grains": ["day", "month"], "kpi_dimensions": ["channel"]})
    land(extracts, folder / "landing", say=lambda text: None)
    done = run_dbt(
        folder, "build", "--select", "+kpi_values", "--exclude-resource-type", "unit_test", "test", "--vars", narrow,
        LANDING_DIR=str(folder / "landing"), AS_OF="2026-04-30",
    )
    assert done.returncode == 0, done.stdout[-5000:]
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
        rows = connection.execute("""
            select kpi_id, period_grain, strftime(period_start, '%Y-%m-%d'),
                case when dimension = 'all' then 'all' else concat(dimension, '=', dimension_value) end,
                numerator, denominator, value
            from marts.kpi_values""").fetchall()
    return {tuple(row[:4]): tuple(row[4:]) for row in rows}


@pytest.mark.parametrize("place", EXPECTED, ids=" ".join)
def test_as_worked_by_hand(published: dict[tuple, tuple], place: tuple) -> None:
    numerator, denominator, value = published[place]
    expected = EXPECTED[place]
    assert (numerator, denominator) == expected[:2]
    assert value == (None if expected[2] is None else pytest.approx(expected[2], rel=1e-12))
