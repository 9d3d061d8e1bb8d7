{#
Custom KPIs: a ratio of two terms of the family marts, written as one metric (models/marts/kpi/custom_kpis.yml).

Two terms make a KPI when they are dated by the same day, and the one is
  a share of the other    same unit, on the same things                                   unit ratio (or x)
  so many per thing       parts per whole (term_wholes): lines per order                  unit x
  so much per thing       money or seconds on the things or their parts, per count        unit money, seconds
                          stars on them, per count                                        unit x
Everything else about the KPI is read off the terms, where its metric does not say it.
#}

{# The whole that a thing is a part of; with `loses`, the dimensions that are the whole's own and not the part's: an order
   has a country of its own, which need not be its customer's. #}
{% macro term_wholes() %}
    {{- return({
        'units': {'whole': 'lines'},
        'lines': {'whole': 'seller orders'},
        'seller orders': {'whole': 'orders'},
        'orders': {'whole': 'customers', 'loses': ['country', 'region', 'channel']},
        'page views': {'whole': 'sessions'},
        'purchases': {'whole': 'sessions'},
        'sessions': {'whole': 'visitors'},
    }) -}}
{% endmacro %}


{# The dimensions lost on the way from a part to its whole ([] where they are the same); none where it is no part of it. #}
{% macro dimensions_lost(part, whole) %}
    {%- set at = namespace(thing=part, lost=[]) -%}
    {%- for _ in term_wholes() if at.thing != whole and at.thing in term_wholes() -%}
        {%- set at.lost = at.lost + term_wholes()[at.thing].get('loses', []) -%}
        {%- set at.thing = term_wholes()[at.thing].whole -%}
    {%- endfor -%}
    {{- return(at.lost if at.thing == whole else none) -}}
{% endmacro %}


{# The custom KPIs, whole, from pairs of what is known of each and what its metric says. Stops with the reasons when one of
   them cannot be. #}
{% macro custom_kpis(pairs, metrics, terms, owners) %}
    {%- set refused = [] -%}
    {%- set kpis = [] -%}
    {%- for kpi, said in pairs -%}
        {%- do kpis.append(kpi) -%}
        {%- do kpi.update(said) -%}
        {%- set metric = metrics[kpi.kpi_id] -%}
        {%- set problems = custom_kpi_problems(kpi, metric, metrics, terms) -%}
        {%- if problems -%}
            {%- do refused.append(kpi.kpi_id ~ ' (' ~ metric.original_file_path ~ '): ' ~ problems | join('; ')) -%}
        {%- else -%}
            {%- set numerator = terms[kpi.numerator_term] -%}
            {%- set denominator = terms[kpi.denominator_term] -%}
            {%- do kpi.update(of_its_terms(kpi, terms)) -%}
            {%- do kpi.update({
                'family': numerator.family,
                'numerator_mart': numerator.family,
                'denominator_mart': denominator.family,
                'owner': kpi.owner or owners.get(metrics[kpi.numerator_term].config.group or metrics[kpi.numerator_term].group),
                'label_fr': kpi.label_en,
                'description': kpi.description or kpi.label_en ~ ': ' ~ kpi.formula ~ '.',
                'format': '0.0' if kpi.unit == 'seconds' else kpi.format,
                'dimensions': shared_dimensions(numerator, denominator),
                'source_tables': ['kpi_' ~ numerator.family, 'kpi_' ~ denominator.family] | unique | list,
                'kind': 'lagging',
                'review_cadence': 'monthly',
                'action_when_bad': 'Find the segments that moved, then the term that moved in them: ' ~ kpi.formula ~ '.',
                'scope': 'internal',
                'maturity_days_of_terms': kpi.maturity_days,
            }) -%}
            {%- do kpi.update(said) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if refused -%}
        {{ exceptions.raise_compiler_error('Custom KPIs that cannot be:\n  ' ~ refused | join('\n  ')) }}
    {%- endif -%}
    {{- return(kpis) -}}
{% endmacro %}


{# Gives each term the family mart in which most dimensions cut it: that of the KPI with most of them. #}
{% macro say_where_terms_are(terms, kpis) %}
    {%- set marts = {} -%}
    {%- for family in kpi_families() -%}
        {%- do marts.update({family: mart_columns(family)}) -%}
    {%- endfor -%}
    {%- set users = kpis_by_column() -%}
    {%- set dimensions = {} -%}
    {%- for kpi in kpis -%}
        {%- do dimensions.update({kpi.kpi_id: kpi}) -%}
    {%- endfor -%}
    {%- for name, term in terms.items() if not term.is_ratio -%}
        {%- set best = namespace(family=none, most=-1) -%}
        {%- for family, columns in marts.items() if name in columns -%}
            {%- set cut = [] -%}
            {%- for kpi_id in users.get(name, []) if kpi_id in dimensions and dimensions[kpi_id].family == family -%}
                {%- do cut.extend(dimensions[kpi_id].dimensions | reject('in', cut)) -%}
            {%- endfor -%}
            {%- if cut | length > best.most -%}
                {%- set best.family = family -%}
                {%- set best.most = cut | length -%}
            {%- endif -%}
        {%- endfor -%}
        {%- do term.update({'family': best.family}) -%}
    {%- endfor -%}
{% endmacro %}


{% macro shared_dimensions(numerator, denominator) %}
    {%- set lost = dimensions_lost(numerator.of, denominator.of) -%}
    {{- return(numerator.dimensions | select('in', denominator.dimensions) | reject('in', lost) | list) -}}
{% endmacro %}


{# Why a custom KPI cannot be: a list of reasons, empty for a sound one. #}
{% macro custom_kpi_problems(kpi, metric, metrics, terms) %}
    {%- if metric.type != 'ratio' -%}
        {{- return(["it is of type " ~ metric.type ~ "; a custom KPI is a ratio of two terms (type: ratio)"]) -}}
    {%- endif -%}
    {%- set problems = ['it has a filter; terms are divided as the family marts show them'] if metric.filter else [] -%}
    {%- for key in ['unit', 'direction', 'objective'] if not kpi.get(key) -%}
        {%- do problems.append('config.meta.kpi says no ' ~ key) -%}
    {%- endfor -%}
    {%- set sides = {'numerator': metric.type_params.numerator, 'denominator': metric.type_params.denominator} -%}
    {%- for side, input in sides.items() -%}
        {%- set used = metrics[input.name] -%}
        {%- if input.name not in terms or not terms[input.name].family -%}
            {%- do problems.append(
                side ~ ' ' ~ input.name ~ ' is no term: it is '
                ~ ('a ratio itself' if used.type == 'ratio' else 'a percentile' if is_percentile(used) else 'shown by no family mart')
                ~ ', and only counts and sums that a family mart shows can be divided'
            ) -%}
        {%- elif input.filter or input.offset_window or input.offset_to_grain -%}
            {%- do problems.append(side ~ ' ' ~ input.name ~ ' has a filter or an offset; terms are divided as the family marts show them') -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if not problems -%}
        {%- set reason = unfit_terms(kpi, terms[kpi.numerator_term], terms[kpi.denominator_term]) -%}
        {%- do problems.extend([reason] if reason else []) -%}
    {%- endif -%}
    {{- return(problems) -}}
{% endmacro %}


{# Why two terms make no KPI of its unit and dimensions, naming both; none where they do. #}
{% macro unfit_terms(kpi, numerator, denominator) %}
    {%- set both = '%s (%s of %s by %s) over %s (%s of %s by %s): ' | format(
        kpi.numerator_term, numerator.unit, numerator.of, numerator.dated_by,
        kpi.denominator_term, denominator.unit, denominator.of, denominator.dated_by
    ) -%}
    {%- set is_same = numerator.unit == denominator.unit and numerator.of == denominator.of -%}
    {%- set lost = dimensions_lost(numerator.of, denominator.of) -%}
    {%- if kpi.numerator_term == kpi.denominator_term -%}
        {{- return(both ~ 'a term over itself is always 1') -}}
    {%- endif -%}
    {%- for term in [numerator, denominator] if term.unit not in ('count', 'money', 'seconds', 'stars') -%}
        {{- return(both ~ term.unit ~ ' is made for one KPI and means nothing in another') -}}
    {%- endfor -%}
    {%- if numerator.dated_by != denominator.dated_by -%}
        {{- return(both ~ 'the two are dated by different days') -}}
    {%- endif -%}
    {%- if numerator.unit != denominator.unit and denominator.unit != 'count' -%}
        {{- return(both ~ 'the units differ; only a count can be the base of another unit') -}}
    {%- endif -%}
    {%- if lost is none -%}
        {{- return(both ~ numerator.of ~ ' are neither ' ~ denominator.of ~ ' nor parts of them') -}}
    {%- endif -%}
    {%- if numerator.unit == denominator.unit -%}
        {%- set units = ['ratio', 'x'] if is_same else ['x'] -%}
    {%- else -%}
        {%- set units = ['x' if numerator.unit == 'stars' else numerator.unit] -%}
    {%- endif -%}
    {%- if kpi.unit == 'ratio' and units == ['x'] -%}
        {{- return(both ~ 'a share (unit ratio) has the same things on both sides; ' ~ numerator.of ~ ' per ' ~ denominator.of ~ ' are unit x') -}}
    {%- endif -%}
    {%- if kpi.unit not in units -%}
        {{- return(both ~ 'its unit is ' ~ units | join(' or ') ~ ', not ' ~ kpi.unit) -}}
    {%- endif -%}
    {%- for dimension in kpi.get('dimensions', []) if dimension not in shared_dimensions(numerator, denominator) -%}
        {{- return(both ~ 'they do not share the dimension ' ~ dimension ~ ', only: ' ~ shared_dimensions(numerator, denominator) | join(', ')) -}}
    {%- endfor -%}
    {{- return(none) -}}
{% endmacro %}


{#
The rows of a custom KPI: its two terms for each period and segment of its dimensions. Where only one of two marts has a
segment, the other saw nothing in it: its term is 0.
#}
{% macro custom_kpi_rows(kpi) %}
    select
        {{ kpi_keys() }},
        coalesce(max(numerator), 0) as numerator,
        coalesce(max(denominator), 0) as denominator
    from (
        {% for side in ['numerator', 'denominator'] -%}
            select
                {{ kpi_keys() }},
                {{ 'cast(' ~ kpi.numerator_term ~ ' as double)' if side == 'numerator' else 'null' }} as numerator,
                {{ 'cast(' ~ kpi.denominator_term ~ ' as double)' if side == 'denominator' else 'null' }} as denominator
            from {{ kpi[side ~ '_mart'] }}
            {{ 'union all' if not loop.last }}
        {% endfor -%}
    ) as terms
    group by {{ kpi_keys() }}
{% endmacro %}
