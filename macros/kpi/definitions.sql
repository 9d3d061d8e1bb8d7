{#
The one reader of metric definitions. Returns a list, by kpi_id, of what each KPI's metric says (config.meta.kpi) with

  kpi_id, label_en, description     from the metric itself
  owner                             the owner of its group
  numerator_term, denominator_term  the columns of the family mart it divides (ratios; else none)
  is_additive                       whether its terms of a period are the sums of its days' (kpi_adds_up)

A custom KPI (is_custom) says little; the rest is read off its terms (macros/kpi/custom.sql). Stops with one message that
names every custom KPI that cannot be, and why, or every need that names nothing known. Empty while the project is parsed and
in unit tests: the metrics are known only while dbt builds.
#}
{% macro kpi_definitions() %}
    {%- set found = [] -%}
    {%- set custom = [] -%}
    {%- if execute and 'metrics' in graph -%}
        {%- set owners = {} -%}
        {%- for group in graph.get('groups', {}).values() -%}
            {%- do owners.update({group.name: group.owner.name}) -%}
        {%- endfor -%}
        {%- for metric in graph.metrics.values() if metric.config.meta.get('kpi') -%}
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
            {%- do (custom if kpi.get('is_custom') else found).append(kpi) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if found -%}
        {%- do refuse_unknown_needs(found) -%}
    {%- endif -%}
    {%- if custom -%}
        {%- do found.extend(custom_kpis(custom, term_definitions(found, owners))) -%}
    {%- endif -%}
    {%- for kpi in found -%}
        {%- do kpi.update({'is_additive': kpi_adds_up(kpi)}) -%}
    {%- endfor -%}
    {{- return(found | sort(attribute='kpi_id')) -}}
{% endmacro %}


{#
What each term says (config.meta.term of its metric; unit and day of a KPI: config.meta.kpi), by name:

  unit, of, dated_by  money of lines by order day, say
  words, owner        what it is called, and who answers for it
  family, dimensions  the family mart that cuts it by most dimensions, and these
  needs               inputs without which it has no value
  maturity_days       days after the period until it is complete

The marts say the last four in SQL; here they are read off the KPIs that show or divide the term: it needs what all of them
need, and is complete with the first of them. A term that no mart shows has no family.
#}
{% macro term_definitions(kpis, owners) %}
    {%- set marts = {} -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' -%}
        {%- do marts.update({node.name: node.columns}) -%}
    {%- endfor -%}
    {%- set terms = {} -%}
    {%- for metric in graph.metrics.values() if metric.config.meta.get('term') -%}
        {%- set own = kpis | selectattr('kpi_id', 'equalto', metric.name) | list -%}
        {%- set users = own + (kpis | selectattr('numerator_term', 'equalto', metric.name) | list)
            + (kpis | selectattr('denominator_term', 'equalto', metric.name) | list)
            + (kpis | selectattr('kpi_id', 'in', metric.config.meta.term.get('in_kpis', [])) | list) -%}
        {%- set needs = set((own or users)[0].needs if users else []) -%}
        {%- for kpi in own or users -%}
            {%- do needs.intersection_update(kpi.needs) -%}
        {%- endfor -%}
        {%- set term = {
            'unit': own[0].unit if own else none,
            'dated_by': own[0].dated_by if own else none,
            'words': own[0].numerator if own else metric.label | lower,
            'owner': owners.get(metric.config.group or metric.group),
            'family': none,
            'dimensions': [],
            'needs': needs | sort,
            'maturity_days': (own or users) | map(attribute='maturity_days') | min | default(0, true),
        } -%}
        {%- for family in kpi_families() if metric.name in marts['kpi_' ~ family] -%}
            {%- set dimensions = [] -%}
            {%- for kpi in users if kpi.family == family -%}
                {%- do dimensions.extend(kpi.dimensions | reject('in', dimensions)) -%}
            {%- endfor -%}
            {%- if not term.family or dimensions | length > term.dimensions | length -%}
                {%- do term.update({'family': family, 'dimensions': dimensions}) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- do term.update(metric.config.meta.term) -%}
        {%- do terms.update({metric.name: term}) -%}
    {%- endfor -%}
    {{- return(terms) -}}
{% endmacro %}


{#
The KPIs that stand or fall with a column of a family mart, by column: a KPI's own columns with that KPI, a term with every
KPI that divides it, directly or through a metric made of it (or that it is said to be part of, `in_kpis`).
#}
{% macro kpis_by_column() %}
    {%- set kpis = kpi_definitions() -%}
    {%- set users = {} -%}
    {%- for kpi in kpis -%}
        {%- set reached = namespace(ids=['metric.' ~ project_name ~ '.' ~ kpi.kpi_id], next=none) -%}
        {%- for _ in range(3) -%}
            {%- set reached.next = [] -%}
            {%- for id in reached.ids if id in graph.metrics -%}
                {%- do reached.next.extend(graph.metrics[id].depends_on.nodes) -%}
            {%- endfor -%}
            {%- set reached.ids = reached.next -%}
            {%- for id in reached.ids if id in graph.metrics -%}
                {%- set named = users.setdefault(graph.metrics[id].name, []) -%}
                {%- do named.append(kpi.kpi_id) if kpi.kpi_id not in named -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for metric in (graph.metrics.values() if kpis else []) if metric.config.meta.get('term', {}).get('in_kpis') -%}
        {%- do users.setdefault(metric.name, []).extend(metric.config.meta.term.in_kpis | reject('in', users[metric.name])) -%}
    {%- endfor -%}
    {%- for kpi in kpis -%}
        {%- do users.update({kpi.kpi_id: [kpi.kpi_id], kpi.kpi_id ~ '_n': [kpi.kpi_id]}) -%}
    {%- endfor -%}
    {{- return(users) -}}
{% endmacro %}


{# Whether a KPI adds up: its terms of a period are the sums of its days'. Read off the shape of its terms: a distinct count or
   a percentile never does, a sum does unless its term says otherwise (config.meta.term.adds_up). #}
{% macro kpi_adds_up(kpi) %}
    {%- set terms = [kpi.numerator_term, kpi.denominator_term] if kpi.numerator_term else [kpi.kpi_id] -%}
    {%- set found = namespace(all=kpi.get('measure') != 'percentile') -%}
    {%- for term in terms -%}
        {%- set metric = graph.metrics.values() | selectattr('name', 'equalto', term) | first -%}
        {%- set shape = (metric.type_params.metric_aggregation_params or {}).get('agg') if metric.type == 'simple' else metric.type -%}
        {%- if shape not in ('sum', 'derived') or not metric.config.meta.get('term', {}).get('adds_up', true) -%}
            {%- set found.all = false -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(found.all) -}}
{% endmacro %}
