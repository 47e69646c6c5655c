"""An encoder that stays as it started, for the first epochs or for good.

Before the first step, and wherever an epoch begins: ``set_frozen(network, frozen_at(options.freeze, epoch))``.
In every step :func:`train_mode` takes the place of ``network.train()``. The optimiser is made of all parameters all the
same: those without a gradient have no step, no decay and no moments, and one that is set free later needs no new
optimiser. Both are told from the step alone, so a resumed run and every process of a distributed one do the same.
"""

from __future__ import annotations

from typing import Literal

import torch

from temj.models.starting import encoder_of


def frozen_at(freeze: int | Literal["all"], epoch: int) -> bool:
    """Whether the encoder is frozen in an epoch, counted from 0."""
    return freeze == "all" or epoch < freeze


def set_frozen(network: torch.nn.Module, frozen: bool) -> bool:
    """Freeze the encoder of a network or set it free.

    Args:
        network: with a part named as :func:`temj.models.starting.encoder_of` says; any network where it is to be free.
        frozen: whether its weights may not change.

    Returns:
        Whether this changed something.

    Raises:
        BadValue: ``no-encoder``: there is nothing that could be frozen.
    """
    if not frozen and all(weight.requires_grad for weight in network.parameters()):
        return False
    encoder = getattr(network, encoder_of(network))
    changed = any(weight.requires_grad == frozen for weight in encoder.parameters())
    encoder.requires_grad_(not frozen)
    if frozen:
        for weight in encoder.parameters():
            weight.grad = None  # a gradient of before would still move it
    return changed


def train_mode(network: torch.nn.Module) -> None:
    """``network.train()``, but a frozen encoder stays in evaluation mode.

    So its running statistics of batch norm stay as they are, and it drops nothing: what the decoder sees of an image is
    what it will see in prediction.
    """
    network.train()
    for name in ("encoder", "backbone"):
        part = getattr(network, name, None)
        weights = list(part.parameters()) if part is not None else []
        if weights and not any(weight.requires_grad for weight in weights):
            part.eval()
