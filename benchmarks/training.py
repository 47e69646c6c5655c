"""What a training step costs, and what of it is not the network.

    python benchmarks/training.py [--steps 8] [--threads 1]

Prints two ratios, each of medians over turns that are taken one after the other in the same run: a step in float32
against a step as TEMJ trains (bfloat16 where the processor has it), and the making of a batch (crops, augmentation,
targets) against the whole step. CPU seconds, the first turn dropped.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from temj.cores import make_core
from temj.training import TrainingOptions
from temj.training.augmentations import AUGMENTATIONS
from temj.training.augmentations.pipeline import made_of
from temj.training.chance import controlled
from temj.training.machine import Machine
from temj.training.sampling import Batches, Picture
from temj.training.trainer import Trainer

SETTINGS = {"classes": ("loop",)}


def pictures(count: int = 4, side: int = 512) -> list[Picture]:
    """Noise with square objects."""
    rng, core = np.random.default_rng(0), make_core("semantic", SETTINGS)
    found = []
    for number in range(count):
        class_map = np.zeros((side, side), np.uint8)
        for y, x in rng.integers(0, side - 20, (20, 2)):
            class_map[y : y + 20, x : x + 20] = 1
        pixels = (rng.normal(130, 20, class_map.shape) - 40 * class_map).clip(0, 255).astype(np.uint8)
        found.append(Picture.of(str(number), pixels, class_map, core))
    return found


def trainer(batches: Batches, options: TrainingOptions, autocast: bool) -> Trainer:
    """A trainer in bfloat16 or float32."""
    cores = [make_core("semantic", SETTINGS) for _ in range(2)]
    made = Trainer(*cores, batches, options, torch.device("cpu"), autocast)
    made.plan(1000)
    return made


def medians(turns: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """CPU seconds of each, taking turns; the first round is dropped."""
    seconds: dict[str, list[float]] = {name: [] for name in turns}
    for _ in range(repeats + 1):
        for name, turn in turns.items():
            start = time.process_time()
            turn()
            seconds[name].append(time.process_time() - start)
    return {name: statistics.median(values[1:]) for name, values in seconds.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=8, help="steps of each kind")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    asked = parser.parse_args()
    options = TrainingOptions(threads=asked.threads, device="cpu")
    machine = Machine.of(options)
    defaults = {name: made_of(name, {}).settings for name in AUGMENTATIONS}
    with controlled(0, asked.threads):
        batches = Batches(pictures(), make_core("semantic", SETTINGS), defaults, options)
        ours = trainer(batches, options, machine.autocast)
        plain = trainer(batches, options, False)
        found = medians({"ours": ours.advance, "plain": plain.advance, "batch": lambda: batches(5)}, asked.steps)
    dtype = "bfloat16" if machine.autocast else "float32"
    print(f"step, {dtype}     {found['ours']:.3f} s")
    print(f"step, float32      {found['plain']:.3f} s   {found['plain'] / found['ours']:.2f} x")
    print(f"making the batch   {found['batch']:.4f} s   {found['batch'] / found['ours']:.1%} of a step")


if __name__ == "__main__":
    main()
