"""Micrograph + instances → table: shapes and grey values as ImageJ's Measure gives them."""

from temj.measurement.results import DIAMETERS, RESULTS_COLUMNS, film_planes, measure
from temj.measurement.shape_classes import tell_apart

__all__ = ["DIAMETERS", "RESULTS_COLUMNS", "film_planes", "measure", "tell_apart"]
