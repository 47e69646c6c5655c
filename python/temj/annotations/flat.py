"""Outlines that enclose nothing: what only ImageJ's own files can hold of a selection."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from temj.annotations.outlines import composite, polygons
from temj.data import Instances, RoiType, Shapes
from temj.geometry.curves import Rings

if TYPE_CHECKING:
    from temj.annotations.base import AnnotationSet

FLAT = 1e-4
"""Pixels: an outline that is nowhere wider is a line or a point (32-bit floats are no finer at coordinate 1,000)."""
_OUTLINES = (RoiType.POLYGON, RoiType.FREEROI, RoiType.TRACED, RoiType.COMPOSITE)


def without_area(shapes: Shapes) -> np.ndarray:
    """(n,) bool: area shapes that enclose no area, whatever pixels ImageJ draws for them.

    These are polygons of one or two points, polygons whose corners lie on one line, paths of nothing but such, and
    boxes, ovals, ellipses and rotated boxes with a side or axis of no length; no length is 1e-4 px or less. Objects
    smaller than a pixel are none of them, nor are points and lines.
    """
    flat = np.zeros(len(shapes), bool)
    kind, params = shapes.roi_type, shapes.params
    given = np.isin(kind, (RoiType.RECT, RoiType.OVAL))
    flat[given] = (params[given, 2:4] <= FLAT).any(axis=1)
    turned = np.isin(kind, (RoiType.ELLIPSE, RoiType.ROTATED_RECT))
    x1, y1, x2, y2, across = params[turned].T
    length = np.hypot(x2 - x1, y2 - y1)
    across = np.where(kind[turned] == RoiType.ELLIPSE, across * length, across)
    flat[turned] = (length <= FLAT) | (across <= FLAT)
    drawn = np.flatnonzero(np.isin(kind, _OUTLINES))
    found = polygons(shapes.take(drawn))
    wide = np.zeros(len(drawn), bool)
    wide[found.owner[~flat_rings(found)]] = True
    flat[drawn] = ~wide
    return flat


def flat_rings(rings: Rings) -> np.ndarray:
    """(n,) bool: rings whose corners all lie within 1e-4 px of one line; those that are not finite are none."""
    sizes = np.diff(rings.offsets)
    flat = sizes == 0
    filled = np.flatnonzero(sizes)
    if not len(filled):
        return flat
    start, sizes = rings.offsets[filled], sizes[filled]
    finite = np.isfinite(rings.points).all(axis=1)
    points = np.where(finite[:, None], rings.points, 0.0)
    x, y = (points - np.repeat(points[start], sizes, axis=0)).T
    far = np.hypot(x, y)
    longest = np.maximum.reduceat(far, start)
    ends = np.flatnonzero(far == np.repeat(longest, sizes))
    ends = ends[np.searchsorted(ends, start)]
    with np.errstate(invalid="ignore", divide="ignore"):  # rings of one place: their length is asked as well
        across = np.abs(x * np.repeat(y[ends] / longest, sizes) - y * np.repeat(x[ends] / longest, sizes))
    narrow = (longest <= FLAT) | (np.maximum.reduceat(across, start) <= FLAT)
    flat[filled] = narrow & np.logical_and.reduceat(finite, start)
    return flat


def with_area(annotations: AnnotationSet) -> tuple[AnnotationSet, tuple[str, ...]]:
    """The set without the outlines of :func:`without_area`, and the sentence that counts them.

    Paths that enclose something lose their parts that enclose nothing: nobody can say what these are for.
    """
    images, count = [], 0
    for image in annotations.images:
        flat = np.zeros(0, bool) if image.instances is None else without_area(image.instances.shapes)
        count += int(flat.sum())
        images.append(image if image.instances is None else replace(image, instances=_solid(image.instances, flat)))
    annotations = replace(annotations, images=tuple(images))
    if not count:
        return annotations, ()
    what = "1 outline without area is" if count == 1 else f"{count:,} outlines without area are"
    told = f"{what} left out: points and lines that were drawn as outlines, which only ImageJ's own files hold"
    return annotations, (told,)


def _solid(instances: Instances, flat: np.ndarray) -> Instances:
    """The instances that are not flat, without the flat parts of paths."""
    kept = instances.take(~flat) if flat.any() else instances
    paths = np.flatnonzero(kept.shapes.roi_type == RoiType.COMPOSITE)
    found = polygons(kept.shapes.take(paths))
    lines = flat_rings(found)
    if not lines.any():
        return kept
    shapes = list(kept.shapes)
    for owner in np.unique(found.owner[lines]).tolist():
        rings = np.flatnonzero((found.owner == owner) & ~lines)
        shapes[paths[owner]] = composite([found.points[found.offsets[k] : found.offsets[k + 1]] for k in rings])
    return kept.with_columns(shapes=Shapes.of(shapes))
