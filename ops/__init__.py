"""Small command-line programs around the project."""
