"""What a prediction with a detector costs, and what of it is the network itself.

    OMP_NUM_THREADS=1 python benchmarks/detect.py [--core boxes] [--model FOLDER] [--objects 300] [--repeats 3]

A field of so many pixels is predicted with ``temj.inference``: scale, normalisation, the network, objects and their
outlines (of boxes the boxes; what their ellipses cost besides is told apart). Beside it stands the time inside the
network's own forward pass (encoder, pyramid, proposals, a closer look at each, suppression). Without a model the
network is an untrained one, made to answer with a fixed number of objects; what it answers is noise, but costs what
that many objects cost. CPU time of one process on one thread, first call dropped, medians. The aim for a field of
1024 x 1024 pixels with 300 objects is a share of at least 85 %.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass
from typing import Any

SHARE = 0.85
SIDES, OBJECTS = (512, 1024, 2048), (10, 30, 100, 300, 1000)


def main() -> int:
    """Run and print; 1 where the share is below the mark."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--core", default="boxes", choices=("boxes", "masks", "rotated"))
    options.add_argument("--model", default="", help="folder of a detector, for its network (default: untrained)")
    options.add_argument("--encoder", default="resnet18")
    options.add_argument("--objects", type=int, default=300)
    options.add_argument("--repeats", type=int, default=3)
    chosen = options.parse_args()
    bench = prepare(chosen)
    print(f"{bench.model.card.name}, {bench.network.dtype} on {bench.network.device}, one thread")
    first = bench.time(1024, chosen.objects, chosen.repeats)
    print(f"1024 x 1024, {first.told} (mark: a share of at least {SHARE:.0%})")
    if bench.model.card.core.name == "boxes":
        print(f"with ellipses: {bench.time(1024, chosen.objects, chosen.repeats, 'ellipse').told}")
    print("\n| pixels | objects | s | in the network, s | share | s a megapixel |\n|---|---|---|---|---|---|")
    for side in SIDES:
        timed = first if side == 1024 else bench.time(side, chosen.objects, chosen.repeats)
        print(f"| {side} x {side} {timed.row} {timed.seconds / side**2 * 1e6:.2f} |")
    print("\n| pixels | objects | s | in the network, s | share |\n|---|---|---|---|---|")
    for objects in OBJECTS:
        timed = first if objects == chosen.objects else bench.time(1024, objects, chosen.repeats)
        print(f"| 1024 x 1024 {timed.row}")
    return int(first.share < SHARE)


@dataclass(frozen=True)
class Timed:
    """CPU seconds of a prediction, those of them in the network, and how many objects came out."""

    seconds: float
    inside: float
    objects: int

    @property
    def share(self) -> float:
        """Of the network's own forward pass."""
        return self.inside / self.seconds

    @property
    def told(self) -> str:
        """In words."""
        return (
            f"{self.objects} objects: {self.seconds:.3f} s, in the network {self.inside:.3f} s, share {self.share:.1%}"
        )

    @property
    def row(self) -> str:
        """As cells of a table."""
        return f"| {self.objects} | {self.seconds:.2f} | {self.inside:.2f} | {self.share:.1%} |"


@dataclass
class Bench:
    """A model whose network counts the time in it."""

    model: Any
    network: Any
    seconds: float = 0.0
    most: int = 300

    def time(self, side: int, objects: int, repeats: int, outline: str = "auto") -> Timed:
        """The medians of some predictions."""
        from temj.inference import How, plane

        self.most, rows = objects, []
        boxes = self.model.card.core.name == "boxes"
        how = How(device="cpu", floor=0.0, outline="box" if boxes and outline == "auto" else outline)
        image = field(side, objects)
        for _ in range(repeats + 1):
            self.seconds, start = 0.0, time.process_time()
            found = plane(image, self.model, 0.0, how).instances
            rows.append((time.process_time() - start, self.seconds, len(found)))
        whole, inside, count = (statistics.median(column) for column in zip(*rows[1:], strict=True))
        return Timed(whole, inside, int(count))


def prepare(chosen: argparse.Namespace) -> Bench:
    """The network in the arithmetic that it is predicted with, its forward pass timed and bounded in objects."""
    import cv2
    import torch

    from temj import inference, open_model

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    model = open_model(chosen.model) if chosen.model else untrained(chosen.core, chosen.encoder)
    network = inference.ready(model, "cpu")
    bench = Bench(model, network)
    forward = network.core.forward

    def timed(batch: torch.Tensor, floor: float, most: int | None) -> list:
        del most
        start = time.process_time()
        found = forward(batch, floor, bench.most)
        bench.seconds += time.process_time() - start
        return found

    network.core.forward = timed
    return bench


def untrained(core: str, encoder: str) -> Any:
    """A model folder with random weights, in a temporary place."""
    import tempfile
    from pathlib import Path

    import torch

    from temj.cores import make_core
    from temj.models import Card, write_model

    torch.manual_seed(0)
    settings = {
        "classes": ["loop"], "encoder": encoder, "anchor_sizes": [[8, 12], [20, 28], [40, 60]],
        "aspect_ratios": [1.0] if core != "rotated" else [0.3, 0.6],
    }  # fmt: skip
    card = {
        "name": f"untrained {core} ({encoder})", "task": "detection", "description": "for timing only",
        "core": {"name": core, "settings": settings}, "classes": [{"name": "loop"}],
    }  # fmt: skip
    network = make_core(core, settings).network
    folder = Path(tempfile.mkdtemp()) / "untrained"
    return write_model(folder, Card.model_validate(card), network.state_dict(), field(256, 10))


def field(side: int, objects: int) -> Any:
    """A micrograph of dark discs on noise."""
    import cv2
    import numpy as np

    from temj.data import Calibration, Micrograph

    rng = np.random.default_rng(0)
    mask = np.zeros((side, side), np.uint8)
    for _ in range(objects):
        cv2.circle(mask, rng.integers(0, side, 2).tolist(), int(rng.integers(4, 20)), 1, -1)
    pixels = (rng.normal(140, 12, mask.shape) - 50 * mask).clip(0, 255).astype(np.uint8)
    return Micrograph(pixels, Calibration(0.5, 0.5, "nm"), "field.tif")


if __name__ == "__main__":
    raise SystemExit(main())
