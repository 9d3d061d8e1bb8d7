"""Targets are judged by what their KPI is: each contradiction is rejected by name, rows that hold at once all are."""

import pytest

TARGETS = "kpi_id,period_grain,dimension,dimension_value,valid_from,valid_to,target,target_low,target_high,warn,alert\n"
REDELIVERED = "kpi_targets/dt=2026-03-01/part-0.csv"


@pytest.fixture(scope="module")
def loaded(market):
    market.write("kpi_targets/dt=2026-02-01/part-0.csv", TARGETS + "\n".join([
        "gmv,month,all,all,2026-01-01,,1000,,,900,800",  # 2: good, ends on 31 March
        "gmv,month,all,all,2026-04-01,2026-06-30,1000,,,,1100",  # 3: up, alert above the target
        "gmv,month,all,all,2026-04-01,,1200,,,,",  # 4: good
        "claim_rate,month,all,all,2026-01-01,,0.05,,,0.04,",  # 5: down, warn below the target
        "claim_rate,month,all,all,2026-02-01,,0.05,,,,0.05",  # 6: good
        "buyer_seller_ratio,month,all,all,2026-01-01,,4,,,,",  # 7: no band
        "buyer_seller_ratio,month,category,books,2026-01-01,,,3,5,2,1",  # 8: alert within warn
        "ad_spend,month,all,all,2026-01-01,,,100,50,,",  # 9: upside down
        "ad_spend,month,channel,paid,2026-01-01,,,50,100,,10",  # 10: good
        "gmv_total,month,all,all,2026-01-01,,1,,,,",  # 11: no such KPI
        "claim_rate,month,feature,wishlist,2026-01-01,,1,,,,",  # 12: not its dimension
        "gmv,month,all,FR,2026-01-01,,1,,,,",  # 13: all of what?
        "gmv,year,all,all,2026-01-01,2025-12-31,1,,,,",  # 14: ends before it begins
        "gmv,week,all,all,2026-01-01,2026-06-30,1,,,,",  # 15: holds with the next
        "gmv,week,all,all,2026-06-30,,2,,,,",  # 16
        "gmv,week,country,FR,2026-01-01,2026-06-29,1,,,,",  # 17: the next begins the day after
        "gmv,week,country,FR,2026-06-30,,2,,,,",  # 18
        "gmv,quarter,all,all,2026-01-01,,,,,,",  # 19: up without a target
        "",
    ]))
    # a later delivery at fault supersedes nothing, a good one does
    rows = "gmv,month,all,all,2026-01-01,,1,,,2,\nclaim_rate,month,all,all,2026-02-01,,0.06,,,,\n"
    market.write(REDELIVERED, TARGETS + rows)
    market.load()
    return market


def test_each_contradiction_is_rejected_with_its_reason(loaded):
    rejected = loaded.rejected("kpi_targets/dt=2026-02-01/part-0.csv")
    assert {row: (column, reason) for row, column, reason, _ in rejected} == {
        3: ("warn", "not alert <= warn <= target, and the KPI is to go up"),
        5: ("warn", "not alert >= warn >= target, and the KPI is to go down"),
        7: ("target_low", "no band, and the KPI is to stay in one"),
        8: ("warn", "not target_low <= target_high and 0 <= warn <= alert, and the KPI is to stay in a band"),
        9: ("warn", "not target_low <= target_high and 0 <= warn <= alert, and the KPI is to stay in a band"),
        11: ("kpi_id", "not a KPI"),
        12: ("dimension", "not a dimension of the KPI"),
        13: ("dimension_value", "not all, and the dimension is all"),
        14: ("valid_to", "before valid_from"),
        15: ("valid_from", "holds while another row of its KPI, grain and segment does"),
        16: ("valid_from", "holds while another row of its KPI, grain and segment does"),
        19: ("target", "missing, and the KPI is to go up or down"),
    }


def test_a_row_at_fault_supersedes_no_good_one_and_ends_none(loaded):
    found = loaded.query("""
        select
            kpi_id, period_grain, dimension_value, cast(valid_from as varchar), cast(valid_to as varchar),
            cast(target as double)
        from staging.stg_kpi_targets order by all
    """)
    assert found == [
        ("ad_spend", "month", "paid", "2026-01-01", None, None),
        ("claim_rate", "month", "all", "2026-02-01", None, 0.06),
        ("gmv", "month", "all", "2026-01-01", "2026-03-31", 1000.0),
        ("gmv", "month", "all", "2026-04-01", None, 1200.0),
        ("gmv", "week", "FR", "2026-01-01", "2026-06-29", 1.0),
        ("gmv", "week", "FR", "2026-06-30", None, 2.0),
    ]


def test_nothing_is_lost(loaded):
    audit = loaded.audit()
    assert audit["kpi_targets/dt=2026-02-01/part-0.csv"] == (18, 5, 12, 1)
    assert audit[REDELIVERED] == (2, 1, 1, 0)


def test_a_corrected_target_is_taken(loaded):
    loaded.write("kpi_targets/dt=2026-04-01/part-0.csv", TARGETS + "gmv,week,all,all,2026-01-01,2026-06-29,1,,,,\n")
    loaded.load()
    weeks = "kpi_id = 'gmv' and period_grain = 'week' and dimension = 'all'"
    assert loaded.query(f"select count(*) from staging.stg_kpi_targets where {weeks}") == [(2,)]
    assert loaded.audit()["kpi_targets/dt=2026-02-01/part-0.csv"] == (18, 6, 10, 2)
