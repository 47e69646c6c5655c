"""Batch norm over the crops of all processes.

A process that normalised by its own share of a batch would learn another network than one process with all of it. This
works for every network without changing it: inside :class:`SyncedBatchNorm` each call of torch's ``batch_norm`` in
training takes its statistics from all processes, on the CPU as on GPUs.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from temj.training.exchange import gathered, summed

_SIGNATURE = inspect.signature(functional.batch_norm)


class SyncedBatchNorm(TorchFunctionMode):
    """Inside, batch norms in training normalise by mean and variance over all processes."""

    def __torch_function__(
        self, func: Callable, _types: Any, args: tuple = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is functional.batch_norm:
            given = _SIGNATURE.bind(*args, **kwargs)
            given.apply_defaults()
            if given.arguments["training"]:
                return batch_norm(**{name: value for name, value in given.arguments.items() if name != "training"})
        return func(*args, **kwargs)


def batch_norm(
    input: torch.Tensor,
    running_mean: torch.Tensor | None,
    running_var: torch.Tensor | None,
    weight: torch.Tensor | None,
    bias: torch.Tensor | None,
    momentum: float,
    eps: float,
) -> torch.Tensor:
    """As ``torch.nn.functional.batch_norm`` in training, over (n, channels, …) of all processes together."""
    mean, variance, count = _statistics(input)
    if running_mean is not None:
        unbiased = variance * (count / max(count - 1, 1))
        running_mean.lerp_(mean.to(running_mean.dtype), momentum)
        running_var.lerp_(unbiased.to(running_var.dtype), momentum)
    normal = _Normalised.apply(input, mean.float(), (variance + eps).rsqrt().float(), count)
    shape = (1, -1) + (1,) * (input.ndim - 2)
    if weight is not None:
        normal = normal * weight.view(shape) + bias.view(shape)
    return normal.to(input.dtype)


def _statistics(input: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, int]:
    """Mean, variance (n as denominator) of each channel, float64, and n, over all processes (Chan et al. 1983)."""
    with torch.no_grad():
        axes = [axis for axis in range(input.ndim) if axis != 1]
        variance, mean = torch.var_mean(input.float(), axes, correction=0)
        mine = torch.full_like(mean, input.numel() // input.shape[1])
        counts, means, variances = gathered(torch.stack([mine, mean, variance]).double()).unbind(1)
        total = counts.sum(0)
        mean = (counts * means).sum(0) / total
        variance = (counts * (variances + (means - mean) ** 2)).sum(0) / total
        return mean, variance, int(total[0])


class _Normalised(torch.autograd.Function):
    """(input - mean) / sd, where mean and sd are those of the input over all processes."""

    @staticmethod
    def forward(ctx: Any, input: torch.Tensor, mean: torch.Tensor, invert_sd: torch.Tensor, count: int) -> torch.Tensor:
        shape = (1, -1) + (1,) * (input.ndim - 2)
        normal = (input.float() - mean.view(shape)) * invert_sd.view(shape)
        ctx.save_for_backward(normal, invert_sd)
        ctx.count, ctx.dtype = count, input.dtype
        return normal

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None, None]:
        normal, invert_sd = ctx.saved_tensors
        axes = [axis for axis in range(normal.ndim) if axis != 1]
        shape = (1, -1) + (1,) * (normal.ndim - 2)
        # Mean and sd depend on every pixel of every process, so their shares of the gradient are summed over all.
        sums = summed(torch.stack([gradient.sum(axes), (gradient * normal).sum(axes)])) / ctx.count
        of_mean, of_sd = (part.view(shape) for part in sums)
        back = (gradient - of_mean - normal * of_sd) * invert_sd.view(shape)
        return back.to(ctx.dtype), None, None, None
