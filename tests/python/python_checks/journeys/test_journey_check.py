"""The whole of the folder `journeys`: what is published right passes, and no change to it goes unseen."""

import polars as pl
import pytest
from publishing import not_found, publish
from recompute_market import market, orders

from python_checks.journeys import check_journeys, other_tables, tables_of_events
from python_checks.sellers.matching import Expected

DAYS = ["2023-05-10", "2023-06-05", "2023-06-12", "2024-04-05", "2024-04-06", "2024-05-10", "2024-06-03", "2024-06-10"]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A market of whose tables every column says something."""
    kinds = ("page_view", "product_view", "add_to_cart", "begin_checkout", "purchase")
    order_rows, lines, events = [], [], []
    for place, day in enumerate(DAYS):
        for n in range(6):
            order, later = f"o{place}x{n}", f"{day[:-2]}{int(day[-2:]) + 1:02}"
            order_rows.append(f"{order} c{n % (2 if place < 3 else 3) + 1} {day}")
            for line, product in (("a", "p1"), ("b", "p3")):
                lines.append(
                    f"{line}{place}x{n},{order},s{1 + (n + (line == 'b')) % 2},{product},1,{n + 1}.00,"
                    f"{day}T1{4 + n % 2}:00:00Z,{'' if n == 5 else later + 'T10:00:00Z'},"
                    f"{'' if n >= 4 else later + 'T20:00:00Z'},{'' if n else later + 'T09:00:00Z'}")
        for n in range(40):
            # in June fewer reach the cart
            reached = n % 5 if place < 6 else min(n % 5, 1 + n % 2 * 3)
            for step, kind in enumerate(kinds[:reached + 1]):
                order = f"o{place}x{n % 6}" if kind == "purchase" else ""
                events.append(f"e{place}x{n}x{step},{day}T10:{step:02}:00Z,{kind},v{n},s{place}x{n},mobile,"
                              f"{'google,cpc,k1' if n % 2 else ',,'},{order}")
    assignments = [f"x,v{n},{'ab'[n % 2]},2024-04-01T00:00:00Z" for n in range(40)]
    world = market(
        tmp_path_factory.mktemp("market"), as_of="2024-07-20", orders=orders(*order_rows),
        order_lines="\n".join(["order_line_id,order_id,seller_id,product_id,quantity,unit_price,accepted_at,shipped_at,"
                               "delivered_at,cancelled_at", *lines]),
        events="\n".join(["event_id,occurred_at,event_name,visitor_id,session_id,device,source,medium,campaign_id,"
                          "order_id", *events]),
        experiments="""experiment,variant,is_control,expected_share,started_at,ended_at,kpi_id
            x,a,true,0.5,2024-04-01T00:00:00Z,2024-06-20T00:00:00Z,gmv
            x,b,false,0.5,2024-04-01T00:00:00Z,2024-06-20T00:00:00Z,gmv""",
        experiment_assignments="\n".join(["experiment,visitor_id,variant,assigned_at", *assignments]),
        ad_spend="""spend_date,platform,campaign_id,audience,impressions,clicks,cost,currency
            2024-06-10,p,k1,buyers,1,1,5.00,EUR
            2024-06-11,p,k2,buyers,1,1,5.00,EUR
            2024-06-10,p,k2,buyers,1,1,5.00,EUR""",
        reviews="\n".join(["review_id,order_id,seller_id,subject,rating,created_at,comment", *(
            f"r{place}x{n},o{place}x{n},s1,seller,{1 + n % 4},2024-06-15T10:0{n}:00Z,call 012345678{n}"
            for place in (0, 3, 4) for n in range(6))])).world
    return [*tables_of_events(world), *other_tables(world)]


def test_every_table_and_column_is_put_to_the_test(built):
    assert [expected.table for expected in built] == [
        "funnel_steps", "campaign_impact", "experiment_results", "cohort_retention", "cross_sell_pairs",
        "process_steps", "review_drivers", "review_examples"]
    silent = [f"{expected.table}.{name}" for expected in built for name in expected.frame.columns
              if not expected.frame[name].count()]
    assert silent == []
    flags = {(expected.table, name): expected.frame[name].n_unique() for expected in built
             for name, kind in expected.frame.schema.items() if kind == pl.Boolean}
    assert {name for name, count in flags.items() if count == 1} == set()


def test_what_is_right_passes(built, tmp_path):
    verdicts = check_journeys(built, publish(tmp_path / "file.duckdb", built))
    assert [verdict.kpi_id for verdict in verdicts if not verdict.passed] == []
    assert [verdict.compared for verdict in verdicts] == [len(expected.frame) for expected in built]


def test_no_change_goes_unseen(built):
    assert not_found(built) == []


def test_a_change_is_told_of_the_table_it_was_made_to(built, tmp_path):
    other = built[4].frame.with_columns(lift=pl.col("lift") * 1.001)
    changed = [*built[:4], Expected("cross_sell_pairs", built[4].key, other), *built[5:]]
    verdicts = check_journeys(built, publish(tmp_path / "file.duckdb", changed))
    assert [verdict.kpi_id for verdict in verdicts if not verdict.passed] == ["cross_sell_pairs"]
    assert "lift differs" in verdicts[4].examples[0]
