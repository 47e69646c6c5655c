import itertools

import numpy as np
import pytest

from temj.evaluation.compared import Compared
from temj.evaluation.grid import Grid, best_of
from temj.evaluation.tried import CONFIDENCES, IOUS
from temj.geometry.overlap import Overlaps


def image(seed: int, found: int = 9, true: int = 7, classes: int = 2) -> Compared:
    """Random objects; each found one overlaps some annotated ones."""
    rng = np.random.default_rng(seed)
    first, second = np.nonzero(rng.random((found, true)) < 0.3)
    return Compared(
        Overlaps(first, second, rng.uniform(0.05, 1, len(first))),
        rng.random(found).round(2),
        rng.integers(0, classes, found),
        rng.integers(0, classes, true),
        rng.random(found),
        rng.random(true),
    )


def most_pairs(one: Compared, confidence: float, iou: float) -> int:
    """The largest number of one-to-one pairs, by trying all."""
    pairs = [
        (i, j)
        for i, j, value in zip(one.pairs.first, one.pairs.second, one.pairs.iou, strict=True)
        if value > iou and one.score[i] > confidence
    ]
    for count in range(min(len(pairs), 7), 0, -1):
        for chosen in itertools.combinations(pairs, count):
            if len({i for i, _ in chosen}) == len({j for _, j in chosen}) == count:
                return count
    return 0


def test_the_lists_are_those_of_the_paper() -> None:
    assert CONFIDENCES[:6] == (0.001, 0.005, 0.01, 0.05, 0.1, 0.15)
    assert (CONFIDENCES[-1], len(CONFIDENCES)) == (0.6, 15)
    assert IOUS == (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def test_every_cell_counts_as_by_trying_all() -> None:
    images = [image(seed) for seed in range(3)]
    grid = Grid.of([one.above for one in images], (0.5, 0.1, 0.1), (0.6, 0.2))
    assert grid.confidences.tolist() == [0.1, 0.5]
    assert grid.ious.tolist() == [0.2, 0.6]
    for row, confidence in enumerate((0.1, 0.5)):
        assert grid.found[:, row].tolist() == [int((one.score > confidence).sum()) for one in images]
        for column, iou in enumerate((0.2, 0.6)):
            expected = [most_pairs(one, confidence, iou) for one in images]
            assert grid.matched[:, row, column].tolist() == expected
            matched, found, true = sum(expected), grid.found[:, row].sum(), 21
            assert grid.precision[row, column] == pytest.approx(matched / found)
            assert grid.recall[row, column] == pytest.approx(matched / true)
            assert grid.f1[row, column] == pytest.approx(2 * matched / (found + true))
    table = grid.table()
    assert table["Confidence"].tolist() == [0.1, 0.1, 0.5, 0.5]
    assert table["F1"].tolist() == pytest.approx(grid.f1.ravel().tolist())


def test_f1_never_rises_with_the_match_iou() -> None:
    grid = Grid.of([image(seed, 30, 20).above for seed in range(4)], CONFIDENCES, IOUS)
    assert (np.diff(grid.f1, axis=1) <= 0).all()


def test_of_equal_cells_the_strictest_iou_and_the_middle_confidence_is_chosen() -> None:
    f1 = np.array([[0.5, 0.5, 0.1], [0.9, 0.9, 0.2], [0.9, 0.9, 0.2], [0.9, 0.9, 0.2], [0.9, 0.8, np.nan]])
    assert best_of(f1) == (2, 1)
    assert best_of(np.full((2, 2), np.nan)) == (0, 1)


def test_held_out_f1_is_judged_with_what_the_other_images_choose() -> None:
    images = [image(seed, 20, 15) for seed in range(5)]
    grid = Grid.of([one.above for one in images], CONFIDENCES, IOUS)
    place = IOUS.index(0.3)
    matched = found = 0
    for number in range(5):
        others = Grid.of([one.above for k, one in enumerate(images) if k != number], CONFIDENCES, [0.3])
        level = others.confidences[others.best()[0]]
        mine = images[number].above(level)
        matched, found = matched + len(mine.matched(0.3)), found + len(mine.score)
    assert grid.judged_f1(place) == pytest.approx(2 * matched / (found + 75))
    assert grid.judged_f1(place) <= grid.f1[:, place].max()
    alone = Grid.of([images[0].above], CONFIDENCES, [0.3])
    assert alone.judged_f1(0) == pytest.approx(alone.f1.max())


def test_parts_of_an_image_keep_their_pairs() -> None:
    one = image(4, 12, 9)
    for number in (0, 1):
        part = one.of_class(number)
        found, true = np.flatnonzero(one.found_class == number), np.flatnonzero(one.true_class == number)
        mine = zip(part.pairs.first, part.pairs.second, part.pairs.iou, strict=True)
        got = {(int(found[i]), int(true[j])): v for i, j, v in mine}
        pairs = zip(one.pairs.first.tolist(), one.pairs.second.tolist(), one.pairs.iou, strict=True)
        assert got == {(i, j): v for i, j, v in pairs if i in found and j in true}
        assert len(part.score) == len(found)
    assert len(one.above(2).score) == 0
    assert len(one.above(2).true_class) == 9
