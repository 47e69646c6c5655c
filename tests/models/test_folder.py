"""Model folders that are damaged, incomplete, dangerous, or simply right (faults M1-M6, M8, M10, S1)."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from temj.data import Micrograph
from temj.errors import BadModel, BadValue, MissingSoftware, Refused, StorageError, TemjError
from temj.models import Card, Model, list_models, open_model, search_path, write_model

WEIGHTS = "weights.safetensors"


@pytest.fixture(autouse=True)
def only_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Models are looked for in ``<tmp_path>/models`` first."""
    monkeypatch.setenv("TEMJ_MODELS", str(tmp_path / "models"))


def edit_card(folder: Path, change: Callable[[dict], None]) -> None:
    card = json.loads((folder / "model.json").read_text("utf-8"))
    change(card)
    (folder / "model.json").write_text(json.dumps(card), "utf-8")


def test_a_folder_has_all_its_files_and_is_opened_by_name_and_by_path(model: Model):
    assert {file.name for file in model.folder.iterdir()} == {
        "model.json", WEIGHTS, "sample.tif", "expected.tif", "preview.png",
    }  # fmt: skip
    assert open_model("squares") == open_model(model.folder) == open_model(str(model.folder)) == model
    assert model in list_models()
    model.verify()


def test_an_unknown_name_lists_the_known_and_names_the_nearest(model: Model):
    with pytest.raises(BadValue, match=r"squares.*Did you mean 'squares'") as caught:
        open_model("sqares")
    assert caught.value.code == "BadValue/unknown-model"


def test_a_folder_that_is_not_there(tmp_path: Path):
    with pytest.raises(BadModel) as caught:
        open_model(tmp_path / "nowhere")
    assert caught.value.code == "BadModel/missing"


def test_the_search_path_begins_with_the_users_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TEMJ_MODELS", os.pathsep.join([str(tmp_path / "a"), "", str(tmp_path / "b")]))
    assert search_path()[:2] == (tmp_path / "a", tmp_path / "b")
    assert len(search_path()) >= 3


def test_the_first_model_of_a_name_wins(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shutil.copytree(model.folder, tmp_path / "mine" / "squares")
    monkeypatch.setenv("TEMJ_MODELS", os.pathsep.join([str(tmp_path / "mine"), str(tmp_path / "models")]))
    assert open_model("squares").folder == tmp_path / "mine" / "squares"


@pytest.mark.parametrize("length", [0, 1, 100])
def test_m1_truncated_weights(model: Model, length: int):
    data = (model.folder / WEIGHTS).read_bytes()
    (model.folder / WEIGHTS).write_bytes(data[:length])
    with pytest.raises(BadModel, match=f"[Ii]s {length} bytes, manifest says {len(data)}") as caught:
        open_model(model.folder)
    assert caught.value.code == "BadModel/truncated"
    with pytest.raises(BadModel, match="manifest says"):
        model.load_core("cpu")


def test_m2_every_flipped_bit_is_found_before_the_weights_are_parsed(model: Model, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("temj.models.weights.decode_weights", lambda *_: pytest.fail("parsed"))
    data = (model.folder / WEIGHTS).read_bytes()
    for position in range(0, len(data), 7):
        changed = bytearray(data)
        changed[position] ^= 1 << position % 8
        (model.folder / WEIGHTS).write_bytes(changed)
        with pytest.raises(BadModel) as caught:
            open_model(model.folder).load_core("cpu")
        assert caught.value.code == "BadModel/sha256"


def test_m3_all_missing_files_are_listed_and_others_ignored(model: Model):
    (model.folder / "notes.py").write_text("raise SystemExit", "utf-8")
    assert open_model(model.folder) == model
    for name in (WEIGHTS, "sample.tif"):
        (model.folder / name).unlink()
    with pytest.raises(BadModel, match=f"2 not there: {WEIGHTS}, sample.tif") as caught:
        open_model(model.folder)
    assert caught.value.code == "BadModel/missing"


def test_a_card_without_weights_is_no_model(model: Model):
    edit_card(model.folder, lambda card: card["files"].pop(WEIGHTS))
    with pytest.raises(BadModel, match=f"no {WEIGHTS}"):
        open_model(model.folder)


def test_m4_newer_format(model: Model):
    edit_card(model.folder, lambda card: card.update(format=7))
    with pytest.raises(BadModel, match="found format 7") as caught:
        open_model(model.folder)
    assert caught.value.code == "BadModel/newer-format"


def test_m5_weights_of_another_core_are_refused_with_the_differences(model: Model):
    edit_card(model.folder, lambda card: card["core"]["settings"].update(kernel=3))
    with pytest.raises(BadModel, match=r"1 differences: weight is 1x1x1x1, the core has 1x1x3x3") as caught:
        open_model(model.folder).load_core("cpu")
    assert caught.value.code == "BadModel/architecture"


def test_m5_missing_and_unknown_names(tmp_path: Path, new_card: Callable[..., Card], sample: Micrograph, state: dict):
    wrong = {"bias": state["bias"]} | {f"other{k:02d}": state["bias"].clone() for k in range(20)}
    with pytest.raises(BadModel, match=r"21 differences: weight is missing; other00 is unknown.*and 11 more"):
        write_model(tmp_path / "models" / "wrong", new_card(), wrong, sample)
    assert not (tmp_path / "models" / "wrong").exists()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e6])
