{#
The terms of a family mart: every count, sum and percentile its KPIs divide or show, for every period and segment.

`kpi_terms(specs)` writes the CTEs `periods`, `gaps`, one or more per spec, and `terms`: one row per period grain, period and
segment, with one column per term. A mart names its entity relations as CTEs before it, divides `terms` in a CTE `shown` after
it, and ends with `kpi_without_gaps`, which leaves out what no one can know. The comment before them hands the specs on, as
JSON, to who asks for the rows behind a figure (ops/explain.py).
A spec is a dictionary:

  shape       sums         terms are aggregates that add up over days: count_if(...), sum(...), count(*). An expression
                           may name {grain}: it is then built once per grain (a first-in-period flag, say).
              distinct     terms are conditions; counts the distinct `entity` among the rows that meet them.
              rolling      terms are [starts, ends] dates; counts the rows open (starts <= day < ends) on the period's last day.
              percentiles  terms are [expression, fraction]; each also gives <term>_n, the number of measured rows.
              previous     terms are columns of the spec named in `from`, as they were one period before.
              given        terms are aggregates; `from` has the keys of a period and segment already.
  name        names the spec's CTE, for a `previous` one
  from        the CTE to read
  day         its date column (sums, distinct, percentiles)
  entity      its id column (distinct)
  dimensions  dimension name -> column of `from`; the dimensions these terms are published for
  is_cut      true where `from` is cut by its dimension (orders by category): then it gives no `all`
  money       the terms that are amounts (decimal); number: those that are doubles; all others are whole counts
  terms       name -> what the shape says

A term is 0 where nothing was counted, null where its dimension does not apply, and a percentile null where nothing was
measured. `all` has a row in every period of the span, other segments where one of the terms saw them; a spec whose KPIs all
lack an input shows no segments.

A worked example counts only the terms that its expected rows show; all others are null in it.
#}
{% macro kpi_terms(specs) %}
-- kpi_terms: {{ specs | tojson }}
{%- set all_columns = kpi_term_columns(specs) -%}
{%- set all_specs = specs -%}
{%- set specs = kpi_specs_counted(specs) %}
periods as (
    select * from {{ ref('int_periods') }}
),

gaps as (
    select * from {{ ref('int_kpi_gaps') }}
),

grains as (
    {% for grain in var('kpi_grains') -%}
        select '{{ grain }}' as period_grain{{ ' union all' if not loop.last }}
    {% endfor -%}
),

{% set sources = [] -%}
{% for spec in specs -%}
    {%- set name = spec.get('name', 'terms_' ~ loop.index) -%}
    {%- set dimensions = kpi_dimensions_of(spec) -%}
    {%- set is_whole = not spec.get('is_cut', false) -%}
    {%- if is_whole or dimensions -%}
        {%- if spec.shape == 'sums' -%} {{ kpi_sums(name, spec, dimensions, is_whole) }}
        {%- elif spec.shape == 'distinct' -%} {{ kpi_distinct(name, spec, dimensions, is_whole) }}
        {%- elif spec.shape == 'rolling' -%} {{ kpi_rolling(name, spec, dimensions, is_whole) }}
        {%- elif spec.shape == 'percentiles' -%} {{ kpi_percentiles(name, spec, dimensions, is_whole) }}
        {%- elif spec.shape == 'previous' -%} {{ kpi_previous(name, spec) }}
        {%- elif spec.shape == 'given' -%} {{ kpi_given(name, spec, dimensions, is_whole) }}
        {%- else -%} {{ exceptions.raise_compiler_error("kpi_terms: unknown shape '" ~ spec.shape ~ "'") }}
        {%- endif -%}
        {%- do sources.append(name) -%}
    {%- endif -%}
{%- endfor -%}

{%- set columns = kpi_term_columns(specs) -%}
{%- set users = kpis_by_column() -%}
counted as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        {% for column in columns -%}
            max({{ column }}) as {{ column }}{{ ',' if not loop.last }}
        {% endfor -%}
    from (
        {% for spec in specs if not (spec.get('is_cut', false) and not kpi_dimensions_of(spec)) -%}
            {%- set own = kpi_term_columns([spec]) -%}
            select
                period_grain,
                period_start,
                dimension,
                dimension_value,
                {% for column in columns -%}
                    {{ column if column in own else 'null as ' ~ column }}{{ ',' if not loop.last }}
                {% endfor -%}
            from {{ sources[loop.index0] }}
            {{ kpi_where_some_input(spec, users) }}
            {{ 'union all' if not loop.last }}
        {% endfor -%}
    ) as stacked
    group by period_grain, period_start, dimension, dimension_value
),

