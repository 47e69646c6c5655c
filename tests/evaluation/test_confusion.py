import numpy as np
import pytest

from temj.evaluation.agreement import Agreement
from temj.evaluation.compared import Compared
from temj.evaluation.confusion import NOTHING, Confusion
from temj.geometry.overlap import Overlaps

SHEN = np.array([[239, 21, 14], [17, 416, 8], [33, 13, 166]])
"""Rows predicted, columns annotated: 111 loops, black dots, 100 loops (Shen et al., 2021)."""
NAMES = ("111", "dot", "100")


def of_matrix(matched: np.ndarray, missed: np.ndarray, extra: np.ndarray) -> Compared:
    """One image whose objects make this matrix."""
    pairs = [(row, column) for row, column in np.ndindex(matched.shape) for _ in range(matched[row, column])]
    found, true = (np.array(side) for side in zip(*pairs, strict=True))
    count = len(pairs)
    found = np.concatenate([found, np.repeat(np.arange(len(extra)), extra)])
    true = np.concatenate([true, np.repeat(np.arange(len(missed)), missed)])
    overlaps = Overlaps(np.arange(count), np.arange(count), np.full(count, 0.7))
    return Compared(overlaps, np.full(len(found), np.nan), found, true, np.ones(len(found)), np.ones(len(true)))


def test_the_published_matrix_and_its_percentages() -> None:
    image = of_matrix(SHEN, np.array([3, 1, 4]), np.array([0, 5, 9]))
    got = Confusion.of([image], NAMES, 0.4)
    assert got.matched.tolist() == SHEN.tolist()
    assert got.missed.tolist() == [3, 1, 4]
    assert got.extra.tolist() == [0, 5, 9]
    assert np.diag(got.of_predicted()) == pytest.approx([87.2, 94.3, 78.3], abs=0.05)
    assert np.diag(got.of_annotated()) == pytest.approx(100 * np.diag(SHEN) / SHEN.sum(0))
    assert got.of_predicted().sum(1) == pytest.approx([100] * 3)
    assert got.of_annotated().sum(0) == pytest.approx([100] * 3)


def test_published_f1_follows_from_precision_and_recall() -> None:
    for p, r, f1 in ((0.73, 0.83, 0.78), (0.65, 0.71, 0.68), (0.62, 0.72, 0.67)):
        found = Agreement(matched=p * r, found=r, true=p).metrics()
        assert (found["object precision"], found["object recall"]) == pytest.approx((p, r))
        assert found["object F1"] == pytest.approx(f1, abs=0.006)


def test_images_add_up_and_the_table_says_which_is_which() -> None:
    image = of_matrix(SHEN, np.array([3, 1, 4]), np.array([0, 5, 9]))
    got = Confusion.of([image, image], NAMES, 0.4)
    table = got.table()
    rows = zip(table["Predicted"], table["Annotated"], table["Objects"], strict=True)
    cells = {(row, column): count for row, column, count in rows}
    assert cells["111", "dot"] == 42
    assert cells["dot", "111"] == 34
    assert cells[NOTHING, "100"] == 8
    assert cells["100", NOTHING] == 18
    assert sum(cells.values()) == 2 * (SHEN.sum() + 22)
    assert np.isnan(table["Share of matched predicted (%)"][table["Annotated"] == NOTHING]).all()


def test_what_overlaps_too_little_is_missed_and_extra() -> None:
    got = Confusion.of([of_matrix(SHEN, np.zeros(3, int), np.zeros(3, int))], NAMES, 0.7)
    assert not got.matched.any()
    assert got.extra.tolist() == SHEN.sum(1).tolist()
    assert got.missed.tolist() == SHEN.sum(0).tolist()
    assert np.isnan(got.of_predicted()).all()
