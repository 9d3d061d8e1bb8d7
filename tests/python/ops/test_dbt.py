"""What is told where dbt stops before the conventions are held."""

from __future__ import annotations

from ops.dbt import new_kpi_lacks
from ops.project import ROOT

NO_DOC = "Documentation for 'metric.marketplace_kpis.{kpi}' depends on doc 'kpi_{kpi}' which was not found"


def test_a_kpi_without_its_doc_block_is_told_all_its_places() -> None:
    told = new_kpi_lacks(NO_DOC.format(kpi="aov"))
    assert "aov has no doc block kpi_aov (models/marts/sales/_sales__docs.md)" in told
    places = ["models/marts/sales/kpi_sales.sql", "models/marts/sales/kpi_sales.yml"]
    for place in (*places, "python_checks/recompute/families/sales.py"):
        assert place in told
        assert (ROOT / place).is_file()


def test_another_failure_of_dbt_is_left_to_dbt() -> None:
    assert new_kpi_lacks("Compilation Error in model kpi_sales") == ""
    assert new_kpi_lacks(NO_DOC.format(kpi="no_such_kpi")) == ""
