"""Crops a second of a training, against the same network in a bare loop of torch, and where the time goes.

    python benchmarks/train.py [--rounds 8] [--batch 8] [--crop 192] [--encoder resnet18] [--images 4]

One process, one run: steps of TEMJ (its trainer with crops, augmentation, targets, checks) and steps of the bare recipe
(crops made beforehand, same network, batch, arithmetic, channels_last, AdamW, clipping, running mean of the weights)
take turns, so that neighbours on the machine disturb both alike. CPU seconds on a CPU, seconds on a GPU; medians, the
first round dropped. The last lines time the parts of TEMJ's step one by one, in further rounds, and a step in float32.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from timing import turns
from torch.nn import functional

from temj.cores import Truth, make_core
from temj.training import TrainingOptions
from temj.training.augmentations import AUGMENTATIONS
from temj.training.augmentations.pipeline import made_of
from temj.training.chance import controlled
from temj.training.machine import Machine
from temj.training.sampling import Batches, Picture
from temj.training.trainer import Trainer

Turns = dict[str, Callable[[], object]]
MARK = 0.9
_STEPS = 10_000


def pictures(settings: dict, count: int, side: int = 512) -> list[Picture]:
    """Noise with square objects."""
    rng, core = np.random.default_rng(0), make_core("semantic", settings)
    found = []
    for number in range(count):
        class_map = np.zeros((side, side), np.uint8)
        for y, x in rng.integers(0, side - 20, (20, 2)):
            class_map[y : y + 20, x : x + 20] = 1
        pixels = (rng.normal(130, 20, class_map.shape) - 40 * class_map).clip(0, 255).astype(np.uint8)
        found.append(Picture.of(str(number), pixels, Truth(class_map), core))
    return found


class Bare:
    """The recipe as a few lines of torch, on crops that are there already."""

    def __init__(self, settings: dict, made: list[tuple[np.ndarray, tuple[np.ndarray, ...]]], machine: Machine):
        self._machine, self._made, self._step = machine, made, 0
        self._network = make_core("semantic", settings).network.to(machine.device).train()
        self._mean = [weight.detach().clone() for weight in self._network.parameters()]
        self._optimizer = torch.optim.AdamW(self._network.parameters(), 2e-3, weight_decay=1e-3)
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(self._optimizer, 2e-3, total_steps=_STEPS)

    def __call__(self) -> None:
        """One step; nobody asks it to be repeatable."""
        with deterministic(False):
            self._do()

    def _do(self) -> None:
        images, targets = self._made[self._step % len(self._made)]
        images = torch.from_numpy(images).to(self._machine.device, memory_format=torch.channels_last)
        truth = torch.from_numpy(np.stack(targets))[:, :1].to(self._machine.device)
        with self._machine.computing():
            logits = self._network(images)
        loss = _bce_dice(logits.float(), truth)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), 1.0)
        self._optimizer.step()
        self._schedule.step()
        with torch.no_grad():
            torch._foreach_lerp_(self._mean, list(self._network.parameters()), 0.01)
        self._step += 1


@contextlib.contextmanager
def deterministic(asked: bool) -> Iterator[None]:
    """Inside, whether only repeatable algorithms are used."""
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(asked, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=True)


def _bce_dice(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    probability = logits.sigmoid()
    dice = 1 - (2 * (probability * truth).sum() + 1) / ((probability + truth).sum() + 1)
    return functional.binary_cross_entropy_with_logits(logits, truth) + dice


def trainer(settings: dict, batches: Batches, options: TrainingOptions, machine: Machine) -> Trainer:
    """A planned trainer."""
    made = Trainer(*(make_core("semantic", settings) for _ in range(2)), batches, options, machine)
    made.plan(_STEPS)
    return made


def parts(of: Trainer, batches: Batches) -> Turns:
    """The parts of a step, each as something that can be done again and again."""
    made = [batches(0)]

    def network() -> None:
        of._gradients._attempt(made, of._scaler)

    def clip() -> None:
        torch.nn.utils.clip_grad_norm_(of._network.parameters(), 1.0)

    return {
        "crops and targets": lambda: batches(5),
        "forward and backward": network,
        "clipping": clip,
        "optimiser": lambda: (of._optimizer.step(), of._schedule.step()),
        "running mean": of._follow,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("rounds", 8), ("batch", 8), ("crop", 192), ("threads", 1), ("images", 4)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--encoder", default="resnet18")
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args()
    settings = {"classes": ("loop",), "encoder": asked.encoder}
    options = TrainingOptions(threads=asked.threads, device=asked.device, batch=asked.batch, crop=asked.crop)
    machine = Machine.of(options)
    on_gpu = machine.device.type == "cuda"
    timed = {"clock": time.perf_counter, "settle": torch.cuda.synchronize} if on_gpu else {"clock": time.process_time}
    augmentation = {name: made_of(name, {}).settings for name in AUGMENTATIONS}
    with controlled(0, asked.threads):
        shown = pictures(settings, asked.images)
        batches = Batches(shown, make_core("semantic", settings), augmentation, options)
        ours = trainer(settings, batches, options, machine)
        bare = Bare(settings, [batches(number) for number in range(asked.rounds + 1)], machine)
        found = turns({"ours": ours.advance, "bare": bare}, asked.rounds, **timed)
        shares = turns(parts(ours, batches), asked.rounds, **timed)
        plain = trainer(settings, batches, options, Machine(machine.device, asked.threads))
        float32 = turns({"float32": plain.advance}, 2, **timed)["float32"]
    middle = {name: statistics.median(values) for name, values in found.items()}
    ratio = statistics.median(bare / own for own, bare in zip(found["ours"], found["bare"], strict=True))
    print(f"{asked.encoder}, {asked.batch} crops of {asked.crop} px, {machine.dtype}, {machine.device.type}")
    for name, label in (("ours", "TEMJ"), ("bare", "bare recipe")):
        print(f"{label:<22}{asked.batch / middle[name]:8.2f} crops/s   {middle[name]:.4f} s a step")
    verdict = "within" if ratio >= MARK else "MISSED:"
    print(f"TEMJ / bare recipe    {ratio:8.3f}           {verdict} the mark of {MARK:g} (median of the rounds)")
    parts_found = {name: statistics.median(values) for name, values in shares.items()}
    for name, seconds in parts_found.items():
        print(f"  {name:<22}{seconds:.4f} s   {seconds / sum(parts_found.values()):6.1%}")
    print(f"float32 / {machine.dtype}    {statistics.median(float32) / middle['ours']:8.2f} x the time")


if __name__ == "__main__":
    main()
