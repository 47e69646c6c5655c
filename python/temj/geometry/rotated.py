"""Rotated boxes: (n, 5) arrays cx, cy, length, width, angle, in continuous pixel coordinates.

The angle is that of the length, in degrees, counter-clockwise as seen on the screen from +x::

         width
        .-'\\
     .-'    \\        angle 30: the length goes up to the right
     \\    .-'
      \\.-'  length

A box is canonical where length >= width and the angle is in [0, 180) ([0, 90) for equal sides). Any finite angle and
any sides >= 0 may be given; what is made here is canonical. A box without area has IoU 0 with everything, itself
included. :mod:`temj.cores.detection.rotated.iou` has the same formulas for torch.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

import numpy as np

from temj.data import RoiType, Shape, Shapes
from temj.errors import BadValue
from temj.geometry.curves import rings
from temj.geometry.overlap import Overlaps
from temj.geometry.rotated_overlap import Wanted, iou_at, pairs, prepared
from temj.geometry.suppression import Decay, by_score, greedy, softly
from temj.opencv import opencv

LARGEST = 2.0**30
"""Greatest coordinate, side or angle of a box."""
_SAME = 1e-9
_FLATNESS = 0.01
_HEAD = 256


def checked(boxes: np.ndarray, columns: tuple[int, ...] = (5,)) -> np.ndarray:
    """The boxes as float64.

    Raises:
        BadValue: wrong shape; a number that is not finite or beyond 2^30; a side below 0.
    """
    boxes = np.asarray(boxes, float)
    if boxes.ndim != 2 or boxes.shape[1] not in columns:
        raise BadValue("boxes", expected="an array (n, 5): cx, cy, length, width, angle", found=f"shape {boxes.shape}")
    least = 0 if boxes.shape[1] == 5 else boxes[:, :2]
    fits = (np.abs(boxes) <= LARGEST).all(axis=1) & (boxes[:, 2:4] >= least).all(axis=1)
    wrong = np.flatnonzero(~fits)
    if len(wrong):
        raise refused(int(wrong[0]), boxes[wrong[0]].tolist(), len(wrong))
    return boxes


def refused(index: int, values: list[float], count: int) -> BadValue:
    """The error for ``count`` boxes that cannot be, the first of them being number ``index``."""
    told = ", ".join(f"{value:g}" for value in values)
    return BadValue(
        "boxes",
        expected="finite numbers up to 2^30 and sides that are not negative",
        found=f"box {index}: {told}" + (f" (and {count - 1} more)" if count > 1 else ""),
        remedy="Correct these boxes or leave them out.",
    )


def canonical(boxes: np.ndarray) -> np.ndarray:
    """The same boxes (n, 5) with length >= width and the angle in [0, 180), of equal sides in [0, 90).

    What is within 1e-9 of the end of that range is 0, and sides whose difference is below 1e-9 of them are equal.
    The angle of a point is 0.
    """
    boxes = checked(boxes)
    length, width = boxes[:, 2:4].max(axis=1), boxes[:, 2:4].min(axis=1)
    angle = boxes[:, 4] + np.where(boxes[:, 3] > boxes[:, 2], 90.0, 0.0)
    period = np.where(length - width <= _SAME * length, 90.0, 180.0)
    angle %= period
    angle[(angle > period - _SAME) | (length == 0)] = 0.0
    return np.column_stack([boxes[:, :2], length, width, angle])


def corners(boxes: np.ndarray) -> np.ndarray:
    """The corners (n, 4, 2) of rotated boxes (n, 5): begin and end of one long side, then back along the other."""
    centre, (length, width), turn = boxes[:, :2], boxes[:, 2:4].T, np.deg2rad(boxes[:, 4])
    along = np.stack([np.cos(turn), -np.sin(turn)], -1) * length[:, None] / 2
    across = np.stack([np.sin(turn), np.cos(turn)], -1) * width[:, None] / 2
    return np.stack(
        [centre - along - across, centre + along - across, centre + along + across, centre - along + across], 1
    )


def of_upright(boxes: np.ndarray) -> np.ndarray:
    """Upright boxes (n, 4) x1, y1, x2, y2 as rotated ones (n, 5), canonical."""
    boxes = checked(np.asarray(boxes, float).reshape(-1, 4), (4,))
    low, high = boxes[:, :2], boxes[:, 2:]
    return canonical(np.column_stack([(low + high) / 2, high - low, np.zeros(len(boxes))]))


def shapes_of(boxes: np.ndarray) -> Shapes:
    """Boxes (n, 5) as shapes of the kind ROTATED_RECT."""
    x, y, length, width, angle = canonical(boxes).T
    turn, half = np.deg2rad(angle), length / 2
    dx, dy = half * np.cos(turn), -half * np.sin(turn)
    count = len(x)
    return Shapes(
        roi_type=np.full(count, RoiType.ROTATED_RECT),
        subpixel=np.full(count, True),
        params=np.stack([x - dx, y - dy, x + dx, y + dy, width], axis=1),
        points=np.empty((0, 2)),
        codes=np.empty(0),
        offsets=np.zeros(count + 1),
    )


def of_shapes(shapes: Shapes) -> np.ndarray:
    """The smallest rotated box around each shape: (n, 5), canonical.

    Exact for ROTATED_RECT, RECT, OVAL and ELLIPSE (of round ones the box without rotation); for others
    :func:`of_points` of their vertices, curves being lines within 0.01 px. Points and lines are taken at the middles
    of their pixels.

    Raises:
        BadValue: a shape without points, or with numbers that are not finite.
    """
    boxes = np.empty((len(shapes), 5))
    plain = np.isin(shapes.roi_type, (RoiType.RECT, RoiType.OVAL))
    corner, size = shapes.params[plain, :2], shapes.params[plain, 2:4]
    boxes[plain] = np.column_stack([corner + size / 2, size, np.zeros(len(size))])
    turned = np.isin(shapes.roi_type, (RoiType.ROTATED_RECT, RoiType.ELLIPSE))
    boxes[turned] = _of_axes(shapes.params[turned], shapes.roi_type[turned] == RoiType.ELLIPSE)
    rest = np.flatnonzero(~plain & ~turned)
    boxes[rest] = of_points([_vertices(shapes[index]) for index in rest])
    return canonical(boxes)


def _of_axes(params: np.ndarray, is_ellipse: np.ndarray) -> np.ndarray:
    """Boxes around x1, y1, x2, y2 and width (of rectangles) or ratio (of ellipses)."""
    x1, y1, x2, y2, last = params.T
    length = np.hypot(x2 - x1, y2 - y1)
    angle = np.rad2deg(np.arctan2(y1 - y2, x2 - x1))
    return np.column_stack([(x1 + x2) / 2, (y1 + y2) / 2, length, np.where(is_ellipse, length * last, last), angle])


def _vertices(shape: Shape) -> np.ndarray:
    if shape.roi_type == RoiType.COMPOSITE:
        return rings(shape.points, shape.codes, np.zeros(len(shape.points), np.int64), _FLATNESS).points
    return shape.points if shape.roi_type.is_area else shape.points + 0.5


def of_points(points: Shapes | Iterable[np.ndarray]) -> np.ndarray:
    """The rectangle of least area around each set of points: (n, 5), canonical.

    OpenCV's ``minAreaRect``, whose numbers are of 32 bits: good to about 1e-6 of the object's size. Points on a line
    give width 0, a single one length 0 too.

    Args:
        points: arrays (k, 2), k >= 1, in continuous pixel coordinates; or shapes (:func:`of_shapes`).

    Raises:
        BadValue: a set without points, or with numbers that are not finite or beyond 2^30.
    """
    if isinstance(points, Shapes):
        return of_shapes(points)
    return canonical(np.array([_least(index, one) for index, one in enumerate(points)]).reshape(-1, 5))


def _least(index: int, points: np.ndarray) -> tuple[float, ...]:
    points = np.asarray(points, float).reshape(-1, 2)
    if not len(points) or not (np.abs(points) <= LARGEST).all():
        found = "none" if not len(points) else "one that is not finite or too large"
        raise BadValue("points", expected="points with finite coordinates", found=f"{found} in object {index}")
    middle = (points.min(axis=0) + points.max(axis=0)) / 2  # near 0, 32 bits are worth most
    # OpenCV's angle is that of the first side, clockwise on the screen: (0, 90] in OpenCV 4, [-90, 0) in OpenCV 5
    (x, y), (side, other), clockwise = opencv().minAreaRect((points - middle).astype(np.float32))
    return x + middle[0], y + middle[1], side, other, -clockwise


def rotated_iou_pairs(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Intersection over union of each box with its partner: (p, 5), (p, 5) → (p,) float64, exact to about 1e-12.

    Raises:
        BadValue: see :func:`checked`.
    """
    first, second = checked(first), checked(second)
    if len(first) != len(second):
        raise BadValue("boxes", expected="as many boxes in both sets", found=f"{len(first)} and {len(second)}")
    every = np.arange(len(first))
    return iou_at(prepared(first), prepared(second), every, every)


