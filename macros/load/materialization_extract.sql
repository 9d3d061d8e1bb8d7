{# The materialization of staging models: reads what was delivered, judges every row once by the contract in the model's
   YAML, keeps the latest accepted delivery of each key, and writes into the load log what became of every row.

   Rows are judged into a table beside the old one first; log and new table then replace the old ones in one transaction,
   so a run that fails or is killed leaves the previous table with its log. A table with `large: true` in config.meta that
   was delivered as Parquet only is never copied: it becomes a view of its files, less the rows that do not count. #}
{% materialization extract, default %}
    {%- set columns = contract_columns(model) -%}
    {%- set batches = extract_batches(model, columns) -%}
    {%- set as_view = model.config.meta.get('large', false) and batches | map(attribute='kind') | unique | list == ['parquet'] -%}
    {%- set target_relation = this.incorporate(type='view' if as_view else 'table') -%}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- set judged = make_intermediate_relation(this.incorporate(type='table')) -%}
    {%- set left_out = load_log_relation('left_out_' ~ model.name) -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}

    {#- A table needs every row, a view the rows at fault only. -#}
    {%- call statement('main', auto_begin=False) -%}
        create or replace table {{ judged }} as
        {{ all_judged_rows(batches, columns, model) }}
        {{ 'where _reason is not null' if as_view }}
    {%- endcall -%}
    {%- set read = rows_read(batches, none if as_view else judged) -%}
    {%- set keyed = keyed_rows(batches, columns, judged, as_view) -%}
    {%- set repeated = has_repeated_keys(columns, keyed) -%}

    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- call statement('left_out') -%}
        create or replace table {{ left_out }} as
        {{ left_out_rows(model, columns, judged, keyed, repeated) }}
    {%- endcall -%}
    {%- do write_load_log(model, batches, read, judged, left_out, as_view) -%}
    {%- if existing_relation -%}
        {%- do adapter.drop_relation(existing_relation) -%}
    {%- endif -%}
    {%- if as_view -%}
        {%- call statement('create_view') -%}
            create view {{ target_relation }} as {{ view_rows(batches, columns, left_out) }}
        {%- endcall -%}
        {%- do adapter.drop_relation(judged) -%}
    {%- else -%}
        {%- do keep_rows(judged, left_out) -%}
        {%- do adapter.rename_relation(judged, target_relation) -%}
        {%- do adapter.drop_relation(left_out) -%}
    {%- endif -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do persist_docs(target_relation, model) -%}
    {{ adapter.commit() }}

    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
