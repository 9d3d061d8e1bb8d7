"""The documentation as one folder of pages: overview, KPI glossary, extracts, tables, quality, guides and dbt's own."""
