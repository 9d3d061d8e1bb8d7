"""`experiment_results` of the sample, visitor by visitor, against scipy and statsmodels."""

from __future__ import annotations

import duckdb
import jinja2
import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

from ops.project import ROOT, Settings

REACH = jinja2.Environment().from_string((ROOT / "macros" / "statistics.sql").read_text(encoding="utf-8")).module


def test_student_t_reach() -> None:
    degrees = np.concatenate([np.linspace(3, 60, 1_000), np.geomspace(60, 1e9, 500)])
    with duckdb.connect() as connection:
        sql = f"select {REACH.student_t_reach('df')} from (select unnest($1::double[]) as df)"
        found = np.array([value for (value,) in connection.execute(sql, [degrees.tolist()]).fetchall()])
        missing = connection.execute(sql, [[2.999, None, 1.0]]).fetchall()
    distance = np.abs(found / stats.t.ppf(0.975, degrees) - 1)
    assert distance.max() < 4e-6
    assert distance[degrees >= 4].max() < 1e-7
    assert distance[degrees >= 20].max() < 1e-9
    assert missing == [(None,), (None,), (None,)]


def test_results_are_those_of_the_libraries(sample_release: Settings) -> None:
    with duckdb.connect(str(sample_release.warehouse), read_only=True) as build:
        results = build.execute("select * from marts.experiment_results order by all").df()
        visitors = build.execute(
            "select experiment, variant, is_converted, cast(gmv as double) as gmv"
            " from intermediate.int_experiment_visitors where is_counted"
        ).df()
        variants = build.execute("select * from staging.stg_experiments").df()
    assert len(results) == 2 * (len(variants) - variants.is_control.sum())
    assert {"invalid", "running", "better", "no_difference_shown"} <= set(results.verdict)
    for row in results.itertuples():
        of_experiment = variants[variants.experiment == row.experiment]
        control = of_experiment[of_experiment.is_control].variant.item()
        groups = dict(iter(visitors[visitors.experiment == row.experiment].groupby("variant")))
        counts = np.array([len(groups[name]) for name in of_experiment.variant])
        shares = of_experiment.expected_share.astype(float).to_numpy()
        split = stats.chisquare(counts, counts.sum() * shares / shares.sum())
        assert row.srm_p_value == pytest.approx(split.pvalue, rel=1e-9)

        ours, theirs = groups[row.variant], groups[control]
        assert (row.visitors, row.control_visitors) == (len(ours), len(theirs))
        column = "is_converted" if row.metric == "conversion" else "gmv"
        means = [group[column].astype(float).mean() for group in (ours, theirs)]
        assert (row.variant_value, row.control_value) == pytest.approx(means, rel=1e-9)
        assert row.effect == pytest.approx(means[0] - means[1], rel=1e-9)
        assert row.relative_effect == pytest.approx(means[0] / means[1] - 1, rel=1e-9)
        if row.metric == "conversion":
            bought, of = [ours[column].sum(), theirs[column].sum()], [len(ours), len(theirs)]
            _, probability = proportions_ztest(bought, of)
            low, high = confint_proportions_2indep(
                bought[0], of[0], bought[1], of[1], method="wald", compare="diff", correction=False
            )
        else:
            welch = stats.ttest_ind(ours[column], theirs[column], equal_var=False)
            probability, (low, high) = welch.pvalue, welch.confidence_interval(0.95)
        assert row.p_value == pytest.approx(probability, rel=1e-6 if row.metric == "gmv_per_visitor" else 1e-9)
        assert (row.ci_low, row.ci_high) == pytest.approx((low, high), rel=1e-9)
