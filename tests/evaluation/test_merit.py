"""The table of CREME: the published rows, and which of them is the best by our rule."""

import numpy as np
import pytest

from temj.evaluation.agreement import Agreement
from temj.evaluation.creme import p1, p2, ratio
from temj.evaluation.merit import best_row, by_threshold, merit_columns

RESNEXT = [
    (1.01, -3.68, -10.03, -3.54, 25.0),
    (-8.10, -0.26, -22.81, -21.33, 33.0),
    (-9.88, 2.59, -30.13, -30.57, 36.6),
]
"""F, N, D, Dm in percent and AP of ResNeXt-101 at fields of view of 200, 400 and 533 nm (Salvador et al., 2026)."""


def test_the_best_field_of_view_is_not_that_of_the_best_ap() -> None:
    f, n, d, dm, ap = np.array(RESNEXT).T
    found = {"area error": f, "count error": n, "major axis error": d, "minor axis error": dm, "AP50:95": ap}
    found = {name: values / 100 for name, values in found.items()}
    found |= {"P1": p1(f, n, d, dm), "r": ratio(n, d, dm), "P2": p2(ratio(n, d, dm))}
    columns = {column.name: column.values for column in merit_columns(found)}
    assert columns["F_re (%)"] == pytest.approx(f)
    assert columns["Largest error (%)"] == pytest.approx([10.03, 22.81, 30.57])
    assert columns["Best"].tolist() == [1, 0, 0]
    assert columns["AP50:95 (%)"].argmax() == 2
    assert columns["P1 (%)"] == pytest.approx([95.1, 94.4, 88.0], abs=0.051)
    assert columns["P2 (%)"] == pytest.approx([83.6, 60.6, 49.8], abs=0.051)


def test_what_is_not_known_is_not_the_best() -> None:
    assert best_row(np.array([np.nan, 5, 3, 3])).tolist() == [0, 0, 1, 0]
    assert best_row(np.array([np.nan])).tolist() == [0]
    assert best_row(np.zeros(0)).tolist() == []


def test_errors_cannot_cancel_in_the_choice() -> None:
    """Count + 50 % and axes - 18 %: P2 finds it nearly perfect, the rule does not."""
    sums = [
        Agreement(found_pixels=100, true_pixels=100, found=15, true=10, true_majors=100, true_minors=100,
                  found_majors=123, found_minors=123).sums,
        Agreement(found_pixels=80, true_pixels=100, found=9, true=10, true_majors=100, true_minors=100,
                  found_majors=81, found_minors=81).sums,
        Agreement(true=10, true_pixels=100).sums,
    ]  # fmt: skip
    table = by_threshold([0.2, 0.5, 0.9], np.array(sums), np.array([0.3, 0.2, np.nan]))
    assert table["N_re (%)"] == pytest.approx([50, -10, -100])
    assert table["D_re (%)"][:2] == pytest.approx([-18, -10])
    assert np.isnan(table["D_re (%)"][2]), "nothing found has no size"
    assert table["P2 (%)"][0] > table["P2 (%)"][1]
    assert table["Best"].tolist() == [0, 1, 0]
