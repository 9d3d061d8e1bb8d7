"""The boards of sellers, one seller, journeys and data show what plain SQL finds in the release."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import duckdb
import pytest
from playwright.sync_api import Browser

from tests.python.browser import opened

Told = Callable[..., dict[str, Any]]
Drawn = Callable[..., dict[str, list[dict[str, Any]]]]
FORMS = {"0.0%": ".1%", "0.00%": ".2%", "0.00": ",.2f", "0.0": ",.1f"}


def seen(text: str) -> str:
    return text.replace("\u2060", "").replace("−", "-")


def months(release: duckdb.DuckDBPyConnection, kpi: str) -> tuple[str, str]:
    """The latest final month of a KPI and the one before."""
    rows = release.execute(
        "with months as (from kpi_scorecard where kpi_id = ? and period_grain = 'month' and dimension = 'all')"
        " select strftime(period_start, '%Y-%m') from months"
        " where period_start <= (select period_start from months where is_latest) order by 1 desc limit 2", [kpi]
    ).fetchall()
    return rows[0][0], rows[1][0]


def test_next_steps(drawn: Drawn, release: duckdb.DuckDBPyConnection) -> None:
    steps = drawn("sellers")["steps"]
    held = dict(release.execute(
        "select seller_id, evidence from seller_next_steps where proposed_step <> 'none' or identity_alert").fetchall())
    assert {row["seller_id"] for row in steps} == set(held)
    forms = dict(release.execute("select label_en, format from dim_kpi").fetchall())
    for row in steps:  # 0.2264 (12 of 53) of the evidence is 22.64% (12 of 53) on the board
        if row["evidence"] is not None:
            _, number, rest = held[row["seller_id"]].split(" ", 2)
            value, cases = seen(row["evidence"]).split(" ", 1)
            assert value == format(float(number), FORMS[forms[row["kpi"]]])
            counted = rest.split(", limit")[0]  # (34 of 14) are stars of reviews: of a mean only the cases are counts
            mean = f"({counted.rstrip(')').split()[-1]} reviews)"
            assert cases == (mean if row["kpi"] == "Mean rating" else counted)
        else:
            assert held[row["seller_id"]] is None
    gravity = [row["step"] for row in steps]
    assert gravity == sorted(gravity, key=list(dict.fromkeys(gravity)).index), "steps of a kind are not together"


def test_sellers_health_limits_and_sales(drawn: Drawn, release: duckdb.DuckDBPyConnection) -> None:
    rows = drawn("sellers")
    health = dict(release.execute(
        "select seller_id, score from seller_health where evaluated_on = (select as_of from release_info)").fetchall())
    assert {row["seller_id"]: row["score"] for row in rows["health"]} == health
    held = release.execute(
        "select seller_id, volume, headroom from seller_scorecard where evaluated_on = (select as_of from release_info)"
        " and (status in ('limit', 'alert') or projected_breach)").fetchall()
    assert sorted((row["seller_id"], row["volume"], row["headroom"] or 0) for row in rows["limits"]) == sorted(
        (seller, volume, headroom or 0) for seller, volume, headroom in held)
    for month in months(release, "gmv_net"):
        held = release.execute(
            "select seller_id, gmv_net, share from top_sellers where period_grain = 'month'"
            " and strftime(period_start, '%Y-%m') = ? and rank <= 25 order by rank", [month]).fetchall()
        top = drawn("sellers", month=month)["top"]
        assert [(row["seller_id"], row["gmv_net"], row["share"]) for row in top] == held


def test_sellers_filters(drawn: Drawn, release: duckdb.DuckDBPyConnection) -> None:
    country = release.execute("select country from dim_seller group by 1 order by count(*) desc").fetchone()[0]
    sellers = {seller for (seller,) in release.execute(
        "select seller_id from dim_seller where country = ?", [country]).fetchall()}
    everyone, of_country = drawn("sellers"), drawn("sellers", country=country)
    for table in ("steps", "health", "limits", "top"):
        there = {row["seller_id"] for row in of_country[table]}
        assert there <= sellers
        assert there == {row["seller_id"] for row in everyone[table]} & sellers or table == "top"
    one = everyone["limits"][0]["seller_id"]
    assert {row["seller_id"] for row in drawn("sellers", seller=one)["limits"]} == {one}


def test_one_seller(drawn: Drawn, told: Told, release: duckdb.DuckDBPyConnection) -> None:
    gravest = drawn("sellers")["steps"][0]["seller_id"]
    assert told("seller", "seller")["seller_id"] == gravest
    closed = release.execute(
        "select seller_id from dim_seller where seller_id not in (select seller_id from seller_next_steps) limit 1"
    ).fetchone()
    good = release.execute(
        "select seller_id from seller_health where score = 100 and evaluated_on = (select as_of from release_info)"
    ).fetchone()
    for seller in (gravest, closed[0], good[0]):
        rows = drawn("seller", seller=seller)
        assert told("seller", "seller", seller=seller)["seller_id"] == seller
        held = release.execute(
            "select k.label_en, c.volume from seller_scorecard as c join dim_kpi as k using (kpi_id)"
            " where seller_id = ? and evaluated_on = (select as_of from release_info)", [seller]).fetchall()
        assert sorted((row["kpi"], row["volume"]) for row in rows["limits"]) == sorted(held)
        held = release.execute(
            "select count(*) from seller_account_events where seller_id = ?", [seller]).fetchone()[0]
        assert len(rows["events"]) == held > 0
        held = release.execute(
            "select value from kpi_values where kpi_id = 'gmv_net' and period_grain = 'month' and dimension = 'seller'"
            " and dimension_value = ? order by period_start", [seller]).fetchall()
        assert [row["value"] for row in rows["sales"]] == [value for (value,) in held]
    assert told("seller", "seller", seller=closed[0])["state"] == "closed"
    assert "too few cases" in drawn("seller", seller=release.execute(
        "select seller_id from seller_health where score is null and evaluated_on = (select as_of from release_info)"
    ).fetchone()[0])["of_score"][0]["label"]


def test_no_such_seller_is_said(told: Told, drawn: Drawn) -> None:
    assert told("seller", "seller", seller="nobody")["title"] == "No such seller in this release"
    assert told("seller", "is_known", seller="nobody")["shown"] is False
    assert drawn("seller", seller="nobody") is not None


def test_a_seller_has_one_worst_kpi(drawn: Drawn, told: Told) -> None:
    steps = {row["seller_id"]: row["kpi"] for row in drawn("sellers")["steps"] if row["kpi"]}
    health = {row["seller_id"]: row["worst"] for row in drawn("sellers")["health"]}
    assert {seller: health[seller] for seller in steps if seller in health} == {
        seller: kpi for seller, kpi in steps.items() if seller in health}
    for seller, kpi in list(steps.items())[:3]:
        assert told("seller", "looked_at", seller=seller)["label"] == kpi


def test_too_few_cases_stand_beside_what_the_policy_needs(drawn: Drawn, release: duckdb.DuckDBPyConnection) -> None:
    seller = drawn("sellers")["steps"][0]["seller_id"]
    limits = drawn("seller", seller=seller)["limits"]
    assert {(row["kpi"], row["min_volume"]) for row in limits} == set(release.execute(
        "select k.label_en, p.min_volume from seller_scorecard as c join seller_policies as p using (policy, kpi_id)"
        " join dim_kpi as k using (kpi_id) where c.seller_id = ? and c.evaluated_on = (select as_of from release_info)",
        [seller]).fetchall())
    for row in limits:
        assert (row["status"] == "Too few cases") == (row["volume"] < row["min_volume"])


@pytest.mark.parametrize(("grain", "form"), [
    ("day", r"\d{4}-\d\d-\d\d"), ("week", r"\d{4}-W\d\d"), ("month", r"\d{4}-\d\d"), ("quarter", r"\d{4}-Q\d"),
    ("year", r"\d{4}"),
])
def test_a_period_of_the_scorecard_is_one_of_its_filter(drawn: Drawn, grain: str, form: str) -> None:
    """A cell of the column sets the filter to what it shows."""
    for row in drawn("scorecard", grain=grain)["others"][:1]:
        assert re.fullmatch(form, row["period"])
        again = drawn("scorecard", grain=grain, period=row["period"])
        assert row["kpi"] in {other["kpi"] for other in again["to_act_on"] + again["others"]}
        assert {other["period"] for other in again["to_act_on"] + again["others"]} == {row["period"]}


def test_journeys(drawn: Drawn, release: duckdb.DuckDBPyConnection) -> None:
    for month in months(release, "conversion_rate_session"):
        for segment, dimension, value in (("all", "all", "all"), ("device: mobile", "device", "mobile")):
            held = release.execute(
                "select sessions, share_of_previous from funnel_steps where period_grain = 'month' and dimension = ?"
                " and dimension_value = ? and strftime(period_start, '%Y-%m') = ? order by step_no",
                [dimension, value, month]).fetchall()
            funnel = drawn("journeys", month=month, segment=segment)["funnel"]
            assert [(row["sessions"], row["share_of_previous"]) for row in funnel] == held != []
    for side in ("buyers", "sellers"):
        for measure, column in (("came back", "retention"), ("net sales kept", "gmv_retention")):
            held = release.execute(
                f"select strftime(cohort_month, '%Y-%m'), month_no, {column} from cohort_retention where side = ?"
                " and not is_partial and month_no between 1 and 12 order by 1, 2", [side]).fetchall()
            cohorts = drawn("journeys", side=side, measure=measure)["cohorts"]
            assert [(row["cohort"][:7], row["month_no"], row["value"]) for row in cohorts] == held
    rows = drawn("journeys")
    assert rows["cohorts"][0]["cohort"].endswith("*"), "the cohort that began with the data is not marked"
    held = release.execute("select max(lift) from cross_sell_pairs").fetchone()[0]
    assert rows["pairs"][0]["lift"] == held
    held = release.execute("select sum(visitors), count(*) from experiment_results").fetchone()
    assert (sum(row["visitors"] for row in rows["experiments"]), len(rows["experiments"])) == held
    held = release.execute("select sum(orders), count(*) from campaign_impact").fetchone()
    assert (sum(row["orders"] for row in rows["campaigns"]), len(rows["campaigns"])) == held
    month, _ = months(release, "processing_time_median")
    held = release.execute(
        "select n, p50_hours from process_steps where dimension = 'all' and strftime(period_start, '%Y-%m') = ?"
        " order by p50_hours", [month]).fetchall()
    assert sorted(((row["n"], row["p50_hours"]) for row in rows["process"]), key=lambda row: row[1]) == held


def test_data(drawn: Drawn, release: duckdb.DuckDBPyConnection) -> None:
    rows = drawn("data")
    held = release.execute(
        "select rows_read, rows_loaded, rows_rejected, rows_superseded, tests_passed from release_info").fetchone()
    info = rows["info"][0]
    assert tuple(info[column] for column in (
        "rows_read", "rows_loaded", "rows_rejected", "rows_superseded", "tests_passed")) == held
    for column in ("rows_read", "rows_rejected"):
        assert sum(row[column] for row in rows["loads"]) == info[column]
    assert len(rows["rejects"]) == info["rows_rejected"]
    assert not [row for row in rows["checks"] if "not done" in row["said"]]
    table = rows["rejects"][0]["table_name"]
    of_table = drawn("data", table=table)
    assert {row["table_name"] for row in of_table["loads"] + of_table["rejects"]} == {table}
    latest, before = months(release, "gmv")
    for month in (latest, before):
        held = release.execute(
            "select k.label_en from dim_kpi as k left join kpi_scorecard as s on s.kpi_id = k.kpi_id"
            " and s.period_grain = 'month' and s.dimension = 'all' and strftime(s.period_start, '%Y-%m') = ?"
            " where s.kpi_id is null or s.is_partial or not s.is_mature or not s.is_covered or s.value is null",
            [month]).fetchall()
        waiting = drawn("data", month=month)["waiting"]
        assert sorted(row["kpi"] for row in waiting) == sorted(label for (label,) in held)
        assert all(row["state"] for row in waiting)


@pytest.mark.parametrize(("language", "step"), [("en", "Suspend"), ("fr", "Suspendre")])
def test_a_seller_is_reached_from_the_list(served: str, chromium: Browser, language: str, step: str) -> None:
    with opened(chromium, f"{served}/{language}/sellers/") as board:
        link = board.page.locator(f'a[href*="/{language}/seller?seller="]').first
        address = link.get_attribute("href") or link.get_attribute("xlink:href")
        assert address
    seller = address.split("seller=")[1].split("&")[0]
    with opened(chromium, f"{served}{address}") as page:
        text = page.page.locator("body").text_content() or ""
        assert seller in text and step in text
        assert not page.complaints and not page.strangers
