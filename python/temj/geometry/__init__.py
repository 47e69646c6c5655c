"""Pure functions on shapes: pixels, label images, ellipses, hulls, lengths, as ImageJ computes them.

Tracing (:mod:`temj.geometry.trace`) and splitting (:mod:`temj.geometry.split`) are imported from their modules.
"""

from temj.geometry.ellipse import Ellipses, fitted_ellipses
from temj.geometry.labels import paint
from temj.geometry.order import centroids, in_reading_order
from temj.geometry.raster import Runs, rasterise, rasterise_filled
from temj.geometry.vertices import Outlines, boxes, clip_boxes, outlines

__all__ = [
    "Ellipses", "Outlines", "Runs", "boxes", "centroids", "clip_boxes", "fitted_ellipses", "in_reading_order",
    "outlines", "paint", "rasterise", "rasterise_filled",
]  # fmt: skip
