"""Answers before a threshold: read again without the network, kept within bounds, limited in objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from temj.data import Calibration, Micrograph
from temj.errors import BadValue, ResourceError
from temj.inference import How, candidates, forward, kept, memory, predict, raw, read
from temj.inference.candidates import limited
from temj.models import Model

KEEP = How(device="cpu", keep=True)


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """No answer is kept from another test."""
    kept.clear()
    yield
    kept.clear()


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The images that went through a network."""
    seen: list[tuple[int, ...]] = []
    run_network = forward.run_network

    def counting(network, image, *rest):
        seen.append(image.shape)
        return run_network(network, image, *rest)

    monkeypatch.setattr("temj.inference.asking.run_network", counting)
    return seen


def columns(found) -> tuple:
    return found.shapes.params.tolist(), found.score.tolist(), list(found.name), found.info["threshold"]


def test_predict_is_reading_the_raw_answer(model: Model, micrograph: Micrograph):
    answer = raw(micrograph, model, How(device="cpu"))
    for threshold in (None, "area", 0.3, "0.9"):
        one, other = read(answer, threshold), predict(micrograph, model, threshold=threshold, device="cpu")
        assert columns(one) == columns(other)
        assert dict(one.info) == dict(other.info)


def test_probabilities_are_those_of_the_classes_on_the_own_pixels(
    new_model: Callable[..., Model], new_micrograph: Callable[..., Micrograph]
):
    model, micrograph = new_model(classes=("a", "b")), new_micrograph(pixel=1.0)
    answer = raw(micrograph, model, How(device="cpu"))
    assert answer.probabilities.shape == (2, 96, 128)
    assert answer.probabilities.dtype == np.float32
    assert 0 <= answer.probabilities.min() < answer.probabilities.max() <= 1
    assert answer.probabilities[:, 65:75, 75:85].min() > 0.5
    with pytest.raises(ValueError, match="read-only"):
        answer.answer[0] = 0


def test_another_threshold_costs_no_pass(model: Model, micrograph: Micrograph, passes: list):
    found = [read(raw(micrograph, model, KEEP), threshold) for threshold in (0.2, 0.5, "area")]
    assert len(passes) == 1
    assert [each.info["threshold"] for each in found] == [0.2, 0.5, 0.4]
    plain = predict(micrograph, model, threshold=0.2, device="cpu")
    assert columns(plain) == columns(found[0])
    assert len(passes) == 2  # not kept unless asked


def test_name_place_and_notes_are_those_of_the_call(model: Model, micrograph: Micrograph, passes: list):
    raw(micrograph, model, KEEP)
    moved = replace(micrograph, name="b.tif", position=(1, 2, 3))
    assert read(raw(moved, model, KEEP)).position.tolist() == [[1, 2, 3]] * 2
    assert len(passes) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda m: replace(m, pixels=m.pixels + 1),
        lambda m: replace(m, pixels=m.pixels.astype(np.uint16)),
        lambda m: replace(m, area=np.arange(m.height)[:, None] < np.full(m.width, 90)),
        lambda m: replace(m, calibration=Calibration(1.0, 1.0, "nm")),
    ],
)
def test_whatever_changes_the_answer_is_another_one(model: Model, micrograph: Micrograph, passes: list, change):
    raw(micrograph, model, KEEP)
    raw(change(micrograph), model, KEEP)
    assert len(passes) == 2


def test_other_views_and_other_models_are_other_answers(
    new_model: Callable[..., Model], micrograph: Micrograph, passes: list
):
    model = new_model(3)
    raw(micrograph, model, KEEP)
    raw(micrograph, new_model(5), KEEP)
    assert len(passes) == 2
    raw(micrograph, model, replace(KEEP, tta=True))
    assert len(passes) == 10
    raw(micrograph, model, KEEP)
    assert len(passes) == 10


def test_memory_is_bounded(model: Model, new_micrograph: Callable[..., Micrograph], monkeypatch: pytest.MonkeyPatch):
    size = 96 * 128 * 4
    monkeypatch.setattr(kept, "BYTES", 2 * size)
    for level in range(4):
        raw(replace(new_micrograph(), pixels=new_micrograph().pixels + level), model, KEEP)
    assert len(kept._answers) == 2
    monkeypatch.setattr(kept, "BYTES", size - 1)
    kept.clear()
    raw(new_micrograph(), model, KEEP)
    assert not kept._answers


def test_where_nothing_can_be_found_the_probability_is_0(model: Model):
    answer = raw(Micrograph(np.full((40, 50), 7, np.uint8)), model, How(device="cpu"))
    assert answer.probabilities.shape == (1, 40, 50)
    assert not answer.probabilities.any()
    assert len(read(answer, 0.0)) == 0
    with pytest.raises(BadValue, match="threshold"):
        read(answer, "bst")


def test_smaller_tiles_before_refusing_for_want_of_memory(
    model: Model, new_micrograph: Callable[..., Micrograph], monkeypatch: pytest.MonkeyPatch
):
    micrograph = new_micrograph(800, 900)
    own = seen = micrograph.pixels.size
    needed = memory.estimate(own, seen, 512 * 512, 1)
    monkeypatch.setattr(memory, "available", lambda: needed * 1.2)
    found = raw(micrograph, model, How(device="cpu"))
    assert found.info["tiles"]["number"] > 1
    monkeypatch.setattr(memory, "available", lambda: needed * 0.5)
    with pytest.raises(ResourceError, match="free memory"):
        raw(micrograph, model, How(device="cpu"))


class TestLimited:
    """G9: more candidates than any image has objects."""

    def test_few_are_handed_on(self):
        answer = np.random.default_rng(0).random((2, 50, 60)).astype(np.float32)
        same, notes = limited(answer, 1, 0.5)
        assert same is answer
        assert notes == []

    def test_the_largest_stay(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(candidates, "MOST", 10)
        answer = np.zeros((3, 40, 40), np.float32)
        answer[0, 1:39:4, 1:39:4] = 0.9  # 100 single pixels
        answer[1, 0:3, 0:3] = answer[0, 20:23, 20:23] = 0.8
        answer[2] = 0.7  # what a core needs besides stays as it is
        made, notes = limited(answer, 2, 0.5)
        assert np.count_nonzero(made[0] > 0.5) + np.count_nonzero(made[1] > 0.5) == 18 + 8
        assert (made[1] == answer[1]).all()
        assert (made[2] == answer[2]).all()
        assert made[0, 20:23, 20:23].all()
        assert len(notes) == 1
        assert "too many objects: 101 pieces" in notes[0]
        assert answer[0].sum() > made[0].sum()

    def test_a_note_reaches_the_user(
        self, model: Model, new_micrograph: Callable[..., Micrograph], monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(candidates, "MOST", 1)
        found = predict(new_micrograph(), model, device="cpu")
        assert len(found) == 1
        assert any("too many objects: 2 pieces" in note for note in found.info["notes"])
