"""Analyses of a run: the exposure ledger, the reading map, traces, and inspection."""
