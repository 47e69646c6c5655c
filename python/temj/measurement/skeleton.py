"""Length and width of thin objects (cracks) along their skeleton: the line that thinning leaves, with its branches."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from temj.data import Calibration, Column, Shapes
from temj.geometry import rasterise
from temj.measurement.skeleton_graph import Branch, branches_of, longest_path
from temj.opencv import opencv

SKELETON_COLUMNS = ("SkeletonLength", "SkeletonPath", "SkeletonWidth", "SkeletonMaxWidth", "SkeletonBranches")
_EDGE = 0.3
"""Pixels from the outline to the nearest one outside, on the average over all directions (measured on drawn lines)."""
_STANDS_OUT = 0.5
"""A branch must stand out of the disc at its root by this part of the disc's radius (a right corner does by 0.41)."""
_TOLERANCE = 1.0
_PINHOLE, _WIDEST = 3, 100.0
_BEHIND, _STEP = 8, 0.25
"""Pixels by which the direction of a tip is taken, and the steps in which its end is looked for."""
_HALF = 0.5


@dataclass(frozen=True)
class Skeleton:
    """What is measured along a skeleton, in the unit of the pixel size.

    Attributes:
        length: of all branches together, from tip to tip: at each free end the distance to the outline is added.
        path: the longest way from one tip to another (the longest of the shortest ways, as in AnalyzeSkeleton).
        width: mean width: area / length.
        max_width: twice the greatest distance from the skeleton to the outline.
        branches: number of lines between ends and junctions.
    """

    length: float
    path: float
    width: float
    max_width: float
    branches: int


def skeleton_columns(
    shapes: Shapes, chosen: np.ndarray, image: tuple[int, int], calibration: Calibration
) -> list[Column]:
    """The columns :data:`SKELETON_COLUMNS` of objects.

    Args:
        shapes: n outlines.
        chosen: (n,) bool, which ones are measured; the others, and those without pixels, get NaN.
        image: width and height in pixels; what lies outside is left out.
        calibration: of the image.
    """
    values = np.full((len(shapes), len(SKELETON_COLUMNS)), np.nan)
    size = calibration.width, calibration.height
    index = np.flatnonzero(chosen)
    runs = rasterise(shapes.take(index), *image)
    bounds = np.searchsorted(runs.object, np.arange(len(index) + 1))
    for place, number in enumerate(index):
        own = slice(bounds[place], bounds[place + 1])
        if own.stop > own.start:
            found = skeleton(_mask(runs.y[own], runs.start[own], runs.stop[own]), size)
            values[number] = found.length, found.path, found.width, found.max_width, found.branches
    units = dict.fromkeys(SKELETON_COLUMNS[:-1], calibration.unit)
    return [Column(name, values[:, k], units.get(name, "")) for k, name in enumerate(SKELETON_COLUMNS)]