segments as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value
    from counted
    union distinct
    select
        period_grain,
        period_start,
        'all' as dimension,
        'all' as dimension_value
    from periods
),

terms as (
    select
        segments.period_grain,
        segments.period_start,
        periods.period_end,
        segments.dimension,
        segments.dimension_value,
        periods.is_partial,
        {% for column in all_columns -%}
            {{ kpi_term(column, specs) if column in columns else 'cast(null as ' ~ kpi_term_type(column, all_specs) ~ ')' }} as {{ column }}{{ ',' if not loop.last }}
        {% endfor -%}
    from segments
    inner join periods
        on segments.period_grain = periods.period_grain
        and segments.period_start = periods.period_start
    left join counted
        on segments.period_grain = counted.period_grain
        and segments.period_start = counted.period_start
        and segments.dimension = counted.dimension
        and segments.dimension_value = counted.dimension_value
)
{% endmacro %}


{# The dimensions of a spec that this build asks for (variable kpi_dimensions: a list, or `every`), as name -> column. #}
{% macro kpi_dimensions_of(spec) %}
    {%- set asked = var('kpi_dimensions') -%}
    {%- set found = {} -%}
    {%- for name, column in spec.get('dimensions', {}).items() if asked == 'every' or name in asked -%}
        {%- do found.update({name: column}) -%}
    {%- endfor -%}
    {{- return(found) -}}
{% endmacro %}


{# The specs to count: all of them, and in a worked example those with a term that it shows, each with no other term. #}
{% macro kpi_specs_counted(specs) %}
    {%- if model.resource_type != 'unit_test' -%}
        {{- return(specs) -}}
    {%- endif -%}
    {%- set shown = [] -%}
    {%- for row in model.config.expected_rows -%}
        {%- do shown.extend(row) -%}
    {%- endfor -%}
    {%- set counted = [] -%}
    {#- from the last: a `previous` spec shows columns of one before it -#}
    {%- for spec in specs | reverse -%}
        {%- set terms = {} -%}
        {%- for term, said in spec.terms.items() if term in shown or term ~ '_n' in shown -%}
            {%- do terms.update({term: said}) -%}
            {%- do shown.append(said) if spec.shape == 'previous' -%}
        {%- endfor -%}
        {%- if terms -%}
            {%- do counted.append(dict(spec, name=spec.get('name', 'terms_' ~ loop.revindex), terms=terms)) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if not counted -%}
        {{ exceptions.raise_compiler_error(model.name ~ ': the rows it expects show no term; add those that its KPI divides') }}
    {%- endif -%}
    {{- return(counted | reverse | list) -}}
{% endmacro %}


{# All term columns of some specs, once each, in order. #}
{% macro kpi_term_columns(specs) %}
    {%- set columns = [] -%}
    {%- for spec in specs -%}
        {%- for term in spec.terms -%}
            {%- for column in ([term, term ~ '_n'] if spec.shape == 'percentiles' else [term]) if column not in columns -%}
                {%- do columns.append(column) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(columns) -}}
{% endmacro %}


{# decimal(38, 16) of an amount, double of a percentile and where its spec says so, else bigint #}
{% macro kpi_term_type(column, specs) %}
    {%- for spec in specs if column in kpi_term_columns([spec]) -%}
        {%- if column in spec.get('money', []) -%}
            {{- return('decimal(38, 16)') -}}
        {%- elif column in spec.get('number', []) or (spec.shape == 'percentiles' and column in spec.terms) -%}
            {{- return('double') -}}
        {%- endif -%}
    {%- endfor -%}
    {{- return('bigint') -}}
{% endmacro %}


{# One term as published: typed, 0 or null where nothing was counted, null where the dimension does not apply. #}
{% macro kpi_term(column, specs) %}
    {%- set dimensions = ['all'] -%}
    {%- set percentiles = [] -%}
    {%- for spec in specs if column in kpi_term_columns([spec]) -%}
        {%- do dimensions.extend(spec.get('dimensions', {}).keys()) -%}
        {%- do percentiles.extend(spec.terms if spec.shape == 'percentiles' else []) -%}
    {%- endfor -%}
    {%- set type = kpi_term_type(column, specs) -%}
    case
        when
            segments.dimension in ('{{ dimensions | unique | join("', '") }}')
            then {% if column in percentiles -%}
                cast(counted.{{ column }} as {{ type }})
            {%- else -%}
                coalesce(cast(counted.{{ column }} as {{ type }}), 0)
            {%- endif %}
    end
{%- endmacro %}


{# A relation with its day inside the span and its dimensions as seg_<dimension>, `unknown` where missing. #}
{% macro kpi_segmented(spec, dimensions, day) %}
    select
        *,
        {% for dimension, column in dimensions.items() -%}
            coalesce(cast({{ column }} as {{ dbt.type_string() }}), 'unknown') as seg_{{ dimension }},
        {% endfor -%}
        {{ day }} as term_day
    from {{ spec.from }}
    where {{ day }} between (select min(span_start) from periods) and (select max(as_of) from periods)
{%- endmacro %}


{# group by grouping sets for the whole and each dimension, after some leading columns #}
{% macro kpi_group_by(leading, dimensions, is_whole) -%}
    group by grouping sets (
        {%- if is_whole %}({{ leading | join(', ') }}){{ ', ' if dimensions }}{% endif -%}
        {%- for dimension in dimensions -%}
            ({{ leading | join(', ') }}, seg_{{ dimension }}){{ ', ' if not loop.last }}
        {%- endfor -%}
    )
{%- endmacro %}


{# dimension and dimension_value of a row grouped by kpi_group_by: the one dimension that is not null, else all #}
{% macro kpi_segment_columns(dimensions) -%}
    {%- if dimensions -%}
        case
            {%- for dimension in dimensions %}
            when seg_{{ dimension }} is not null then '{{ dimension }}'
            {%- endfor %}
            else 'all'
        end as dimension,
        coalesce({% for dimension in dimensions %}seg_{{ dimension }}, {% endfor %}'all') as dimension_value
    {%- else -%}
        'all' as dimension,
        'all' as dimension_value
    {%- endif -%}
{%- endmacro %}


{# Whether a row of a dimension is published by a grain: sellers and campaigns by month, quarter and year only. #}
{% macro kpi_is_published(dimension='dimension', grain='period_grain') -%}
    ({{ dimension }} not in ('seller', 'campaign') or {{ grain }} not in ('day', 'week'))
{%- endmacro %}


{# Day sums to period sums, for all grains the build asks for. #}
{% macro kpi_periods_from_days(days, terms, per_grain) %}
    select
        period_grain,
        {{ period_start_of('term_day') }} as period_start,
        dimension,
        dimension_value,
        {% for term in terms -%}
            {%- if term in per_grain -%}
                sum(case period_grain {% for grain in var('kpi_grains') %}when '{{ grain }}' then {{ term }}__{{ grain }} {% endfor %}end) as {{ term }}
            {%- else -%}
                sum({{ term }}) as {{ term }}
            {%- endif -%}
            {{ ',' if not loop.last }}
        {% endfor -%}
    from {{ days }}
    cross join grains
    where {{ kpi_is_published() }}
    group by period_grain, {{ period_start_of('term_day') }}, dimension, dimension_value
{% endmacro %}


{% macro kpi_sums(name, spec, dimensions, is_whole) %}
{%- set per_grain = [] -%}
{{ name }}_days as (
    select
        term_day,
        {{ kpi_segment_columns(dimensions) }},
        {% for term, expression in spec.terms.items() -%}
            {%- if '{grain}' in expression -%}
                {%- do per_grain.append(term) -%}
                {%- for grain in var('kpi_grains') -%}
                    {{ expression | replace('{grain}', grain) }} as {{ term }}__{{ grain }}{{ ',' if not loop.last }}
                {% endfor -%}
            {%- else -%}
                {{ expression }} as {{ term }}
            {%- endif -%}
            {{ ',' if not loop.last }}
        {% endfor -%}
    from ({{ kpi_segmented(spec, dimensions, spec.day) }}) as segmented
    {{ kpi_group_by(['term_day'], dimensions, is_whole) }}
),

{{ name }} as (
    {{- kpi_periods_from_days(name ~ '_days', spec.terms.keys() | list, per_grain) }}
),

{% endmacro %}


{# An entity counts on its first day of a period: those flags add up, where distinct counts do not. Dimension by dimension:
   the days of an entity in a segment are put in order once each, without grouping them first. #}
{% macro kpi_distinct(name, spec, dimensions, is_whole) %}
{{ name }}_days as (
    {% for term, condition in spec.terms.items() -%}
        {%- set outer = loop -%}
        {%- for dimension in (['all'] if is_whole else []) + (dimensions | list) -%}
            {%- set segment = 'seg_' ~ dimension if dimension in dimensions -%}
            select
                term_day,
                '{{ dimension }}' as dimension,
                {{ segment or "'all'" }} as dimension_value,
                {% for other in spec.terms -%}
                    {%- for grain in var('kpi_grains') -%}
                        {%- if other == term -%}
                            count_if(previous_day is null or previous_day < {{ period_start(grain, 'term_day') }})
                        {%- else -%}
                            0
                        {%- endif %} as {{ other }}__{{ grain }}{{ ',' if not loop.last }}
                    {% endfor -%}
                    {{ ',' if not loop.last }}
                {% endfor -%}
            from (
                select
                    term_day,
                    {{ segment ~ ',' if segment }}
                    lag(term_day) over (partition by {{ spec.entity }}{{ ', ' ~ segment if segment }} order by term_day) as previous_day
                from ({{ kpi_segmented(spec, {dimension: dimensions[dimension]} if segment else {}, spec.day) }}) as segmented
                where {{ condition }}
            ) as days_of_entity
            group by term_day{{ ', ' ~ segment if segment }}
            {{ 'union all' if not (loop.last and outer.last) }}
        {% endfor -%}
    {%- endfor -%}
),

{{ name }} as (
    {{- kpi_periods_from_days(name ~ '_days', spec.terms.keys() | list, spec.terms.keys() | list) }}
),

{% endmacro %}


{# Interval sweep: openings less closings up to a day are the intervals open on it. #}
{% macro kpi_rolling(name, spec, dimensions, is_whole) %}
{{ name }}_turns as (
    select
        term_day,
        {{ kpi_segment_columns(dimensions) }},
        {% for term in spec.terms -%}
            sum({{ term }}) as {{ term }}{{ ',' if not loop.last }}
        {% endfor -%}
    from (
        {% for term, bounds in spec.terms.items() -%}
            {%- for bound in bounds -%}
                select
                    {{ bound }} as term_day,
                    {% for dimension, column in dimensions.items() -%}
                        coalesce(cast({{ column }} as {{ dbt.type_string() }}), 'unknown') as seg_{{ dimension }},
                    {% endfor -%}
                    {% for other in spec.terms -%}
                        {{ (1 if bound == bounds[0] else -1) if other == term else 0 }} as {{ other }}{{ ',' if not loop.last }}
                    {% endfor -%}
                from {{ spec.from }}
                where {{ bounds[0] }} < {{ bounds[1] }}
                {{ 'union all' if not loop.last }}
            {% endfor -%}
            {{ 'union all' if not loop.last }}
        {% endfor -%}
    ) as segmented
    {{ kpi_group_by(['term_day'], dimensions, is_whole) }}
),

{{ name }} as (
    select
        periods.period_grain,
        periods.period_start,
        running.dimension,
        running.dimension_value,
        {% for term in spec.terms -%}
            running.{{ term }}{{ ',' if not loop.last }}
        {% endfor -%}
    from (
        select
            term_day,
            dimension,
            dimension_value,
            {% for term in spec.terms -%}
                sum(sum({{ term }})) over so_far as {{ term }}{{ ',' if not loop.last }}
            {% endfor -%}
        from (
            select * from {{ name }}_turns
            union all
            select
                days.last_day as term_day,
                segments_seen.dimension,
                segments_seen.dimension_value{% for term in spec.terms %},
                0 as {{ term }}{% endfor %}
            from (select distinct last_day from periods) as days
            cross join (select distinct dimension, dimension_value from {{ name }}_turns) as segments_seen
        ) as turns
        group by term_day, dimension, dimension_value
        window so_far as (partition by dimension, dimension_value order by term_day)
    ) as running
    inner join periods
        on running.term_day = periods.last_day
        and periods.period_grain in ('{{ var("kpi_grains") | join("', '") }}')
        and {{ kpi_is_published('running.dimension', 'periods.period_grain') }}
    where {% for term in spec.terms %}running.{{ term }} > 0{{ ' or ' if not loop.last }}{% endfor %}
),

{% endmacro %}


{# Grain by grain: a percentile keeps all its values in memory, and five grains at once do not fit. #}
{% macro kpi_percentiles(name, spec, dimensions, is_whole) %}
{{ name }} as (
    {% for grain in var('kpi_grains') -%}
        select *
        from (
            select
                '{{ grain }}' as period_grain,
                period_start,
                {{ kpi_segment_columns(dimensions) }},
                {% for term, measure in spec.terms.items() -%}
                    {{ exact_percentile(measure[0], measure[1]) }} as {{ term }},
                    count({{ measure[0] }}) as {{ term }}_n{{ ',' if not loop.last }}
                {% endfor -%}
            from (
                select
                    *,
                    {{ period_start(grain, 'term_day') }} as period_start
                from ({{ kpi_segmented(spec, dimensions, spec.day) }}) as segmented
            ) as of_grain
            {{ kpi_group_by(['period_start'], dimensions, is_whole) }}
        ) as measured
        where {{ kpi_is_published(grain="'" ~ grain ~ "'") }}
        {{ 'union all' if not loop.last }}
    {% endfor -%}
),

{% endmacro %}


{# A period's terms as the period before has them. #}
{% macro kpi_previous(name, spec) %}
{{ name }} as (
    select
        this.period_grain,
        this.period_start,
        before.dimension,
        before.dimension_value,
        {% for term, column in spec.terms.items() -%}
            before.{{ column }} as {{ term }}{{ ',' if not loop.last }}
        {% endfor -%}
    from {{ spec.from }} as before
    inner join periods as this
        on before.period_grain = this.period_grain
        and before.period_start = {{ period_before('this') }}
),

{% endmacro %}


{% macro kpi_given(name, spec, dimensions, is_whole) %}
{{ name }} as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        {% for term, expression in spec.terms.items() -%}
            {{ expression }} as {{ term }}{{ ',' if not loop.last }}
        {% endfor -%}
    from {{ spec.from }}
    where
        dimension in ('{{ ((['all'] if is_whole else []) + (dimensions.keys() | list)) | join("', '") }}')
        and period_grain in ('{{ var("kpi_grains") | join("', '") }}')
        and {{ kpi_is_published() }}
    group by period_grain, period_start, dimension, dimension_value
),

{% endmacro %}
