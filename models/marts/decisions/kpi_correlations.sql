with changes as (
    select * from {{ ref('int_kpi_changes') }}
),

-- per pair the lag at which they go together most
strongest as (
    select
        pairs.*,
        ranks.lag_days,
        ranks.n,
        ranks.spearman
    from {{ ref('int_kpi_pairs') }} as pairs
    inner join (
        select
            *,
            row_number() over (
                partition by first_kpi_id, second_kpi_id
                -- the last digits of equal coefficients may differ
                order by round(abs(spearman), 12) desc, abs(lag_days), lag_days
            ) as place
        from {{ ref('int_rank_correlations') }}
    ) as ranks
        on pairs.first_kpi_id = ranks.first_kpi_id
        and pairs.second_kpi_id = ranks.second_kpi_id
    where ranks.place = 1
),

pearsons as (
    select
        strongest.first_kpi_id,
        strongest.second_kpi_id,
        least(1e0, greatest(-1e0, corr(changes.change, other.change))) as pearson
    from strongest
    inner join changes on strongest.first_kpi_id = changes.kpi_id
    inner join changes as other
        on strongest.second_kpi_id = other.kpi_id
        and other.day_number = changes.day_number + strongest.lag_days
    group by strongest.first_kpi_id, strongest.second_kpi_id
),

-- how much a change tells of the one so many days later
memory as (
    select
        products.kpi_id,
        products.days_later,
        products.product_sum / squares.square_sum as autocorrelation
    from (
        select
            changes.kpi_id,
            later.day_number - changes.day_number as days_later,
            sum(changes.deviation * later.deviation) as product_sum
        from changes
        inner join changes as later
            on changes.kpi_id = later.kpi_id
            and later.day_number between changes.day_number + 1 and changes.day_number + 14
        group by changes.kpi_id, later.day_number - changes.day_number
    ) as products
    inner join (
        select
            kpi_id,
            sum(deviation * deviation) as square_sum
        from changes
        group by kpi_id
    ) as squares
        on products.kpi_id = squares.kpi_id
),

shared_memory as (
    select
        strongest.first_kpi_id,
        strongest.second_kpi_id,
        sum(memory.autocorrelation * other.autocorrelation) as product_sum
    from strongest
    inner join memory on strongest.first_kpi_id = memory.kpi_id
    inner join memory as other
        on strongest.second_kpi_id = other.kpi_id
        and memory.days_later = other.days_later
    group by strongest.first_kpi_id, strongest.second_kpi_id
),

-- days that resemble their neighbours count for fewer
counted as (
    select
        strongest.*,
        pearsons.pearson,
        strongest.n / greatest(1e0, 1e0 + 2e0 * coalesce(shared_memory.product_sum, 0e0)) as n_eff
    from strongest
    inner join pearsons
        on strongest.first_kpi_id = pearsons.first_kpi_id
        and strongest.second_kpi_id = pearsons.second_kpi_id
    left join shared_memory
        on strongest.first_kpi_id = shared_memory.first_kpi_id
        and strongest.second_kpi_id = shared_memory.second_kpi_id
),

standardised as (
    select
        *,
        -- half the logarithm is the inverse hyperbolic tangent
        case
            when n_eff > 3e0 and abs(spearman) < 1e0
                then 5e-1 * ln((1e0 + abs(spearman)) / (1e0 - abs(spearman))) * sqrt((n_eff - 3e0) / 1.06e0)
        end as z
    from counted
),

-- the strongest of 15 lags, either sign
tested as (
    select
        *,
        case
            when n_eff <= 3e0 then 1e0
            when abs(spearman) >= 1e0 then 0e0
            else least(1e0, 15e0 * {{ normal_p('z') }})
        end as p_value
    from standardised
),

-- Benjamini and Hochberg: of the pairs called significant at most 5 % are so by chance
unlinked as (
    select
        first_kpi_id,
        second_kpi_id,
        p_value,
        count(*) over () as pairs_tested,
        count(*) over (order by p_value range between unbounded preceding and current row) as pairs_to_here
    from tested
    where not is_linked
),

threshold as (
    select max(case when p_value <= 5e-2 * pairs_to_here / pairs_tested then p_value end) as highest_p_value
    from unlinked
),

judged as (
    select
        tested.*,
        not tested.is_linked and coalesce(tested.p_value <= threshold.highest_p_value, false) as is_significant
    from tested
    cross join threshold
)

select
    first_kpi_id,
    second_kpi_id,
    pearson,
    spearman,
    cast(lag_days as bigint) as lag_days,
    n,
    n_eff,
    p_value,
    is_linked,
    is_significant
from judged
where is_significant or is_read_together
