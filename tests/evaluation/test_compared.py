"""What overlaps are of, overlapping objects, ignored regions, sizes."""

import numpy as np
import pytest

from temj.data import IGNORE, Instances, RoiType, Shape, Shapes
from temj.evaluation.judging import Rules, compare_instances, judge, known_area
from temj.evaluation.overlapping import KINDS, boxes_of, diameters, kind_of, one_to_one
from temj.evaluation.sizes import average_precisions, bins, in_words, quartiles
from temj.geometry.overlap import Overlaps

CLASSES = ("dot", "loop")


def rect(x: float, y: float, width: float, height: float) -> Shape:
    return Shape(RoiType.RECT, params=(x, y, width, height))


def oval(x: float, y: float, width: float, height: float) -> Shape:
    return Shape(RoiType.OVAL, params=(x, y, width, height))


def rod(cx: float, cy: float, length: float, width: float, angle: float) -> Shape:
    turn = np.deg2rad(angle)
    dx, dy = length / 2 * np.cos(turn), -length / 2 * np.sin(turn)
    return Shape(RoiType.ROTATED_RECT, params=(cx - dx, cy - dy, cx + dx, cy + dy, width))


def known(side: int = 64) -> np.ndarray:
    return np.ones((side, side), bool)


@pytest.mark.parametrize(
    ("shapes", "kind"),
    [
        ([rect(0, 0, 4, 4)], "boxes"), ([rod(9, 9, 8, 3, 20)], "rotated"), ([oval(0, 0, 4, 4)], "outlines"),
        ([rect(0, 0, 4, 4), rod(9, 9, 8, 3, 20)], "outlines"), ([], "outlines"),
    ],
)  # fmt: skip
def test_boxes_are_compared_where_there_is_nothing_else(shapes: list[Shape], kind: str) -> None:
    assert kind_of([Shapes.of(shapes), Shapes.of([])]) == kind
    assert kind in KINDS


def test_boxes_around_every_kind_of_shape() -> None:
    triangle = Shape(RoiType.POLYGON, [(1, 2), (7, 3), (4, 9.5)])
    got = boxes_of(Shapes.of([rect(1.5, 2, 3, 4), oval(1, 2, 6, 3), triangle, rod(10, 10, 8, 2, 90)]))
    assert got == pytest.approx(np.array([[1.5, 2, 4.5, 6], [1, 2, 7, 5], [1, 2, 7, 9.5], [9, 6, 11, 14]]))


def test_a_box_and_the_outline_in_it_are_of_one_size() -> None:
    shapes = Shapes.of([oval(10, 10, 20, 20), rect(10, 10, 20, 20)])
    areas = np.array([np.pi * 100, 400.0])
    assert diameters(shapes, areas, "boxes") == pytest.approx([20, 20])
    assert diameters(shapes, areas, "outlines") == pytest.approx([20, 20 * np.sqrt(4 / np.pi)])


def test_boxes_match_outlines_only_where_boxes_are_compared() -> None:
    """A thin diagonal rod fills little of its box."""
    true = Instances.of([rod(30, 30, 40, 4, 45)], class_name="loop")
    (x1, y1, x2, y2) = boxes_of(true.shapes)[0]
    found = Instances.of([rect(x1, y1, x2 - x1, y2 - y1)], class_name="loop", score=0.9)
    rules = {kind: Rules(CLASSES, {}, kind=kind) for kind in KINDS}
    assert judge(found, true, known(), rules["boxes"]).total.matched == 1
    assert judge(found, true, known(), rules["outlines"]).total.matched == 0
    assert judge(found, true, known(), rules["rotated"]).total.matched == 0
    assert judge(true, true, known(), rules["rotated"]).total.matched == 1


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_objects_that_overlap_stay_two(kind: str) -> None:
    """One upon the other: a label map could hold one of them only."""
    shapes = [rod(30, 30, 40, 8, 10), rod(30, 30, 40, 8, 80), rod(30, 32, 40, 8, 10)]
    both = Instances.of(shapes, class_name=["loop", "dot", "loop"], score=[0.9, 0.8, 0.7])
    got = judge(both, both, known(), Rules(CLASSES, {}, 0.55, kind))
    assert got.total.matched == 3
    assert len(got.compared.matched(0.55)) == 3
    again = one_to_one(got.compared.pairs, 0.99)
    assert again.first.tolist() == again.second.tolist() == [0, 1, 2]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_ignored_regions_neither_help_nor_harm(kind: str) -> None:
    true = [rect(2, 2, 10, 10), rect(30, 30, 12, 12)]
    found = [rect(3, 2, 10, 10), rect(50, 4, 8, 8)]
    base = Instances.of(true, class_name="dot"), Instances.of(found, class_name="dot", score=[0.9, 0.8])
    ignored = Instances.of([*true, rect(0, 48, 60, 16)], class_name=["dot", "dot", IGNORE])
    more = Instances.of([*found, rect(2, 50, 9, 9), rect(20, 50, 9, 9)], class_name="dot", score=[0.9, 0.8, 0.95, 0.99])
    rules = Rules(("dot",), {}, kind=kind)
    plain = compare_instances(base[1], base[0], known(), rules)
    with_it = compare_instances(more, ignored, known_area(ignored, 64, 64), rules)
    for name in ("score", "found_class", "true_class", "found_size", "true_size"):
        assert getattr(with_it, name).tolist() == getattr(plain, name).tolist()
    figures = [[(f.name, f.value) for f in average_precisions([one], ("dot",), (), "nm")] for one in (plain, with_it)]
    assert figures[0] == figures[1]
    assert figures[0][0] == ("AP50", pytest.approx(51 / 101))


