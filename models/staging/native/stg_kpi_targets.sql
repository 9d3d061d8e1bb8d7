-- valid_to is the last day a row holds: an open one ends the day before the next begins.
-- Of targets of one KPI, grain and segment that hold on a same day none counts (they are in rejected_rows).
select
    kpi_id,
    period_grain,
    dimension,
    dimension_value,
    valid_from,
    holds_to as valid_to,
    target,
    target_low,
    target_high,
    warn,
    alert,
    min_volume,
    set_by,
    reason
from {{ targets_with_ends() }} as targets
where not is_overlapping
