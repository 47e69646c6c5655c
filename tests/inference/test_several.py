"""Several models on one image: their objects together."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest

from temj.data import Film, Instances, Micrograph, RoiType, Shape
from temj.errors import BadValue
from temj.inference import class_names, merged, predict, predict_film
from temj.models import Model


def rectangles(*boxes: tuple[int, int, int, int], score: float | list[float], model: str, **columns) -> Instances:
    """Instances as one model finds them."""
    shapes = [Shape(RoiType.RECT, params=(*box, 0), subpixel=False) for box in boxes]
    info = {
        "model": model, "model_sha256": model * 2, "threshold": 0.5, "threshold_name": "", "pixel_size": None,
        "device": "cpu", "diameter": {"loop": "major"}, "colours": {"loop": "#ff0000"}, "notes": [f"of {model}", "a"],
    }  # fmt: skip
    return Instances.of(shapes, score=score, info=info, **{"class_name": "loop", **columns})


def boxes(found: Instances) -> list[tuple[float, ...]]:
    return [tuple(params[:4]) for params in found.shapes.params]


@pytest.fixture
def cards(new_model: Callable[..., Model]):
    """Of two models that find loops, the second voids too."""
    one = new_model(classes=("loop",), name="first").card
    return one, new_model(classes=("loop", "void"), name="second").card


def test_the_same_object_is_kept_once_with_the_higher_score(cards):
    first = rectangles((0, 0, 10, 10), (50, 50, 10, 10), score=[0.6, 0.9], model="first")
    second = rectangles((1, 0, 10, 10), (50, 51, 10, 10), (20, 20, 5, 5), score=[0.8, 0.7, 0.5], model="second")
    found = merged([first, second], cards)
    assert boxes(found) == [(1, 0, 10, 10), (20, 20, 5, 5), (50, 50, 10, 10)]
    assert list(found.name) == ["loop-0001", "loop-0002", "loop-0003"]
    assert (
        "2 objects were found as loop by second and a model before it: the higher score is kept" in found.info["notes"]
    )


def test_little_overlap_and_other_classes_are_other_objects(cards):
    first = rectangles((0, 0, 10, 10), score=0.6, model="first")
    second = rectangles((5, 0, 10, 10), (0, 0, 10, 10), score=0.9, model="second", class_name=["loop", "void"])
    found = merged([first, second], cards)
    assert len(found) == 3
    assert sorted(zip(found.class_name, found.group, strict=True)) == [("loop", 1), ("loop", 1), ("void", 2)]


def test_equal_scores_keep_the_first(cards):
    first = rectangles((0, 0, 10, 10), score=0.6, model="first")
    second = rectangles((0, 0, 10, 9), score=0.6, model="second")
    assert boxes(merged([first, second], cards)) == [(0, 0, 10, 10)]
    assert boxes(merged([second, first], cards)) == [(0, 0, 10, 9)]


def test_one_to_one_two_parts_do_not_both_go(cards):
    """One large object and two that it covers: only one of them is the same."""
    first = rectangles((0, 0, 20, 10), score=0.9, model="first")
    second = rectangles((0, 0, 14, 10), (14, 0, 6, 10), score=0.5, model="second")
    assert len(merged([first, second], cards)) == 2


def test_info_lists_all_models(cards):
    info = dict(
        merged([rectangles(score=[], model="first"), rectangles(score=[], model="second")], cards).info
    )  # fmt: skip
    assert json.loads(json.dumps(info)) == info
    assert info["model"] == "first,second"
    assert info["model_sha256"] == "firstfirst,secondsecond"
    assert [each["model"] for each in info["models"]] == ["first", "second"]
    assert info["notes"] == ["first: of first", "a", "second: of second"]
    assert class_names(cards) == ("loop", "void")


def test_a_colour_is_given_to_one_class_only(cards):
    second = rectangles(score=[], model="second")
    second = second.with_columns(info={**second.info, "colours": {"void": "#FF0000", "loop": "#00ff00"}})
    assert merged([rectangles(score=[], model="first"), second], cards).info["colours"] == {"loop": "#ff0000"}


def test_networks_of_two_models_on_a_micrograph_and_a_film(new_model: Callable[..., Model], micrograph: Micrograph):
    models = new_model(name="one"), new_model(3, classes=("square", "other"), name="two")
    found = predict(micrograph, models, device="cpu")
    alone = [predict(micrograph, model, device="cpu") for model in models]
    assert len(found) == sum(map(len, alone)) - len(alone[0])
    assert list(found.info["models"][1]["colours"]) == ["square", "other"]
    film = Film("f.tif", (1, 1, 2), lambda index: Micrograph(micrograph.pixels, position=(1, 1, index + 1)))
    assert len(predict_film(film, models, device="cpu")) == 2 * len(found)
    np.testing.assert_array_equal(found.group[found.class_name == "other"], 2)


def test_a_threshold_that_one_model_does_not_have_is_refused_before_the_work(
    new_model: Callable[..., Model], micrograph: Micrograph
):
    models = new_model(), new_model(thresholds={"count": 0.3}, default_threshold="count")
    with pytest.raises(BadValue, match="count"):
        predict(micrograph, models, threshold="area", device="cpu")
    assert [each["threshold"] for each in predict(micrograph, models, device="cpu").info["models"]] == [0.5, 0.3]
