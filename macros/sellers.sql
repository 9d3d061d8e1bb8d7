{# What the models of sellers share. #}

{# Whether a value keeps to a policy: the condition of the column `operator` against a level. Missing in, missing out. #}
{% macro in_order(value, level) -%}
    (
        case operator
            when '<' then {{ value }} < {{ level }}
            when '<=' then {{ value }} <= {{ level }}
            when '>' then {{ value }} > {{ level }}
            when '>=' then {{ value }} >= {{ level }}
        end
    )
{%- endmacro %}


{# A number as a person writes it: at most so many decimals, none that say nothing. #}
{% macro plain_number(number, decimals) -%}
    regexp_replace(
        cast(cast(round({{ number }}, {{ decimals }}) as decimal(38, {{ decimals }})) as {{ dbt.type_string() }}), '[.]?0+$', ''
    )
{%- endmacro %}


{# What an evaluation rests on, in words: "order_defect_rate 0.0333 (2 of 60), limit <= 0.02, 2026-10-25". #}
{% macro policy_evidence(evaluation) -%}
    {{ evaluation }}.kpi_id || ' ' || {{ plain_number(evaluation ~ '.value', 4) }}
    || case
        when {{ evaluation }}.denominator is not null
            then ' (' || cast(cast({{ evaluation }}.numerator as bigint) as {{ dbt.type_string() }})
                || ' of ' || cast(cast({{ evaluation }}.denominator as bigint) as {{ dbt.type_string() }}) || ')'
        when {{ evaluation }}.numerator is null
            then ' (' || cast({{ evaluation }}.volume as {{ dbt.type_string() }}) || ' measured)'
        else ''
    end
    || ', limit ' || {{ evaluation }}.operator || ' ' || {{ plain_number(evaluation ~ '.limit_value', 10) }}
    || ', ' || cast({{ evaluation }}.evaluated_on as {{ dbt.type_string() }})
{%- endmacro %}


{# Whether a thing is dated on a day at whose end its seller is there. #}
{% macro is_outside_vacations(things) -%}
    not exists (
        select 1
        from {{ ref('int_seller_away') }} as away
        where {{ things }}.seller_id = away.seller_id
        and {{ things }}.dated_on >= away.away_from
        and {{ things }}.dated_on <= away.away_to
    )
{%- endmacro %}
