"""Weights as safetensors: whole in memory, hashed, finite, and strictly those of the core.

There is no memory mapping (another job may replace the file) and nothing is unpickled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from temj.cores import make_core
from temj.errors import BadModel, BadValue
from temj.models.card import CARD, WEIGHTS, Card
from temj.models.device import choose_device

if TYPE_CHECKING:
    import torch

    from temj.cores.base import Predictor


def load_core(folder: Path, card: Card, read: Callable[[str], bytes], device: str = "auto") -> Predictor:
    """The core of a model with its weights.

    Args:
        folder: of the model; only named in messages.
        card: of the model.
        read: gives the bytes of a file of the folder, proved to be those of the card.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Returns:
        The core; its network is float32 (channels last), in evaluation mode and on the device.

    Raises:
        BadModel: ``truncated``, ``sha256``, ``weights`` (no safetensors), ``nonfinite``, ``architecture`` (names or
            shapes differ), or ``core`` (unknown here, or it does not take the settings).
    """
    import torch

    device = choose_device(device)
    where = folder / WEIGHTS
    state = decode_weights(read(WEIGHTS), where)
    core = build_core(card, folder / CARD)
    fill(core, state, where)
    core.network.to(device=device, memory_format=torch.channels_last).eval().requires_grad_(False)
    return core


def build_core(card: Card, where: object) -> Predictor:
    """The core that a card names, with untrained weights.

    Raises:
        BadModel: this TEMJ has no such core, or the core does not take the settings.
    """
    try:
        return make_core(card.core.name, card.core.settings)
    except BadValue as error:
        raise BadModel(
            "core",
            where=where,
            expected=error.expected,
            found=f"{error.where}{'' if error.found is None else f' = {error.found}'}",
            remedy="Correct the card; or a newer TEMJ has this core or setting.",
        ) from None


def fill(core: Predictor, state: Mapping[str, torch.Tensor], where: object) -> None:
    """Put weights into a core's network, strictly.

    Raises:
        BadModel: ``architecture``, with the first ten differences.
    """
    own = core.network.state_dict()
    differences = [f"{name} is missing" for name in sorted(own) if name not in state]
    differences += [f"{name} is unknown to the core" for name in sorted(state) if name not in own]
    differences += [
        f"{name} is {_size(state[name])}, the core has {_size(own[name])}"
        for name in sorted(own)
        if name in state and own[name].shape != state[name].shape
    ]
    if differences:
        more = f"; and {len(differences) - 10} more" if len(differences) > 10 else ""
        raise BadModel(
            "architecture",
            where=where,
            expected="the weights of the core that the card describes",
            found=f"{len(differences)} differences: {'; '.join(differences[:10])}{more}",
            remedy="Card and weights do not belong together; copy the whole model folder again.",
        )
    core.network.load_state_dict(state, strict=True)


def _size(tensor: torch.Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a number"


def encode_weights(state: Mapping[str, torch.Tensor], where: object) -> bytes:
    """A state dict as safetensors: floating-point tensors as float16, the others as they are.

    Raises:
        BadModel: ``nonfinite``: a weight that is NaN or infinite, or does not fit into float16.
    """
    import torch
    from safetensors.torch import save

    halves = {
        name: value.detach().cpu().to(torch.float16 if value.is_floating_point() else value.dtype).clone().contiguous()
        for name, value in state.items()
    }
    require_finite(halves, where)
    return save(halves, metadata={"format": "pt"})


def decode_weights(data: bytes, where: object) -> dict[str, torch.Tensor]:
    """The inverse of :func:`encode_weights`, with floating-point tensors as float32.

    Raises:
        BadModel: ``weights``: not safetensors; ``nonfinite``.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        state = load(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise BadModel(
            "weights", where=where, expected="a safetensors file", found=str(error), remedy="Copy the model again."
        ) from None
    state = {name: value.to(torch.float32) if value.is_floating_point() else value for name, value in state.items()}
    require_finite(state, where)
    return state


def require_finite(state: Mapping[str, torch.Tensor], where: object) -> None:
    """Refuse NaN and infinite weights.

    Raises:
        BadModel: ``nonfinite``; names the first tensors.
    """
    import torch

    bad = {name: int((~torch.isfinite(value)).sum()) for name, value in state.items()}
    bad = {name: count for name, count in bad.items() if count}
    if bad:
        first = ", ".join(f"{name} ({count})" for name, count in list(bad.items())[:10])
        raise BadModel(
            "nonfinite",
            where=where,
            expected="finite weights",
            found=f"NaN or infinity in {len(bad)} tensors: {first}",
            remedy="The training that made it went wrong; use another model or train again.",
        )
