"""Every hyperparameter of a run, as dataclasses and as TOML. Imports no torch."""
