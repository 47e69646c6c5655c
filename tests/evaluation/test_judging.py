import json

import numpy as np
import pytest
from sklearn.metrics import f1_score, jaccard_score, precision_score, recall_score

from temj.annotations.masks import instances_of_classes
from temj.data import IGNORE, Instances, RoiType, Shape
from temj.evaluation.agreement import DEFINITIONS, Agreement
from temj.evaluation.judging import Rules, judge, known_area
from temj.evaluation.summary import ALL, Figure, summary
from temj.evaluation.tables import images_table, json_rows, summary_table

RULES = Rules(("oxide", "crack"), {"oxide": "equivalent", "crack": "major"})


def maps(seed: int, side: int = 48) -> tuple[np.ndarray, np.ndarray]:
    """A class map of blocks and one that differs somewhat."""
    rng = np.random.default_rng(seed)
    true = np.kron(rng.choice([0, 0, 1, 2], (side // 6, side // 6)), np.ones((6, 6), int)).astype(np.uint8)
    found = np.where(rng.random(true.shape) < 0.1, rng.integers(0, 3, true.shape), np.roll(true, 1, axis=1))
    return found.astype(np.uint8), true


def objects(class_map: np.ndarray) -> Instances:
    return instances_of_classes(class_map, RULES.classes)


def judged(seed: int):
    found, true = maps(seed)
    return judge(objects(found), objects(true), np.ones(true.shape, bool), RULES)


@pytest.mark.parametrize("seed", range(3))
def test_pixels_as_scikit_learn(seed) -> None:
    found, true = maps(seed)
    got = judged(seed)
    flat = true.ravel(), found.ravel()
    for number, name in enumerate(RULES.classes, start=1):
        metrics = got.classes[name].metrics()
        for score, key in (
            (jaccard_score, "IoU"), (f1_score, "Dice"), (precision_score, "pixel precision"),
            (recall_score, "pixel recall"),
        ):  # fmt: skip
            assert metrics[key] == pytest.approx(score(*flat, labels=[number], average=None)[0])
    assert got.background.metrics()["IoU"] == pytest.approx(jaccard_score(*flat, labels=[0], average=None)[0])
    assert got.counted == true.size


def box(x: float, y: float, width: float, height: float) -> Shape:
    return Shape(RoiType.RECT, params=(x, y, width, height), subpixel=False)


def test_which_objects_are_matched_missed_and_extra() -> None:
    true = Instances.of([box(0, 0, 6, 6), box(10, 0, 6, 6), box(0, 20, 8, 8), box(20, 20, 9, 9)],
                        class_name=["oxide", "oxide", "crack", IGNORE])  # fmt: skip
    found = Instances.of([box(0, 1, 6, 6), box(10, 0, 6, 6), box(12, 12, 4, 4), box(21, 21, 5, 5)],
                         class_name=["oxide", "crack", "oxide", "oxide"])  # fmt: skip
    counts = known_area(true, 40, 40)
    got = judge(found, true, counts, RULES)
    assert counts.sum() == 1600 - 81 == got.counted
    assert got.true_matched.tolist() == [True, False, False, False]
    assert got.found_matched.tolist() == [True, False, False, False]
    assert got.true_counts.tolist() == [True, True, True, False]
    assert got.found_counts.tolist() == [True, True, True, False], "what is found in an ignored region does not count"
    assert (got.total.matched, got.total.found, got.total.true) == (1, 3, 3)


def test_outside_of_the_analysed_area_nothing_counts() -> None:
    area = np.ones((40, 40), bool)
    area[30:] = False
    one = Instances.of([box(0, 32, 6, 6), box(0, 0, 6, 6)], class_name="oxide")
    got = judge(one, one, known_area(one, 40, 40, area), RULES)
    assert (got.total.true, got.total.found_pixels, got.counted) == (1, 36, 1200)


def test_lengths_are_in_the_unit_of_the_pixel() -> None:
    one = Instances.of([box(3, 3, 10, 10)], class_name="oxide")
    got = judge(one, one, np.ones((40, 40), bool), RULES, (0.5, 0.5))
    assert got.classes["oxide"].true_diameters == pytest.approx(0.5 * 2 * np.sqrt(100 / np.pi))


def figure(rows: list[Figure], class_name: str, name: str) -> Figure:
    (row,) = (row for row in rows if (row.class_name, row.name) == (class_name, name))
    return row


def test_the_summary_is_of_the_sums() -> None:
    images = [judged(seed) for seed in range(3)]
    rows = summary(images, "nm", 0.5)
    pooled = Agreement.total(image.classes["crack"] for image in images)
    for name, value in pooled.metrics().items():
        assert figure(rows, "crack", name).value == pytest.approx(value, nan_ok=True)
    assert {row.class_name for row in rows} == {*RULES.classes, ALL}
    assert figure(rows, "crack", "mean diameter found").unit == "nm"
    assert figure(rows, "crack", "mean diameter found").value == pytest.approx(pooled.found_diameters / pooled.found)
    share = figure(rows, "oxide", "area fraction annotated")
    annotated = sum(int((maps(seed)[1] == 1).sum()) for seed in range(3))
    assert (share.value, share.unit) == (pytest.approx(100 * annotated / (3 * 48 * 48)), "%")
    values = [figure(rows, name, "IoU") for name in RULES.classes]
    background = Agreement.total(image.background for image in images).metrics()["IoU"]
    assert figure(rows, ALL, "mean IoU").value == pytest.approx(np.mean([row.value for row in values]))
    whole = figure(rows, ALL, "mean IoU with background")
    assert whole.value == pytest.approx(np.mean([*(row.value for row in values), background]))
    assert whole.interval.low < whole.value < whole.interval.high
    assert all(row.interval.method == "t" for row in values)


def test_a_class_that_is_nowhere_has_no_figures() -> None:
    one = Instances.of([box(3, 3, 10, 10)], class_name="oxide")
    rows = summary([judge(one, one, np.ones((40, 40), bool), RULES)], "pixel", 0.4)
    assert np.isnan(figure(rows, "crack", "IoU").value)
    assert figure(rows, ALL, "mean IoU").value == 1
    assert "IoU > 0.4" in figure(rows, "crack", "object F1").definition


def test_tables_hold_all_of_it() -> None:
    images = [judged(seed) for seed in range(3)]
    rows = summary(images, "nm", 0.5)
    table = summary_table(rows, 3)
    assert len(table) == len(rows)
    assert table["Interval"].tolist().count("95 %, t") > 30
    each = images_table(["a", "b", "c"], images, "nm", {"a": "validation"})
    assert len(each) == 9
    assert each["Image"].tolist()[:3] == ["a"] * 3
    assert each["Part"].tolist()[:3] == ["validation"] * 3
    for row, name in ((0, "oxide"), (1, "crack")):
        for key in DEFINITIONS:
            got = each[key if len(key) == 1 else key[0].upper() + key[1:]][row]
            assert got == pytest.approx(images[0].classes[name].metrics()[key], nan_ok=True)
    assert each["Mean diameter annotated (nm)"][0] > 0
    json.dumps(json_rows(rows, 3), allow_nan=False)
