"""The pages: figures, tables, notebooks, the site and the workflow."""
