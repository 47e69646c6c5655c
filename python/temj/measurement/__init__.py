"""Micrograph + instances → table: shapes and grey values as ImageJ's Measure gives them."""

from temj.measurement.results import DIAMETERS, RESULTS_COLUMNS, film_planes, measure

__all__ = ["DIAMETERS", "RESULTS_COLUMNS", "film_planes", "measure"]
