"""The whole of the folder `sellers`: what is published right passes, and no change to it goes unseen."""

import datetime as dt

import polars as pl
import pytest
from publishing import not_found, publish
from recompute_market import market, orders

from python_checks.recompute.catalogue import KPIS
from python_checks.recompute.compute import recompute
from python_checks.sellers import check_sellers, kept_values
from python_checks.sellers.check import expected_tables
from python_checks.sellers.matching import Expected

SELLERS = range(1, 9)
PER_SELLER = 44  # paid orders, 22 in May and 22 in June
RULES = """policy,kpi_id,operator,alert_value,limit_value,window_days,min_volume,source
    default,cancellation_rate,<=,0.05,0.1,30,20,somewhere
    default,avg_rating,>=,4.0,3.0,180,1,somewhere
    default,seller_orders,>=,,1,30,,somewhere
    strict,cancellation_rate,<=,,0.01,30,20,somewhere"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A market of eight sellers of which one after the other cancels more, its policies, its values and its tables."""
    folder = tmp_path_factory.mktemp("market")
    builtin = folder / "builtin.csv"
    builtin.write_text("\n".join(line.strip() for line in RULES.splitlines()) + "\n")
    order_rows, line_rows = [], [
        "order_line_id,order_id,seller_id,product_id,quantity,unit_price,cancelled_at,cancelled_by,shipped_at,"
        "ship_by_at,fulfilled_by"]
    reviews = ["review_id,order_id,seller_id,subject,rating,created_at"]
    for seller in SELLERS:
        for n in range(PER_SELLER):
            key, day = f"{seller}x{n}", f"2024-0{5 + n % 2}-{1 + n // 2:02}"
            order_rows.append(f"o{key} c1 {day}")
            is_bad = n % 2 and n // 2 < seller - 2
            line_rows.append(
                f"l{key},o{key},s{seller},p1,1,{seller}.50,{day + 'T14:00:00Z,seller' if is_bad else ','},"
                f"{'' if is_bad else day + 'T20:00:00Z'},{day}T21:00:00Z,seller")
            reviews.append(f"r{key},o{key},s{seller},seller,{5 if n % (seller + 1) else 1},{day}T22:30:00Z")
    views = ["event_id,occurred_at,event_name,visitor_id,session_id,product_id,seller_id"] + [
        f"e{seller}x{n},2024-06-10T10:00:00Z,product_view,v1,s1,p1,s{seller}"
        for seller in SELLERS for n in range(10 * seller)]
    events = """event_id,seller_id,occurred_at,status,policy,reason,kpi_id,evidence
        e1,s8,2024-05-20T10:00:00Z,warned,default,late,cancellation_rate,
        e2,s8,2024-06-25T10:00:00Z,action_plan,,,cancellation_rate,as told
        e3,s7,2024-05-10T10:00:00Z,suspended,,,,
        e4,s2,2024-06-28T10:00:00Z,vacation_started,,,,"""
    world = market(
        folder, as_of="2024-06-30", orders=orders(*order_rows), order_lines="\n".join(line_rows),
        reviews="\n".join(reviews), events="\n".join(views), seller_status_events=events,
        sellers="seller_id,validated_at,policy,legal_id\n" + "\n".join(
            f"s{n},2024-01-01T00:00:00Z,{'strict' if n == 3 else ''},{'same' if n >= 6 else f'own{n}'}"
            for n in SELLERS)).world
    values = pl.concat(kept_values(rows.frame()) for _, rows in recompute(world, KPIS))
    return world, values, builtin, list(expected_tables(world, values, builtin))


def test_every_table_and_column_is_put_to_the_test(built):
    tables = built[-1]
    assert [expected.table for expected in tables] == [
        "seller_policies", "seller_scorecard", "seller_health", "seller_account_events", "seller_next_steps",
        "seller_benchmarks", "top_sellers"]
    silent = [f"{expected.table}.{name}" for expected in tables for name in expected.frame.columns
              if not expected.frame[name].count()]
    assert silent == []
    steps = dict(tables[4].frame.select("seller_id", "proposed_step").iter_rows())
    # half of the ratings of s1 are 5, half 1: 3 is in order, but below 4
    assert (steps["s1"], steps["s7"], steps["s8"]) == ("inform", "wait", "warn_again")


def test_what_is_right_passes(built, tmp_path):
    world, values, builtin, tables = built
    verdicts = check_sellers(world, values, publish(tmp_path / "file.duckdb", tables), builtin)
    assert [verdict.kpi_id for verdict in verdicts if not verdict.passed] == []
    assert [verdict.compared for verdict in verdicts] == [len(expected.frame) for expected in tables]


def test_no_change_goes_unseen(built):
    assert not_found(built[-1]) == []


def test_a_change_is_told_of_the_table_it_was_made_to(built, tmp_path):
    world, values, builtin, tables = built
    late = tables[2].frame.with_columns(
        score=pl.when(pl.col("evaluated_on") == dt.date(2024, 6, 30)).then(pl.col("score") / 2).otherwise("score"))
    other = [*tables[:2], Expected("seller_health", tables[2].key, late), *tables[3:]]
    verdicts = check_sellers(world, values, publish(tmp_path / "file.duckdb", other), builtin)
    assert [verdict.kpi_id for verdict in verdicts if not verdict.passed] == ["seller_health"]
    assert "score differs" in verdicts[2].examples[0]
