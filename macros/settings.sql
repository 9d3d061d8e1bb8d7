{# A setting of the build: the dbt variable, else the environment variable in capitals, else the connector's own
   default, else the project's. Returns a string, or none where nothing sets it. #}
{% macro setting(name) -%}
    {%- set defaults = {
        'connector': 'native',
        'extracts_dir': 'extracts/sample',
        'landing_dir': 'build/landing',
        'business_timezone': 'Europe/Paris',
        'reporting_currency': 'EUR',
    } -%}
    {%- set given = var(name, none) or env_var(name | upper, '') -%}
    {%- if not given and name != 'connector' -%}
        {%- set given = var('connectors', {}).get(setting('connector'), {}).get(name) -%}
    {%- endif -%}
    {{- return((given or defaults.get(name)) | string if (given or defaults.get(name)) else none) -}}
{%- endmacro %}


{# When this run of dbt began, in UTC. #}
{% macro run_began_at() -%} cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}' as timestamp) {%- endmacro %}


{# Whether this run of dbt makes or tests tables, so that what it is asked for and finds is to be judged. #}
{% macro is_building() %}
    {{- return(execute and flags.WHICH in ['build', 'run', 'test', 'seed', 'snapshot']) -}}
{% endmacro %}
