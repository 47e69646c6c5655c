"""Evaluation: how well what was found agrees with what was annotated; NumPy only."""