def test_m6_weights_that_are_not_finite_are_not_written(
    tmp_path: Path, new_card: Callable[..., Card], sample: Micrograph, state: dict, value: float
):
    state["bias"][0] = value  # 1e6 is infinite in float16
    with pytest.raises(BadModel, match=r"bias \(1\)") as caught:
        write_model(tmp_path / "models" / "bad", new_card(), state, sample)
    assert caught.value.code == "BadModel/nonfinite"


def test_m6_weights_that_are_not_finite_are_not_loaded(model: Model):
    import hashlib

    import torch
    from safetensors.torch import save

    data = save({"weight": torch.full((1, 1, 1, 1), float("nan")), "bias": torch.zeros(1)})
    (model.folder / WEIGHTS).write_bytes(data)
    fact = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    edit_card(model.folder, lambda card: card["files"].update({WEIGHTS: fact}))
    with pytest.raises(BadModel) as caught:
        open_model(model.folder).load_core("cpu")
    assert caught.value.code == "BadModel/nonfinite"


@pytest.mark.parametrize("name", ["model.pth", "best.pt", "weights.PKL"])
def test_m8_a_pickle_is_never_opened(tmp_path: Path, name: str):
    import pickle

    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "canary"),)

    folder = tmp_path / "models" / "stranger"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(Refused, match="safetensors") as caught:
        open_model("stranger" if name.islower() else folder)
    assert caught.value.code == "Refused/pickle"
    assert not (tmp_path / "canary").exists()


def test_m8_a_pickle_in_place_of_the_weights(model: Model):
    (model.folder / WEIGHTS).rename(model.folder / "weights.pth")
    with pytest.raises(Refused, match=r"weights\.pth"):
        open_model(model.folder)


def test_broken_models_are_listed_and_do_not_hide_the_others(model: Model, tmp_path: Path):
    broken = tmp_path / "models" / "broken"
    shutil.copytree(model.folder, broken)
    (broken / "model.json").write_text("{", "utf-8")
    (tmp_path / "models" / "no model").mkdir()
    entries = [entry for entry in list_models() if str(tmp_path) in str(getattr(entry, "folder", entry))]
    assert [isinstance(entry, TemjError) for entry in entries] == [True, False]
    assert str(broken) in str(entries[0])


def test_m9_a_read_only_folder_works(model: Model):
    for file in model.folder.iterdir():
        file.chmod(stat.S_IRUSR)
    model.folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    before = {file.name: file.stat().st_mtime_ns for file in model.folder.iterdir()}
    try:
        open_model(model.folder).load_core("cpu")
        assert {file.name: file.stat().st_mtime_ns for file in model.folder.iterdir()} == before
    finally:
        model.folder.chmod(stat.S_IRWXU)


