"""One module per KPI family; each has `add(rows, world)`, which adds the rows of its KPIs."""