def _mask(rows: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """The pixels of one object in its box."""
    top, left = rows.min(), start.min()
    mask = np.zeros((rows.max() - top + 1, stop.max() - left + 1), bool)
    for row, first, end in zip(rows - top, start - left, stop - left, strict=True):
        mask[row, first:end] = True
    return mask


def skeleton(mask: np.ndarray, size: tuple[float, float] = (1.0, 1.0)) -> Skeleton:
    """Measure one object along its skeleton.

    The mask is thinned (Zhang and Suen 1984, as scikit-image has it; holes of up to 3 pixels are filled before).
    Branches that hardly stand out of the disc that fits into the object where they begin are corners and roughness of
    the outline, not branches, and are cut off. Where pixels are not square the mask is brought to square ones first; an
    object wider than 200 of them to larger ones, so that it is 200 wide.

    Args:
        mask: (h, w) bool with at least one pixel; nothing is known outside, so the object ends there.
        size: width and height of a pixel.
    """
    from skimage.morphology import skeletonize

    area = float(np.count_nonzero(mask)) * size[0] * size[1]
    whole, far, step = _prepared(_square(mask, size), min(size))
    thinned = np.argwhere(skeletonize(whole))
    thinned, branches, radius = _pruned(thinned, far[tuple(thinned.T)].astype(float) - _EDGE)
    ends = Counter(node for branch in branches for node in branch.ends)
    tips = [_with_tips(branch, thinned, radius, ends, whole) for branch in branches]
    length = sum(branch.length for branch in tips) * step
    return Skeleton(
        length=length,
        path=longest_path(tips) * step,
        width=area / length,
        max_width=float(2 * radius.max()) * step,
        branches=len(branches),
    )


def _prepared(mask: np.ndarray, step: float) -> tuple[np.ndarray, np.ndarray, float]:
    """The mask with a border and without pinholes, its pixels' distances to the background (in pixels), their size."""
    whole = _without_pinholes(np.pad(mask, 1))
    far = _distance(whole)
    shrink = float(far.max()) / _WIDEST
    if shrink <= 1:
        return whole, far, step
    wanted = [max(1, round(side / shrink)) for side in whole.shape[::-1]]
    shares = opencv().resize(whole.astype(np.float32), wanted, interpolation=opencv().INTER_AREA)
    whole = _without_pinholes(np.pad(shares >= _HALF, 1))
    return whole, _distance(whole), step * shrink


def _distance(whole: np.ndarray) -> np.ndarray:
    """float32 (h, w), exact Euclidean distances."""
    cv2 = opencv()
    return cv2.distanceTransform(whole.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)


def _without_pinholes(mask: np.ndarray) -> np.ndarray:
    """The mask with its smallest holes filled, each of which would be a loop of the skeleton."""
    cv2 = opencv()
    _, labels, facts, _ = cv2.connectedComponentsWithStats((~mask).astype(np.uint8), connectivity=4)
    small = facts[:, cv2.CC_STAT_AREA] <= _PINHOLE
    return mask | small[labels]


def _square(mask: np.ndarray, size: tuple[float, float]) -> np.ndarray:
    """The mask on square pixels as small as the shorter side of its own."""
    width, height = size
    if width == height:
        return mask
    small = min(size)
    wanted = [max(1, round(side * unit / small)) for side, unit in zip(mask.shape[::-1], size, strict=True)]
    shares = opencv().resize(mask.astype(np.float32), wanted, interpolation=opencv().INTER_LINEAR)
    return shares >= _HALF if (shares >= _HALF).any() else np.ones_like(shares, bool)


def _with_tips(
    branch: Branch, thinned: np.ndarray, radius: np.ndarray, ends: Counter[int], whole: np.ndarray
) -> Branch:
    """The branch with the way from its free ends straight on to the outline, which thinning has taken off."""
    first, last = branch.ends
    if branch.length == 0 and first == last:
        return Branch((first, -1 - first), branch.pixels, 2 * float(radius[branch.pixels].max()))
    length = branch.length
    for node, pixels in ((first, branch.pixels), (last, branch.pixels[::-1])):
        if ends[node] == 1:
            length += _tip(thinned[pixels], float(radius[pixels[0]]), whole)
    return Branch(branch.ends, branch.pixels, length)


def _tip(way: np.ndarray, radius: float, whole: np.ndarray) -> float:
    """Pixels from the first point of a way (n, 2) rows, columns, away from the others, to the end of the object."""
    back = way[min(len(way) - 1, max(_BEHIND, round(radius)))]
    direction = (way[0] - back) / np.hypot(*(way[0] - back))
    steps = np.arange(0, 2 * radius + _BEHIND, _STEP)
    places = np.rint(way[0] + steps[:, None] * direction).astype(int)
    places = np.clip(places, 0, np.array(whole.shape) - 1)
    outside = np.flatnonzero(~whole[tuple(places.T)])
    return float(steps[outside[0]]) - _STEP / 2 if len(outside) else radius


def _pruned(thinned: np.ndarray, radius: np.ndarray) -> tuple[np.ndarray, list[Branch], np.ndarray]:
    """The pixels of a skeleton without branches that do not stand out, its branches, and the pixels' distances."""
    while True:
        branches = branches_of(*thinned.T)
        kept = np.ones(len(thinned), bool)
        for pixels in _spurs(branches, radius):
            kept[pixels] = False
        if kept.all():
            return thinned, branches, radius
        thinned, radius = thinned[kept], radius[kept]


def _spurs(branches: list[Branch], radius: np.ndarray) -> list[np.ndarray]:
    """The pixels, without those of the junction, of the branches to cut off."""
    ends = Counter(node for branch in branches for node in branch.ends)
    found = []
    for branch in branches:
        first, last = (ends[node] == 1 for node in branch.ends)
        if first == last:
            continue
        pixels = branch.pixels if first else branch.pixels[::-1]  # from the tip to the root
        out = branch.length + radius[pixels[0]] - radius[pixels[-1]]
        if out <= _TOLERANCE + _STANDS_OUT * radius[pixels[-1]]:
            found.append(pixels[:-1])
    return found
