"""Random shapes of all types whose numbers ImageJ's own float arithmetic keeps exactly (multiples of 1/8)."""

import numpy as np

from temj.data import CLOSE, CUBIC, LINE_TO, MOVE, QUADRATIC, RoiType, Shape

POLYGONS = (
    RoiType.POLYGON, RoiType.FREEROI, RoiType.TRACED, RoiType.POINT, RoiType.POLYLINE, RoiType.FREELINE, RoiType.ANGLE,
)  # fmt: skip


def random_shape(roi_type: RoiType, rng: np.random.Generator, low: int = -40, high: int = 900) -> Shape:
    """A shape of the given type."""
    whole = bool(rng.integers(2))

    def numbers(*size: int) -> np.ndarray:
        return rng.integers(low, high, size) if whole else rng.integers(8 * low, 8 * high, size) / 8

    if roi_type in (RoiType.RECT, RoiType.OVAL):
        size = rng.integers(1, 80, 2) if whole else rng.integers(8, 640, 2) / 8
        arc = (float(rng.integers(0, 20)),) if roi_type == RoiType.RECT else ()
        return Shape(roi_type, params=(*numbers(2), *size, *arc), subpixel=not whole)
    if roi_type == RoiType.ELLIPSE:
        return Shape(roi_type, params=(*numbers(4), rng.integers(1, 8) / 8))
    if roi_type == RoiType.ROTATED_RECT:
        return Shape(roi_type, params=(*numbers(4), rng.integers(8, 200) / 8))
    if roi_type == RoiType.COMPOSITE:
        ring = [MOVE, LINE_TO, QUADRATIC, QUADRATIC, LINE_TO, CUBIC, CUBIC, CUBIC, CLOSE]
        codes = np.array(ring * int(rng.integers(1, 4)))
        points = numbers(len(codes), 2).astype(float)
        starts = np.maximum.accumulate(np.where(codes == MOVE, np.arange(len(codes)), 0))
        points[codes == CLOSE] = points[starts[codes == CLOSE]]
        return Shape(roi_type, points, codes=codes)
    count = {RoiType.LINE: 2, RoiType.ANGLE: 3}.get(roi_type) or int(rng.integers(3, 30))
    return Shape(roi_type, numbers(count, 2), subpixel=not whole or roi_type == RoiType.LINE)


def same(one: Shape, other: Shape) -> bool:
    """Whether two shapes have the same type, numbers and kind of coordinates."""
    return (
        one.roi_type == other.roi_type
        and one.subpixel == other.subpixel
        and np.array_equal(one.points, other.points)
        and np.array_equal(one.codes, other.codes)
        and np.array_equal(one.params, other.params, equal_nan=True)
    )
