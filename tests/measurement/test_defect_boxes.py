"""Boxes to ellipses along a chosen edge: against rings and discs whose edges are known, and what happens otherwise."""

import math

import numpy as np
import pytest

from temj import synthetic
from temj.data import Calibration, Instances, Micrograph, RoiType, Shape
from temj.errors import BadValue
from temj.geometry import fitted_ellipses
from temj.measurement import measure
from temj.measurement.defect import EDGES, DefectSettings, edge_of, edges_of, ellipses_of_boxes
from temj.measurement.defect.ellipses import from_cv2, from_shapes, half_extents, scaled, to_shapes

SIZE = 112
RINGS = [(56.3, 55.8, 20, 20, 0.0), (55.6, 56.2, 24, 15, 0.6), (56.1, 56.4, 12, 9, 2.0), (56, 55.7, 30, 14, 2.7)]


def boxes(*shapes: Shape, name: str = "loop") -> Instances:
    return Instances.of(shapes, class_name=name)


def axes_of(found: Instances, index: int = 0) -> np.ndarray:
    return from_shapes(found.shapes)[index]


@pytest.mark.parametrize("kind", ["gauss", "box", "disc"])
@pytest.mark.parametrize("ellipse", RINGS)
@pytest.mark.parametrize(("noise", "sign"), [(0.0, 1), (0.1, -1)])
def test_each_edge_is_measured_within_3_percent(rings, kind: str, ellipse: tuple, noise: float, sign: int) -> None:
    width = ellipse[3] / 6
    known = rings.truth(kind, width)
    pixels = rings.picture(kind, SIZE, ellipse, width, noise, sign)
    box = rings.box_around(ellipse, known["half-maximum"], shift=(1.0, -0.8))
    for edge in EDGES:
        found = ellipses_of_boxes(pixels, boxes(box), DefectSettings(edge={"loop": edge}))
        assert not found.info["fallback"]
        assert not found.info["edge_unclear"]
        x, y, a, b, turn = axes_of(found)
        limit = 0.05 if noise and edge == "inner" else 0.03
        assert a == pytest.approx(ellipse[2] + known[edge], rel=limit), edge
        assert b == pytest.approx(ellipse[3] + known[edge], rel=limit), edge
        assert math.hypot(x - ellipse[0], y - ellipse[1]) < 0.5
        if a > 1.2 * b:
            assert abs((turn - ellipse[4] + math.pi / 2) % math.pi - math.pi / 2) < 0.05


def test_rotated_boxes_give_the_same_ellipse(rings) -> None:
    ellipse = RINGS[1]
    pixels = rings.picture("box", SIZE, ellipse, 3)
    x, y, a, b, turn = ellipse
    dx, dy = (a + 3) * math.cos(turn), (a + 3) * math.sin(turn)
    rotated = Shape(RoiType.ROTATED_RECT, params=(x - dx, y - dy, x + dx, y + dy, 2 * (b + 3)))
    upright = rings.box_around(ellipse, 3)
    found = ellipses_of_boxes(pixels, boxes(rotated, upright))
    assert axes_of(found, 0) == pytest.approx(axes_of(found, 1), abs=0.02)


def test_margins_in_nm_and_pixels_mean_the_same(rings) -> None:
    pixels = rings.picture("gauss", SIZE, RINGS[0], 3)
    micrograph = Micrograph(pixels, Calibration(0.5, 0.5, "nm"))
    box = boxes(rings.box_around(RINGS[0], 4))
    params = [
        ellipses_of_boxes(micrograph, box, DefectSettings(margin=margin)).shapes.params[0]
        for margin in ("8px", "4nm", "0.004um")
    ]
    assert (params[0] == params[1]).all()
    assert (params[0] == params[2]).all()
    with pytest.raises(BadValue, match="margin"):
        ellipses_of_boxes(pixels, box, DefectSettings(margin="4nm"))
    for wrong in ("wide", "-1", "3 bananas", "7"):
        with pytest.raises(BadValue, match="margin"):
            DefectSettings(margin=wrong)


