"""Contact sheets and charts show what they say."""

import cv2
import numpy as np
import pytest

from temj.data import Column, Instances, Micrograph, RoiType, Shape, Table
from temj.plots.classes import class_charts
from temj.plots.contact import COLUMNS, IGNORED, PER_PAGE, SIDE, Tile, contact_sheets, tile

COLOURS = {"loop": "#ff0000", "dot": "#00ff00"}
GREY = Micrograph(np.full((100, 200), 90, np.uint8))


def box(x: float, y: float, width: float, height: float) -> Shape:
    return Shape(RoiType.RECT, params=(x, y, width, height, 0), subpixel=False)


def where(picture: np.ndarray, colour: tuple[int, int, int], reach: int = 60) -> tuple[np.ndarray, np.ndarray]:
    return np.nonzero(np.abs(picture.astype(int) - colour).sum(axis=2) < reach)


def test_outlines_have_the_colour_and_place_of_their_class():
    found = Instances.of([box(20, 10, 40, 30), box(120, 50, 40, 30)], class_name=np.array(["loop", "dot"], object))
    picture = tile(GREY, found, COLOURS)
    assert picture.shape == (SIDE // 2, SIDE, 3)
    for colour, (left, top) in (((255, 0, 0), (20, 10)), ((0, 255, 0), (120, 50))):
        strong, weak = (0, 1) if colour[0] else (1, 0)
        rows, columns = np.nonzero(picture[..., strong].astype(int) - picture[..., weak] > 40)
        scale = SIDE / 200
        assert abs(columns.min() - left * scale) <= 1.5
        assert abs(rows.max() - (top + 30) * scale) <= 1.5
    middle = picture[round(25 * SIDE / 200), round(40 * SIDE / 200)]
    assert (middle == middle[0]).all(), "the inside of an object stays as it is"


def test_what_is_to_be_ignored_is_hatched_inside_only():
    found = Instances.of([box(40, 20, 80, 60)], class_name="ignore")
    picture = tile(GREY, found, COLOURS)
    plain = tile(GREY, Instances.of([]), COLOURS)
    changed = (picture != plain).any(axis=2)
    scale = SIDE / 200
    inside = changed[round(22 * scale) : round(78 * scale), round(42 * scale) : round(118 * scale)]
    assert inside.all(), "darker, or a line"
    lines = where(picture, IGNORED, 1)
    assert 0.08 < len(lines[0]) / inside.size < 0.3
    assert not changed[: round(18 * scale)].any()
    assert not changed[:, round(123 * scale) :].any()


@pytest.mark.parametrize("shape", [(1, 1), (3, 2000), (2000, 3), (40, 40)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_any_image_gives_a_tile(shape: tuple[int, int], dtype: type):
    shapes = [
        box(0, 0, 1, 1), Shape(RoiType.POLYGON, [[np.nan, 1], [2, 2], [3, 9]]), box(1e8, -1e8, 5, 5),
        Shape(RoiType.POINT, [[2, 2]]), Shape(RoiType.LINE, [[0, 0], [9, 9]]),
    ]  # fmt: skip
    found = Instances.of(shapes, class_name=np.array(["loop", "ignore", "x", "", "dot"], object))
    picture = tile(Micrograph(np.zeros(shape, dtype)), found, COLOURS)
    assert picture.dtype == np.uint8
    assert max(picture.shape[:2]) == SIDE


@pytest.mark.parametrize(("count", "pages"), [(0, 1), (1, 1), (PER_PAGE, 1), (PER_PAGE + 1, 2)])
def test_pages(count: int, pages: int):
    grey = np.full((SIDE, SIDE, 3), 77, np.uint8)
    tiles = [
        Tile(grey, f"a very long name of an image number {number}.tif", "train, 3 objects") for number in range(count)
    ]
    made = contact_sheets(tiles, COLOURS | {f"a class with a long name {n}": "#123456" for n in range(12)}, "data")
    assert len(made) == pages
    shown = sum(int((page == 77).all(axis=2).sum()) for page in made)
    assert shown >= count * SIDE * SIDE
    assert all(page.shape[1] <= COLUMNS * (SIDE + 10) + 10 for page in made)
    for page in made:
        assert len(where(page, (255, 0, 0), 5)[0]) > 20, "the legend"


def objects(counts: dict[tuple[str, str], int], unit: str = "nm") -> Table:
    rng = np.random.default_rng(1)
    rows = [key for key, count in counts.items() for _ in range(count)]
    return Table((
        Column("Class", np.array([name for name, _ in rows], object)),
        Column("Part", np.array([part for _, part in rows], object)),
        Column("Diameter", rng.gamma(4, 3, len(rows)), unit),
    ))  # fmt: skip


@pytest.mark.parametrize(
    "counts",
    [
        {}, {("loop", "train"): 1},
        {("loop", "train"): 40, ("loop", "validation"): 9, ("dot", "test"): 3, ("dot", ""): 2},
    ],
)  # fmt: skip
def test_charts_are_pictures_and_the_same_each_time(counts: dict):
    data = class_charts(objects(counts), COLOURS)
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert picture.shape[1] == 1100
    assert data == class_charts(objects(counts), COLOURS)
    assert bool(len(where(picture, (255, 0, 0), 5)[0])) == any(part == "train" for _, part in counts)


def test_many_classes():
    colours = {f"class {number}": "#0072b2" for number in range(30)}
    counts = {(name, "train"): number + 1 for number, name in enumerate(colours)}
    picture = cv2.imdecode(np.frombuffer(class_charts(objects(counts, "pixel"), colours), np.uint8), cv2.IMREAD_COLOR)
    assert 1000 < picture.shape[0] < 4000


def test_names_in_the_charts_are_not_read_as_formulas():
    colours = {"$a_{b": "#0072b2", "100 %": "#009e73"}
    counts = {(name, "train"): 3 for name in colours}
    assert class_charts(objects(counts), colours)
