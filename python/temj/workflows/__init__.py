"""Whole jobs in plain Python: what the commands do, for scripts."""
