"""Test-time augmentation: the views of a task's symmetry, and their mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from temj.data import Micrograph
from temj.inference import How, forward, predict, raw
from temj.inference.symmetry import AS_IT_IS, LEFT_RIGHT, UPSIDE_DOWN, View, mean_answer, views
from temj.models import Model
from temj.models.card import Symmetry

EVERY = tuple(View(mirrored, quarters) for mirrored, quarters in product((False, True), range(4)))


@pytest.mark.parametrize("view", EVERY)
def test_back_is_the_inverse_also_of_images_that_are_not_square(view: View):
    image = np.random.default_rng(0).random((2, 5, 8)).astype(np.float32)
    seen = view.of(image)
    assert seen.shape == ((2, 8, 5) if view.quarters % 2 else (2, 5, 8))
    np.testing.assert_array_equal(view.back(seen), image)


@pytest.mark.parametrize(("first", "second"), list(product(EVERY, EVERY)))
def test_one_view_after_another_is_a_view(first: View, second: View):
    image = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    np.testing.assert_array_equal(first.then(second).of(image), second.of(first.of(image)))


@pytest.mark.parametrize(
    ("rotation", "horizontal", "vertical", "expected"),
    [
        (180, True, True, set(EVERY)),
        (180, False, False, {View(False, quarters) for quarters in range(4)}),
        (90, True, False, set(EVERY)),
        (9, True, False, {AS_IT_IS, LEFT_RIGHT}),
        (9, True, True, {AS_IT_IS, LEFT_RIGHT, UPSIDE_DOWN, View(False, 2)}),
        (0, False, True, {AS_IT_IS, UPSIDE_DOWN}),
        (0, False, False, {AS_IT_IS}),
    ],
)
def test_views_are_those_that_the_task_allows(rotation: float, horizontal: bool, vertical: bool, expected: set[View]):
    found = views(Symmetry(rotation=rotation, flip_horizontal=horizontal, flip_vertical=vertical))
    assert found[0] == AS_IT_IS
    assert len(found) == len(expected)
    assert set(found) == expected


def test_mirrors_do_what_their_names_say():
    image = np.array([[[1, 2], [3, 4]]], np.float32)
    np.testing.assert_array_equal(LEFT_RIGHT.of(image)[0], [[2, 1], [4, 3]])
    np.testing.assert_array_equal(UPSIDE_DOWN.of(image)[0], [[3, 4], [1, 2]])
    np.testing.assert_array_equal(View(False, 1).of(image)[0], [[2, 4], [1, 3]])  # counter-clockwise


def test_the_mean_is_taken_in_the_place_of_the_image():
    """A "network" that marks the upper left corner of whatever it sees: each corner has its share."""

    def answer(seen: np.ndarray, _number: int) -> np.ndarray:
        marked = np.zeros((1, *seen.shape[1:]), np.float32)
        marked[0, 0, 0] = 1
        return marked

    found = mean_answer(np.zeros((1, 3, 5), np.float32), EVERY, answer)
    corners = np.zeros((3, 5))
    corners[[0, 0, -1, -1], [0, -1, 0, -1]] = 0.25
    np.testing.assert_allclose(found[0], corners)


def slanted(new_model: Callable[..., Model], **symmetry: object) -> Model:
    """A model whose convolution looks to one side: its answer depends on the view."""
    return new_model(kernel=5, symmetry=symmetry)


@pytest.mark.usefixtures("float32")
def test_the_answer_is_that_of_all_views_by_hand(new_model: Callable[..., Model], micrograph: Micrograph):
    model = slanted(new_model, rotation=9.0, flip_horizontal=True, flip_vertical=False)
    plain = raw(micrograph, model, How(device="cpu")).answer
    turned = replace(micrograph, pixels=micrograph.pixels[:, ::-1])
    expected = (plain + raw(turned, model, How(device="cpu")).answer[..., ::-1]) / 2
    found = raw(micrograph, model, How(device="cpu", tta=True))
    np.testing.assert_allclose(found.answer, expected, atol=1e-6)
    assert np.abs(found.answer - plain).max() > 1e-3
    assert found.info["views"] == 2
    assert found.info["notes"] == ["test-time augmentation: mean of 2 views (mirrored left-right)"]


@pytest.mark.usefixtures("float32")
def test_a_turned_image_gets_the_turned_answer(
    new_model: Callable[..., Model], new_micrograph: Callable[..., Micrograph], monkeypatch: pytest.MonkeyPatch
):
    """With all views the answer turns with the image; tiles of a field that is not square too."""
    model, micrograph = slanted(new_model), new_micrograph(200, 300)
    monkeypatch.setitem(forward.TILE_PIXELS, "cpu", 200 * 200)
    one = raw(micrograph, model, How(device="cpu", tta=True))
    assert one.info["tiles"]["number"] > 1
    assert one.info["views"] == 8
    other = raw(replace(micrograph, pixels=np.rot90(micrograph.pixels)), model, How(device="cpu", tta=True))
    np.testing.assert_allclose(np.rot90(one.answer, 1, (1, 2)), other.answer, atol=1e-5)


def test_a_task_without_symmetry_is_told_that_nothing_is_done(new_model: Callable[..., Model], micrograph: Micrograph):
    model = slanted(new_model, rotation=0.0, flip_horizontal=False, flip_vertical=False)
    found = predict(micrograph, model, device="cpu", tta=True)
    assert found.info["views"] == 1
    assert found.info["notes"] == [
        "test-time augmentation does nothing: the task of this model allows no mirror image and no quarter turn"
    ]


def test_progress_goes_through_all_views_and_cancelling_stops(model: Model, micrograph: Micrograph):
    steps: list[tuple[int, int]] = []
    predict(micrograph, model, device="cpu", tta=True, progress=lambda _, *step: steps.append(step))
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert steps[-1] == (8, 8)
