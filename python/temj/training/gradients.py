"""The gradient of one step: crops, forward, loss, backward, in as many parts as memory asks for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from temj.cores import Trainable
from temj.training.exchange import summing
from temj.training.machine import Machine
from temj.training.sampling import Batch, Batches
from temj.training.synced import SyncedBatchNorm

_TOLD_BY_THE_CPU = ("can't allocate memory", "not enough memory")


class Gradients:
    """Leaves in the network the gradient of the mean loss of ``batches`` batches, over all processes.

    Attributes:
        halvings: how often memory was too small, and so how often each batch is halved: its parts go through the
            network one after the other and their gradients are added up.
    """

    def __init__(self, core: Trainable, batches: Batches, machine: Machine, accumulate: int, batch: int):
        self._core, self._network, self._batches, self._machine = core, core.network, batches, machine
        self._accumulate, self._batch = accumulate, batch
        self.halvings = 0
        self._buffers = list(self._network.buffers())
        self._kept = [buffer.clone() for buffer in self._buffers]
        self._ahead: tuple[int, list[Batch]] | None = None

    @property
    def crops_at_once(self) -> int:
        """Crops that go through the network together, those of all processes counted."""
        return -(-self._batch // 2**self.halvings)

    def of(self, step: int, scale: torch.amp.GradScaler) -> torch.Tensor:
        """Compute the gradients of a step, times the scale; its mean loss, a float32 scalar on the device.

        Running statistics move once for each part. Where memory is too small the batch is halved and the step begun
        again, as if nothing had happened.

        Raises:
            torch.OutOfMemoryError: too small for a single crop, or in a training of several processes.
        """
        world = self._machine.world
        while True:
            try:
                with self._undone_on_error(), self._exchanging():
                    loss = self._attempt(self._crops(step), scale)
                    self._look_ahead(step + 1)
                    world.average([loss, *self._gradients()])
                    return loss
            except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
                if not out_of_memory(error) or self.crops_at_once == 1 or world.size > 1:
                    raise
            # Here, not above: an exception that is being handled holds the tensors of the attempt.
            self.halvings += 1
            self._network.zero_grad(set_to_none=True)
            if self._machine.device.type == "cuda":
                torch.cuda.empty_cache()

    def _attempt(self, batches: list[Batch], scale: torch.amp.GradScaler) -> torch.Tensor:
        self._network.zero_grad(set_to_none=True)
        total = torch.zeros(1, device=self._machine.device)
        for images, targets in batches:
            pieces = min(2**self.halvings, len(images))
            for part in np.array_split(np.arange(len(images)), pieces):
                loss = self._loss(images[part], [targets[crop] for crop in part])
                loss = loss * (len(part) / (len(images) * len(batches)))
                scale.scale(loss).backward()
                total += loss.detach()
        return total

    def _loss(self, images: np.ndarray, targets: Sequence[Any]) -> torch.Tensor:
        return self._core.losses(self._there(images), targets, self._computing)

    @contextlib.contextmanager
    def _computing(self) -> Iterator[None]:
        synced = SyncedBatchNorm() if self._machine.world.size > 1 else contextlib.nullcontext()
        with synced, self._machine.computing():
            yield

    def _there(self, array: np.ndarray) -> torch.Tensor:
        tensor = torch.from_numpy(array)
        if self._machine.device.type == "cuda":
            return tensor.pin_memory().to(self._machine.device, non_blocking=True)
        return tensor.to(self._machine.device)

    def _gradients(self) -> list[torch.Tensor]:
        return [weight.grad for weight in self._network.parameters() if weight.grad is not None]

    def _crops(self, step: int) -> list[Batch]:
        """Images and targets of each batch of a step: this process's share."""
        if self._ahead and self._ahead[0] == step:
            return self._ahead[1]
        first, share = step * self._accumulate, self._machine.world.share(self._batch)
        return [self._batches(number, share) for number in range(first, first + self._accumulate)]

    def _look_ahead(self, step: int) -> None:
        """Make the next crops while a GPU is still busy with these; a CPU would only do it sooner."""
        if self._machine.device.type != "cpu":
            self._ahead = step, self._crops(step)

    @contextlib.contextmanager
    def _undone_on_error(self) -> Iterator[None]:
        """A step that fails leaves running statistics and random states as they were."""
        if self._buffers:
            torch._foreach_copy_(self._kept, self._buffers)
        chance, there = torch.get_rng_state(), self._machine.device.type == "cuda"
        of_gpu = torch.cuda.get_rng_state(self._machine.device) if there else None
        try:
            yield
        except BaseException:
            if self._buffers:
                torch._foreach_copy_(self._buffers, self._kept)
            torch.set_rng_state(chance)
            if of_gpu is not None:
                torch.cuda.set_rng_state(of_gpu, self._machine.device)
            raise

    @contextlib.contextmanager
    def _exchanging(self) -> Iterator[None]:
        """Inside, sums of losses run over all companions, who wait for them; one that fails cannot go on with them."""
        if self._machine.world.size == 1:
            yield
            return
        self._machine.world.busy = True
        with summing():
            yield
        self._machine.world.busy = False


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory was too small (a CPU says so in words only)."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(
        words in str(error) for words in _TOLD_BY_THE_CPU
    )
