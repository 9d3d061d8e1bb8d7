{# The end of an interval that is still open. #}
{% macro far_future() -%} cast('2200-01-01' as date) {%- endmacro %}


{# A duration in days that stands for one not over yet, beyond every real one. #}
{% macro longer_than_any() -%} 1000000000 {%- endmacro %}


{# Where the intervals [starts, ends) of an entity overlap `at_least` so many times, as intervals of their own.
   `relation` has the columns entity, starts, ends and the columns kept. #}
{% macro overlaps(relation, kept, at_least) %}
    select
        {% for column in kept -%}
            {{ column }},
        {% endfor -%}
        turned_on as starts,
        next_turned_on as ends
    from (
        select
            *,
            sum(change) over (partition by entity order by turned_on) as open_intervals,
            lead(turned_on, 1, {{ far_future() }}) over (partition by entity order by turned_on) as next_turned_on
        from (
            select
                entity,
                {% for column in kept -%}
                    min({{ column }}) as {{ column }},
                {% endfor -%}
                turned_on,
                sum(change) as change
            from (
                select *, starts as turned_on, 1 as change from {{ relation }} where starts < ends
                union all
                select *, ends as turned_on, -1 as change from {{ relation }} where starts < ends
            ) as turns
            group by entity, turned_on
        ) as turns_by_day
    ) as running
    where open_intervals >= {{ at_least }}
{% endmacro %}