def rotated_iou(first: np.ndarray, second: np.ndarray, least: float = 0.0) -> Overlaps:
    """All pairs of boxes whose IoU is above 0 and at least ``least``; time and memory grow with what overlaps.

    Args:
        first: (n, 5).
        second: (m, 5).
        least: what has less is left out, mostly before it is computed.
    """
    return pairs(prepared(checked(first)), prepared(checked(second)), least)


def nms(boxes: np.ndarray, scores: np.ndarray, iou: float, groups: np.ndarray | None = None) -> np.ndarray:
    """Greedy non-maximum suppression: from the best box on, each one drops those with which its IoU is above ``iou``.

    Args:
        boxes: (n, 5) rotated, or (n, 4) upright x1, y1, x2, y2.
        scores: (n,) finite; of equal ones the first wins.
        iou: 0 … 1.
        groups: (n,) int, such as classes: boxes of different groups leave each other alone. None: all are one.

    Returns:
        (k,) int64, indices of the boxes that are kept, the best one first.

    Raises:
        BadValue: boxes (:func:`checked`), scores or ``iou`` that cannot be.
    """
    columns, order, groups = _given(boxes, scores, iou, groups)
    kept = [np.empty(0, np.int64)]
    head = _HEAD
    while len(order):  # what the best ones drop need not be compared with each other
        best, order, head = order[:head], order[head:], 2 * head
        same = pairs(columns[:, best], columns[:, best], iou, _within(groups[best], groups[best], ascending=True))
        same = same.where(same.iou > iou)
        best = best[greedy(len(best), same.first, same.second)]
        others = pairs(columns[:, best], columns[:, order], iou, _within(groups[best], groups[order]))
        order = np.delete(order, others.second[others.iou > iou])
        kept.append(best)
    return np.concatenate(kept)


