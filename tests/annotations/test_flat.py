"""What encloses nothing: no format writes a file that it does not read again, and nothing goes without a word."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from temj.annotations import FORMATS, AnnotatedImage, AnnotationSet, Context, coco_append, format_named, read_set
from temj.annotations.flat import FLAT, without_area
from temj.annotations.outlines import composite, extents, from_axes
from temj.data import Instances, RoiType, Shape, Shapes

WIDTH, HEIGHT = 60, 40
FLATS = {
    "one point": Shape(RoiType.POLYGON, [[1, 1]], subpixel=False),
    "two points": Shape(RoiType.FREEROI, [[2, 2], [10, 10]], subpixel=False),
    "one point, thrice": Shape(RoiType.TRACED, [[5.5, 5.5]] * 3),
    "a diagonal": Shape(RoiType.POLYGON, [[2, 2], [30, 16], [16, 9]], subpixel=False),
    "a column": Shape(RoiType.TRACED, [[7, 2], [7, 9], [7, 5]], subpixel=False),
    "a path of lines": composite([np.array([[1, 1], [9, 9.0]]), np.array([[3, 1], [3, 2], [3, 7.0]])]),
    "a box of no height": Shape(RoiType.RECT, params=(3.5, 4, 10, 0, 0)),
    "a box of no size": Shape(RoiType.RECT, params=(3, 4, 0, 0, 0), subpixel=False),
    "an oval of no width": Shape(RoiType.OVAL, params=(3.5, 4, 0, 8)),
    "an ellipse of no width": Shape(RoiType.ELLIPSE, params=(3, 3, 20, 20, 0)),
    "an ellipse of no length": Shape(RoiType.ELLIPSE, params=(3, 3, 3, 3, 0.5)),
    "a rotated box of no width": Shape(RoiType.ROTATED_RECT, params=(3, 3, 20, 20, 0)),
    "a rotated box of no length": Shape(RoiType.ROTATED_RECT, params=(3, 3, 3, 3, 5)),
    "a hair": Shape(RoiType.POLYGON, [[2, 2], [9, 2], [9, 2 + FLAT / 2]]),
}
SPLIT = np.array([[10.1, 10], [10.3, 10], [10.2, 10.3]])
SMALL = {
    "a triangle": Shape(RoiType.POLYGON, [[10.1, 10.1], [10.3, 10.1], [10.2, 10.3]]),
    "a splinter": Shape(RoiType.POLYGON, [[10.1, 10.1], [30.1, 20.1], [20.1, 15.1 + 3 * FLAT]]),
    "a figure of eight": Shape(RoiType.POLYGON, [[10, 10], [20, 20], [20, 10], [10, 20]], subpixel=False),
    "a box": Shape(RoiType.RECT, params=(11.1, 12.1, 0.25, 0.5, 0)),
    "a rounded box": Shape(RoiType.RECT, params=(11.1, 12.1, 0.25, 0.5, 3)),
    "an oval": Shape(RoiType.OVAL, params=(11.1, 12.1, 0.25, 0.5)),
    "an ellipse": from_axes(RoiType.ELLIPSE, 20.2, 20.2, 0.3, 0.1, 30),
    "a rotated box": from_axes(RoiType.ROTATED_RECT, 20.2, 20.2, 0.3, 0.1, 30),
    "parts": composite([SPLIT, SPLIT + np.array([2.0, 0.0])]),
    "a part and a line": composite([np.array([[10, 10], [20, 10], [15, 20.0]]), np.array([[30, 10], [35, 15.0]])]),
    "twice the same": composite([np.array([[10, 10], [20, 10], [15, 20.0]])] * 2),
}  # fmt: skip
GOOD = Shape(RoiType.TRACED, [[30, 20], [50, 20], [50, 35], [30, 35]], subpixel=False)


@pytest.fixture
def context(tmp_path: Path) -> Context:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((HEIGHT, WIDTH), np.uint8))
    return Context({"a.png": tmp_path / "a.png"}, masks="instances")


def one_image(*shapes: Shape) -> AnnotationSet:
    instances = Instances.of(shapes, class_name="loop")
    return AnnotationSet((AnnotatedImage("a.png", (WIDTH, HEIGHT), instances),), ("loop",))


def there_and_back(tmp_path: Path, name: str, made: AnnotationSet, context: Context) -> tuple[Instances, str]:
    """What comes back, and what was told, in lines."""
    target = tmp_path / f"made{format_named(name).extension}"
    told = format_named(name).write(target, made, context)
    found = read_set(target, name, context)
    assert not found.info.get("skipped")
    return found.images[0].instances, "\n".join(told)


@pytest.mark.parametrize("kind", FLATS)
def test_what_encloses_nothing(kind: str):
    assert without_area(Shapes.of([GOOD, FLATS[kind], GOOD])).tolist() == [False, True, False]


@pytest.mark.parametrize("kind", SMALL)
def test_what_is_small_encloses_something(kind: str):
    assert without_area(Shapes.of([FLATS["a column"], SMALL[kind]])).tolist() == [True, False]


def test_points_lines_and_nothing_are_none_of_them():
    thin = [Shape(RoiType.POINT, [[3, 4]]), Shape(RoiType.LINE, [[3, 4], [9, 9]])]
    assert not without_area(Shapes.of(thin)).any()
    assert without_area(Shapes.of([])).tolist() == []
    assert not without_area(Shapes.of([Shape(RoiType.POLYGON, [[np.nan, 1]]), GOOD])).any()  # refused elsewhere


@pytest.mark.parametrize("name", sorted(FORMATS))
@pytest.mark.parametrize("kind", ["one point", "two points", "a path of lines", "a box of no height"])
def test_outlines_without_area_are_left_out_and_counted(tmp_path: Path, context: Context, name: str, kind: str):
    back, told = there_and_back(tmp_path, name, one_image(FLATS[kind], GOOD), context)
    if "line" in format_named(name).holds:
        assert len(back) == 2
        assert "area" not in told
        return
    assert "1 outline without area is left out" in told
    assert len(back) == 1
    assert extents(back.shapes).tolist() == [[30, 20, 50, 35]] or name == "csv"


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_only_outlines_without_area_leave_an_image_without_objects(tmp_path: Path, context: Context, name: str):
    back, told = there_and_back(tmp_path, name, one_image(*FLATS.values()), context)
    if "line" in format_named(name).holds:
        assert len(back) == len(FLATS)
    else:
        assert len(back) == 0
        assert f"{len(FLATS)} outlines without area are left out" in told


@pytest.mark.parametrize("name", sorted(FORMATS))
@pytest.mark.parametrize("kind", SMALL)
def test_small_objects_come_back_or_are_told(tmp_path: Path, context: Context, name: str, kind: str):
    back, told = there_and_back(tmp_path, name, one_image(SMALL[kind], GOOD), context)
    assert "without area" not in told
    assert len(back) == 2 or "are lost" in told or "are left out" in told or "is left out" in told
    box = extents(back.shapes)
    assert (box[:, 2:] > box[:, :2]).all()
    if len(back) == 2 and "line" not in kind:
        np.testing.assert_allclose(box[0], extents(Shapes.of([SMALL[kind]]))[0], atol=3 if name == "csv" else 1)


def test_parts_of_paths_that_enclose_nothing_are_left_out(tmp_path: Path, context: Context):
    for name in sorted(FORMATS):
        back, _told = there_and_back(tmp_path, name, one_image(SMALL["a part and a line"]), context)
        wide = extents(back.shapes)[0, 2] - extents(back.shapes)[0, 0]
        assert abs(wide - (25 if "line" in format_named(name).holds else 10)) < 3, name


def test_an_image_that_is_added_to_a_coco_file(tmp_path: Path, context: Context):
    path = tmp_path / "a.json"
    format_named("coco").write(path, AnnotationSet(()), Context())
    data, told, _replaced = coco_append.append(path, one_image(FLATS["two points"], GOOD), context, False)
    assert any("1 outline without area is left out" in text for text in told)
    path.write_bytes(data)
    assert len(read_set(path, "coco", context).images[0].instances) == 1


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    """Few corners on a coarse grid inside the image: about half of them enclose nothing."""
    place = st.tuples(st.integers(0, 8), st.integers(0, 8))
    scale = draw(st.sampled_from([1, 0.25, 0.1]))
    kind = draw(st.sampled_from(list(RoiType)[:8]))
    numbers = np.array(draw(st.lists(place, min_size=1, max_size=5)), float) * scale + draw(st.integers(0, 20))
    side, other = (draw(st.integers(0, 4)) * scale for _ in range(2))
    if kind in (RoiType.RECT, RoiType.OVAL):
        arc = (float(draw(st.integers(0, 3))),) if kind == RoiType.RECT else ()
        return Shape(kind, params=(*numbers[0], side, other, *arc), subpixel=scale != 1)
    if kind in (RoiType.ELLIPSE, RoiType.ROTATED_RECT):
        return Shape(kind, params=(*numbers[0], *numbers[-1], min(side, 1) if kind == RoiType.ELLIPSE else side))
    if kind == RoiType.COMPOSITE:
        return composite([numbers, numbers[::-1] + draw(st.integers(0, 6)) * scale][: draw(st.integers(1, 2))])
    return Shape(kind, numbers, subpixel=scale != 1)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(drawn=st.lists(shapes(), min_size=1, max_size=5))
def test_what_any_format_writes_it_reads_again(tmp_path: Path, context: Context, drawn: list[Shape]):
    made = one_image(*drawn)
    flat = int(without_area(made.images[0].instances.shapes).sum())
    for name in sorted(FORMATS):
        back, told = there_and_back(tmp_path, name, made, context)
        if "line" in format_named(name).holds:
            assert len(back) == len(drawn)
        else:
            assert ("without area" in told) == (flat > 0)
            others = "left out: COCO" in told or "lost" in told
            assert len(back) == len(drawn) - flat or others, (name, told)
