"""The curve of ImageJ's *Fit Spline* through the nodes of a polygon (ij.process.SplineFitter, PolygonRoi.getSpline)."""

from __future__ import annotations

import numpy as np

_SMALLEST_STEP = 0.001
_CONTINUED = 7
_FEWEST_POINTS = 100


def spline_points(nodes: np.ndarray, closed: bool) -> np.ndarray:
    """Points along the curve, half as many as it has pixels of length, at least 100.

    The parameter of a node is the running sum of the square roots of the distances before it; x and y are
    natural cubic splines of it. A closed curve is continued by up to seven nodes on both sides.

    Args:
        nodes: (n, 2) float, at least two.
        closed: whether the curve goes back to the first node.

    Returns:
        (m, 2) float64, rounded to float32.
    """
    from scipy.interpolate import CubicSpline

    nodes = np.asarray(nodes, np.float32).astype(float)
    if closed:
        nodes = np.concatenate([nodes, nodes[:1]])
    lengths = np.hypot(*np.diff(nodes, axis=0).T)
    count = max(_FEWEST_POINTS, int(lengths.sum() / 2))
    steps = np.maximum(np.sqrt(lengths).astype(np.float32), np.float32(_SMALLEST_STEP))
    place = np.concatenate([[0], np.cumsum(steps, dtype=np.float32)]).astype(float)
    at = np.arange(count) * (place[-1] / (count - 1))
    if closed:
        more = min(_CONTINUED, len(nodes) - 1)
        place = np.concatenate([place[-more - 1 : -1] - place[-1], place, place[1 : more + 1] + place[-1]])
        nodes = np.concatenate([nodes[-more - 1 : -1], nodes, nodes[1 : more + 1]])
    return CubicSpline(place, nodes, bc_type="natural")(at).astype(np.float32).astype(float)