def test_objects_of_another_class_count_in_no_class() -> None:
    found = Instances.of([rect(2, 2, 10, 10), rect(20, 20, 9, 9)], class_name=["dot", "dirt"], score=0.9)
    got = compare_instances(found, found, known(), Rules(CLASSES, {}))
    assert len(got.score) == len(got.true_class) == 1


def test_sizes_part_average_precision() -> None:
    small = [rect(2 + 8 * k, 2, 4, 4) for k in range(4)]
    large = [rect(2 + 20 * k, 20, 16, 16) for k in range(3)]
    true = Instances.of([*small, *large], class_name=["dot"] * 4 + ["loop"] * 3)
    found = Instances.of([*small[:2], *large], class_name=["dot"] * 2 + ["loop"] * 3, score=np.linspace(0.9, 0.5, 5))
    one = compare_instances(found, true, known(), Rules(CLASSES, {}, kind="boxes")).scaled(0.5)
    assert one.true_size.tolist() == [2.0] * 4 + [8.0] * 3
    rows = {(row.class_name, row.name): row.value for row in average_precisions([one], CLASSES, [5], "nm")}
    half = pytest.approx(51 / 101)
    assert rows["dot", "AP50"] == rows["dot", "AP50 (below 5 nm)"] == half
    assert rows["loop", "AP50"] == rows["loop", "AP50:95 (from 5 nm)"] == 1
    assert np.isnan(rows["dot", "AP50 (from 5 nm)"])
    assert rows["all classes", "AP50"] == pytest.approx((1 + 51 / 101) / 2)
    assert rows["all classes", "AP50 (below 5 nm)"] == half, "the class that has no such objects is in no mean"
    assert rows["all classes", "objects annotated (below 5 nm)"] == 4


def test_limits_of_sizes() -> None:
    one = compare_instances(
        Instances.of([]), Instances.of([rect(1, 1, 4 + k, 4 + k) for k in range(24)], class_name="dot"), known(),
        Rules(("dot",), {}, kind="boxes"),
    )  # fmt: skip
    limits = quartiles([one])
    assert limits == tuple(float(f"{value:.2g}") for value in np.quantile(np.arange(4, 28), [0.25, 0.5, 0.75]))
    counts = [((one.true_size >= low) & (one.true_size < high)).sum() for low, high in bins(limits)]
    assert sum(counts) == 24
    assert quartiles([one.above(0)._of(np.zeros(0, bool), np.arange(24) < 19)]) == ()
    assert bins(()) == []
    assert [in_words(part, "nm") for part in bins((20, 10))] == ["below 10 nm", "10 to 20 nm", "from 20 nm"]


def test_intervals_are_students_with_the_jackknife_over_images() -> None:
    rng = np.random.default_rng(0)
    images = []
    for _ in range(4):
        boxes = [rect(*rng.uniform(0, 40, 2), *rng.uniform(6, 14, 2)) for _ in range(8)]
        true = Instances.of(boxes, class_name="dot")
        moved = [rect(*(np.array(box.params[:2]) + rng.normal(0, 1, 2)), *box.params[2:4]) for box in boxes]
        found = Instances.of(moved, class_name="dot", score=rng.random(8))
        images.append(compare_instances(found, true, known(), Rules(("dot",), {}, kind="boxes")))
    (ap50, _) = average_precisions(images, ("dot",), (), "nm")
    without = [average_precisions(images[:k] + images[k + 1 :], ("dot",), (), "nm")[0].value for k in range(4)]
    error = np.sqrt(3 / 4 * np.sum((np.array(without) - np.mean(without)) ** 2))
    assert ap50.interval.low == pytest.approx(max(ap50.value - 3.182446 * error, 0), abs=1e-6)
    assert ap50.interval.method == "t"
    assert average_precisions(images[:1], ("dot",), (), "nm")[0].interval.method == ""


def test_no_pairs() -> None:
    nothing = Overlaps(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    assert len(one_to_one(nothing, 0.5)) == 0
