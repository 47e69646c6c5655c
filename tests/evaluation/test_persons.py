"""Two persons and a machine: symmetric figures, paired intervals, and the sentence."""

import numpy as np
import pytest

from temj.data import Instances
from temj.evaluation.persons import FIRST, GAIN, PERSONS, SECOND, Three, answer, persons_table

NOTHING = Instances.concatenate([])


def three(made, first, second, machine) -> Three:
    return Three(made.judged(first, second), made.judged(first, machine), made.judged(second, machine))


def less(instances, seed, share):
    """Some of the objects only."""
    return instances.take(np.random.default_rng(seed).random(len(instances)) < share)


def value(table, metric, pair, column="Value"):
    return table[column][(table["Metric"] == metric) & (table["Between"] == pair)][0]


@pytest.mark.parametrize(
    ("share", "verdict"), [(0.2, "is further from a person than"), (0.97, "is nearer to a person")]
)
def test_the_answer(made, share, verdict) -> None:
    images = []
    for seed in range(8):
        all_of_them = made.scattered(seed)
        persons = [less(all_of_them, 10 + seed, 0.7), less(all_of_them, 30 + seed, 0.7)]
        images.append(three(made, *persons, less(all_of_them, 50 + seed, share)))
    table = persons_table(images, "nm")
    matched = sum(image.persons.total.matched for image in images)
    objects = sum(image.persons.total.found + image.persons.total.true for image in images)
    assert value(table, "object F1", PERSONS) == pytest.approx(2 * matched / objects)
    mean = (value(table, "object F1", FIRST) + value(table, "object F1", SECOND)) / 2
    assert value(table, "object F1", GAIN) == pytest.approx(mean - value(table, "object F1", PERSONS))
    assert value(table, "mean absolute diameter difference", FIRST) == 0
    assert value(table, "mean absolute diameter difference", FIRST, "Unit") == "nm"
    assert verdict in answer(table, 8)


def test_it_does_not_matter_who_is_the_truth(made) -> None:
    first, machine = made.scattered(1), less(made.scattered(1), 2, 0.6)
    second = less(made.scattered(1), 3, 0.6)
    one, other = (persons_table([three(made, *order, machine)], "nm") for order in ((first, second), (second, first)))
    for metric in ("object F1", "IoU", "mean absolute diameter difference"):
        assert value(one, metric, PERSONS) == value(other, metric, PERSONS)
        assert value(one, metric, FIRST) == value(other, metric, SECOND)


def test_the_same_persons_and_a_machine_alike(made) -> None:
    some = made.scattered(1)
    table = persons_table([three(made, some, some, some)] * 3, "nm")
    assert value(table, "object F1", GAIN) == 0
    assert "cannot be told" in answer(table, 3)


def test_one_image_and_nothing(made) -> None:
    some = made.scattered(1)
    table = persons_table([three(made, some, some, less(some, 1, 0.5))], "nm")
    assert np.isnan(value(table, "object F1", GAIN, "Value_low"))
    assert "without an interval" in answer(table, 1)
    table = persons_table([three(made, NOTHING, NOTHING, NOTHING)], "nm")
    assert np.isnan(value(table, "object F1", PERSONS))
    assert "not known" in answer(table, 1)
