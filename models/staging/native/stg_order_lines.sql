-- depends_on: {{ ref('stg_orders') }}
{{ load_extract() }}
