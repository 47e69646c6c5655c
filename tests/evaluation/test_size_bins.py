"""Recall, precision and error by size: the bins add up to the whole, and each is what it says."""

import numpy as np
import pytest

from temj.data import Instances
from temj.evaluation.size_bins import automatic_limits, by_size, detection_limits
from temj.evaluation.summary import ALL


@pytest.fixture(scope="module")
def images(made):
    """Discs smaller than 10 pixels are missed, and in each image one of 5 pixels is made up."""
    judged = []
    for seed in range(3):
        true = made.scattered(seed)
        large = true.take(true.shapes.params[:, 2] >= 10)
        judged.append(made.judged(true, Instances.concatenate([large, made.discs([(3, 3, 5)])])))
    return judged


def rows(table, name):
    return table.take(table["Class"] == name)


def test_the_bins_add_up(made, images) -> None:
    areas = np.full(3, 100.0)
    table = by_size(images, made.rules.classes, areas, (9, 12), "nm")
    assert list(dict.fromkeys(table["Class"])) == [*made.rules.classes, ALL]
    whole = rows(table, ALL)
    assert whole["From (nm)"].tolist() == [0, 9, 12]
    assert whole["To (nm)"][:2].tolist() == [9, 12]
    assert np.isnan(whole["To (nm)"][2])
    for name, total in (("Annotated", "true"), ("Found", "found"), ("Matched found", "matched")):
        assert whole[name].sum() == sum(getattr(image.total, total) for image in images)
        parts = sum(rows(table, part)[name] for part in made.rules.classes)
        assert (parts == whole[name]).all()


def test_what_is_missed_is_missed_in_its_bin_only(made, images) -> None:
    table = rows(by_size(images, made.rules.classes, np.full(3, 100.0), (9,), "nm"), ALL)
    assert table["Recall"][1] == 1
    assert table["Recall"][0] < 0.2, "those of 10 pixels that the frame cuts"
    extra = table["Found"] - table["Matched found"]
    assert table["False positives"].tolist() == extra.tolist() == [3, 0]
    assert table["False positives by area (nm^-2)"].tolist() == [0.01, 0]
    assert table["Precision"][1] == 1
    assert np.abs(table["Mean diameter error (nm)"][1]) < 1e-9
    assert (table["Recall_low"][0], table["Recall_high"][1]) == (pytest.approx(0, abs=0.2), 1)


def test_without_objects_nothing_is_a_number(made) -> None:
    nothing = Instances.concatenate([])
    table = by_size([made.judged(nothing, nothing)], ("loop", "dot"), np.array([9.0]), (), "nm")
    assert len(table) == 3
    for name in ("Recall", "Precision", "Mean diameter error (nm)"):
        assert np.isnan(table[name]).all()
    assert table["Annotated"].tolist() == [0, 0, 0]
    assert table["False positives by area (nm^-2)"].tolist() == [0, 0, 0]


def test_limits_give_bins_with_as_many_objects() -> None:
    sizes = np.random.default_rng(0).lognormal(2, 0.3, 1000)
    limits = automatic_limits(sizes)
    assert len(limits) == 7
    counts = np.histogram(sizes, [0, *limits, np.inf])[0]
    assert counts.min() > 90
    assert automatic_limits(sizes[:29]) == ()
    assert len(automatic_limits(sizes[:30])) == 1
    assert automatic_limits(np.full(100, 5.0)) == ()


def test_the_sizes_that_are_found(made) -> None:
    """Half of the discs of 8 to 10 pixels are missed, none of the larger and all of the smaller ones."""
    images = []
    for seed in range(6):
        true = made.scattered(seed, 40)
        size, chance = true.shapes.params[:, 2], np.random.default_rng(seed).random(40)
        images.append(made.judged(true, true.take((size > 10) | ((size >= 8) & (chance < 0.5)))))
    rows, notes = detection_limits(images, made.rules.classes, "nm")
    assert [row.class_name for row in rows] == [name for name in (*made.rules.classes, ALL) for _ in range(2)]
    half, most = (row for row in rows if row.class_name == ALL)
    assert 7 < half.value < 10 < most.value < 13
    assert half.interval.low < half.value < half.interval.high
    assert half.unit == "nm"
    assert not notes


def test_a_limit_that_is_not_known_is_told(made) -> None:
    nothing = Instances.concatenate([])
    rows, notes = detection_limits([made.judged(nothing, nothing)], ("loop", "dot"), "pixel")
    assert all(np.isnan(row.value) and not row.interval.method for row in rows)
    assert notes[0].startswith("class 'loop': Only 0 annotated objects")
    assert notes[0].endswith("(no diameter with 50 % recall and no diameter with 90 % recall)")
    assert len(notes) == 2
