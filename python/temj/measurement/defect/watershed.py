"""A defect parted from its background by OpenCV's watershed, and the ellipse through its boundary.

The rule of the markers, in contrast c = ±(grey value - median of the rim of the crop):

1. Threshold: c above half of the 95th percentile of c in the ellipse that fits in the box. Small gaps are closed, and
   only those pieces stay that lie for the most part in that ellipse.
2. A ring is filled: holes of the pieces, and where little of their convex hull is covered (arcs, an open ring) the
   hull. What is filled counts as as strong as the pieces' median, so that the inner edge of a ring is none.
3. Distance transform of the filled region: where it exceeds half of its maximum is surely defect; what is farther from
   the region than 0.35 of that maximum (2 pixels at least), or outside the enlarged box, is surely background.
4. ``cv2.watershed`` floods what is between; ``cv2.fitEllipse`` goes through the line where the two meet.
"""

from __future__ import annotations

import numpy as np

from temj.measurement.defect.crops import Crop
from temj.measurement.defect.ellipses import from_cv2
from temj.opencv import opencv

NO_CONTRAST = "no contrast against the rim"
AT_RIM = "region reaches the rim of the crop"
COVERS = "region covers the crop"
FEW_POINTS = "fewer than 5 boundary points"
_LEAST_POINTS = 5
_COVERED = 0.75
_SIGNIFICANT = 0.15
_CLEAR = 1.5
"""Contrast in units of the rim's median deviation below which nothing is seen."""
_FRAME = 2
"""Pixels at the rim of a crop that are background (OpenCV's watershed leaves the outermost alone)."""
_BACKGROUND, _DEFECT, _LINE = 1, 2, -1


def sign_of(crop: Crop, polarity: str) -> float:
    """-1 where the defect is darker than the rim, 1 where it is brighter.

    ``auto``: whichever side of the rim's median has more of what exceeds its spread.
    """
    if polarity != "auto":
        return -1.0 if polarity == "dark" else 1.0
    level, spread = _rim_of(crop)
    deviation = crop.grey[crop.core] - level
    dark, bright = np.maximum(-deviation - spread, 0).sum(), np.maximum(deviation - spread, 0).sum()
    return 1.0 if bright > dark else -1.0


def boundary_ellipse(crop: Crop, sign: float) -> np.ndarray | str:
    """The ellipse (5,) around the defect in a crop, in image coordinates; or why there is none."""
    found = _boundary(crop, sign, crop.zone)
    return _boundary(crop, sign, crop.near) if isinstance(found, str) and found in (AT_RIM, COVERS) else found


def _boundary(crop: Crop, sign: float, allowed: np.ndarray) -> np.ndarray | str:
    level, spread = _rim_of(crop)
    contrast = sign * (crop.grey - level)
    top = float(np.percentile(contrast[crop.core], 95)) if crop.core.any() else 0.0
    if top <= _CLEAR * spread or top <= 0:
        return NO_CONTRAST
    pieces = _pieces((contrast > 0.5 * top) & allowed, crop)
    if not pieces.any():
        return NO_CONTRAST
    filled = _filled(pieces) & allowed
    flooded = _flooded(contrast, pieces, filled, crop)
    if isinstance(flooded, str):
        return flooded
    points = _line_points(flooded)
    if isinstance(points, str):
        return points
    fitted = opencv().fitEllipse(points.astype(np.float32))
    ellipse = from_cv2(fitted)
    ellipse[:4] /= crop.factor
    ellipse[:2] += crop.corner
    return ellipse if np.isfinite(ellipse).all() and ellipse[3] > 0 else FEW_POINTS


def _rim_of(crop: Crop) -> tuple[float, float]:
    """Median of the rim, and the median deviation from it."""
    rim = crop.zone & ~crop.box
    if np.count_nonzero(rim) < 2 * _LEAST_POINTS:
        rim = np.ones(crop.grey.shape, bool)
        rim[1:-1, 1:-1] = False
    values = crop.grey[rim]
    level = float(np.median(values))
    return level, float(np.median(np.abs(values - level)))


