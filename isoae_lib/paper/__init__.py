"""The paper: its data, its experiments, what is measured, the records and the claims."""
