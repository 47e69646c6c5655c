"""What the processes of a training exchange while a step is computed, and what happens when one is gone.

Everything is differentiable as if each process had a loss of its own and the mean of these equal losses were learned
from: what is summed forward is summed backward, and the gradients of the weights are averaged in the end.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.distributed as dist

from temj.cores.semantic import losses


class Lost(RuntimeError):
    """An exchange failed, since another process has ended."""


@contextlib.contextmanager
def summing() -> Iterator[None]:
    """Inside, the sums in losses run over the crops of all processes."""
    before = losses.all_sum
    losses.all_sum = _Sum.apply
    try:
        yield
    finally:
        losses.all_sum = before


class _Sum(torch.autograd.Function):
    """The sum of a tensor over all processes."""

    @staticmethod
    def forward(ctx: Any, tensor: torch.Tensor) -> torch.Tensor:  # noqa: ARG004
        return sum_in_place(tensor.clone())

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:  # noqa: ARG004
        return sum_in_place(gradient.clone())


def sum_in_place(tensor: torch.Tensor) -> torch.Tensor:
    """Replace a tensor by its sum over all processes."""
    exchange(lambda: dist.all_reduce(tensor))
    return tensor


def gathered(tensor: torch.Tensor) -> torch.Tensor:
    """The tensors of all processes (same shape), stacked in the order of their numbers; without gradients."""
    parts = [torch.empty_like(tensor) for _ in range(dist.get_world_size())]
    exchange(lambda: dist.all_gather(parts, tensor))
    return torch.stack(parts)


def summed(tensor: torch.Tensor) -> torch.Tensor:
    """The sum over all processes, without gradients."""
    return sum_in_place(tensor.clone())


def exchange(act: Callable[[], object]) -> None:
    """Do something that all processes do together.

    Raises:
        Lost: one of them has ended.
    """
    try:
        act()
    except RuntimeError as error:
        raise Lost(str(error)) from error
