{#- Every need, every alternative of one, and every feed. -#}
{%- set needs = needs_named() -%}
{%- do needs.extend(inputs_of(needs) | reject('in', needs) | list) -%}
{%- do needs.extend(feed_days().keys() | reject('in', needs) | list) -%}
{%- do needs.extend(days_only_said().keys() | reject('in', needs) | list) -%}

with named as (
    select
        given.need,
        given.input
    from (
        values
        {% for need in needs -%}
            {%- set outer = loop -%}
            {%- for input in need.split('|') -%}
                ('{{ need }}', '{{ input }}'){{ ',' if not (loop.last and outer.last) }}
            {% endfor -%}
        {%- endfor -%}
    ) as given (need, input)
),

loaded as (
    select distinct input from {{ ref('int_input_rows') }}
)

select
    named.need,
    count(loaded.input) > 0 as is_present
from named
left join loaded on named.input = loaded.input
group by named.need
