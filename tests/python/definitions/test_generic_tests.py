"""The two generic tests of the project are seen to fail: each table is spoiled in one way, and its test says so."""

from __future__ import annotations

import subprocess
import sys

import duckdb
import pytest

from ops.project import ROOT, Settings, read_artifact

# test -> what is done to the table, and the status the test must end with
SPOILED = {
    "kpi_sales_ratios_match_metrics": ("update marts.kpi_sales set aov = orders / gmv", "fail"),  # swapped terms
    "kpi_loyalty_ratios_match_metrics": (  # a month as the mean of its days
        """
        update marts.kpi_loyalty as months
        set returning_buyer_share = (
            select avg(days.returning_buyer_share) from marts.kpi_loyalty as days
            where
                days.period_grain = 'day'
                and days.dimension = 'all'
                and days.period_start between months.period_start and months.period_end
        )
        where months.period_grain = 'month' and months.dimension = 'all'
        """,
        "fail",
    ),
    "kpi_satisfaction_ratios_match_metrics": (  # the column agrees with its terms, but no rating is above 5
        """
        update marts.kpi_satisfaction set rating_sum = 6 * reviews, avg_rating = 6
        where period_grain = 'month' and dimension = 'all' and reviews > 0
        """,
        "fail",
    ),
    "kpi_balance_ratios_match_metrics": (  # 0 where there is nothing to divide by
        "update marts.kpi_balance set seller_activation_rate_60d = 0 where new_sellers = 0",
        "fail",
    ),
    "kpi_seller_quality_ratios_match_metrics": (
        "create or replace table marts.kpi_seller_quality as select * exclude (orders) from marts.kpi_seller_quality",
        "error",
    ),
    "kpi_conversion_ratios_match_metrics": (  # no ratio left to hold
        "create or replace table marts.kpi_conversion as select period_grain, sessions from marts.kpi_conversion",
        "error",
    ),
    "fct_refunds_keys_hold": ("insert into marts.fct_refunds select * from marts.fct_refunds limit 1", "fail"),
    "int_kpi_needs_keys_hold": (
        "update intermediate.int_kpi_needs set kpi_id = null where kpi_id = 'acceptance_rate'",
        "fail",
    ),
    "fct_leads_keys_hold": (
        "update marts.fct_leads set audience = 'all' where lead_id = (select min(lead_id) from marts.fct_leads)",
        "fail",
    ),
    "kpi_acquisition_ratios_match_metrics": ("select 1", "pass"),
    "fct_reviews_keys_hold": ("select 1", "pass"),
}


def test_what_is_never_null_is_kept_out_by_the_contract(copy_of_sample: Settings) -> None:
    with duckdb.connect(str(copy_of_sample.warehouse)) as warehouse, pytest.raises(duckdb.ConstraintException):
        warehouse.execute("update marts.fct_claims set is_dispute = null")


def test_each_kind_of_damage_is_found(copy_of_sample: Settings) -> None:
    with duckdb.connect(str(copy_of_sample.warehouse)) as warehouse:
        for statement, _ in SPOILED.values():
            warehouse.execute(statement)
    subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", "test", "--select", *SPOILED],
        cwd=ROOT, env=copy_of_sample.environment, capture_output=True, check=False,
    )
    results = read_artifact(copy_of_sample.target, "run_results.json")["results"]
    statuses = {result["unique_id"].split(".")[2]: result["status"] for result in results}
    assert {name: statuses.get(name) for name in SPOILED} == {name: status for name, (_, status) in SPOILED.items()}
