"""One optimiser step after the other, and everything of it that a checkpoint holds."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch.optim.swa_utils import get_ema_multi_avg_fn

from temj.cores import Trainable
from temj.errors import BadValue
from temj.training import chance
from temj.training.options import TrainingOptions
from temj.training.sampling import Batches


class Trainer:
    """AdamW with one cosine cycle of the rate, clipped gradients and a running mean of the weights.

    Attributes:
        step: how many steps are done.
        skipped: how many of them changed nothing because loss or gradient was not finite.
        averaged: the core with the mean weights, which are validated and kept.
    """

    def __init__(
        self,
        core: Trainable,
        averaged: Trainable,
        batches: Batches,
        options: TrainingOptions,
        device: torch.device,
        autocast: bool,
    ):
        self.step, self.skipped, self.averaged, self.device = 0, 0, averaged, device
        self._core, self._batches, self._options, self._autocast = core, batches, options, autocast
        for each in (core, averaged):
            each.network.to(device)
        self._network = core.network
        averaged.network.load_state_dict(self._network.state_dict())
        self._mean_of_weights = get_ema_multi_avg_fn(options.ema)
        self._pairs = _float_pairs(averaged.network, self._network)

    def plan(self, steps: int) -> None:
        """Fix the length of the run: a new optimiser whose rate rises and falls over ``steps`` steps."""
        options = self._options
        self._optimizer = torch.optim.AdamW(
            self._network.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay
        )
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimizer, options.learning_rate, total_steps=steps + 1
        )

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return self._optimizer.param_groups[0]["lr"]

    def advance(self) -> float | None:
        """Do one step; the loss, or None where it was skipped.

        Raises:
            BadValue: more steps than allowed were skipped, or the weights are not finite: the training diverged.
        """
        images, targets = (torch.from_numpy(array) for array in self._batches(self.step))
        self._network.train()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._autocast):
            logits = self._network(images.to(self.device, memory_format=torch.channels_last))
        loss = self._core.loss(logits, targets.to(self.device))
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self._network.parameters(), self._options.clip)
        value = loss.item()
        done = math.isfinite(value) and math.isfinite(norm.item())
        if done:
            self._optimizer.step()
            self._follow()
        else:
            self._skip()
        self._schedule.step()
        self.step += 1
        return value if done else None

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the mean weights towards the new ones; counters are copied."""
        mean, now = self._pairs
        # The start weights are random: the first mean is the first trained weights.
        self._mean_of_weights(mean, now, self.step) if self.step else torch._foreach_copy_(mean, now)

    def _skip(self) -> None:
        self.skipped += 1
        if self.skipped > self._options.bad_steps:
            raise self._diverged(f"{self.skipped} steps whose loss or gradient was not finite, the last at {self.step}")

    def _diverged(self, found: str) -> BadValue:
        return BadValue(
            "diverged",
            where="training",
            expected="finite numbers",
            found=found,
            remedy=f"Train with a learning rate below {self._options.learning_rate:g}, or with precision=float32.",
        )

    @contextlib.contextmanager
    def forgotten(self) -> Iterator[None]:
        """Steps done inside change nothing: weights, counters and random states are put back."""
        networks = self._network, self.averaged.network
        before = [{name: tensor.clone() for name, tensor in network.state_dict().items()} for network in networks]
        step, skipped, states = self.step, self.skipped, chance.random_states()
        try:
            yield
        finally:
            for network, weights in zip(networks, before, strict=True):
                network.load_state_dict(weights)
            self.step, self.skipped = step, skipped
            chance.restore_random_states(states)

    def weights(self) -> dict[str, torch.Tensor]:
        """The mean weights by name, proven finite.

        Raises:
            BadValue: one is not; it may not be stored.
        """
        return self._finite(self.averaged.network.state_dict())

    def tensors(self) -> dict[str, torch.Tensor]:
        """All tensors of the run by name, proven finite.

        Raises:
            BadValue: a weight is not finite; nothing of it may be stored.
        """
        found = {f"network/{name}": tensor for name, tensor in self._finite(self._network.state_dict()).items()}
        found |= {f"averaged/{name}": tensor for name, tensor in self.weights().items()}
        moments = self._optimizer.state_dict()["state"]
        return found | {
            f"optimizer/{number}/{key}": tensor for number, state in moments.items() for key, tensor in state.items()
        }

    def _finite(self, weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        for name, tensor in weights.items():
            if not torch.isfinite(tensor).all():
                raise self._diverged(f"a weight that is not finite in {name} at step {self.step}")
        return weights

    def state(self) -> dict[str, Any]:
        """Everything else of the run, as JSON values."""
        return {
            "step": self.step,
            "skipped": self.skipped,
            "groups": self._optimizer.state_dict()["param_groups"],
            "schedule": self._schedule.state_dict(),
            "random": chance.random_states(),
        }

    def restore(self, tensors: Mapping[str, torch.Tensor], state: Mapping[str, Any]) -> None:
        """Go back to where :meth:`tensors` and :meth:`state` were taken; call :meth:`plan` first."""
        parts: dict[str, dict[str, torch.Tensor]] = {"network": {}, "averaged": {}, "optimizer": {}}
        for name, tensor in tensors.items():
            part, _, rest = name.partition("/")
            parts[part][rest] = tensor
        self._network.load_state_dict(parts["network"])
        self.averaged.network.load_state_dict(parts["averaged"])
        moments: dict[int, dict[str, torch.Tensor]] = {}
        for name, tensor in parts["optimizer"].items():
            number, _, key = name.partition("/")
            moments.setdefault(int(number), {})[key] = tensor
        self._optimizer.load_state_dict({"state": moments, "param_groups": state["groups"]})
        self._schedule.load_state_dict(dict(state["schedule"]))
        self.step, self.skipped = state["step"], state["skipped"]
        chance.restore_random_states(state["random"])


def _float_pairs(mean: torch.nn.Module, now: torch.nn.Module) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """The floating-point tensors (weights and running statistics) of two equal networks, side by side."""
    pairs = [
        (ours, theirs)
        for ours, theirs in zip(mean.state_dict().values(), now.state_dict().values(), strict=True)
        if ours.is_floating_point()
    ]
    return [ours for ours, _ in pairs], [theirs for _, theirs in pairs]
