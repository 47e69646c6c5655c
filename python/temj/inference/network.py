"""A model's core, loaded, proved and kept for the next call."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from temj.errors import BadModel
from temj.models.card import WEIGHTS
from temj.models.device import choose_device, computes_bfloat16
from temj.models.folder import Model
from temj.models.selftest import DType, compare

if TYPE_CHECKING:
    import torch

    from temj.cores.base import Predictor

KEPT = 4
"""Networks that stay in memory."""


@dataclass(frozen=True)
class Network:
    """A core with weights that computes as it should.

    Attributes:
        core: on its device, in evaluation mode; never changed after this.
        device: ``cpu``, ``cuda`` or ``mps``.
        dtype: arithmetic of the layers; weights and answers are float32.
        notes: what was tried in vain, for the user.
    """

    core: Predictor
    device: str
    dtype: DType
    notes: tuple[str, ...] = ()


_kept: OrderedDict[tuple[str, str, str], Network] = OrderedDict()
_lock = threading.Lock()


def ready(model: Model, device: str = "auto") -> Network:
    """The network of a model on a device, in the fastest arithmetic that passes the model's self-test there.

    bfloat16 where the device is built for it, else float32. Float32 on the CPU is what the stored answer was
    computed with and is not tested again. A GPU that fails in both is replaced by the CPU if it was not asked for
    by name. The last networks are kept, by the hash of their weights.

    Raises:
        BadModel: damaged; or ``self-test``: the device that was asked for computes other results.
        BadValue, MissingSoftware: no such device.
    """
    device = "cpu" if choose_device(device) == "cpu" else device
    key = (model.sha256, model.card.core.model_dump_json(), device)
    with _lock:
        if key not in _kept:
            _kept[key] = _make_ready(model, device)
            while len(_kept) > KEPT:
                _kept.popitem(last=False)
        _kept.move_to_end(key)
        return _kept[key]


def _make_ready(model: Model, wanted: str) -> Network:
    device = choose_device(wanted)
    core = load_folded(model, device)
    dtypes: tuple[DType, ...] = ("bfloat16", "float32") if computes_bfloat16(device) else ("float32",)
    notes = []
    for dtype in dtypes:
        if (device, dtype) == ("cpu", "float32"):
            return Network(core, device, dtype, tuple(notes))
        result = compare(model, core, dtype)
        if result.passed:
            return Network(core, device, dtype, tuple(notes))
        notes.append(f"{dtype} is not used, since this model gives other results with it ({result})")
    if wanted != "auto":
        raise BadModel(
            "self-test",
            where=model.folder / WEIGHTS,
            expected="the stored answer",
            found="; ".join(notes),
            remedy="This device or its driver computes other results; use device=cpu.",
        )
    notes.append("predicted on the CPU instead")
    return Network(load_folded(model, "cpu"), "cpu", "float32", tuple(notes))


def load_folded(model: Model, device: str) -> Predictor:
    """A model's core with a network that only predicts: see :func:`fold_batch_norm`."""
    import torch

    core = model.load_core(device)
    core.network = fold_batch_norm(core.network).to(memory_format=torch.channels_last).requires_grad_(False)
    return core


def fold_batch_norm(network: torch.nn.Module) -> torch.nn.Module:
    """The same function with each batch norm multiplied into the convolution before it.

    A U-Net with a ResNet-18 encoder then takes 9 % (float32) to 13 % (bfloat16) less time on the CPU (measured).
    Where torch cannot follow the code of a network, that network itself, of a detector with its encoder folded (4 %
    less in float32, measured); of a list of networks (an ensemble) each.
    """
    import torch
    from torch.fx.experimental.optimization import fuse

    if isinstance(network, torch.nn.ModuleList):
        return torch.nn.ModuleList(fold_batch_norm(member) for member in network)
    try:
        return fuse(network.eval())
    except Exception:  # whatever stops the tracing, the network as it is computes the same
        if isinstance(getattr(network, "encoder", None), torch.nn.Module):
            network.encoder = fold_batch_norm(network.encoder)
        return network
