"""`dim_kpi.is_additive`, proved both ways on the sample: what is flagged adds up over days, what is not does not."""

import duckdb

from ops.project import Settings

# Distinct counts that nothing in the sample counts twice: no lead is qualified on two days of a month.
NEVER_TWICE = {"cpl"}
COMPARED = """
    with days as (
        select
            kpi_id,
            cast(date_trunc('month', period_start) as date) as period_start,
            sum(numerator) as numerator,
            sum(denominator) as denominator
        from marts.kpi_values
        where period_grain = 'day' and dimension = 'all'
        group by all
    )

    select
        months.kpi_id,
        count(*) filter (
            abs(days.numerator - months.numerator) > 1e-9 * greatest(1, abs(months.numerator))
            or abs(days.denominator - months.denominator) > 1e-9 * greatest(1, abs(months.denominator))
            or (months.numerator is null) <> (days.numerator is null)
            or (months.denominator is null) <> (days.denominator is null)
        ) as differences
    from marts.kpi_values as months
    inner join days using (kpi_id, period_start)
    where months.period_grain = 'month' and months.dimension = 'all'
    group by all
"""


def test_the_flag_says_what_adds_up(sample_release: Settings) -> None:
    with duckdb.connect(str(sample_release.published), read_only=True) as release:
        differences = dict(release.execute(COMPARED).fetchall())
        flags = dict(release.execute("select kpi_id, is_additive from marts.dim_kpi").fetchall())
        percentiles = {
            kpi for (kpi,) in release.execute(
                "select kpi_id from marts.kpi_values group by all"
                " having count(value) > 0 and count(numerator) = 0 and count(denominator) = 0"
            ).fetchall()
        }
    assert {kpi for kpi, is_additive in flags.items() if is_additive and differences[kpi]} == set()
    others = {kpi for kpi, is_additive in flags.items() if not is_additive} - percentiles
    assert {kpi for kpi in others if not differences[kpi]} == NEVER_TWICE
    assert not any(flags[kpi] for kpi in percentiles)
