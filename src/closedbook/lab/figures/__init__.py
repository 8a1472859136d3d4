"""The pictures of the lab: one file an experiment, each a result in, figures by name out."""
