"""Panels and strips: sizes, the scale bar, and which details are cut where."""

import numpy as np
import pytest

from temj.data import CLOSE, LINE_TO, MOVE, Calibration, Instances, Micrograph, RoiType, Shape
from temj.plots.panels import SIDE, Panel, panel_sheet
from temj.plots.strip import SIDE as DETAIL
from temj.plots.strip import detail, strip


def image(width: int, height: int, **more) -> Micrograph:
    rng = np.random.default_rng(0)
    return Micrograph(rng.integers(0, 255, (height, width)).astype(np.uint8), Calibration(0.5, 0.5, "nm"), "a", **more)


def box(x: float, y: float, width: float, height: float) -> Instances:
    return Instances.of([Shape(RoiType.RECT, params=(x, y, width, height), subpixel=False)], class_name="pore")


@pytest.mark.parametrize(("width", "height"), [(100, 60), (60, 100), (2000, 1500)])
def test_all_panels_have_one_scale_whatever_the_image(width, height) -> None:
    shown = image(width, height)
    one, three = (panel_sheet(shown, [Panel("x")] * count, {"pore": "#d55e00"}, "t") for count in (1, 3))
    wide = round(width * SIDE / max(width, height))
    assert one.shape[1] == wide
    assert three.shape[1] == pytest.approx(3 * wide, abs=20)


def test_a_mask_is_filled_but_for_its_holes() -> None:
    corners = [(10, 10), (50, 10), (50, 50), (10, 50)], [(20, 20), (20, 40), (40, 40), (40, 20)]
    points = np.array([point for ring in corners for point in (*ring, ring[0])], float)
    codes = np.array([MOVE, LINE_TO, LINE_TO, LINE_TO, CLOSE] * 2, np.uint8)
    hole = Instances.of([Shape(RoiType.COMPOSITE, points, codes=codes)], class_name="pore")
    for shown, area in ((hole, 40**2 - 20**2), (box(10, 10, 40, 20), 40 * 20)):
        sheet = panel_sheet(image(64, 64), [Panel("x", shown, "mask")], {"pore": "#d55e00"}, "t")
        share = (sheet[: SIDE + 40] == (0xD5, 0x5E, 0)).all(axis=2).sum() / SIDE**2
        assert share == pytest.approx(area / 64**2, rel=0.03)


def test_what_is_left_out_is_hatched_where_the_image_is_seen() -> None:
    area = np.ones((64, 64), bool)
    area[:, 32:] = False
    whole, part = (panel_sheet(image(64, 64, area=mask), [Panel("x")], {}, "t") for mask in (None, area))
    changed = (whole[:SIDE] != part[:SIDE]).any(axis=2)
    assert changed[100:, SIDE // 2 + 20 :].mean() > 0.5


def test_a_detail_lies_in_the_middle_also_at_the_edge() -> None:
    shown = image(100, 100)
    inside = detail(shown, box(40, 40, 20, 20).shapes, box(42, 40, 20, 20).shapes, "")
    side = len(inside.pixels)
    points = np.concatenate([path.points for path in (*inside.annotated, *inside.found)])
    assert (points.min(axis=0) + points.max(axis=0)) / 2 == pytest.approx([side / 2] * 2, abs=0.6)
    corner = detail(shown, box(0, 0, 20, 20).shapes, box(0, 0, 20, 20).shapes, "")
    assert not corner.pixels[0].any()
    assert not corner.pixels[:, 0].any()
    assert corner.pixels[len(corner.pixels) // 2 :, len(corner.pixels) // 2 :].any()


def test_the_strip_is_as_wide_as_its_longest_line() -> None:
    one = detail(image(100, 100), box(40, 40, 20, 20).shapes, box(42, 40, 20, 20).shapes, "a: 0.8")
    few, many = (strip([("low", []), ("high", [one] * count)], "#ffffff", "#56b4e9") for count in (2, 5))
    assert many.shape[1] - few.shape[1] == pytest.approx(3 * DETAIL, abs=30)
    assert many.shape[0] == few.shape[0]
