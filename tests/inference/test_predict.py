"""Prediction from the micrograph to named objects (faults I10-I13, I22, I23, P18)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from temj.data import Calibration, Film, Instances, Micrograph
from temj.errors import BadImage, BadValue, Cancelled, MissingSoftware, ResourceError
from temj.inference import forward, predict, predict_film
from temj.models import Model


def boxes(found: Instances) -> list[tuple[float, ...]]:
    """(x, y, width, height) of each object."""
    return [tuple(params[:4]) for params in found.shapes.params]


def same(first: Instances, second: Instances) -> bool:
    columns = ("class_name", "score", "name", "group", "position", "track")
    return (
        boxes(first) == boxes(second)
        and all(np.array_equal(getattr(first, name), getattr(second, name)) for name in columns)
        and dict(first.info) == dict(second.info)
    )


def test_objects_are_found_named_and_grouped(model: Model, micrograph: Micrograph):
    found = predict(micrograph, model, device="cpu")
    assert boxes(found) == [(20, 20, 10, 10), (70, 60, 20, 20)]
    assert list(found.name) == ["square-0001", "square-0002"]
    assert list(found.group) == [1, 1]
    assert found.position.tolist() == [[0, 0, 0]] * 2


def test_info_says_how(model: Model, micrograph: Micrograph):
    info = dict(predict(micrograph, model, threshold="area", device="cpu").info)
    assert json.loads(json.dumps(info)) == info
    assert info.pop("dtype") in ("float32", "bfloat16")
    assert info == {
        "model": "squares",
        "model_sha256": model.sha256,
        "threshold": 0.4,
        "threshold_name": "area",
        "pixel_size": [0.5, 0.5],
        "trained_pixel_size": 0.5,
        "factor": [1.0, 1.0],
        "input_size": None,
        "views": 1,
        "tiles": {"number": 1, "width": 128, "height": 96, "overlap": 0},
        "device": "cpu",
        "diameter": {"square": "major"},
        "colours": {"square": "#ff7f0e"},
        "notes": [],
    }


def test_p18_two_runs_are_equal(model: Model, micrograph: Micrograph):
    assert same(predict(micrograph, model, device="cpu"), predict(micrograph, model, device="cpu"))


def test_threshold_is_a_number_or_a_name(model: Model, micrograph: Micrograph):
    assert len(predict(micrograph, model, threshold="1", device="cpu")) == 0
    assert predict(micrograph, model, threshold=0.25, device="cpu").info["threshold_name"] == ""
    with pytest.raises(BadValue, match="best"):
        predict(micrograph, model, threshold="bst", device="cpu")


@pytest.mark.parametrize("size", [1.0, 0.25])
def test_another_magnification_gives_the_same_objects_in_its_own_pixels(
    model: Model, new_micrograph: Callable[..., Micrograph], size: float
):
    micrograph = new_micrograph(pixel=size)
    found = predict(micrograph, model, device="cpu")
    assert found.info["factor"] == [size / 0.5, size / 0.5]
    assert f"rescaled from {size:g} to 0.5 nm/px" in found.info["notes"][0]
    np.testing.assert_allclose(boxes(found), [(20, 20, 10, 10), (70, 60, 20, 20)], atol=1)


def test_unequal_pixels(model: Model):
    pixels = np.full((100, 100), 180, np.uint8)
    pixels[40:60, 20:40] = 30
    found = predict(Micrograph(pixels, Calibration(0.25, 1.0, "nm")), model, device="cpu")
    assert found.info["tiles"]["width"] < found.info["tiles"]["height"]
    np.testing.assert_allclose(boxes(found), [(20, 40, 20, 20)], atol=1)


def test_i22_an_unknown_pixel_size_is_said(model: Model, new_micrograph: Callable[..., Micrograph]):
    found = predict(new_micrograph(pixel=None), model, device="cpu")
    assert found.info["notes"] == ["pixel size unknown: predicted unscaled, results in pixels"]
    assert found.info["pixel_size"] is None
    assert len(found) == 2


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_i10_pixels_that_are_not_finite(model: Model, new_micrograph: Callable[..., Micrograph], value: float):
    pixels = new_micrograph(dtype=np.float32).pixels.copy()
    pixels[7, 3:6] = value
    with pytest.raises(BadImage, match="3 px that are NaN or infinite, the first at x=3, y=7") as caught:
        predict(Micrograph(pixels), model, device="cpu")
    assert caught.value.code == "BadImage/nonfinite"


@pytest.mark.parametrize(("value", "dtype"), [(0, np.uint8), (65535, np.uint16), (0.1, np.float32)])
def test_i11_a_constant_image_has_no_objects(model: Model, value: float, dtype: type):
    found = predict(Micrograph(np.full((50, 50), value, dtype), Calibration(0.5, 0.5, "nm")), model, device="cpu")
    assert len(found) == 0
    assert found.info["notes"] == ["constant image"]
    assert found.info["threshold"] == 0.5


@pytest.mark.parametrize(
    ("dtype", "factor", "told"),
    [
        (np.uint16, 1, ["16-bit image"]),
        (np.uint16, 257, ["16-bit image", "grey values"]),
        (np.float32, 1e-6, ["32-bit float image"]),
        (np.float32, -1, ["32-bit float image", "grey values"]),
    ],
)
def test_i12_other_types_and_ranges_are_normalised_and_said(
    model: Model, new_micrograph: Callable[..., Micrograph], dtype: type, factor: float, told: list[str]
):
    micrograph = new_micrograph()
    pixels = (micrograph.pixels.astype(np.float64) * factor).astype(dtype)
    found = predict(replace(micrograph, pixels=pixels), model, device="cpu")
    assert [note.startswith(start) for note, start in zip(found.info["notes"], told, strict=True)] == [True] * len(told)
    if factor > 0:  # I13 too: the same picture, no wrapping
        assert boxes(found) == [(20, 20, 10, 10), (70, 60, 20, 20)]


def test_i13_no_value_wraps(model: Model, new_micrograph: Callable[..., Micrograph]):
    """256 is brighter than 255: a cast to 8 bits would make it the darkest."""
    pixels = new_micrograph(dtype=np.uint16).pixels + 76  # 246 .. 265, across the border of 8 bits
    found = predict(Micrograph(pixels, Calibration(0.5, 0.5, "nm")), model, device="cpu")
    assert boxes(found) == [(20, 20, 10, 10), (70, 60, 20, 20)]


@pytest.mark.parametrize("shape", [(1, 1), (1, 20_000), (20_000, 1), (50, 50), (3, 7), (33, 1)])
@pytest.mark.parametrize("pixel", [None, 1.0, 0.25])
def test_i23_any_size_works(model: Model, shape: tuple[int, int], pixel: float | None):
    pixels = np.full(shape, 200, np.uint8)
    pixels[-1, -1] = 10
    calibration = Calibration() if pixel is None else Calibration(pixel, pixel, "nm")
    found = predict(Micrograph(pixels, calibration), model, device="cpu")
    if shape != (1, 1) and pixel is None:
        assert boxes(found) == [(shape[1] - 1, shape[0] - 1, 1, 1)]
    assert all(x + w <= shape[1] and y + h <= shape[0] for x, y, w, h in boxes(found))


@pytest.mark.usefixtures("float32")
@pytest.mark.parametrize("kernel", [1, 3, 15])
def test_tiles_change_nothing_for_a_network_that_sees_less_than_the_overlap(
    new_model: Callable[..., Model], kernel: int, monkeypatch: pytest.MonkeyPatch
):
    """Largest difference of a probability 1e-6, the rounding of float32."""
    from temj.inference.network import ready

    network = ready(new_model(kernel), "cpu")
    image = np.random.default_rng(1).standard_normal((1, 500, 700)).astype(np.float32)
    whole, tiling, _ = forward.run_network(network, image, lambda *_: None, lambda: False)
    assert len(tiling) == 1
    monkeypatch.setitem(forward.TILE_PIXELS, "cpu", 256 * 256)
    parts, tiling, _ = forward.run_network(network, image, lambda *_: None, lambda: False)
    assert len(tiling) >= 6
    np.testing.assert_allclose(parts, whole, rtol=0, atol=1e-6)


def test_normalisation_is_that_of_the_whole_image_in_every_tile(model: Model, monkeypatch: pytest.MonkeyPatch):
    """A tile of nothing but noise would be stretched to full contrast on its own."""
    pixels = np.random.default_rng(3).integers(170, 190, (600, 600), np.uint8)
    pixels[:, :150] = 40
    monkeypatch.setitem(forward.TILE_PIXELS, "cpu", 200 * 200)
    found = predict(Micrograph(pixels, Calibration(0.5, 0.5, "nm")), model, device="cpu")
    assert found.info["tiles"]["number"] > 4
    assert boxes(found) == [(0, 0, 150, 600)]


def test_progress_is_told_and_cancelling_stops(
    model: Model, new_micrograph: Callable[..., Micrograph], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(forward.TILE_PIXELS, "cpu", 200 * 200)
    steps: list[tuple[int, int]] = []
    predict(new_micrograph(400, 400), model, device="cpu", progress=lambda _, *step: steps.append(step))
    count = steps[-1][1]
    assert steps == [(number, count) for number in range(count + 1)]
    calls = iter([False, False, True])
    with pytest.raises(Cancelled):
        predict(new_micrograph(400, 400), model, device="cpu", cancelled=lambda: next(calls))


def test_a_gpu_that_is_not_there_is_an_error(model: Model, micrograph: Micrograph):
    import torch

    if torch.cuda.is_available():
        assert predict(micrograph, model, device="cuda").info["device"] == "cuda"
    else:
        with pytest.raises(MissingSoftware, match="device=auto or device=cpu"):
            predict(micrograph, model, device="cuda")


def test_too_little_memory_is_said_before_the_start(
    model: Model, new_micrograph: Callable[..., Micrograph], monkeypatch: pytest.MonkeyPatch
):
    micrograph = new_micrograph(pixel=5000.0)
    monkeypatch.setattr("temj.inference.memory.available", lambda: 10**9)
    with pytest.raises(ResourceError, match=r"GB of free memory for 1280000 x 960000 pixels.*1\.0 GB free"):
        predict(micrograph, model, device="cpu")


def test_the_groups_are_the_numbers_of_the_classes(new_model: Callable[..., Model], micrograph: Micrograph):
    found = predict(micrograph, new_model(classes=("a.b", "second")), device="cpu")
    assert set(zip(found.class_name, found.group, strict=True)) == {("a.b", 1), ("second", 2)}
    assert [name.split("-")[1] for name in found.name] == ["0001", "0002", "0003", "0004"]


def film_of(micrograph: Micrograph, *changes: dict) -> Film:
    """A film of frames that differ from ``micrograph`` in the named fields."""

    def read(index: int) -> Micrograph:
        return replace(micrograph, position=(1, 1, index + 1), **changes[index])

    return Film("film.tif", (1, 1, len(changes)), read)


def test_a_film_is_predicted_plane_by_plane(model: Model, micrograph: Micrograph):
    flat = np.zeros((96, 128), np.uint8)
    film = film_of(micrograph, {}, {"pixels": flat}, {"pixels": micrograph.pixels[::-1]}, {"pixels": flat})
    steps = []
    found = predict_film(film, model, device="cpu", progress=lambda *step: steps.append(step))
    assert found.position[:, 2].tolist() == [1, 1, 3, 3]
    assert list(found.name) == [f"square-{number:04d}" for number in range(1, 5)]
    assert boxes(found)[2:] == [(70, 16, 20, 20), (20, 66, 10, 10)]
    assert found.info["notes"] == ["constant image (planes 2, 4)"]
    assert steps[-1] == ("Predicting plane 3 of 4", 3, 4)


def test_a_film_of_one_plane_is_a_micrograph(model: Model, micrograph: Micrograph):
    film = Film("one.tif", (1, 1, 1), lambda _: micrograph)
    assert same(predict_film(film, model, device="cpu"), predict(micrograph, model, device="cpu"))


def test_an_empty_film_of_objects_is_a_normal_result(model: Model, micrograph: Micrograph):
    flat = {"pixels": np.zeros((96, 128), np.uint8)}
    found = predict_film(film_of(micrograph, flat, flat), model, device="cpu")
    assert len(found) == 0
    assert found.info["notes"] == ["constant image"]


def test_i10_pixels_that_are_not_finite_are_filled_where_that_is_asked(
    model: Model, new_micrograph: Callable[..., Micrograph]
):
    whole = new_micrograph(dtype=np.float32)
    pixels = whole.pixels.copy()
    pixels[0, 5], pixels[1, 1] = np.nan, np.inf
    found = predict(replace(whole, pixels=pixels), model, device="cpu", fill=True)
    assert len(found) == len(predict(whole, model, device="cpu")) > 0
    assert any("2 px that are NaN or infinite, the first at x=5, y=0" in note for note in found.info["notes"])
    with pytest.raises(BadImage, match="nonfinite"):
        predict(replace(whole, pixels=np.full((32, 32), np.nan, np.float32)), model, device="cpu", fill=True)
