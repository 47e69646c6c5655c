"""One optimiser step after the other, and everything of it that a checkpoint holds."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch.optim.swa_utils import get_ema_multi_avg_fn

from temj.cores import Trainable
from temj.errors import BadValue
from temj.training import chance
from temj.training.freezing import frozen_at, set_frozen, train_mode
from temj.training.gradients import Gradients
from temj.training.machine import Machine
from temj.training.optimizers import make_optimizer, recipe
from temj.training.options import TrainingOptions
from temj.training.sampling import Batches
from temj.training.schedules import make_schedule


class Trainer:
    """Steps of an optimiser with clipped gradients along a schedule, and a running mean of the weights.

    Attributes:
        step: how many steps are done.
        skipped: how many of them changed nothing because loss or gradient was not finite.
        averaged: the core with the mean weights, which are validated and kept.
        notes: what a user should know of these steps.
    """

    def __init__(
        self, core: Trainable, averaged: Trainable, batches: Batches, options: TrainingOptions, machine: Machine
    ):
        self.step, self.skipped, self.averaged, self.machine = 0, 0, averaged, machine
        self._options, self._world = options, machine.world
        for each in (core, averaged):
            each.network.to(machine.device)
        self._network, self._lasting = core.network, machine.notes_on(core, options)
        averaged.network.load_state_dict(self._network.state_dict())
        self._mean_of_weights = get_ema_multi_avg_fn(options.ema)
        self._pairs = _float_pairs(averaged.network, self._network)
        self._gradients = Gradients(core, batches, machine, options.accumulate, options.batch)
        self._epoch, self._expected, self._halved = batches.steps_per_epoch, 0, []
        self._top = options.learning_rate or recipe(options.optimizer).learning_rate

    def plan(self, steps: int) -> None:
        """Fix the length of the run: a new optimiser, whose rate follows its schedule over ``steps`` steps."""
        options = self._options
        decay = recipe(options.optimizer).weight_decay if options.weight_decay is None else options.weight_decay
        self._optimizer = make_optimizer(options.optimizer, self._network, self._top, decay, options.encoder_rate)
        self._schedule = make_schedule(options.schedule, self._optimizer, steps)
        self._scaler = torch.amp.GradScaler(self.machine.device.type, enabled=self.machine.dtype == "float16")
        self._world.level(list(self._network.state_dict().values()))

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return self._optimizer.param_groups[0]["lr"]

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of the steps so far: whether they repeat, where the batch was halved for memory."""
        return self._lasting + tuple(
            f"out of memory at step {step}: from there on {crops} crop{'s go' if crops > 1 else ' goes'} through the "
            f"network at once instead of {before}. A step is made of as many crops as before, but batch norm sees "
            "fewer of them together"
            for step, before, crops in self._halved
        )

    def advance(self) -> float | None:
        """Do one step; the loss, or None where it was skipped.

        Raises:
            BadValue: more steps than allowed were skipped, or the weights are not finite: the training diverged.
            torch.OutOfMemoryError: too little memory even for one crop.
        """
        if self._world.rank:  # the leader's random state is in the checkpoint, this one follows from the step
            torch.manual_seed(hash((self._options.seed, self.step, self._world.rank)) % 2**63)
        set_frozen(self._network, frozen_at(self._options.freeze, self.step // self._epoch))
        train_mode(self._network)
        loss = self._loss()
        self._scaler.unscale_(self._optimizer)
        norm = torch.nn.utils.clip_grad_norm_(self._network.parameters(), self._options.clip)
        value, size = torch.stack([loss.squeeze(), norm.float()]).tolist()
        done = math.isfinite(value) and math.isfinite(size)
        if done:
            self._scaler.step(self._optimizer)
            self._follow()
        self._scaler.update()
        self._step_schedule()
        self.step += 1
        if not done:
            self._skip(math.isfinite(value))
        return value if done else None

    def _step_schedule(self) -> None:
        """The rate of the next step; torch need not warn that the optimiser did nothing in a step that was skipped."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Detected call of `lr_scheduler.step", UserWarning)
            self._schedule.step()

    def _loss(self) -> torch.Tensor:
        """The gradients of this step, and its loss; a batch that had to be halved is noted."""
        before, halvings = self._gradients.crops_at_once, self._gradients.halvings
        loss = self._gradients.of(self.step, self._scaler)
        if self._gradients.halvings > halvings:
            self._halved.append([self.step, before, self._gradients.crops_at_once])
        return loss

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the mean weights towards the new ones. Only the leader's are ever used."""
        if self._world.leads:
            mean, now = self._pairs
            # The start weights are random: the first mean is the first trained weights.
            first = self.step == self.skipped
            torch._foreach_copy_(mean, now) if first else self._mean_of_weights(mean, now, self.step)

    def _skip(self, finite: bool) -> None:
        """Count a step that changed nothing.

        A finite loss whose gradient leaves float16 is how the scaler finds its scale, and no sign of divergence until
        the scale has come down to 1.
        """
        self.skipped += 1
        if finite and self._scaler.is_enabled() and self._scaler.get_scale() >= 1:
            self._expected += 1
        bad = self.skipped - self._expected
        if bad > self._options.bad_steps and self._world.leads:
            raise self._diverged(f"{bad} steps whose loss or gradient was not finite, the last at {self.step - 1}")

    def _diverged(self, found: str) -> BadValue:
        return BadValue(
            "diverged",
            where="training",
            expected="finite numbers",
            found=found,
            remedy=f"Train with a learning rate below {self._top:g}, or with precision=float32.",
        )

    @contextlib.contextmanager
    def forgotten(self) -> Iterator[None]:
        """Steps done inside change nothing: weights, counters and random states are put back."""
        networks = self._network, self.averaged.network
        before = [{name: tensor.clone() for name, tensor in network.state_dict().items()} for network in networks]
        step, skipped, expected, states = self.step, self.skipped, self._expected, chance.random_states()
        try:
            yield
        finally:
            for network, weights in zip(networks, before, strict=True):
                network.load_state_dict(weights)
            self.step, self.skipped, self._expected = step, skipped, expected
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
            "expected": self._expected,
            "halvings": self._gradients.halvings,
            "halved": self._halved,
            "scaler": self._scaler.state_dict(),
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
        for weight, held in self._optimizer.state.items():
            # A checkpoint holds plain arrays; fused kernels walk through weights and moments as they lie in memory.
            held |= {key: torch.empty_like(weight).copy_(value) for key, value in held.items() if value.ndim}
        self._schedule.load_state_dict(dict(state["schedule"]))
        self._scaler.load_state_dict(dict(state["scaler"]))
        self.step, self.skipped, self._expected = state["step"], state["skipped"], state["expected"]
        self._gradients.halvings, self._halved = state["halvings"], [list(entry) for entry in state["halved"]]
        chance.restore_random_states(state["random"])


def _float_pairs(mean: torch.nn.Module, now: torch.nn.Module) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """The floating-point tensors (weights and running statistics) of two equal networks, side by side."""
    pairs = [
        (ours, theirs)
        for ours, theirs in zip(mean.state_dict().values(), now.state_dict().values(), strict=True)
        if ours.is_floating_point()
    ]
    return [ours for ours, _ in pairs], [theirs for _, theirs in pairs]
