{# The KPI families, in the order of a buyer's way through the marketplace; each has one mart kpi_<family>. #}
{% macro kpi_families() %}
    {{- return(['acquisition', 'traffic', 'conversion', 'sales', 'loyalty', 'satisfaction', 'seller_quality', 'balance']) -}}
{% endmacro %}
