with feeds as (
    select * from {{ ref('int_feeds') }}
    where table_name in ('{{ feed_days().keys() | join("', '") }}')
),

span as (
    select * from {{ ref('int_span') }}
),

days as (
    {{ every_day('span_start', 'as_of', 'span') }}
),

stated_days as (
    select distinct
        stated.table_name,
        days.date_day
    from {{ ref('stg_feed_coverage') }} as stated
    inner join days on days.date_day between stated.covers_from and coalesce(stated.covers_to, days.date_day)
)

select
    feeds.feed,
    days.date_day,
    case
        when not feeds.is_present then false
        when feeds.is_stated then stated_days.date_day is not null
        else days.date_day between feeds.covers_from and feeds.covers_to
    end as is_covered
from feeds
cross join days
left join stated_days on feeds.table_name = stated_days.table_name and days.date_day = stated_days.date_day
