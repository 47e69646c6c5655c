"""Losses by name; what is summed over the pixels of a batch goes through :func:`all_sum`.

All are means over the pixels that count, or ratios of such sums over the whole batch, and 0 where nothing counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional

from temj import registry
from temj.cores.semantic.names import LOSSES, loss_names
from temj.cores.semantic.settings import SemanticSettings

_GAMMA = 2.0
_MISSED, _FALSE = 0.7, 0.3


def _as_it_is(tensor: torch.Tensor) -> torch.Tensor:
    return tensor


all_sum: Callable[[torch.Tensor], torch.Tensor] = _as_it_is
"""Adds a tensor over all processes of a training, differentiably; one process: the tensor itself."""


@dataclass(frozen=True)
class Batch:
    """What a loss is computed from.

    Attributes:
        logits: (n, k, h, w), or (n, 1 + k, h, w) with the background first where ``softmax``.
        probability: (n, k, h, w) of the classes.
        truth: (n, k, h, w), 0 or 1.
        distance: (n, k, h, w) signed distance to the edge of each class, for :func:`boundary`; else None.
        counts: (n, 1, h, w), 1 where a pixel counts.
        weights: of background and classes.
        softmax: whether the classes share a softmax.
    """

    logits: torch.Tensor
    probability: torch.Tensor
    truth: torch.Tensor
    distance: torch.Tensor | None
    counts: torch.Tensor
    weights: torch.Tensor
    softmax: bool

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        """Mean of (n, ?, h, w) over the pixels that count, channels added up and divided by their number."""
        pixels = all_sum(self.counts.sum()).clamp(min=1)
        return all_sum((values * self.counts).sum()) / (pixels * values.shape[1])

    def per_class(self, values: torch.Tensor) -> torch.Tensor:
        """(k,) sums of (n, k, h, w) over the pixels that count."""
        return all_sum((values * self.counts).sum((0, 2, 3)))


def loss(logits: torch.Tensor, target: torch.Tensor, settings: SemanticSettings) -> torch.Tensor:
    """The sum of the losses that the settings name, and the one of the channel that tells objects apart.

    Args:
        logits: the network's output, float32.
        target: (n, t, h, w) as :func:`temj.cores.semantic.targets.encode` says.
        settings: of the core.
    """
    batch = _batch(logits, target, settings)
    total = sum(registry.load(LOSSES[name])(batch) for name in loss_names(settings.loss))
    if settings.learns_objects:
        k = len(settings.classes)
        apart = functional.binary_cross_entropy_with_logits(logits[:, -1:], target[:, k : k + 1], reduction="none")
        total = total + batch.mean(apart)
    return total


def _batch(logits: torch.Tensor, target: torch.Tensor, settings: SemanticSettings) -> Batch:
    k = len(settings.classes)
    of_classes = logits[:, :-1] if settings.learns_objects else logits
    probability = of_classes.softmax(1)[:, 1:] if settings.softmax else of_classes.sigmoid()
    first = k + settings.learns_objects
    weights = settings.class_weights or (1.0,) * (k + 1)
    return Batch(
        of_classes,
        probability,
        target[:, :k],
        target[:, first : first + k] if target.shape[1] > first + 1 else None,
        target[:, -1:],
        torch.tensor(weights, device=logits.device),
        settings.softmax,
    )


def _log_likelihood(batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Of each pixel the logarithm of the probability of what is true, and its weight: (n, 1 or k, h, w) each."""
    if batch.softmax:
        whole = torch.cat([1 - batch.truth.sum(1, keepdim=True), batch.truth], 1)
        weight = (whole * batch.weights.view(1, -1, 1, 1)).sum(1, keepdim=True)
        return (whole * batch.logits.log_softmax(1)).sum(1, keepdim=True), weight
    like = -functional.binary_cross_entropy_with_logits(batch.logits, batch.truth, reduction="none")
    background, classes = batch.weights[:1].view(1, 1, 1, 1), batch.weights[1:].view(1, -1, 1, 1)
    return like, background + batch.truth * (classes - background)


def cross_entropy(batch: Batch) -> torch.Tensor:
    """Weighted cross-entropy: binary for each class, or over the classes and the background that share a softmax."""
    like, weight = _log_likelihood(batch)
    return batch.mean(-like * weight)


def focal(batch: Batch) -> torch.Tensor:
    """Focal loss (Lin et al. 2017), gamma 2: cross-entropy, times (1 - p)^2 of the probability p of what is true."""
    like, weight = _log_likelihood(batch)
    return batch.mean(-like * weight * (1 - like.exp()).pow(_GAMMA))


def dice(batch: Batch) -> torch.Tensor:
    """1 - soft Dice (Milletari et al. 2016) over the whole batch, mean of the classes."""
    overlap = batch.per_class(batch.probability * batch.truth)
    size = batch.per_class(batch.probability + batch.truth)
    return 1 - ((2 * overlap + 1) / (size + 1)).mean()


def tversky(batch: Batch) -> torch.Tensor:
    """1 - Tversky index (Salehi et al. 2017): missed pixels weigh 0.7, false ones 0.3; mean of the classes."""
    overlap = batch.per_class(batch.probability * batch.truth)
    missed = batch.per_class((1 - batch.probability) * batch.truth)
    false = batch.per_class(batch.probability * (1 - batch.truth))
    return 1 - ((overlap + 1) / (overlap + _MISSED * missed + _FALSE * false + 1)).mean()


def boundary(batch: Batch) -> torch.Tensor:
    """Boundary loss (Kervadec et al. 2019): mean of probability times signed distance to the edge (in diagonals)."""
    return batch.mean(batch.probability * batch.distance)
