"""Cards: what they hold, and how their faults are told."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

from temj.errors import BadModel, BadValue
from temj.models import Card, read_card


def text_of(card: Card, **changes: object) -> bytes:
    return json.dumps(card.model_dump(mode="json") | changes).encode()


def test_a_card_is_read_as_it_was_written(new_card: Callable[..., Card]):
    card = new_card(imaging={"mode": "bright field", "kV": 200}, symmetry={"rotation": 180, "flip_vertical": True})
    assert read_card(card.model_dump_json().encode(), "model.json") == card


def test_an_unknown_key_is_an_error_that_names_the_nearest(new_card: Callable[..., Card]):
    with pytest.raises(
        BadModel, match=r"unknown key 'treshold_defaults'|unknown key 'tresholds'.*'thresholds'"
    ) as caught:
        read_card(text_of(new_card(), tresholds={"a": 0.5}), "model.json")
    assert caught.value.code == "BadModel/card"


def test_an_unknown_key_inside_a_part_is_told_with_its_place(new_card: Callable[..., Card]):
    data = text_of(new_card(), classes=[{"name": "square", "color": "#00ff00"}])
    with pytest.raises(BadModel, match=r"unknown key 'classes\.0\.color'\. Did you mean 'colour'\?"):
        read_card(data, "model.json")


def test_a_newer_format_is_its_own_error_even_with_unknown_keys():
    with pytest.raises(BadModel, match="newer TEMJ") as caught:
        read_card(b'{"format": 2, "nobody": "knows"}', "model.json")
    assert caught.value.code == "BadModel/newer-format"


@pytest.mark.parametrize(
    "data",
    [b"", b"[1, 2]", b"{", b'"text"', b"{}", b'{"format": 0}', b'{"format": true}', b"\xff\xfe", b"[" * 100_000],
)
def test_what_is_no_card_is_refused_in_words(data: bytes):
    with pytest.raises(BadModel) as caught:
        read_card(data, "model.json")
    assert caught.value.code == "BadModel/card"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"thresholds": {"a": 1.5}, "default_threshold": "a"}, "thresholds.a"),
        ({"thresholds": {"0.5": 0.5}, "default_threshold": "0.5"}, "cannot be the name"),
        ({"default_threshold": "bset"}, "'bset' is not among"),
        ({"pixel_size": {"trained": 2, "min": 3, "max": 4}}, "min <= trained <= max"),
        ({"pixel_size": {"trained": 2, "min": 1, "max": 4, "unit": "furlong"}}, "unit must be"),
        ({"pixel_size": {"trained": "2", "min": 1, "max": 4}}, "valid number"),
        ({"classes": [{"name": "square"}, {"name": "square"}]}, "same name"),
        ({"classes": [{"name": "disc"}]}, "core.settings.classes"),
        ({"class_map": {"loop": "disc"}}, "class_map"),
        ({"classes": []}, "classes"),
        ({"classes": [{"name": "square", "colour": "red"}]}, "colour"),
        ({"files": {"../weights.safetensors": {"sha256": "0" * 64, "bytes": 1}}}, "files"),
        ({"files": {"weights.safetensors": {"sha256": "0", "bytes": 1}}}, "sha256"),
    ],
)
def test_each_wrong_value_is_told(new_card: Callable[..., Card], changes: dict, told: str):
    with pytest.raises(BadModel, match=told):
        read_card(text_of(new_card(), **changes), "model.json")


def test_all_faults_are_in_one_message(new_card: Callable[..., Card]):
    with pytest.raises(BadModel, match=r"task.*unknown key 'flavour'"):
        read_card(text_of(new_card(), task=3, flavour="sweet"), "model.json")


def test_nan_is_no_value_of_a_card(new_card: Callable[..., Card]):
    data = text_of(new_card(), metrics=[{"name": "IoU", "value": float("nan")}])
    with pytest.raises(BadModel, match="metrics"):
        read_card(data, "model.json")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, (0.5, "best")), ("auto", (0.5, "best")), ("", (0.5, "best")), ("area", (0.4, "area")),
        (0.25, (0.25, "")), ("0.25", (0.25, "")), (0, (0.0, "")), (1, (1.0, "")),
    ],
)  # fmt: skip
def test_a_threshold_is_a_name_or_a_number(new_card: Callable[..., Card], value: object, expected: tuple):
    assert new_card().threshold(value) == expected


@pytest.mark.parametrize("value", [1.5, -0.1, "nan", float("inf"), "arae", True, "0,5"])
def test_another_threshold_is_refused_with_the_choices(new_card: Callable[..., Card], value: object):
    with pytest.raises(BadValue, match=r"best \(0.5\), area \(0.4\)") as caught:
        new_card().threshold(value)
    assert ("Did you mean 'area'" in str(caught.value)) == (value == "arae")


def test_pixel_sizes_are_given_in_nm(new_card: Callable[..., Card]):
    card = new_card(pixel_size={"trained": 0.0005, "min": 0.00025, "max": 0.001, "unit": "µm"})
    assert card.pixel_size is not None
    assert card.pixel_size.nm == (0.5, 0.25, 1.0)


def test_cards_need_no_heavy_library():
    heavy = "{'torch', 'cv2', 'scipy', 'skimage', 'pandas', 'tifffile'}"
    code = f"import sys, temj.models as m; m.list_models(); print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_a_licence_may_be_a_whole_line_of_credits():
    from temj.models.card import Data

    line = "MIT, (c) 2020 A. Author; a data set, github a/b (Author & Author, A Journal of Long Names 1, 2021, 12345)"
    assert Data(name="a", licence=line).licence == line
