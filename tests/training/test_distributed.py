"""Two real processes that train one network, started by torchrun once for all tests here (two_processes.py)."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional

from temj.datasets import open_dataset
from temj.errors import Cancelled
from temj.training import TrainingOptions, checkpoint, distributed, train

OPTIONS = {
    "epochs": 4, "batch": 4, "crop": 64, "seed": 3, "threads": 1, "precision": "float32", "validations": 2,
    "checkpoint_seconds": 0.0, "device": "cpu", "learning_rate": 1e-4,
    "settings": {"encoder": "tu-tf_mobilenetv3_small_minimal_100", "decoder_channels": [16, 8, 8, 8, 8]},
}  # fmt: skip
"""A training whose rounding is not amplified: Adam with a large rate soon turns it into other weights, as the order of
the crops within a batch does."""


def example() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    data, factor = torch.randn(8, 3, 5, 4) * 3 + 7, torch.randn(8, 3, 5, 4)
    return {"data": data, "factor": factor, "weight": torch.rand(3) + 0.5, "bias": torch.randn(3)}


@pytest.fixture(scope="module")
def together(discs, tmp_path_factory) -> Path:
    """The folder of all that two_processes.py makes."""
    folder = tmp_path_factory.mktemp("together")
    save_file(example(), folder / "example.st")
    script = Path(__file__).with_name("two_processes.py")
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    run = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-addr", "127.0.0.1", "--master-port", port]
    words = [sys.executable, *run, script, discs, folder, json.dumps(OPTIONS)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, timeout=900, env=environment)
    assert (folder / "killed.0.txt").exists(), done.stderr[-3000:]
    return folder


def told(folder: Path, name: str) -> tuple[str, str]:
    return tuple((folder / f"{name}.{rank}.txt").read_text() for rank in (0, 1))


def weights(folder: Path) -> bytes:
    return (folder / "weights.safetensors").read_bytes()


@pytest.mark.parametrize("name", ["even", "uneven"])
def test_batch_norm_and_sums_are_those_of_the_whole_batch(together, name):
    given = example()
    data, weight, bias = (given[key].clone().requires_grad_() for key in ("data", "weight", "bias"))
    mean, variance = torch.zeros(3), torch.ones(3)
    answer = functional.batch_norm(data, mean, variance, weight, bias, True, 0.1, 1e-5)
    same = functional.batch_norm(data, mean, variance, weight, bias, False)
    loss = (answer * given["factor"]).sum() / (answer**2).sum()
    loss.backward()
    halves = [load_file(together / f"{name}{rank}.st") for rank in (0, 1)]
    for key, expected in (("answer", answer), ("data", data.grad), ("same", same)):
        torch.testing.assert_close(torch.cat([half[key] for half in halves]), expected, rtol=1e-4, atol=1e-6)
    for half in halves:
        for key, expected in (("loss", loss), ("weight", weight.grad), ("bias", bias.grad)):
            torch.testing.assert_close(half[key], expected.detach(), rtol=1e-4, atol=1e-6)
        for key, expected in (("mean", mean), ("variance", variance)):
            torch.testing.assert_close(half[key], expected, rtol=1e-5, atol=1e-6)


def test_after_some_steps_the_weights_are_those_of_one_process(together, discs, tmp_path):
    asked = iter(range(1000))
    with pytest.raises(Cancelled):
        train(
            open_dataset(discs), "semantic", tmp_path / "m", TrainingOptions(**OPTIONS),
            cancelled=lambda: next(asked) >= 4,
        )  # fmt: skip
    alone, state = checkpoint.load(tmp_path / "m" / "training" / "last.safetensors")
    assert state["step"] == 4
    pair = load_file(together / "step4.0.st")
    assert pair.keys() == alone.keys()
    for part in ("network", "averaged"):
        names = [name for name in sorted(alone) if name.startswith(part) and alone[name].is_floating_point()]
        ours, theirs = (torch.cat([x[name].double().flatten() for name in names]) for x in (pair, alone))
        assert (ours - theirs).norm() <= 1e-4 * theirs.norm()


def test_a_second_run_that_is_stopped_and_resumed_is_the_first_bit_for_bit(together):
    assert told(together, "whole") == told(together, "stopped") == ("done", "done")
    assert weights(together / "stopped") == weights(together / "whole")
    curves = [(together / name / "training_curve.csv").read_bytes() for name in ("whole", "stopped")]
    assert curves[0] == curves[1]
    assert not (together / "stopped" / "training").exists()


def test_a_detector_learns_in_two_processes_and_is_resumed_bit_for_bit(together):
    assert told(together, "masks") == told(together, "masks-stopped") == ("done", "done")
    assert weights(together / "masks") == weights(together / "masks-stopped")
    card = json.loads((together / "masks" / "model.json").read_text())
    assert card["core"]["name"] == "masks"
    assert "AP50" in {metric["name"] for metric in card["metrics"]}


def test_only_the_first_writes_and_speaks(together):
    first, second = (json.loads(text) for text in told(together, "command"))
    assert first[0] == second[0] == 0
    assert "object F1" in first[1]
    assert second[1] == second[2] == ""
    assert json.loads((together / "command" / "run.json").read_text())["command"] == "train"


def test_a_batch_that_cannot_be_shared_out_is_a_sentence(together):
    first, second = told(together, "odd")
    assert "Expected a multiple of 2, the number of processes, found 3" in first
    assert second == "2 silent"


def test_the_error_of_one_ends_all_with_its_words(together):
    first, second = told(together, "memory")
    assert second.startswith("4 ResourceError/memory: cpu.")
    assert "CUDA out of memory" in second
    assert first.startswith("4 ResourceError/process: process 1 of 2. Found ResourceError/memory")
    assert "--resume" in first


def test_one_that_is_killed_ends_the_others_in_words(together):
    code, out, err = json.loads((together / "killed.0.txt").read_text())
    assert (code, out) == (4, "")
    assert "another process. Found no word of it: it was killed" in err
    assert "--resume" in err
    assert (together / "killed" / "training" / "last.safetensors").exists()
    assert not (together / "killed.1.txt").exists()


def test_without_torchrun_there_is_one_process(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    with distributed.joined("cpu") as world:
        assert world is distributed.ALONE
    assert not distributed.follows()
