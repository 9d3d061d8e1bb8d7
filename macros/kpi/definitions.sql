{#
The one reader of metric definitions. Returns a list, by kpi_id, of what each KPI's metric says (config.meta.kpi) with

  kpi_id, label_en, description     from the metric itself
  family, owner                     its group, and who answers for it
  numerator_term, denominator_term  the columns of the family mart it divides (ratios; else none)
  measure, mode, formula, format    ratio, percentile, count or amount; event or cohort; in words; how its unit is shown
  is_additive                       whether its terms of a period are the sums of its days' (adds_up)

and, of a ratio, with what its two terms say (term_definitions): numerator, denominator, dated_by, maturity_days, dimensions,
needs, sample_size. What its metric says itself wins. A custom KPI (is_custom) has no group and is held against its terms
(macros/kpi/custom.sql).

Stops with one message that names every custom KPI that cannot be, and why, or every need that names nothing known. Empty
while the project is parsed and in unit tests: the metrics are known only while dbt builds.
#}
{% macro kpi_definitions() %}
    {%- set metrics = metrics_by_name() -%}
    {%- set owners = {} -%}
    {%- for group in (graph.get('groups', {}).values() if execute else []) if group.package_name == 'marketplace_kpis' -%}
        {%- do owners.update({group.name: group.owner.name}) -%}
    {%- endfor -%}
    {%- set terms = term_definitions(metrics) -%}
    {%- set found = [] -%}
    {%- set ratios = [] -%}
    {%- set custom = [] -%}
    {%- for metric in metrics.values() if metric.config.meta.get('kpi') -%}
        {%- set said = metric.config.meta.kpi -%}
        {%- set family = metric.config.group or metric.group -%}
        {%- set kpi = {
            'kpi_id': metric.name,
            'label_en': metric.label,
            'description': metric.description | trim,
            'family': family,
            'owner': owners.get(family),
            'numerator_term': metric.type_params.numerator.name if metric.type == 'ratio' else none,
            'denominator_term': metric.type_params.denominator.name if metric.type == 'ratio' else none,
            'format': format_of_unit()[said.unit],
        } -%}
        {%- if said.get('is_custom') -%}
            {%- do custom.append([kpi, said]) -%}
        {%- elif metric.type == 'ratio' -%}
            {%- do ratios.append([kpi, said]) -%}
        {%- else -%}
            {%- do kpi.update({
                'measure': 'percentile' if is_percentile(metric) else 'amount' if said.unit == 'money' else 'count',
                'formula': said.numerator,
                'maturity_days': 0,
            }) -%}
            {%- do kpi.update(said) -%}
            {%- do found.append(kpi) -%}
        {%- endif -%}
    {%- endfor -%}
    {#- a ratio of ratios after those it divides #}
    {%- for _ in range(2) -%}
        {%- for kpi, said in ratios if 'measure' not in kpi and kpi.numerator_term in terms and kpi.denominator_term in terms -%}
            {%- do kpi.update(of_its_terms(kpi, terms)) -%}
            {%- do kpi.update(said) -%}
            {%- do found.append(kpi) -%}
            {%- do terms.update({kpi.kpi_id: {
                'unit': kpi.unit, 'words': kpi.kpi_id, 'dated_by': kpi.dated_by, 'maturity_days': kpi.maturity_days,
                'dimensions': kpi.dimensions, 'needs': kpi.needs, 'is_ratio': true,
            }}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for kpi, said in ratios if 'measure' not in kpi -%}
        {{ exceptions.raise_compiler_error(
            kpi.kpi_id ~ ' divides ' ~ kpi.numerator_term ~ ' by ' ~ kpi.denominator_term
            ~ ', of which one says nothing about itself: config.meta.term of its metric is missing'
        ) }}
    {%- endfor -%}
    {%- if found -%}
        {%- do refuse_unknown_needs(found) -%}
    {%- endif -%}
    {%- if custom -%}
        {%- do say_where_terms_are(terms, found) -%}
        {%- do found.extend(custom_kpis(custom, metrics, terms, owners)) -%}
    {%- endif -%}
    {%- for kpi in found -%}
        {%- do kpi.update({'mode': 'cohort' if kpi.maturity_days else 'event', 'is_additive': adds_up(kpi, metrics)}) -%}
    {%- endfor -%}
    {{- return(found | sort(attribute='kpi_id')) -}}
{% endmacro %}


{# How a spreadsheet shows a value, where its metric does not say otherwise. #}
{% macro format_of_unit() %}
    {{- return({
        'count': '#,##0', 'money': '#,##0.00', 'ratio': '0.0%', 'x': '0.00', 'index': '#,##0', 'points': '0.0', 'days': '0.0',
        'hours': '0.0', 'seconds': '0', 'milliseconds': '#,##0',
    }) -}}
{% endmacro %}


{#
What each count and sum says of itself, by name: config.meta.term of its metric and, where it is a KPI too, what
config.meta.kpi says and the term does not.

  unit, of, dated_by  money of lines by order day, say
  words               what it is called
  dimensions, needs   what it is cut by, and the inputs without which it has no value
  maturity_days       days after the period until it is complete
#}
{% macro term_definitions(metrics) %}
    {%- set terms = {} -%}
    {%- for metric in metrics.values() if metric.type != 'ratio' and (metric.config.meta.get('term') or metric.config.meta.get('kpi'))
        and not is_percentile(metric) -%}
        {%- set kpi = metric.config.meta.get('kpi', {}) -%}
        {%- set term = {'words': kpi.get('numerator', metric.label | lower), 'maturity_days': 0, 'dimensions': [], 'needs': []} -%}
        {%- for said in ['unit', 'dated_by', 'maturity_days', 'dimensions', 'needs'] if said in kpi -%}
            {%- do term.update({said: kpi[said]}) -%}
        {%- endfor -%}
        {%- do term.update(metric.config.meta.get('term', {})) -%}
        {%- do terms.update({metric.name: term}) -%}
    {%- endfor -%}
    {{- return(terms) -}}
{% endmacro %}


{# What a ratio has from its two terms. #}
{% macro of_its_terms(kpi, terms) %}
    {%- set numerator = terms[kpi.numerator_term] -%}
    {%- set denominator = terms[kpi.denominator_term] -%}
    {%- set is_one_day = numerator.dated_by == denominator.dated_by -%}
    {{- return({
        'measure': 'ratio',
        'numerator': numerator.words,
        'denominator': denominator.words,
        'formula': in_brackets(numerator.words) ~ ' / ' ~ in_brackets(denominator.words),
        'sample_size': kpi.denominator_term if denominator.unit == 'count' else none,
        'dated_by': numerator.dated_by if is_one_day else numerator.dated_by ~ ' / ' ~ denominator.dated_by,
        'maturity_days': [numerator.maturity_days, denominator.maturity_days] | max,
        'dimensions': numerator.dimensions | select('in', denominator.dimensions) | list,
        'needs': (numerator.needs + denominator.needs) | unique | list,
    }) -}}
{% endmacro %}


{# Words of a formula, in brackets where they could be misread. #}
{% macro in_brackets(words) %}
    {{- return('(' ~ words ~ ')' if ', ' in words or ' less ' in words or ' x ' in words else words) -}}
{% endmacro %}


{% macro aggregation(metric) %}
    {{- return((metric.type_params.metric_aggregation_params or {}).get('agg')) -}}
{% endmacro %}


{# Whether a metric is a percentile; one that shows the mart's column says so itself. #}
{% macro is_percentile(metric) %}
    {{- return('percentile' in (aggregation(metric), metric.config.meta.get('kpi', {}).get('measure'))) -}}
{% endmacro %}


{# Whether a KPI adds up: its terms of a period are the sums of its days'. Read off the shape of its terms: a distinct count or
   a percentile never does, a sum does unless its term says otherwise (config.meta.term.adds_up). #}
{% macro adds_up(kpi, metrics) %}
    {%- set found = namespace(all=kpi.measure != 'percentile') -%}
    {%- for term in ([kpi.numerator_term, kpi.denominator_term] if kpi.numerator_term else [kpi.kpi_id]) -%}
        {%- set metric = metrics[term] -%}
        {%- set shape = aggregation(metric) if metric.type == 'simple' else metric.type -%}
        {%- if shape not in ('sum', 'derived') or not metric.config.meta.get('term', {}).get('adds_up', true) -%}
            {%- set found.all = false -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(found.all) -}}
{% endmacro %}


{#
The KPIs that stand or fall with a column of a family mart, by column: a KPI's own columns with that KPI, a term with every
KPI that divides it, directly or through a metric made of it (or that it is said to be part of, `in_kpis`).
#}
{% macro kpis_by_column() %}
    {%- set users = {} -%}
    {%- set metrics = graph.get('metrics', {}) if execute else {} -%}
    {%- for kpi_id, kpi in metrics.items() if kpi.config.meta.get('kpi') -%}
        {%- set reached = namespace(ids=[kpi_id], next=none) -%}
        {%- for _ in range(3) -%}
            {%- set reached.next = [] -%}
            {%- for id in reached.ids if id in metrics -%}
                {%- do reached.next.extend(metrics[id].depends_on.nodes) -%}
            {%- endfor -%}
            {%- set reached.ids = reached.next -%}
            {%- for id in reached.ids if id in metrics -%}
                {%- set named = users.setdefault(metrics[id].name, []) -%}
                {%- do named.append(kpi.name) if kpi.name not in named -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for metric in metrics.values() if metric.config.meta.get('term', {}).get('in_kpis') -%}
        {%- do users.setdefault(metric.name, []).extend(metric.config.meta.term.in_kpis | reject('in', users[metric.name])) -%}
    {%- endfor -%}
    {%- for kpi in metrics.values() if kpi.config.meta.get('kpi') -%}
        {%- do users.update({kpi.name: [kpi.name], kpi.name ~ '_n': [kpi.name]}) -%}
    {%- endfor -%}
    {{- return(users) -}}
{% endmacro %}


{# Every metric by its name; none while the project is parsed and in unit tests. #}
{% macro metrics_by_name() %}
    {%- set metrics = {} -%}
    {%- for metric in (graph.get('metrics', {}).values() if execute else []) -%}
        {%- do metrics.update({metric.name: metric}) -%}
    {%- endfor -%}
    {{- return(metrics) -}}
{% endmacro %}
