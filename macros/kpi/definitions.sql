{#
The one reader of metric definitions. Returns a list, by kpi_id, of what each KPI's metric says (config.meta.kpi) with

  kpi_id, label_en, description     from the metric itself
  owner                             the owner of its group
  numerator_term, denominator_term  the columns of the family mart it divides (ratios; else none)

Empty while the project is parsed: the metrics are known only once dbt executes.
#}
{% macro kpi_definitions() %}
    {%- set found = [] -%}
    {%- if execute -%}
        {%- set owners = {} -%}
        {%- for group in graph.get('groups', {}).values() -%}
            {%- do owners.update({group.name: group.owner.name}) -%}
        {%- endfor -%}
        {%- for metric in graph.metrics.values() | sort(attribute='name') if metric.config.meta.get('kpi') -%}
            {%- set kpi = {
                'kpi_id': metric.name,
                'label_en': metric.label,
                'description': metric.description | trim,
                'owner': owners.get(metric.config.group or metric.group),
                'numerator_term': none,
                'denominator_term': none,
            } -%}
            {%- do kpi.update(metric.config.meta.kpi) -%}
            {%- if metric.type == 'ratio' -%}
                {%- do kpi.update({
                    'numerator_term': metric.type_params.numerator.name,
                    'denominator_term': metric.type_params.denominator.name,
                }) -%}
            {%- endif -%}
            {%- do found.append(kpi) -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(found) -}}
{% endmacro %}