def test_order_classes_scores_and_info_are_kept_and_failures_told(rings) -> None:
    pixels = rings.picture("gauss", SIZE, (40.0, 40.0, 14, 10, 0.4), 2)
    ring = rings.box_around((40.0, 40.0, 14, 10, 0.4), rings.half * 2)
    empty = Shape(RoiType.RECT, params=(75, 75, 20, 12))
    outside = Shape(RoiType.RECT, params=(300, 300, 20, 12))
    speck = Shape(RoiType.RECT, params=(80, 8, 3, 3))
    given = Instances.of(
        [empty, ring, outside, speck], class_name=np.array(list("abca"), object), score=[0.1, 0.9, 0.4, 0.2],
        info={"notes": ("before",), "model": "m"},
    )  # fmt: skip
    found = ellipses_of_boxes(pixels, given)
    assert list(found.class_name) == list("abca")
    assert found.score.tolist() == given.score.tolist()
    assert (found.shapes.roi_type == RoiType.ELLIPSE).all()
    assert found.info["fallback"] == [0, 2, 3]
    assert sum(found.info["fallback_reasons"].values()) == 3
    assert found.info["model"] == "m"
    assert found.info["edge"] == {"a": "half-maximum", "b": "half-maximum", "c": "half-maximum"}
    assert found.info["notes"][0] == "before"
    assert found.info["notes"][1].startswith("ellipses of 3 of 4 boxes could not be fitted (")
    assert axes_of(found, 0) == pytest.approx([85, 81, 10, 6, 0])
    assert axes_of(found, 2) == pytest.approx([310, 306, 10, 6, 0])
    assert len(ellipses_of_boxes(pixels, Instances.of([]))) == 0


@pytest.mark.parametrize("params", [(1, 2, np.inf, 4), (1, 2, 3, -1), (np.nan, 2, 3, 4), (1, 2, 0, 4), (1, 2, 3, 1e9)])
def test_boxes_that_are_none_never_reach_native_code(params: tuple) -> None:
    with pytest.raises(BadValue, match="object 2"):
        ellipses_of_boxes(
            np.zeros((20, 20), np.uint8),
            boxes(Shape(RoiType.RECT, params=(1, 1, 5, 5)), Shape(RoiType.RECT, params=params)),
        )


def test_other_shapes_are_refused_and_pixels_that_are_no_numbers_are_borne(rings) -> None:
    with pytest.raises(BadValue, match="OVAL"):
        ellipses_of_boxes(np.zeros((20, 20), np.uint8), boxes(Shape(RoiType.OVAL, params=(1, 1, 5, 5))))
    pixels = rings.picture("disc", SIZE, RINGS[0], 3)
    box = boxes(rings.box_around(RINGS[0], 0))
    sound = axes_of(ellipses_of_boxes(pixels, box))
    pixels[3:5, 3:5] = np.nan
    assert axes_of(ellipses_of_boxes(pixels, box)) == pytest.approx(sound, abs=0.05)


def test_polarity_can_be_said_where_a_bright_ring_has_a_dark_neighbour(rings) -> None:
    bright = rings.picture("gauss", SIZE, RINGS[0], 3, sign=1)
    box = boxes(rings.box_around(RINGS[0], rings.half * 3))
    said = ellipses_of_boxes(bright, box, DefectSettings(polarity="bright"))
    assert axes_of(said) == pytest.approx(axes_of(ellipses_of_boxes(bright, box)))
    wrong = ellipses_of_boxes(bright, box, DefectSettings(polarity="dark"))
    assert wrong.info["fallback"] == [0] or abs(axes_of(wrong)[2] / axes_of(said)[2] - 1) > 0.1


def test_an_open_ring_is_closed_and_a_neighbour_left_alone(rings) -> None:
    ellipse = (56.0, 56.0, 20, 16, 0.3)
    pixels = rings.picture("box", SIZE, ellipse, 2.5, noise=0.05)
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    gap = np.abs(np.arctan2(y - 56, x - 56) - 0.5) < 0.5
    pixels[gap] = 120
    neighbour = np.hypot(x - 88, y - 88) < 9
    pixels[neighbour] = 50
    found = ellipses_of_boxes(pixels, boxes(rings.box_around(ellipse, 2.5)))
    assert not found.info["fallback"]
    assert axes_of(found)[2:4] == pytest.approx([22.5, 18.5], rel=0.03)


def test_a_disc_asked_for_its_inner_edge_says_that_it_has_none(rings) -> None:
    pixels = rings.picture("disc", SIZE, RINGS[0], 3)
    found = ellipses_of_boxes(pixels, boxes(rings.box_around(RINGS[0], 0)), DefectSettings(edge={"loop": "inner"}))
    assert any("are no rings" in note for note in found.info["notes"])


