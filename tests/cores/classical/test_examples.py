"""Which images, and which parts of them, a classical method is fitted to."""

import numpy as np
import pytest

from temj.cores import Truth, make_core
from temj.cores.classical import examples
from temj.errors import BadValue


def numbers_in(chosen) -> set[int]:
    return set(np.flatnonzero(examples.pixels_of_classes(chosen)).tolist())


def blank(side: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(side)
    return rng.normal(100, 5, (side, side)).astype(np.float32), np.zeros((side, side), np.uint8)


def test_a_class_outside_of_the_fullest_window_gets_one_of_its_own(monkeypatch):
    monkeypatch.setattr(examples, "LARGEST", 64)
    image, numbers = blank(200)
    numbers[5:60, 5:60] = 1
    numbers[150:153, 170:174] = 2
    first, second = examples.choose([image], [Truth(numbers)], 24, 0)
    assert numbers_in([first]) == {0, 1}
    assert second.classes.shape == (64, 64)
    assert (second.classes == 2).sum() == 12


def test_a_class_of_one_image_among_many_is_never_left_out():
    given = [blank(32) for _ in range(40)]
    for _, numbers in given:
        numbers[4:12, 4:12] = 1
    given[17][1][20, 20] = given[23][1][20:22, 20] = 2
    images, truths = [image for image, _ in given], [Truth(numbers) for _, numbers in given]
    for seed in range(8):
        chosen = examples.choose(images, truths, 6, seed)
        assert numbers_in(chosen) == {0, 1, 2}
        assert len(chosen) in (6, 7)
        if len(chosen) == 7:
            assert (chosen[-1].classes == 2).sum() == 2  # that with most of it


def test_background_is_a_class_too(monkeypatch):
    monkeypatch.setattr(examples, "LARGEST", 32)
    image, numbers = blank(80)
    numbers[:60, :60] = 1
    numbers[60:, 60:] = 255
    chosen = examples.choose([image], [Truth(numbers)], 24, 0)
    assert numbers_in(chosen) == {0, 1}


@pytest.mark.parametrize("classes", [2])  # three: test_trees, since windows are normalised by themselves
def test_a_forest_keeps_the_numbers_of_classes_that_a_window_lacks(classes, monkeypatch):
    """Class 1 of two is far from where most is annotated."""
    monkeypatch.setattr(examples, "LARGEST", 64)
    image, numbers = blank(160)
    levels = {1: 30, 2: 180, 3: 250}
    rare = classes - 1
    for number in range(1, classes + 1):
        place = np.s_[130:150, 130:150] if number == rare else np.s_[5 + 20 * number : 20 + 20 * number, 5:60]
        numbers[place] = number
        image[place] += levels[number] - 100
    names = [f"c{number}" for number in range(1, classes + 1)]
    core = make_core("forest", {"classes": names, "trees": 8, "depth": 6, "scales": (0.7, 1.4, 2.8)})
    core.fit([image], [Truth(numbers)], 0)
    import torch

    raw = core.forward(torch.from_numpy(core.prepare(image))[None])[0].numpy()
    assert raw.shape == (classes, 160, 160)
    for number in range(1, classes + 1):
        assert raw[:, numbers == number].mean(1).argmax() == number - 1  # the columns are not shifted


def test_a_class_outside_of_the_analysed_area_is_told():
    image, numbers = blank(64)
    numbers[5:20, 5:20], numbers[40:60, 40:60] = 1, 2
    image[35:, 35:] = np.nan
    core = make_core("forest", {"classes": ["pore", "crack"], "trees": 2, "depth": 2})
    with pytest.raises(BadValue, match=r"crack.*analysed area"):
        core.fit([image], [Truth(numbers)], 0)
