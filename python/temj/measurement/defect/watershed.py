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

import math
from functools import cache

import numpy as np

from temj.measurement.defect.crops import Crop, quantile
from temj.measurement.defect.ellipses import Fit
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
_ONE_PIECE = 2
"""Labels, the background being one."""
_TOP = 0.95
_AWAY, _LEAST_AWAY = 0.35, 2.0
_SQUARE = np.ones((3, 3), np.uint8)


def sign_of(crop: Crop, polarity: str) -> float:
    """-1 where the defect is darker than the rim, 1 where it is brighter.

    ``auto``: whichever side of the rim's median has more of what exceeds its spread.
    """
    if polarity != "auto":
        return -1.0 if polarity == "dark" else 1.0
    deviation = crop.grey[crop.core] - np.float32(crop.level)
    spread = np.float32(crop.spread)
    dark, bright = np.maximum(-deviation - spread, 0).sum(), np.maximum(deviation - spread, 0).sum()
    return 1.0 if bright > dark else -1.0


def boundary_ellipse(crop: Crop, sign: float) -> Fit | str:
    """The ellipse around the defect in a crop, as OpenCV gives it, in pixels of the crop; or why there is none."""
    contrast = np.float32(sign) * (crop.grey - np.float32(crop.level))
    inside = contrast[crop.core]
    top = quantile(inside, _TOP) if len(inside) else 0.0
    if top <= _CLEAR * crop.spread or top <= 0:
        return NO_CONTRAST
    strong = contrast > np.float32(0.5 * top)
    flooded: np.ndarray | str = NO_CONTRAST
    rim = _frame(crop)
    for allowed in (crop.zone, crop.near):
        flooded = _flooded(contrast, strong & allowed, allowed, rim, crop)
        if not isinstance(flooded, str) or flooded not in (AT_RIM, COVERS):
            break
    if isinstance(flooded, str):
        return flooded
    points = _line_points(flooded)
    if points is None or len(points) < _LEAST_POINTS:
        return FEW_POINTS
    fitted = opencv().fitEllipse(points)
    return fitted if all(map(math.isfinite, (*fitted[0], fitted[2]))) and min(fitted[1]) > 0 else FEW_POINTS


def _flooded(
    contrast: np.ndarray, strong: np.ndarray, allowed: np.ndarray, rim: np.ndarray, crop: Crop
) -> np.ndarray | str:
    """Markers (h, w) int32 after the watershed; or why there are none."""
    cv2 = opencv()
    pieces = _pieces(strong, crop)
    if pieces is None:
        return NO_CONTRAST
    pieces &= allowed
    if (pieces & rim).any():
        return COVERS if pieces[crop.zone].all() else AT_RIM
    filled = _filled(pieces) & allowed
    if (filled & rim).any():
        return AT_RIM
    framed = cv2.copyMakeBorder(filled.view(np.uint8), 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    inner = cv2.distanceTransform(framed, cv2.DIST_L2, 5)[1:-1, 1:-1]
    outer = cv2.distanceTransform((~filled).view(np.uint8), cv2.DIST_L2, 5)
    deepest = float(inner.max())
    background = (outer > max(_LEAST_AWAY, _AWAY * deepest)) | rim
    if not background.any():
        return COVERS
    markers = background.astype(np.int32) * _BACKGROUND
    markers[inner > 0.5 * deepest] = _DEFECT
    return cv2.watershed(_grey_of(contrast, pieces, filled), markers)


def _grey_of(contrast: np.ndarray, pieces: np.ndarray, filled: np.ndarray) -> np.ndarray:
    """(h, w, 3) uint8 of the contrast; what was filled is as strong as the pieces."""
    cv2 = opencv()
    hole = filled > pieces
    if hole.any():
        contrast = np.where(hole, np.maximum(contrast, np.float32(quantile(contrast[pieces], 0.5))), contrast)
    low, high, _, _ = cv2.minMaxLoc(contrast)
    scale = 255.0 / max(high - low, 1e-9)
    grey = cv2.convertScaleAbs(contrast, alpha=scale, beta=-low * scale)
    return cv2.merge([grey, grey, grey])


def _pieces(mask: np.ndarray, crop: Crop) -> np.ndarray | None:
    """The pieces (h, w) bool of a thresholded crop that belong to the box; None where there is none."""
    cv2 = opencv()
    closed = cv2.morphologyEx(mask.view(np.uint8), cv2.MORPH_CLOSE, _disc(1 + 2 * (min(mask.shape) // 20)))
    count, labels = cv2.connectedComponents(closed, connectivity=8, ltype=cv2.CV_32S)
    if count <= _ONE_PIECE:
        pieces = closed.view(bool)
        return pieces if (pieces & crop.core).any() else None
    inside = np.bincount(labels[crop.core], minlength=count)
    inside[0] = 0
    most = inside.max()
    if most == 0:
        return None
    area = np.bincount(labels.ravel(), minlength=count)
    kept = (inside > _SIGNIFICANT * most) & (2 * inside >= area)
    if not kept.any():
        kept[inside.argmax()] = True
    return kept[labels]


@cache
def _disc(width: int) -> np.ndarray:
    cv2 = opencv()
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))


def _filled(pieces: np.ndarray) -> np.ndarray:
    """Without holes; the convex hull where the pieces are parts of a ring."""
    cv2 = opencv()
    contours, _ = cv2.findContours(pieces.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    filled = np.zeros(pieces.shape, np.uint8)
    cv2.drawContours(filled, contours, -1, 1, -1)
    hull = np.zeros_like(filled)
    cv2.fillConvexPoly(hull, cv2.convexHull(contours[0] if len(contours) == 1 else np.concatenate(contours)), 1)
    return (filled if cv2.countNonZero(filled) >= _COVERED * cv2.countNonZero(hull) else hull).view(bool)


def _frame(crop: Crop) -> np.ndarray:
    """What is not the enlarged box, and its outermost pixels; not those at the image's border, where it goes on."""
    cv2 = opencv()
    left, top, right, bottom = (_FRAME * (not border) for border in crop.at_border)
    framed = cv2.copyMakeBorder(crop.zone.view(np.uint8), 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    inner = cv2.erode(framed, _SQUARE)[1:-1, 1:-1]
    height, width = crop.zone.shape
    inner[:top] = inner[height - bottom :] = inner[:, :left] = inner[:, width - right :] = 0
    return inner == 0


def _line_points(flooded: np.ndarray) -> np.ndarray | None:
    """(k, 1, 2) int32, x and y of the pixels of the line between defect and background, but for those at the image's
    border; None where there is none."""
    cv2 = opencv()
    line = cv2.dilate((flooded == _DEFECT).view(np.uint8), _SQUARE)
    line &= (flooded == _LINE).view(np.uint8)
    line[[0, -1]] = line[:, [0, -1]] = 0
    return cv2.findNonZero(line)
