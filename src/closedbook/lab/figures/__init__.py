"""The figures of the lab, one file for each experiment: `draw` takes a result and returns figures by name."""
