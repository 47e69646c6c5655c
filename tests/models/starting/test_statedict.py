"""Files of weights of any make: tensors out, nothing run."""

import io
import pickle
import warnings
import zipfile
from collections import OrderedDict

import pytest
import torch
from safetensors.torch import save as safetensors

from temj.errors import BadModel, Refused
from temj.models.starting import statedict

STATE = {"conv1.weight": torch.arange(6.0).reshape(2, 3), "bn1.num_batches_tracked": torch.tensor(7)}


def saved(value: object, **options: object) -> bytes:
    file = io.BytesIO()
    torch.save(value, file, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        safetensors(STATE),
        saved(STATE),
        saved(OrderedDict(STATE)),
        saved(STATE, _use_new_zipfile_serialization=False),
        saved({"state_dict": STATE, "epoch": 3, "optimizer": {"lr": 0.1}}),
        saved({"model": {"state_dict": STATE}, "arch": "resnet50"}),
        saved({**STATE, "epoch": 12}),
    ],
    ids=["safetensors", "torch", "ordered", "torch before 1.6", "nested", "nested twice", "numbers among tensors"],
)
def test_what_training_programs_write_is_read(data):
    found = statedict.decode(data, "x.pth")
    assert set(found) == set(STATE)
    assert all(torch.equal(found[name], STATE[name]) for name in STATE)


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("new", [True, False])
@pytest.mark.parametrize("place", ["bare", "beside tensors"])
def test_code_in_a_file_is_never_run(tmp_path, new, place):
    bomb = Bomb(tmp_path / "harm")
    data = saved(bomb if place == "bare" else {**STATE, "extra": bomb}, _use_new_zipfile_serialization=new)
    with pytest.raises(Refused, match=r"pickle: x\.pth.*safetensors"):
        statedict.decode(data, "x.pth")
    with pytest.raises(Refused):
        statedict.decode(pickle.dumps(bomb), "x.pth")
    assert not (tmp_path / "harm").exists()


def test_a_program_is_not_run():
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated, but such files exist
        torch.jit.save(torch.jit.trace(torch.nn.Linear(1, 1), torch.zeros(1, 1)), file)
    with pytest.raises(Refused, match="torchscript"):
        statedict.decode(file.getvalue(), "x.pt")


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "empty"),
        (b"\n<!DOCTYPE html><html>", "web page"),
        (b"GIF89a", "another kind"),
        (saved(STATE)[:-100], "damaged or cut off"),
        (safetensors(STATE)[:-1], "damaged"),
        (saved({"epoch": 3}), "no tensors"),
        (saved([1, 2]), "no tensors"),
        (b"\x80\x02", "damaged"),
    ],
)
def test_a_file_that_is_none_is_told_in_words(data, found):
    with pytest.raises(BadModel, match=f"weights: here.*{found}"):
        statedict.decode(data, "here")


def test_every_cut_of_a_file_is_an_error_of_ours():
    for data in (saved(STATE), saved(STATE, _use_new_zipfile_serialization=False), safetensors(STATE)):
        for end in range(1, len(data), 37):
            with pytest.raises((BadModel, Refused)):
                statedict.decode(data[:end], "x")


def test_a_zip_bomb_is_not_unpacked(monkeypatch):
    monkeypatch.setattr(statedict, "MOST_BYTES", 1_000_000)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(5_000_000))
    assert len(file.getvalue()) < 10_000
    with pytest.raises(Refused, match="too-big"):
        statedict.decode(file.getvalue(), "x.pth")
