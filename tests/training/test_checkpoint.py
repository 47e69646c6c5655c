import numpy as np
import pytest
import torch

from temj import storage
from temj.errors import BadModel, StorageError
from temj.training import chance, checkpoint
from temj.training.run import RunFolder

TENSORS = {"network/a": torch.randn(3, 4), "optimizer/0/step": torch.tensor(7.0), "count": torch.tensor(12)}
STATE = {"step": 7, "rate": 0.1 + 0.2, "rows": [{"loss": 1 / 3}], "groups": [{"betas": [0.9, 0.999], "foreach": None}]}


def test_comes_back_bit_for_bit(tmp_path):
    checkpoint.save(tmp_path / "c.safetensors", TENSORS, STATE)
    tensors, state = checkpoint.load(tmp_path / "c.safetensors")
    assert {name: tensor.dtype for name, tensor in tensors.items()} == {n: t.dtype for n, t in TENSORS.items()}
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)
    assert {key: state[key] for key in STATE} == STATE


def test_channels_last_weights_keep_their_values(tmp_path):
    weight = torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)
    checkpoint.save(tmp_path / "c", {"w": weight}, {})
    assert torch.equal(checkpoint.load(tmp_path / "c")[0]["w"], weight)


def test_it_is_no_pickle(tmp_path):
    checkpoint.save(tmp_path / "c", TENSORS, STATE)
    data = (tmp_path / "c").read_bytes()
    assert data[8:9] == b"{"
    assert not data.startswith((b"PK", b"\x80"))


def test_flipped_bits_and_cut_files_are_refused(tmp_path):
    path = tmp_path / "c"
    checkpoint.save(path, TENSORS, STATE)
    data = path.read_bytes()
    rng = np.random.default_rng(0)
    for place in [0, 5, 9, len(data) - 1, *rng.integers(8, len(data), 40).tolist()]:
        broken = bytearray(data)
        broken[place] ^= 1 << int(rng.integers(8))
        storage.write_bytes(path, bytes(broken))
        try:
            tensors, state = checkpoint.load(path)
        except BadModel:
            continue
        # A flip that is not found may only be one that changes nothing (in padding or spelling of the header).
        assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)
        assert {key: state.get(key) for key in STATE} == STATE
    for length in (0, 7, 100, len(data) - 1):
        storage.write_bytes(path, data[:length])
        with pytest.raises(BadModel, match=path.name):
            checkpoint.load(path)


@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_a_full_disk_leaves_the_old_checkpoint(tmp_path, monkeypatch, error):
    path = tmp_path / "c"
    checkpoint.save(path, TENSORS, {"step": 1})
    for number in range(1, 4):
        monkeypatch.setattr(storage, "_steps", 0)
        monkeypatch.setenv("TEMJ_FAIL_AT", f"{number}:{error}")
        with pytest.raises(StorageError):
            checkpoint.save(path, TENSORS, {"step": 2})
        monkeypatch.delenv("TEMJ_FAIL_AT")
        assert checkpoint.load(path)[1]["step"] == 1
        assert [file.name for file in tmp_path.iterdir()] == ["c"]


def test_random_states_come_back_through_json():
    import json
    import random

    def draw():
        return (
            random.random(),
            random.gauss(0, 1),
            np.random.random(),
            np.random.standard_normal(),
            torch.rand(3).tolist(),
        )

    draw()
    states = json.loads(json.dumps(chance.random_states()))
    first = draw()
    assert draw() != first
    chance.restore_random_states(states)
    assert draw() == first


def test_controlled_puts_everything_back():
    before, threads = chance.random_states(), torch.get_num_threads()
    with chance.controlled(5, 1):
        one = torch.rand(4)
        assert torch.get_num_threads() == 1
        assert torch.are_deterministic_algorithms_enabled()
    assert chance.random_states() == before
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()
    with chance.controlled(5, 1):
        assert torch.equal(torch.rand(4), one)


def test_a_finished_run_leaves_no_checkpoints(tmp_path):
    folder = RunFolder(tmp_path / "model")
    folder.begin(resume=False)
    folder.save(TENSORS, STATE)
    folder.save_best(TENSORS, STATE)
    folder.finish()
    assert list((tmp_path / "model").iterdir()) == []
