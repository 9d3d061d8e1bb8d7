{#- Tables a KPI may need, and the optional columns whose absence leaves it without a value. -#}
{%- set tables = [
    'payments', 'returns', 'refunds', 'claims', 'reviews', 'offers', 'leads', 'ad_spend', 'events', 'features',
    'operating_costs', 'support_tickets', 'survey_invitations',
] -%}
{%- set columns = {
    'order_lines': [
        'accepted_at', 'ship_by_at', 'shipped_at', 'promised_delivery_at', 'delivered_at', 'tracking_valid',
        'fulfilled_by', 'commission_amount',
    ],
    'events': ['load_ms', 'search_results'],
} -%}

{% for table in tables -%}
    select
        '{{ table }}' as input,
        {{ 'true' if is_delivered(table) else 'false' }} as is_present
    union all
{% endfor -%}
{% for table in columns -%}
    {%- for column in columns[table] -%}
        select
            '{{ table }}.{{ column }}' as input,
            count({{ column }}) > 0 as is_present
        from {{ ref('stg_' ~ table) }}
        {{ 'union all' if not loop.last }}
    {% endfor -%}
    {{ 'union all' if not loop.last }}
{% endfor -%}
