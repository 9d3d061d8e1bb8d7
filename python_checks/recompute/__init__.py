"""Every KPI once more, straight from the raw extracts, sharing no formula with the SQL models."""
