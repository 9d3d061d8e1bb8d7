{# Before anything is built: is there a landing, of these extracts and this connector, and does it hold what the folder
   holds? Stops or warns; what the files themselves have wrong, ops/land.py has told. #}
{% macro check_landing() %}
    {%- if not is_building() -%}{{- return('') -}}{%- endif -%}
    {%- set connector = setting('connector') -%}
    {%- if not reads_files() -%}{{- return('') -}}{%- endif -%}
    {%- do open_landing() -%}
    {%- set landed = landed_source() -%}
    {%- if not landed -%}
        {{ exceptions.raise_compiler_error('Nothing was landed in ' ~ setting('landing_dir') ~ ' yet: run `make land` (or `make build`) first.') }}
    {%- elif landed.connector != connector -%}
        {{ exceptions.raise_compiler_error(
            setting('landing_dir') ~ ' holds extracts landed for the connector ' ~ landed.connector ~ ', not ' ~ connector
            ~ ': run `make land CONNECTOR=' ~ connector ~ '` (or `make build`) first.'
        ) }}
    {%- endif -%}
    {%- set waiting = files_not_landed(landed.extracts, 'extracts' if connector == 'native' else connector) -%}
    {%- if waiting -%}
        {%- do exceptions.warn(
            waiting | length ~ ' files of ' ~ landed.extracts ~ ' were not landed yet and do not count: '
            ~ waiting[:5] | join(', ') ~ (', ...' if waiting | length > 5 else '') ~ '. `make land` brings them in.'
        ) -%}
    {%- endif -%}
    {%- if pii_key() == default_pii_key() and not landed.extracts.rstrip('/').endswith('extracts/sample') -%}
        {%- do exceptions.warn('PII_KEY is not set: personal values are hashed with a key that anyone can read in the project') -%}
    {%- endif -%}
{% endmacro %}
