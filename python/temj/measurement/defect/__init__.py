"""The geometry of a detected defect: boxes to ellipses along a chosen edge, and profiles across objects."""

from temj.measurement.defect.boxes import ellipses_of_boxes
from temj.measurement.defect.edges import DEFAULT, EDGES, edge_of, edges_of
from temj.measurement.defect.settings import DefectSettings

__all__ = ["DEFAULT", "EDGES", "DefectSettings", "edge_of", "edges_of", "ellipses_of_boxes"]
