"""Progress of a training run on standard error, for the command line and for notebooks."""
