"""Optimisers by name, each with the learning rate and weight decay that it is good with.

One more is one line of :data:`OPTIMIZERS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from temj import registry
from temj.models.starting import encoder_of

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Recipe:
    """How an optimiser is made.

    Attributes:
        kind: its name in ``torch.optim``.
        learning_rate: the top of the schedule, where the user gives none; for batches of some ten crops.
        weight_decay: where the user gives none. Decoupled from the gradient (Loshchilov & Hutter 2019) for adamw,
            nadam and radam; part of the gradient (L2), and therefore much smaller, for the others.
        settings: what else it is made with.
        fused: whether torch has it as one kernel for all weights, on the CPU and on CUDA.
    """

    kind: str
    learning_rate: float
    weight_decay: float
    settings: Mapping[str, Any] = field(default_factory=dict)
    fused: bool = False


OPTIMIZERS: dict[str, Recipe] = {
    "adamw": Recipe("AdamW", 2e-3, 0.05, fused=True),
    "adam": Recipe("Adam", 1e-3, 1e-4, fused=True),
    "nadam": Recipe("NAdam", 2e-3, 0.05, {"decoupled_weight_decay": True}),
    "radam": Recipe("RAdam", 2e-3, 0.05, {"decoupled_weight_decay": True}),
    "rmsprop": Recipe("RMSprop", 5e-4, 1e-4),
    "sgd": Recipe("SGD", 5e-2, 1e-4, {"momentum": 0.9, "nesterov": True}, fused=True),
}
"""Name → recipe."""


def recipe(name: str) -> Recipe:
    """What is known of an optimiser.

    Raises:
        BadValue: unknown; it names the nearest one.
    """
    if name not in OPTIMIZERS:
        raise registry.unknown("optimizer", name, OPTIMIZERS)
    return OPTIMIZERS[name]


def make_optimizer(
    name: str, network: torch.nn.Module, learning_rate: float, weight_decay: float, encoder_rate: float = 1.0
) -> torch.optim.Optimizer:
    """An optimiser of all weights of a network.

    Args:
        name: a line of :data:`OPTIMIZERS`.
        network: its weights are on their device already.
        learning_rate: of all weights but those of the encoder.
        weight_decay: of all weights.
        encoder_rate: learning rate of the encoder as a share of the others'; 1 gives a single group of weights.

    Raises:
        BadValue: an unknown name, or another rate for the encoder of a network that has none.
    """
    import torch

    found, weights = recipe(name), list(network.parameters())
    fused = found.fused and {weight.device.type for weight in weights} <= {"cpu", "cuda"}
    settings = dict(found.settings) | ({"fused": True} if fused else {})
    return getattr(torch.optim, found.kind)(
        _groups(network, learning_rate, encoder_rate), lr=learning_rate, weight_decay=weight_decay, **settings
    )


def _groups(network: torch.nn.Module, rate: float, encoder_rate: float) -> list[dict[str, Any]]:
    if encoder_rate == 1.0:
        return [{"params": list(network.parameters())}]
    encoder = getattr(network, encoder_of(network))
    inner = {id(weight) for weight in encoder.parameters()}
    outer = [weight for weight in network.parameters() if id(weight) not in inner]
    return [{"params": outer}, {"params": list(encoder.parameters()), "lr": rate * encoder_rate}]
