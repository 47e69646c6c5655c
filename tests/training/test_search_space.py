"""What a search may change: words, files and errors."""

import json

import pytest

from temj.errors import BadValue
from temj.training.search.space import Choice, Range, options_of, places, read_fixed, read_space

CLASSES = ("disc",)


def space(*words: str):
    return read_space(words, "semantic", CLASSES)


@pytest.mark.parametrize(
    ("word", "entry"),
    [
        ("learning_rate=1e-4..1e-2:log", Range(1e-4, 1e-2, log=True)),
        ("learning-rate=0.001..0.01", Range(1e-3, 1e-2)),
        ("batch=2..8", Range(2, 8, whole=True)),
        ("inversion=0..0.5", Range(0.0, 0.5)),
        ("inversion=0..1", Range(0.0, 1.0)),
        ("crop=128,192,256", Choice((128, 192, 256))),
        ("crop=128..256:5", Choice((128, 160, 192, 224, 256))),
        ("learning_rate=1e-4..1e-2:log:3", Choice((1e-4, 1e-3, 1e-2))),
        ("loss=bce+dice,focal+dice", Choice(("bce+dice", "focal+dice"))),
        ("patience=none,5", Choice((None, 5))),
        ("deterministic=true,false", Choice((True, False))),
        ("scale.factor=0.8..1.25,0.5..2", Choice(([0.8, 1.25], [0.5, 2.0]))),
        ("decoder_channels=[64,32,16,16,8],[32,16,16,8,8]", Choice(([64, 32, 16, 16, 8], [32, 16, 16, 8, 8]))),
    ],
)
def test_a_word_is_values_or_a_range(word, entry):
    (found,) = space(word).entries.values()
    assert found == entry
    if isinstance(entry, Choice):
        assert [type(value) for value in found.values] == [type(value) for value in entry.values]


def test_one_value_is_fixed_for_all_trials():
    found = space("encoder=resnet18", "learning_rate=1e-4..1e-2:log")
    assert found.fixed == {"encoder": "resnet18"}
    assert list(found.searched) == ["learning_rate"]


def test_a_file_says_the_same(tmp_path):
    words = space("learning_rate=1e-4..1e-2:log", "crop=128,192", "encoder=resnet18", "inversion=0..0.5")
    file = tmp_path / "space.json"
    file.write_text(json.dumps({
        "learning_rate": {"low": 1e-4, "high": 1e-2, "log": True}, "crop": [128, 192], "encoder": "resnet18",
        "inversion": "0..0.5",
    }))  # fmt: skip
    assert space(str(file)) == words
    file.write_text(json.dumps(words.as_json()))
    assert space(str(file)) == words


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["learning_rat=1e-4..1e-2"], "Did you mean 'learning_rate'"),
        (["inversoin=0..1"], "Did you mean 'inversion'"),
        (["loss=bce+dic,bce"], "did you mean 'dice'"),
        (["encoder=resnet17,resnet18"], "unknown-encoder"),
        (["crop=1.5,128"], "whole number"),
        (["batch=1.5..4"], "whole number"),
        (["crop=256..128"], "the smaller first"),
        (["learning_rate=0..1e-2:log"], "above 0"),
        (["batch=0..8"], "a whole number of at least 1"),
        (["inversion=0..2"], "a probability from 0 to 1"),
        (["learning_rate=1e-4..1e-2:lgo"], "low..high:log"),
        (["batch=a..b"], "two numbers"),
        (["crop"], "name=values"),
        (["crop=128,192", "crop=256"], "each name once"),
        (["crop=128"], "at least one setting with several values"),
        (["precision=float32,half"], "one of: auto, bfloat16, float16, float32, found 'half'"),
        (["classes=a,b"], "unknown-setting"),
        (["resume=true,false"], "unknown-setting"),
        (["no/such/space.json"], "unreadable"),
    ],
)
def test_mistakes_are_told(words, told):
    with pytest.raises(BadValue, match=told):
        space(*words)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[1]", "an object of settings"),
        ('{"crop": [128, 192],}', "line 1"),
        ('{"learning_rate": {"low": 1, "hihg": 2}}', '"high": number'),
        ('{"crop": []}', "an empty list"),
    ],
)
def test_mistakes_in_a_file_are_told(tmp_path, text, told):
    file = tmp_path / "space.json"
    file.write_text(text)
    with pytest.raises(BadValue, match=told):
        space(str(file))


def test_every_name_stands_in_one_place():
    found = places("semantic", CLASSES)
    assert {found["learning_rate"], found["encoder"], found["noise.deviation"]} == {"option", "core", "augmentation"}
    assert not {"resume", "folds", "classes", "device"} & set(found)


def test_settings_come_to_their_places():
    base = {"epochs": 3, "settings": {"encoder": "resnet18"}, "augmentation": {"inversion": {"probability": 0.3}}}
    chosen = {"crop": 128, "loss": "focal+dice", "inversion": 0.5, "scale.factor": [0.5, 2.0]}
    options = options_of(base, chosen, "semantic", CLASSES)
    assert (options.epochs, options.crop) == (3, 128)
    assert options.settings == {"encoder": "resnet18", "loss": "focal+dice"}
    assert options.augmentation == {"inversion": {"probability": 0.5}, "scale": {"factor": [0.5, 2.0]}}


def test_settings_of_the_last_training_have_one_value():
    assert read_fixed(["epochs=200", "patience=10"], "semantic", CLASSES) == {"epochs": 200, "patience": 10}
    with pytest.raises(BadValue, match="one value"):
        read_fixed(["epochs=100,200"], "semantic", CLASSES)
