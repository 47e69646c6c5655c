"""Networks: kept, proved before use, and run within the memory there is (M6, M7, M10, G1, G5)."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import numpy as np
import pytest
import torch

from temj.data import Micrograph
from temj.errors import BadModel, ResourceError
from temj.inference import describe, forward, memory, network, predict
from temj.inference.network import ready
from temj.models import Model, open_model
from temj.models.selftest import SelfTest


def test_a_network_is_loaded_once(model: Model):
    assert ready(model, "cpu") is ready(model, "cpu")
    if not (torch.cuda.is_available() or torch.backends.mps.is_available()):
        assert ready(model, "auto") is ready(model, "cpu")


def test_a_copy_of_the_model_elsewhere_is_the_same_network(model: Model, tmp_path):
    shutil.copytree(model.folder, tmp_path / "copy")
    assert ready(open_model(tmp_path / "copy"), "cpu") is ready(model, "cpu")


def test_only_the_last_networks_are_kept(new_model: Callable[..., Model]):
    models = [new_model(kernel) for kernel in (1, 3, 5, 7, 9)]
    first = ready(models[0], "cpu")
    for model in models[1:]:
        ready(model, "cpu")
    assert len(network._kept) == network.KEPT
    assert ready(models[0], "cpu") is not first


def test_m10_a_network_in_memory_outlives_its_folder(model: Model, micrograph: Micrograph):
    before = predict(micrograph, model, device="cpu")
    shutil.rmtree(model.folder)
    assert np.array_equal(predict(micrograph, model, device="cpu").score, before.score)


def test_damaged_weights_are_never_used(model: Model, micrograph: Micrograph):
    path = model.folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x00")
    with pytest.raises(BadModel, match=r"weights\.safetensors.*sha256"):
        predict(micrograph, model, device="cpu")


def wrong(monkeypatch: pytest.MonkeyPatch, *wrong_dtypes: str) -> list[str]:
    """The self-test fails in these types; gives the list of those that were tried."""
    tried = []

    def compare(model: Model, core: object, dtype: str) -> SelfTest:
        tried.append(dtype)
        return SelfTest("gpu", dtype, 0.5, 1000.0, dtype not in wrong_dtypes)

    monkeypatch.setattr(network, "compare", compare)
    monkeypatch.setattr(network, "computes_bfloat16", lambda device: True)
    return tried


def test_bfloat16_is_used_where_it_passes_the_self_test(model: Model, monkeypatch: pytest.MonkeyPatch):
    tried = wrong(monkeypatch)
    assert (ready(model, "cpu").dtype, tried) == ("bfloat16", ["bfloat16"])


def test_float32_is_used_where_bfloat16_fails(model: Model, monkeypatch: pytest.MonkeyPatch):
    tried = wrong(monkeypatch, "bfloat16")
    made = ready(model, "cpu")
    assert (made.dtype, tried) == ("float32", ["bfloat16"])
    assert "self-test FAILED on gpu in bfloat16" in made.notes[0]


def test_a_gpu_that_computes_something_else_is_not_used(model: Model, monkeypatch: pytest.MonkeyPatch):
    """The CPU plays the GPU: which device is chosen does not matter to what is tested."""
    tried = wrong(monkeypatch, "bfloat16", "float32")
    monkeypatch.setattr(network, "choose_device", lambda device: "mps" if device == "auto" else device)
    monkeypatch.setattr(network, "load_folded", lambda model, device: device)
    made = ready(model, "auto")
    assert (made.device, made.dtype, tried) == ("cpu", "float32", ["bfloat16", "float32"])
    assert made.notes[-1] == "predicted on the CPU instead"
    with pytest.raises(BadModel, match="use device=cpu"):
        ready(model, "mps")


class Branching(torch.nn.Sequential):
    """A network whose code depends on values: it cannot be traced."""

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return super().forward(batch if batch.sum() > 0 else -batch)


@pytest.mark.parametrize("kind", [torch.nn.Sequential, Branching])
def test_folding_batch_norm_changes_no_answer(kind: type):
    torch.manual_seed(0)
    made = kind(torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.Conv2d(4, 1, 3)).eval()
    made[1].running_mean.normal_()
    made[1].running_var.uniform_(0.5, 2)
    folded = network.fold_batch_norm(made)
    assert any(isinstance(layer, torch.nn.BatchNorm2d) for layer in folded.modules()) == (kind is Branching)
    batch = torch.randn(2, 1, 16, 16)
    with torch.inference_mode():
        torch.testing.assert_close(folded(batch), made(batch), rtol=1e-5, atol=1e-6)


class Hungry:
    """A core that runs out of memory above so many pixels in a batch."""

    stride = 32

    def __init__(self, pixels: int, error: Exception):
        self.pixels, self.error, self.batches = pixels, error, []

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        self.batches.append(tuple(batch.shape))
        if batch.numel() > self.pixels:
            raise self.error
        return batch.sigmoid()


ERRORS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
    MemoryError(),
]


@pytest.mark.parametrize("error", ERRORS)
def test_g1_smaller_tiles_where_the_memory_does_not_suffice(error: Exception):
    image = np.random.default_rng(0).standard_normal((1, 640, 640)).astype(np.float32)
    core = Hungry(300 * 300, error)
    raw, tiling, notes = forward.run_network(
        network.Network(core, "cpu", "float32"), image, lambda *_: None, lambda: False
    )
    assert core.batches[0] == (1, 1, 640, 640)
    assert tiling.tile_height * tiling.tile_width <= 300 * 300
    assert notes == (f"out of memory on cpu: used tiles of {tiling.tile_width} x {tiling.tile_height}",)
    np.testing.assert_allclose(raw, 1 / (1 + np.exp(-image)), atol=1e-6)


def test_g1_the_batch_is_halved_first(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(forward.TILE_PIXELS, "cpu", 256 * 256)
    monkeypatch.setitem(forward.BATCH_PIXELS, "cpu", 4 * 256 * 256)
    core = Hungry(256 * 256, ERRORS[0])
    forward.run_network(
        network.Network(core, "cpu", "float32"), np.ones((1, 640, 640), np.float32), lambda *_: None, lambda: False
    )
    assert [batch[0] for batch in core.batches[:3]] == [4, 2, 1]
    assert len({batch[2:] for batch in core.batches}) == 1


def test_g1_no_memory_at_all_is_said_in_words():
    with pytest.raises(ResourceError, match="memory for a tile"):
        forward.run_network(
            network.Network(Hungry(10, ERRORS[0]), "cpu", "float32"),
            np.ones((1, 640, 640), np.float32),
            lambda *_: None,
            lambda: False,
        )


def test_another_error_of_the_network_is_not_swallowed():
    with pytest.raises(RuntimeError, match="a defect"):
        forward.run_network(
            network.Network(Hungry(10, RuntimeError("a defect")), "cpu", "float32"),
            np.ones((1, 64, 64), np.float32),
            lambda *_: None,
            lambda: False,
        )


def test_an_answer_of_nan_is_not_nothing_found(model: Model, micrograph: Micrograph, monkeypatch: pytest.MonkeyPatch):
    core = ready(model, "cpu").core
    monkeypatch.setattr(core, "forward", lambda batch: torch.full_like(batch, float("nan")))
    with pytest.raises(BadModel, match="NaN or infinity in the network's answer"):
        predict(micrograph, model, device="cpu")


def test_the_device_is_described():
    assert describe().split(" ")[0] in ("cpu", "cuda", "mps")


def test_memory_is_estimated_by_pixels_and_known_on_linux():
    assert memory.estimate(10**6, 10**6, 10**6, 1) > memory.estimate(10**6, 10**6, 0, 1) > 5 * 10**7
    assert memory.available() is None or memory.available() > 10**6
    memory.require(1, "small.tif", "1 x 1 pixels")
