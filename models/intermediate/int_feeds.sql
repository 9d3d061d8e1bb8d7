{%- set feeds = [] -%}
{%- for days in [feed_days(), days_only_said()] -%}
    {%- for table, columns in days.items() -%}
        {%- for column in columns -%}
            {%- do feeds.append([table ~ '.' ~ column, table]) -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endfor -%}

with feeds as (
    select
        given.feed,
        given.table_name
    from (
        values
        {% for feed in feeds -%}
            ('{{ feed[0] }}', '{{ feed[1] }}'){{ ',' if not loop.last }}
        {% endfor -%}
    ) as given (feed, table_name)
),

inputs as (
    select * from {{ ref('int_inputs') }}
),

span as (
    select * from {{ ref('int_span') }}
),

-- days of the span with a row
row_days as (
    select
        rows_of_day.feed,
        min(rows_of_day.row_day) as first_row_day,
        max(rows_of_day.row_day) as last_row_day,
        count(distinct rows_of_day.row_day) as row_days
    from {{ ref('int_input_rows') }} as rows_of_day
    cross join span
    where rows_of_day.row_day between span.span_start and span.as_of
    group by rows_of_day.feed
),

-- what is said to be covered
stated as (
    select
        case
            when given.table_name in ('{{ feed_days().keys() | join("', '") }}') then given.table_name
            else {{ stop_with("'feed_coverage names ' || given.table_name || ', which is no feed; feeds are " ~ feed_days().keys() | join(', ') ~ "'") }}
        end as table_name,
        min(given.covers_from) as covers_from,
        max(coalesce(given.covers_to, span.as_of)) as covers_to
    from {{ ref('stg_feed_coverage') }} as given
    cross join span
    group by given.table_name
),

judged as (
    select
        feeds.feed,
        feeds.table_name,
        inputs.is_present,
        row_days.first_row_day,
        row_days.last_row_day,
        coalesce(row_days.row_days, 0) as row_days,
        coalesce(
            row_days.row_days >= 10
            and 2 * row_days.row_days > {{ days_from('row_days.first_row_day', 'row_days.last_row_day') }},
            false
        ) as is_dense,
        stated.table_name is not null as is_stated,
        stated.covers_from as stated_from,
        stated.covers_to as stated_to,
        span.span_start,
        span.as_of
    from feeds
    cross join span
    inner join inputs on feeds.table_name = inputs.need
    left join row_days on feeds.feed = row_days.feed
    left join stated on feeds.table_name = stated.table_name
),

covered as (
    select
        *,
        case
            when is_stated then stated_from
            when is_dense and {{ days_from('span_start', 'first_row_day') }} > 60 then first_row_day
            else span_start
        end as covers_from,
        case
            when is_stated then stated_to
            when is_dense and {{ days_from('last_row_day', 'as_of') }} > 7 then last_row_day
            else as_of
        end as covers_to
    from judged
)

select
    feed,
    table_name,
    is_present,
    first_row_day,
    last_row_day,
    cast(row_days as bigint) as row_days,
    is_dense,
    is_stated,
    case when is_present then covers_from end as covers_from,
    case when is_present then covers_to end as covers_to,
    is_present and is_dense and covers_to < as_of as is_ended
from covered
