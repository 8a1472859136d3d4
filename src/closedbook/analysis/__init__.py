"""What a run knows and how it reads: each analysis with its counts, report and figure."""
