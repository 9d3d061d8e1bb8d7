"""Benchmarks and ranks of sellers from rows of kpi_values, worked by hand."""

import datetime as dt

import polars as pl
from recompute_market import market, orders

from python_checks.sellers.ranking import benchmarks_table, top_table

JUNE = dt.date(2024, 6, 1)
LINES = "order_line_id,order_id,seller_id,product_id,quantity,unit_price"
SCHEMA = {
    "kpi_id": pl.String, "period_grain": pl.String, "period_start": pl.Date, "dimension": pl.String,
    "dimension_value": pl.String, "value": pl.Float64, "sample_size": pl.Int64}


def values(*rows):
    """Rows of kpi_values."""
    return pl.DataFrame(rows, SCHEMA, orient="row")


def of_sellers(kpi_id, numbers, size=20):
    """Month rows of June of sellers s1, s2, ..."""
    return [(kpi_id, "month", JUNE, "seller", f"s{n}", number, size) for n, number in enumerate(numbers, 1)]


def world(tmp_path, sales):
    """A market of these sales, each `seller product day price`."""
    rows = [sale.split() for sale in sales]
    return market(
        tmp_path, as_of="2024-06-30", orders=orders(*(f"o{n} c1 {day}" for n, (_, _, day, _) in enumerate(rows))),
        order_lines="\n".join([LINES, *(
            f"l{n},o{n},{seller},{product},1,{price}" for n, (seller, product, _, price) in enumerate(rows))])).world


def table(tmp_path, sales, rows):
    """Benchmarks by seller and KPI: group, median, percentile and size."""
    found = benchmarks_table(world(tmp_path, sales), values(*rows))
    found = found.with_columns(pl.col("group_median", "percentile").round(9))
    return {(row["seller_id"], row["kpi_id"]): (
        row["seller_group"], row["group_median"], row["percentile"], row["group_size"]) for row in found.to_dicts()}


def test_sellers_are_held_against_those_of_their_main_category(tmp_path):
    # six of books (p1), one of toys (p3); s7 sold most books long ago; s6 as many toys as books: books, the lower name
    sales = [*(f"s{n} p1 2024-06-10 5.00" for n in range(1, 7)), "s6 p3 2024-06-11 5.00", "s7 p3 2024-06-11 1.00",
             "s7 p1 2023-06-30 99.00"]
    ratings = of_sellers("avg_rating", [4.0, 4.5, 4.5, 3.0, 5.0, 4.2, 4.6])
    late = of_sellers("late_shipment_rate", [0.0, 0.1, 0.1, 0.2, 0.3, 0.4, 0.1])
    found = table(tmp_path, sales, [*ratings, *late])
    # books: 3.0 4.0 4.2 4.5 4.5 5.0
    assert found["s1", "avg_rating"] == ("books", 4.35, 0.333333333, 6)
    assert found["s2", "avg_rating"] == found["s3", "avg_rating"] == ("books", 4.35, 0.833333333, 6)
    assert found["s6", "avg_rating"] == ("books", 4.35, 0.5, 6)
    # toys has one: against all seven
    assert found["s7", "avg_rating"] == ("all", 4.5, 0.857142857, 7)
    # less is better: of 0 0.1 0.1 0.2 0.3 0.4
    assert found["s1", "late_shipment_rate"] == ("books", 0.15, 1.0, 6)
    assert found["s2", "late_shipment_rate"][2] == 0.833333333
    assert found["s6", "late_shipment_rate"][2] == 0.166666667
    assert found["s7", "late_shipment_rate"] == ("all", 0.1, 0.857142857, 7)


def test_values_that_differ_in_the_last_bit_of_a_sum_are_equal(tmp_path):
    times = of_sellers("acceptance_time_median", [0.1 + 0.2, 0.3, 0.5, 0.6, 0.7, 0.8])
    found = table(tmp_path, [f"s{n} p1 2024-06-10 5.00" for n in range(1, 7)], times)
    assert found["s1", "acceptance_time_median"] == found["s2", "acceptance_time_median"]
    assert found["s1", "acceptance_time_median"][2] == 1


def test_a_group_below_six_is_silent(tmp_path):
    sales = [f"s{n} p1 2024-06-10 5.00" for n in range(1, 8)]
    rows = of_sellers("avg_rating", [4.0] * 5) + of_sellers("avg_rating", [1.0] * 7, size=19)[5:]
    found = table(tmp_path, sales, rows)
    assert set(found) == {(f"s{n}", "avg_rating") for n in range(1, 6)}  # the others lack the volume
    assert set(found.values()) == {("all", None, None, 5)}


def test_neutral_kpis_have_no_percentile_and_counts_no_row(tmp_path):
    rows = [*of_sellers("platform_fulfilled_share", [0.5] * 6), *of_sellers("reviews", [30.0] * 6),
            ("avg_rating", "quarter", dt.date(2024, 4, 1), "seller", "s1", 4.0, 50),
            ("avg_rating", "month", JUNE, "all", "all", 4.0, 50)]
    found = table(tmp_path, ["s1 p1 2024-06-10 5.00"], rows)
    assert len(found) == 6
    assert set(found.values()) == {("all", 0.5, None, 6)}


def test_top_sellers():
    may = dt.date(2024, 5, 1)
    rows = [
        *(("gmv_net", "month", JUNE, "seller", seller, amount, None) for seller, amount in (
            ("s1", 30.0), ("s2", 50.0), ("s3", 30.0), ("s4", 0.0), ("s5", 90.0))),
        ("gmv_net", "month", JUNE, "all", "all", 200.0, None),
        *(("gmv_net", "month", may, "seller", seller, amount, None) for seller, amount in (
            ("s1", 10.0), ("s2", 0.0), ("s3", 20.0))),
        ("gmv_net", "month", may, "all", "all", 30.0, None),
        *(("product_views", "month", JUNE, "seller", seller, views, None) for seller, views in (
            ("s1", 20.0), ("s2", 19.0), ("s3", 61.0))),
        ("product_views", "month", JUNE, "all", "all", 100.0, None),
        ("gmv_net", "week", dt.date(2024, 6, 3), "all", "all", 1.0, None),
    ]
    found = top_table(values(*rows)).sort("period_start", "rank")
    columns = ["rank", "seller_id", "share", "cumulated_share", "view_share", "conversion_gap", "rank_before"]
    assert found.filter(pl.col("period_start") == JUNE).select(columns).rows() == [
        (1, "s5", 0.45, 0.45, 0.0, None, None),
        (2, "s2", 0.25, 0.7, 0.19, None, None),  # 19 views are too few
        (3, "s1", 0.15, 0.85, 0.2, 0.15 / 0.2, 2),
        (4, "s3", 0.15, 1.0, 0.61, 0.15 / 0.61, 1),
    ]
    assert found.filter(pl.col("period_start") == may).select(columns).rows() == [
        (1, "s3", 20 / 30, 20 / 30, None, None, None), (2, "s1", 10 / 30, 1.0, None, None, None)]


def test_only_the_first_hundred_are_shown_though_all_are_ranked():
    rows = [("gmv_net", "month", month, "seller", f"s{n:03}", amount, None)
            for month, sign in ((dt.date(2024, 5, 1), 1), (JUNE, -1))
            for n, amount in ((n, 1000.0 + sign * n) for n in range(120))]
    rows += [("gmv_net", "month", month, "all", "all", 120_000.0, None) for month in (dt.date(2024, 5, 1), JUNE)]
    june = top_table(values(*rows)).filter(pl.col("period_start") == JUNE).sort("rank")
    assert (len(june), june["seller_id"][0], june["rank_before"][0]) == (100, "s000", 120)
