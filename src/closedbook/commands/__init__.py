"""The command line: options, progress, demo and reports."""
