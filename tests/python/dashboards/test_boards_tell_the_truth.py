"""Each number on a board is what plain SQL finds in the release, under the filters as they come and others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import duckdb
import pytest

Rows = list[dict[str, Any]]
JOINER = "\u2060"  # what boards put after a number that is to be read as text
FAMILIES = ["acquisition", "traffic", "conversion", "sales", "loyalty", "satisfaction", "seller_quality", "balance"]


def found(release: duckdb.DuckDBPyConnection, sql: str, *values: Any, **named: Any) -> Rows:
    asked = release.execute(sql, named or list(values))
    names = [column[0] for column in asked.description]
    return [dict(zip(names, row, strict=True)) for row in asked.fetchall()]


def written(number: float | None, form: str) -> str | None:
    """A number as dim_kpi.format asks for it; halves go away from zero, as in kpi_month.value_text."""
    if number is None:
        return None
    decimals = {"0.0%": 1, "0.00%": 2, "#,##0.00": 2, "0.00": 2, "0.0": 1}.get(form, 0)
    scaled = number * 100 if form.endswith("%") else number
    text = f"{scaled:,.{decimals}f}"
    text = text if text.strip("-0.,") else text.removeprefix("-")
    return text.replace("-", "−") + ("%" if form.endswith("%") else "")


def difference(number: float | None, unit: str, form: str) -> str | None:
    """By how much a KPI changed: a rate in percentage points, a score in points, all else in its own unit."""
    if number is None:
        return None
    text = ("+" if number > 0 else "") + written(number, form)
    return text.replace("%", "\u00a0pp") if unit == "ratio" else text + ("\u00a0points" if unit == "points" else "")


def moved(row: dict[str, Any], on: str = "") -> str | None:
    """A change of kpi_scorecard: of rates and scores in points, of all else in percent."""
    if row["unit"] in ("ratio", "points"):
        return difference(row[f"{on}change"], row["unit"], row["form"])
    rate = row[f"{on}change_rate"]
    return None if rate is None else ("+" if rate >= 0 else "") + f"{100 * rate:,.1f}%".replace("-", "−")


def plain(text: str | None) -> str | None:
    return text and text.replace(JOINER, "")


def same(shown: Any, true: Any) -> bool:
    """Equal to 1e-9; days as text count as days."""
    if isinstance(true, float) and shown is not None:
        return abs(float(shown) - true) <= 1e-9 * max(1, abs(true))
    return str(shown)[:10] == str(true) if isinstance(true, date) else shown == true


def assert_same(shown: Rows, true: Rows, *columns: str) -> None:
    assert len(shown) == len(true)
    for here, there in zip(shown, true, strict=True):
        for column in columns:
            assert same(here[column], there[column]), f"{column}: {here} against {there}"


def judged(release: duckdb.DuckDBPyConnection, which: str) -> Rows:
    """Rows of kpi_scorecard with the name, format and owner of their KPI."""
    return found(release, f"""
        select s.*, k.unit, k.format as form from kpi_scorecard as s join dim_kpi as k using (kpi_id) where {which}""")


@pytest.mark.parametrize("month", [None, "2026-08"])
def test_cockpit(drawn: Callable, told: Callable, release: duckdb.DuckDBPyConnection, month: str | None) -> None:
    asked = {"month": month} if month else {}
    shown = drawn("cockpit", **asked)
    which = "s.is_latest" if month is None else f"s.period_start = date '{month}-01'"
    for_all = "s.period_grain = 'month' and s.dimension = 'all'"
    rows = {row["kpi_id"]: row for row in judged(release, f"{for_all} and {which}")}
    cards = ["gmv", "platform_revenue", "transactions", "period_buyers", "active_sellers", "buyer_seller_ratio"]
    for kpi in cards:
        (card,) = shown[f"of_{kpi}"]
        assert same(card["value"], rows[kpi]["value"]) and same(card["change_rate"], rows[kpi]["change_rate"])
        assert rows[kpi]["label_en"] in card["label"]
    for kpi, line in zip(cards, shown["at_a_glance"], strict=True):
        true = rows[kpi]
        assert plain(line["value"]) == written(true["value"], true["form"])
        assert plain(line["before"]) == written(true["previous_value"], true["form"])
        assert plain(line["year_before"]) == written(true["previous_year_value"], true["form"])
        low, high = (written(true[end], true["form"]) for end in ("target_low", "target_high"))
        assert plain(line["target"]) == (written(true["target"], true["form"]) or (low and f"{low}–{high}"))
        assert plain(line["change"]) == moved(true) and plain(line["year_change"]) == moved(true, "year_")
    for kpi in ("gmv", "platform_revenue", "transactions"):
        assert_course(shown[f"course_{kpi}"], release, kpi)
    start, net_start = rows["gmv"]["period_start"], rows["gmv_net"]["period_start"]
    assert (told("cockpit", "as_of", **asked)["sellers_month"] == "August 2026") == (net_start == date(2026, 8, 1))
    to_act_on = judged(release, f"s.period_grain = 'month' and {which} and s.status in ('alert', 'warn')")
    signs = {"alert": "✖ ", "warn": "▲ "}
    assert {line["label"].split(", ")[0] for line in shown["to_act_on"]} == {
        signs[row["status"]] + row["label_en"] + ("" if row["dimension"] == "all" else f" · {row['dimension_value']}")
        for row in to_act_on}
    assert_same(shown["segments"], found(release, """
        select dimension_value as segment, value from kpi_month
        where kpi_id = 'gmv' and period_start = ? and dimension = 'country' order by value desc limit 12""", start),
        "segment", "value")
    assert_same(shown["sellers"], found(release, """
        select rank, seller_id, gmv_net, share, cumulated_share, rank_before, view_share from top_sellers
        where period_grain = 'month' and period_start = ? and rank <= 10 order by rank""", net_start),
        "rank", "seller_id", "gmv_net", "share", "cumulated_share", "rank_before", "view_share")
    (advice,) = found(release, "select advice from balance_advice where dimension = 'all' and period_start = ?", start)
    words = {"hold": "Hold", "attract_buyers": "Attract", "recruit_sellers": "Recruit", "watch": "Watch",
             "insufficient_data": "Too"}
    assert told("cockpit", "advice", **asked)["advice"].startswith(words[advice["advice"]])
    band = found(release, "select * from balance_advice where dimension = 'all' order by period_start")
    for series, column in {"Value": "buyer_seller_ratio", "Band, low": "band_low", "Band, high": "band_high"}.items():
        points = [row["value"] for row in shown["ratio"] if row["series"] == series]
        assert points == [row[column] for row in band if column == "buyer_seller_ratio" or row[column] is not None]


def assert_course(shown: Rows, release: duckdb.DuckDBPyConnection, kpi: str) -> None:
    true = found(release, """
        select * from kpi_scorecard where kpi_id = ? and period_grain = 'month' and dimension = 'all'
        order by period_start""", kpi)
    drawn = {(str(row["month"])[:10], row["series"]): row["value"] for row in shown}
    assert len(drawn) == len(shown)
    expected = {}
    for row in true:
        month = str(row["period_start"])
        is_final = not row["is_partial"] and row["is_mature"]
        for series, value in {
            "Value" if is_final else "Not final yet": row["value"], "Year before": row["previous_year_value"],
            "Target": row["target"], "Band, low": row["target_low"], "Band, high": row["target_high"],
        }.items():
            if value is not None:
                expected[month, series] = value
    assert drawn.keys() == expected.keys() and all(same(drawn[key], expected[key]) for key in expected)


def test_a_month_that_is_not_final_says_so(told: Callable) -> None:
    assert told("cockpit", "as_of", month="2026-10")["sellers_month"] == "October 2026 · still changing"


@pytest.mark.parametrize("family", FAMILIES)
def test_family(drawn: Callable, told: Callable, release: duckdb.DuckDBPyConnection, family: str) -> None:
    shown = drawn(family)
    assert_family(shown["of_family"], release, family, "s.is_latest", "all", "all")
    closely = told(family, "closely")
    (chosen,) = found(release, "select * from dim_kpi where label_en = ?", closely["label"])
    assert closely["owner"] == chosen["owner"] and closely["formula"].replace("`", "") == chosen["formula"]
    assert_course(shown["course"], release, chosen["kpi_id"])


@pytest.mark.parametrize(("month", "segment"), [("2026-10", "country: FR"), ("2026-09", "category: kitchen")])
def test_family_of_a_segment(drawn: Callable, release: duckdb.DuckDBPyConnection, month: str, segment: str) -> None:
    shown = drawn("sales", month=month, segment=segment, cut="category")
    dimension, value = segment.split(": ")
    assert_family(shown["of_family"], release, "sales", f"s.period_start = date '{month}-01'", dimension, value)
    assert_same(shown["parts"], found(release, """
        select replace(dimension_value, '_', ' ') as segment, value from kpi_month
        where kpi_id = 'gmv' and period_start = ? and dimension = 'category' and value is not null
        order by value desc limit 12""", date.fromisoformat(f"{month}-01")), "segment", "value")


def assert_family(
    shown: Rows, release: duckdb.DuckDBPyConnection, family: str, which: str, dimension: str, value: str,
) -> None:
    true = found(release, f"""
        select k.label_en as kpi, k.format as form, m.value_text, m.previous_value, m.previous_year_value, m.is_covered,
          m.is_partial, g.target, k.unit, g.change, g.year_change, g.change_rate, g.year_change_rate
        from dim_kpi as k
        left join kpi_scorecard as s on s.kpi_id = k.kpi_id and s.period_grain = 'month' and s.dimension = 'all'
          and {which}
        left join kpi_month as m on m.kpi_id = k.kpi_id and m.period_start = s.period_start
          and m.dimension = $dimension and m.dimension_value = $value
        left join kpi_scorecard as g on g.kpi_id = k.kpi_id and g.period_grain = 'month'
          and g.period_start = s.period_start and g.dimension = $dimension and g.dimension_value = $value
        where k.family = $family""", family=family, dimension=dimension, value=value)
    rows = {row["kpi"]: row for row in true}
    assert {line["kpi"] for line in shown} == rows.keys() and len(shown) == len(rows)
    for line in shown:
        row = rows[line["kpi"]]
        assert plain(line["value"]) == (row["value_text"] and row["value_text"].replace("-", "−"))
        assert plain(line["before"]) == written(row["previous_value"], row["form"])
        assert plain(line["year_before"]) == written(row["previous_year_value"], row["form"])
        assert plain(line["change"]) == moved(row) and plain(line["year_change"]) == moved(row, "year_")
        if row["target"] is not None:
            assert plain(line["target"]) == written(row["target"], row["form"])
        assert ("period not over" in line["state"]) == bool(row["is_partial"] and row["is_covered"])
        assert ("not covered" in line["state"]) == (row["is_covered"] is False)


def test_family_of_a_seller(drawn: Callable, release: duckdb.DuckDBPyConnection) -> None:
    ((seller,),) = release.execute("""
        select dimension_value from kpi_values where kpi_id = 'gmv' and dimension = 'seller' and period_grain = 'month'
        order by value desc limit 1""").fetchall()
    shown = drawn("sales", month="2026-10", seller=seller)
    true = {row["kpi"]: row for row in found(release, """
        select k.label_en as kpi, k.format as form, v.value, ' ' || k.dimensions || ' ' like '% seller %' as is_cut
        from dim_kpi as k
        left join kpi_values as v on v.kpi_id = k.kpi_id and v.dimension = 'seller' and v.dimension_value = ?
          and v.period_grain = 'month' and v.period_start = date '2026-10-01'
        where k.family = 'sales'""", seller)}
    assert any(row["value"] for row in true.values())
    for line in shown["of_family"]:
        assert plain(line["value"]) == written(true[line["kpi"]]["value"], true[line["kpi"]]["form"])
        assert line["before"] is None and line["target"] is None and line["change"] is None
        assert line["label"].startswith(line["kpi"])  # no sign of the market's status
        assert (line["state"] == "not cut this way") == (not true[line["kpi"]]["is_cut"])
    assert_same(sorted(shown["course"], key=lambda row: row["month"]), found(release, """
        select period_start as month, value from kpi_values where kpi_id = 'gmv' and period_grain = 'month'
          and dimension = 'seller' and dimension_value = ? order by period_start""", seller), "month", "value")


@pytest.mark.parametrize(("grain", "period"), [("month", None), ("quarter", "2026-07-01")])
def test_scorecard(drawn: Callable, release: duckdb.DuckDBPyConnection, grain: str, period: str | None) -> None:
    shown = drawn("scorecard", grain=grain, **({"period": period} if period else {}))
    which = "s.is_latest" if period is None else f"s.period_start = date '{period}'"
    true = judged(release, f"s.period_grain = '{grain}' and {which}")
    assert len(shown["to_act_on"]) + len(shown["others"]) == len(true)
    by_name = {(row["label_en"], row["dimension_value"]): row for row in true}
    signs = {"alert": "✖ ", "warn": "▲ ", "good": "✔ "}
    for line in shown["to_act_on"] + shown["others"]:
        segment = line["label"].split(" · ")[1] if " · " in line["label"] else "all"
        row = by_name[line["kpi"], segment]
        assert plain(line["value"]) == written(row["value"], row["form"])
        # what is further from its target than from nothing has reached no part of it
        reached = row["attainment"] if (row["attainment"] or 0) >= 0 else None
        assert same(line["attainment"], reached)
        assert plain(line["change"]) == moved(row) and plain(line["year_change"]) == moved(row, "year_")
        assert line["label"].startswith(signs.get(row["status"], "") + line["kpi"])
        assert line["action"] == row["recommended_action"]
        if row["target"] is not None:
            assert plain(line["target"]) == written(row["target"], row["form"])
    assert {row["action"] for row in shown["others"]} <= {None}
    assert all(row["status"] in ("✖ Alert", "▲ Watch") or row["action"] for row in shown["to_act_on"])
    forms = dict(release.execute("select kpi_id, format from dim_kpi").fetchall())
    to_come = found(release, "select * from kpi_forecasts order by kpi_id, period_start")
    for line, row in zip(shown["to_come"], to_come, strict=True):
        form = forms[row["kpi_id"]]
        assert plain(line["forecast"]) == written(row["forecast"], form)
        assert same(line["target_probability"], row["target_probability"]) and same(line["mape"], row["mape"])
    taken = found(release, "select * from decision_log order by starts_on desc")
    for line, row in zip(shown["taken"], taken, strict=True):
        form = forms[row["kpi_id"]]
        assert [plain(line[part]) for part in ("before", "during", "after")] == [
            written(row[part], form) for part in ("before", "during", "after")]


@pytest.mark.parametrize(("kpi", "compared", "column"), [
    ("gmv", "the one before", "previous"), ("conversion_rate_session", "a year before", "previous_year"),
])
def test_why(
    drawn: Callable, told: Callable, release: duckdb.DuckDBPyConnection, kpi: str, compared: str, column: str,
) -> None:
    (known,) = found(release, "select * from dim_kpi where kpi_id = ?", kpi)
    shown = drawn("why", kpi=known["label_en"], compared=compared)
    (latest,) = judged(
        release, f"s.kpi_id = '{kpi}' and s.period_grain = 'month' and s.dimension = 'all' and s.is_latest")
    change = told("why", "change", kpi=known["label_en"], compared=compared)
    assert same(change["value"], latest["value"]) and same(change["before"], latest[f"{column}_value"])
    true = found(release, """
        select * from kpi_drivers
        where kpi_id = ? and period_grain = 'month' and compared_with = ? and dimension = 'country'
        order by contribution_rank""", kpi, column)
    assert true
    for line, row in zip(shown["drivers"], true, strict=True):
        assert line["segment"] == row["dimension_value"]
        for here, there in {"before": "value_before", "after": "value_after"}.items():
            assert plain(line[here]) == written(row[there], known["format"])
        for effect in ("contribution", "rate_effect", "mix_effect"):
            assert plain(line[effect]) == difference(row[effect], known["unit"], known["format"])
        assert same(line["weight_before"], row["weight_before"]) and same(line["weight_after"], row["weight_after"])
    assert [row["contribution"] for row in shown["bars"]] == [row["contribution"] for row in true[:12]]
    for bridge in ("traffic", "buyers"):
        parts = found(release, """
            select contribution from gmv_bridge where bridge = ? and period_grain = 'month' and compared_with = ?
              and period_start = (select max(period_start) from kpi_scorecard where kpi_id = 'gmv' and is_latest
                                  and period_grain = 'month' and dimension = 'all')
            order by contribution desc""", bridge, column)
        assert_same(shown[bridge], parts, "contribution")
    days = found(release, """
        select * from kpi_anomalies where kpi_id = ? and is_anomaly order by period_start desc limit 10""", kpi)
    for line, row in zip(shown["unusual"], days, strict=True):
        assert same(line["day"], row["period_start"]) and plain(line["value"]) == written(row["value"], known["format"])
        assert plain(line["expected"]) == written(row["expected"], known["format"])
    pairs = found(release, """
        select spearman from kpi_correlations where ? in (first_kpi_id, second_kpi_id)
        order by abs(spearman) desc, first_kpi_id, second_kpi_id limit 10""", kpi)
    assert_same(shown["together"], pairs, "spearman")


def test_french_boards_hold_the_same_numbers(drawn: Callable) -> None:
    english, french = drawn("cockpit"), drawn("cockpit", "fr")
    assert [row["value"] for row in french["course_gmv"]] == [row["value"] for row in english["course_gmv"]]
    line, ligne = english["at_a_glance"][0], french["at_a_glance"][0]
    assert plain(ligne["value"]) == plain(line["value"]).replace(",", "\u00a0").replace(".", ",")
    assert ligne["month"] != line["month"] and ligne["month"].split()[1] == line["month"].split()[1]