def _pieces(mask: np.ndarray, crop: Crop) -> np.ndarray:
    """The pieces (h, w) bool of a thresholded crop that belong to the box."""
    cv2 = opencv()
    reach = 1 + 2 * (min(crop.grey.shape) // 20)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, kernel)
    count, labels = cv2.connectedComponents(closed, connectivity=8, ltype=cv2.CV_32S)
    area = np.bincount(labels.ravel(), minlength=count)
    inside = np.bincount(labels[crop.core], minlength=count)
    inside[0] = 0
    kept = (inside > _SIGNIFICANT * inside.max()) & (2 * inside >= area)
    if not kept.any() and inside.max() > 0:
        kept[inside.argmax()] = True
    return kept[labels]


def _filled(pieces: np.ndarray) -> np.ndarray:
    """Without holes; the convex hull where the pieces are parts of a ring."""
    cv2 = opencv()
    contours, _ = cv2.findContours(pieces.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    filled = np.zeros(pieces.shape, np.uint8)
    cv2.drawContours(filled, contours, -1, 1, -1)
    hull = np.zeros_like(filled)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.concatenate(contours)), 1)
    return (filled if np.count_nonzero(filled) >= _COVERED * np.count_nonzero(hull) else hull) > 0


def _flooded(contrast: np.ndarray, pieces: np.ndarray, filled: np.ndarray, crop: Crop) -> np.ndarray | str:
    """Markers (h, w) int32 after the watershed; or why there are none."""
    cv2 = opencv()
    framed = cv2.copyMakeBorder(filled.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    inner = cv2.distanceTransform(framed, cv2.DIST_L2, 5)[1:-1, 1:-1]
    outer = cv2.distanceTransform((~filled).astype(np.uint8), cv2.DIST_L2, 5)
    deepest = float(inner.max())
    markers = np.zeros(filled.shape, np.int32)
    rim = ~_eroded(crop)
    if (filled & rim).any():
        return COVERS if filled[crop.zone].all() else AT_RIM
    markers[(outer > max(2.0, 0.35 * deepest)) | rim] = _BACKGROUND
    if not (markers == _BACKGROUND).any():
        return COVERS
    markers[inner > 0.5 * deepest] = _DEFECT
    painted = np.where(filled & ~pieces, np.maximum(contrast, np.median(contrast[pieces])), contrast)
    low, high = float(painted.min()), float(painted.max())
    grey = np.rint((painted - low) * (255.0 / max(high - low, 1e-9))).astype(np.uint8)
    return cv2.watershed(cv2.merge([grey, grey, grey]), markers)


def _eroded(crop: Crop) -> np.ndarray:
    """The enlarged box without its outermost pixels; at the image's border it goes on."""
    cv2 = opencv()
    left, top, right, bottom = (_FRAME * (not border) for border in crop.at_border)
    zone = crop.zone.astype(np.uint8)
    framed = cv2.copyMakeBorder(zone, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    inner = cv2.erode(framed, np.ones((3, 3), np.uint8))[1:-1, 1:-1] > 0
    height, width = zone.shape
    inner[:top] = inner[height - bottom :] = inner[:, :left] = inner[:, width - right :] = False
    return inner


def _line_points(flooded: np.ndarray) -> np.ndarray | str:
    """(k, 2) x and y of the pixels of the line between defect and background, but for those at the image's border."""
    cv2 = opencv()
    region = (flooded == _DEFECT).astype(np.uint8)
    line = (cv2.dilate(region, np.ones((3, 3), np.uint8)) > 0) & (flooded == _LINE)
    line[[0, -1]] = line[:, [0, -1]] = False
    rows, columns = np.nonzero(line)
    return FEW_POINTS if len(rows) < _LEAST_POINTS else np.stack([columns, rows], axis=1)
