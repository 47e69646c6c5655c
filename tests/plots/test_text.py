"""Numbers beside objects: which ones there are, and where."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from temj.plots import text
from temj.plots.text import Writer


def ends_of(boxes: list[tuple[int, int, int, int]]) -> np.ndarray:
    """Leftmost, topmost, rightmost and lowest point of ellipses in boxes x, y, width, height."""
    return np.array(
        [[(x, y + h / 2), (x + w / 2, y), (x + w, y + h / 2), (x + w / 2, y + h)] for x, y, w, h in boxes], float
    ).reshape(-1, 4, 2)


def written(boxes: list[tuple[int, int, int, int]], size: int = 400) -> dict[int, tuple[int, int, int, int]]:
    """Where each number was written: index → (x, y, width, height)."""
    places = {}

    def noted(_picture, letters, x, y, colour, shaded):
        assert shaded
        places[colour[0]] = (x, y, letters.shape[1], letters.shape[0])

    colours = [(index, 0, 0) for index in range(len(boxes))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "_blend", noted)
        Writer(size).numbers(np.zeros((size, size, 3), np.uint8), ends_of(boxes), colours)
    return places


def common(one: tuple, other: tuple) -> bool:
    return all(one[k] < other[k] + other[k + 2] and other[k] < one[k] + one[k + 2] for k in (0, 1))


def test_an_object_alone_has_its_number_at_its_right() -> None:
    x, y, _, height = written([(100, 100, 40, 40)])[0]
    assert x == 142
    assert y + height // 2 == 120


def test_an_object_shut_in_has_its_number_inside_where_it_is_large() -> None:
    around = [(90, 60, 120, 38), (90, 202, 120, 38), (60, 90, 38, 120), (202, 90, 38, 120)]
    corners = [(60, 60, 38, 38), (202, 60, 38, 38), (60, 202, 38, 38), (202, 202, 38, 38)]
    own = (100, 100, 100, 100)
    x, y, width, height = written([own, *around, *corners])[0]
    assert 100 < x < x + width < 200
    assert 100 < y < y + height < 200
    over_it = (120, 120, 60, 60)
    assert 0 not in written([own, *around, *corners, over_it])


def test_one_inside_another_has_its_number_beside_that_one() -> None:
    outer, inner = (100, 100, 60, 40), (110, 108, 40, 24)
    for boxes in ([outer, inner], [inner, outer]):
        places = written(boxes)
        assert sorted(places) == [0, 1]
        assert not any(common(place, box) for place in places.values() for box in boxes)


def test_in_a_crowd_nothing_is_written() -> None:
    packed = [(x, y, 9, 9) for x in range(0, 400, 10) for y in range(0, 400, 10)]
    assert written(packed) == {}


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 40))
def test_numbers_hide_neither_each_other_nor_other_objects(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    boxes = [tuple(map(int, (*rng.integers(0, 360, 2), *rng.integers(5, 90, 2)))) for _ in range(count)]
    places = written(boxes)
    for index, place in places.items():
        assert place[0] >= 0
        assert place[1] >= 0
        assert not any(common(place, box) for number, box in enumerate(boxes) if number != index)
        assert not any(common(place, other) for number, other in places.items() if number != index)