def test_m10_a_model_that_is_replaced_while_open_is_old_or_new_never_a_mixture(
    model: Model, new_card: Callable[..., Card], sample: Micrograph, state: dict
):
    core = model.load_core("cpu")
    state["bias"][0] = 2.0
    newer = write_model(model.folder, new_card(), state, sample, overwrite=True)
    assert float(core.network.bias) == -4.0  # held in memory
    with pytest.raises(BadModel, match="changed after the model was made or opened"):
        model.load_core("cpu")
    assert float(newer.load_core("cpu").network.bias) == 2.0


def test_a_model_is_not_overwritten_unasked(
    model: Model, new_card: Callable[..., Card], sample: Micrograph, state: dict
):
    before = {file.name: file.read_bytes() for file in model.folder.iterdir()}
    with pytest.raises(Refused):
        write_model(model.folder, new_card(), state, sample)
    assert {file.name: file.read_bytes() for file in model.folder.iterdir()} == before


@pytest.mark.parametrize("step", range(1, 19))
def test_a_full_disk_while_overwriting(
    model: Model,
    new_card: Callable[..., Card],
    sample: Micrograph,
    state: dict,
    monkeypatch: pytest.MonkeyPatch,
    step: int,
):
    """Steps 1-3 prove the folder, 4-8 make the temporary files, 9 and 10 finish the first: till then nothing is lost.

    After that the folder is refused, or is still the old model; never is it half of each.
    """
    state["bias"][0] = 2.0
    monkeypatch.setattr("temj.storage._steps", 0)
    monkeypatch.setenv("TEMJ_FAIL_AT", f"{step}:ENOSPC")
    with pytest.raises(StorageError):
        write_model(model.folder, new_card(), state, sample, overwrite=True)
    monkeypatch.delenv("TEMJ_FAIL_AT")
    assert not [file for file in model.folder.iterdir() if ".tmp-" in file.name]
    if step <= 10:
        open_model(model.folder).verify()
    try:
        assert float(open_model(model.folder).load_core("cpu").network.bias) == -4.0
    except BadModel:
        assert step > 10


def test_an_interrupted_first_save_is_no_model(
    tmp_path: Path, new_card: Callable[..., Card], sample: Micrograph, state: dict, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "models" / "half"
    monkeypatch.setattr("temj.storage._steps", 0)
    monkeypatch.setenv("TEMJ_FAIL_AT", "17:ENOSPC")  # the card's own sync, the last file
    with pytest.raises(StorageError):
        write_model(folder, new_card(), state, sample)
    assert not (folder / "model.json").exists()
    with pytest.raises(BadModel):
        open_model(folder)


def test_a_check_finds_what_would_stop_a_long_run(model: Model):
    model.check(0.5, "cpu")
    with pytest.raises(BadValue):
        model.check("nothing", "cpu")
    with pytest.raises(BadValue, match="one of auto, cpu, cuda, mps"):
        model.check(None, "tpu")
    import torch

    if not torch.cuda.is_available():
        with pytest.raises(MissingSoftware, match="CUDA"):
            model.check(None, "cuda")
    (model.folder / WEIGHTS).write_bytes(b"x" * model.card.files[WEIGHTS].bytes)
    with pytest.raises(BadModel):
        model.check(0.5, "cpu")


def test_nothing_in_temj_opens_a_pickle():
    """No module of TEMJ calls a function that unpickles; torch.load may read tensors and nothing else."""
    import re

    import temj

    source = Path(temj.__file__).parent
    loads = [call for file in source.rglob("*.py") for call in re.findall(r"torch\.load\b.*", file.read_text("utf-8"))]
    assert loads
    assert all("weights_only=True" in call for call in loads)
    words = ("pickle.load", "joblib.load", "allow_pickle=True", "weights_only=False", "hub.load(", "torch.jit.load")
    found = [(file.name, word) for file in source.rglob("*.py") for word in words if word in file.read_text("utf-8")]
    assert found == []
