"""Fine-tuning from the outside: what a run starts with, what its card and its identity say of it."""

import json

import pytest
import torch

from temj.datasets import open_dataset
from temj.errors import BadModel, BadValue, Cancelled, Unreachable
from temj.models import starting
from temj.training import TrainingOptions, train
from temj.training.run import RunFolder


def stop_at(step: int):
    asked = iter(range(10**6))
    return lambda: next(asked) >= step


def test_a_run_starts_with_the_weights_of_a_model_and_says_so(first, discs, tmp_path, tiny):
    options = TrainingOptions(**{**tiny, "start": str(first.folder)})
    with pytest.raises(Cancelled):
        train(open_dataset(discs), "semantic", tmp_path / "m", options, cancelled=stop_at(0))
    tensors, state = RunFolder(tmp_path / "m").load()
    assert state["step"] == 0
    expected = first.load_core("cpu").network.state_dict()
    assert all(torch.equal(tensors[f"network/{name}"], value) for name, value in expected.items())
    assert state["identity"]["start"]["sha256"] == first.sha256


def test_a_resumed_run_needs_the_start_no_more_and_ends_the_same(first, discs, tmp_path, tiny):
    from safetensors.torch import save_file

    file = tmp_path / "encoder.safetensors"
    state = first.load_core("cpu").network.state_dict()
    save_file({name: value for name, value in state.items() if name.startswith("encoder.")}, file)
    options = {**tiny, "start": str(file), "freeze": 1}
    whole = train(open_dataset(discs), "semantic", tmp_path / "a" / "m", TrainingOptions(**options))
    with pytest.raises(Cancelled):
        train(open_dataset(discs), "semantic", tmp_path / "b" / "m", TrainingOptions(**options), cancelled=stop_at(3))
    file.unlink()
    again = train(open_dataset(discs), "semantic", tmp_path / "b" / "m", TrainingOptions(**options, resume=True))
    assert again.sha256 == whole.sha256
    assert again.card == whole.card
    assert whole.card.trained.start["source"] == "encoder.safetensors"
    assert len(whole.card.trained.start["sha256"]) == 64
    assert str(tmp_path) not in json.dumps(whole.card.trained.start)
    assert any("start weights: encoder.safetensors" in note for note in whole.card.trained.notes)


def test_a_random_start_is_as_before_and_says_random(first):
    assert first.card.trained.start == {"start": "random"}
    assert not [note for note in first.card.trained.notes if "start weights" in note]


def test_another_start_is_not_resumed(first, discs, tmp_path, tiny):
    with pytest.raises(Cancelled):
        train(open_dataset(discs), "semantic", tmp_path / "m", TrainingOptions(**tiny), cancelled=stop_at(2))
    options = TrainingOptions(**{**tiny, "start": str(first.folder), "resume": True})
    with pytest.raises(BadValue, match=r"resume-differs.*parameters\.start: was random"):
        train(open_dataset(discs), "semantic", tmp_path / "m", options)


@pytest.mark.parametrize(
    ("start", "error", "words"),
    [
        ("disks", BadValue, "random, imagenet"),
        ("no.pth", BadModel, "missing"),
        ("imagenet", Unreachable, "put it here"),
    ],
)
def test_what_cannot_be_had_is_told_before_data_are_read(discs, tmp_path, tiny, monkeypatch, start, error, words):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for name in ("TEMJ_CACHE", "HF_HOME", "TORCH_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))
    monkeypatch.setattr("temj.training.loop.Job", None)  # would read them
    with pytest.raises(error, match=words):
        train(open_dataset(discs), "semantic", tmp_path / "m", TrainingOptions(**{**tiny, "start": start}))
    assert not (tmp_path / "m").exists()


def test_an_unknown_encoder_comes_first_of_all(discs, tmp_path, tiny, monkeypatch):
    monkeypatch.setattr("temj.training.loop.require_sound", None)
    wrong = {**tiny, "settings": {"encoder": "efficientnet_b0"}}
    with pytest.raises(BadValue, match=r"unknown-encoder.*mit_b0 … mit_b5.*Did you mean efficientnet-b0") as caught:
        train(open_dataset(discs), "semantic", tmp_path / "m", TrainingOptions(**wrong))
    assert "resnet18 … resnext101_32x48d" in str(caught.value)
    assert not (tmp_path / "m").exists()


def test_a_frozen_encoder_of_random_weights_is_told(discs, tmp_path, tiny, caplog):
    options = TrainingOptions(**{**tiny, "freeze": "all"})
    with pytest.raises(Cancelled):
        train(open_dataset(discs), "semantic", tmp_path / "m", options, cancelled=stop_at(0))
    assert "frozen although its weights are random" in caplog.text
    assert "random" in RunFolder(tmp_path / "m").load()[1]["identity"]["start"]["notes"][0]


def test_preparing_leaves_the_random_generators_alone(first, tiny):
    from temj.cores import make_core

    core = make_core("semantic", {"classes": ["disc"], **tiny["settings"]})
    before = torch.get_rng_state()
    starting.prepare(str(first.folder), core)
    assert torch.equal(before, torch.get_rng_state())
