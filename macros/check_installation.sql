{# Before anything is built: stops at what a project that installs this one as a package would get wrong without a word. #}
{% macro check_installation() %}
    {%- if not is_building() -%}{{- return('') -}}{%- endif -%}
    {%- set problems = [] -%}
    {%- set zone = run_query('select ' ~ session_time_zone()).rows[0][0] -%}
    {%- if zone not in ['UTC', 'Etc/UTC'] -%}
        {%- do problems.append(
            'The profile works in the time zone ' ~ zone ~ ', and times of deliveries are read in UTC: say `settings: {TimeZone: UTC}` in it.'
        ) -%}
    {%- endif -%}
    {%- set own = graph.nodes.values() | selectattr('package_name', 'equalto', 'marketplace_kpis') | selectattr('resource_type', 'in', ['model', 'seed']) | list -%}
    {%- set names = own | map(attribute='name') | list -%}
    {%- set taken = [] -%}
    {%- for node in own -%}
        {%- for read in node.depends_on.nodes if read.split('.')[0] in ['model', 'seed'] -%}
            {%- set package, name = read.split('.')[1:3] -%}
            {%- do taken.append(package ~ '.' ~ name) if package != 'marketplace_kpis' and name in names and package ~ '.' ~ name not in taken -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if taken -%}
        {%- do problems.append(
            'Models of marketplace_kpis read ' ~ taken | sort | join(', ') ~ ' in place of its own of that name. Rename what happens to be '
            ~ 'called alike, or switch the own one off if it is to be replaced (models: marketplace_kpis: ... +enabled: false).'
        ) -%}
    {%- endif -%}
    {%- if problems -%}
        {{ exceptions.raise_compiler_error(problems | join('\n')) }}
    {%- endif -%}
{% endmacro %}