def soft_nms(
    boxes: np.ndarray,
    scores: np.ndarray,
    decay: Decay = "gaussian",
    *,
    iou: float = 0.3,
    sigma: float = 0.5,
    floor: float = 0.001,
    groups: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Soft-NMS (N. Bodla et al., ICCV 2017): boxes that overlap a better one get lower scores instead of being dropped.

    Args:
        boxes, scores, groups: as for :func:`nms`; scores >= 0.
        decay: ``linear``: × (1 - IoU) where IoU >= ``iou``; ``gaussian``: × exp(-IoU² / ``sigma``).
        iou: of ``linear``.
        sigma: of ``gaussian``, > 0.
        floor: boxes whose score falls below it are dropped.

    Returns:
        Indices (k,) int64 of the boxes that are kept and their new scores (k,) float64, descending.
    """
    columns, _, groups = _given(boxes, scores, iou, groups)
    lowest = float(np.min(scores, initial=0))
    if lowest < 0:
        raise BadValue("scores", expected="scores from 0", found=lowest)
    if not sigma > 0:
        raise BadValue("sigma", expected="a number above 0", found=sigma)
    if decay not in get_args(Decay):
        raise BadValue("decay", expected=f"one of {', '.join(get_args(Decay))}", found=decay)
    found = pairs(columns, columns, 0.0, _within(groups, groups, ascending=True))
    return softly(np.asarray(scores, float), found, decay, iou=iou, sigma=sigma, floor=floor)


def _given(boxes: np.ndarray, scores: np.ndarray, iou: float, groups: np.ndarray | None) -> tuple[np.ndarray, ...]:
    """Prepared boxes, order by score and groups."""
    boxes = checked(boxes, (4, 5))
    boxes = of_upright(boxes) if boxes.shape[1] == 4 else boxes
    if not 0 <= iou <= 1:
        raise BadValue("iou", expected="a number from 0 to 1", found=iou)
    groups = np.zeros(len(boxes), np.int64) if groups is None else np.asarray(groups)
    if groups.shape != (len(boxes),):
        raise BadValue("groups", expected=f"{len(boxes)} numbers, one for each box", found=f"shape {groups.shape}")
    return prepared(boxes), by_score(scores, len(boxes)), groups


def _within(first: np.ndarray, second: np.ndarray, ascending: bool = False) -> Wanted:
    return lambda i, j: (first[i] == second[j]) & (not ascending or i < j)