@pytest.mark.parametrize(
    ("kind", "settings", "rule"),
    [
        ("black-dots", {"size": 512, "density": 1e15, "dose": 200, "texture": 0, "lobes": 0}, "geometric"),
        ("loops", {"size": 768, "density": 2e14, "dose": 200, "texture": 0.02, "fill": "ring", "line_width": 2.0,
                   "diameter": 16, "diameter_spread": 0.3, "strain": 0}, "major"),
    ],
)  # fmt: skip
def test_synthetic_defects_have_their_true_diameter_by_the_rule_of_their_class(kind, settings, rule) -> None:
    made = synthetic.make(kind, seed=3, bend_contours=0, detector_blur=0.5, **settings)
    ellipse = from_shapes(made.instances.shapes)
    reach = half_extents(ellipse, np.zeros(len(ellipse)))
    inside = (ellipse[:, :2] > reach).all(axis=1) & (ellipse[:, :2] + reach < settings["size"]).all(axis=1)
    seen = np.flatnonzero(inside & (made.tables["objects"]["Buried"] == 0))
    x, y, w, h = np.concatenate([ellipse[:, :2] - reach, 2 * reach], axis=1)[seen].T
    shapes = [Shape(RoiType.RECT, params=each) for each in zip(x, y, w, h, strict=True)]
    true = made.instances.take(seen)
    said = {name: edge_of(text) for name, text in true.info["edge"].items()}
    assert set(said.values()) == {"half-maximum"}
    given = Instances.of(shapes, class_name=true.class_name, info={"diameter": true.info["diameter"]})
    found = ellipses_of_boxes(made.micrograph, given, DefectSettings(edge=said))
    assert set(found.info["diameter"].values()) == {rule}
    bad = set(found.info["fallback"]) | set(found.info["edge_unclear"])
    assert len(bad) <= 0.15 * len(found)
    good = [index for index in range(len(found)) if index not in bad]
    tables = [measure(made.micrograph, each.take(good), true.info["diameter"]) for each in (found, true)]
    assert list(tables[0]["Edge"]) == ["half-maximum"] * len(good)
    ratio = tables[0]["Diameter"] / tables[1]["Diameter"]
    assert np.median(ratio) == pytest.approx(1, abs=0.03)
    a, b = tables[0]["EllipseMajor"], tables[0]["EllipseMinor"]
    assert tables[0]["Diameter"] == pytest.approx(a if rule == "major" else np.sqrt(a * b))


def test_ellipses_of_boxes_and_of_masks_agree_on_the_same_objects(rings) -> None:
    from temj.geometry.trace import trace

    for ellipse in RINGS:
        pixels = rings.picture("disc", SIZE, ellipse, 3)
        by_box = axes_of(ellipses_of_boxes(pixels, boxes(rings.box_around(ellipse, 0))))
        shapes = trace((pixels < 90).astype(np.uint8))
        by_mask = from_shapes(fitted_ellipses(Instances(shapes), SIZE, SIZE).shapes)[0]
        assert by_box[2:4] == pytest.approx(by_mask[2:4], rel=0.02)
        assert by_box[:2] == pytest.approx(by_mask[:2], abs=0.1)


def test_words_of_edges() -> None:
    assert [edge_of(text) for text in ("", "  ", "Outer", "middle", "inner", "half-maximum", "half maximum")] == [
        "half-maximum", "half-maximum", "outer", "middle", "inner", "half-maximum", "half-maximum",
    ]  # fmt: skip
    assert edge_of("outer edge of the ring: half maximum of the line's image on its outside") == "half-maximum"
    assert edge_of("middle of the ring: the projected dislocation line itself") == "middle"
    assert edge_of("true edge of the cavity in projection") is None
    assert edge_of("between outer and inner edge") is None
    assert edges_of(["a", "b", "a"], {"b": "inner", "c": "middle"}) == {"a": "half-maximum", "b": "inner"}


def test_conversions_of_ellipses() -> None:
    import cv2

    phi = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    x, y, a, b, turn = 30.5, 20.25, 12.0, 5.0, math.radians(25)
    along, across = a * np.cos(phi), b * np.sin(phi)
    points = np.stack(
        [x + along * math.cos(turn) - across * math.sin(turn), y + along * math.sin(turn) + across * math.cos(turn)], 1
    )
    fitted = from_cv2([cv2.fitEllipse((points - 0.5).astype(np.float32))])[0]
    assert fitted == pytest.approx([x, y, a, b, turn], abs=0.01)
    # the angle that the table shows is counter-clockwise: 25 degrees towards y (down) are 155
    rows = np.array([[x, y, a, b, turn]])
    micrograph = Micrograph(np.zeros((60, 80), np.uint8))
    table = measure(micrograph, Instances(to_shapes(rows)))
    assert table["EllipseAngle"][0] == pytest.approx(155, abs=1)
    assert from_shapes(to_shapes(rows)) == pytest.approx(rows)
    assert scaled(scaled(rows, 1.7, 0.6), 1 / 1.7, 1 / 0.6) == pytest.approx(rows)
    circle = scaled(np.array([[0, 0, 3.0, 3.0, 0]]), 2.0, 1.0)
    assert circle[0] == pytest.approx([0, 0, 6, 3, 0], abs=1e-9)
