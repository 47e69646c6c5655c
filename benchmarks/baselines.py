"""What classical methods reach on an annotated dataset beside a trained network: IoU, object F1, errors, CPU time.

    python benchmarks/baselines.py [--dataset samples/loops] [--model loops] [--cores threshold,forest]

Thresholds by name are applied as they are (blur 3, background 40 pixels subtracted, probability 0.5). The cores
``threshold``, ``watershed``, ``blobs`` and ``forest`` are fitted to the training images as ``temj train`` does ("train
s": CPU seconds with choosing thresholds and writing the model). Like a network's, their default threshold is chosen on
the validation images, on which all are judged: objects are 8-connected pieces of the masks, a match has IoU > 0.5.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch

from temj import resources
from temj.cores import make_core
from temj.data import Instances, Micrograph
from temj.datasets import Dataset, open_dataset
from temj.evaluation.agreement import Agreement, compare_objects, components
from temj.evaluation.objects import Objects
from temj.inference import predict
from temj.models import open_model
from temj.training import TrainingOptions, train

PLAIN = ("otsu", "li", "triangle", "yen", "imagej:Default", "imagej:MaxEntropy", "imagej:Moments", "local-mean")
CORES = ("threshold", "watershed", "blobs", "forest")


def judged(dataset: Dataset, find: Callable[[Micrograph], Instances]) -> tuple[dict[str, float], float]:
    """Metrics of the first class on the validation images, and CPU seconds an image."""
    total, seconds = Agreement(), 0.0
    items = dataset.subset("validation")
    for item in items:
        micrograph, truth = dataset.micrograph(item), dataset.class_map_of(item)
        begun = time.process_time()
        found = find(micrograph)
        seconds += time.process_time() - begun
        mine = found.shapes.take(np.flatnonzero(found.class_name == dataset.classes[0]))
        objects = Objects.of_shapes(mine, *truth.shape)
        total += compare_objects(objects, Objects.of_labels(components(truth == 1)), truth != 255)
    return total.metrics(), seconds / len(items)


def show(name: str, result: tuple[dict[str, float], float], training: float | None = None) -> None:
    """Print a line of the table; errors in percent."""
    metrics, seconds = result
    errors = " ".join(f"{100 * metrics[f'{what} error']:+8.0f}" for what in ("area", "count", "diameter"))
    trained = " " * 8 if training is None else f"{training:8.1f}"
    figures = f"{metrics['IoU']:6.3f} {metrics['object F1']:6.3f} {errors} {trained} {1000 * seconds:8.0f}"
    print(f"{name:40} {figures}", flush=True)


def plain(dataset: Dataset, method: str, polarity: str) -> Callable[[Micrograph], Instances]:
    """A threshold as it is."""
    settings = {"polarity": polarity, "blur": 3.0, "background": 40.0, "window": 81, "offset": 2.0}
    core = make_core("threshold", {"classes": dataset.classes[:1], "method": method, **settings})

    def find(micrograph: Micrograph) -> Instances:
        margins = torch.from_numpy(core.prepare(micrograph.pixels))[None]
        return core.decode(core.forward(margins)[0].numpy(), 0.5)

    return find


def main() -> None:
    """Print the table, line by line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", default=str(resources.folder("samples") / "loops"))
    parser.add_argument("--model", default="loops", help="a trained network to compare with; empty for none")
    parser.add_argument("--cores", default=",".join(CORES))
    parser.add_argument("--polarity", choices=("dark", "bright"), default="dark", help="of thresholds as they are")
    given = parser.parse_args()
    dataset = open_dataset(given.dataset)
    print(f"{'':40} {'IoU':>6} {'F1':>6} {'area %':>8} {'count %':>8} {'diam. %':>8} {'train s':>8} {'ms/image':>8}")
    for method in PLAIN:
        show(f"threshold {method}, as it is", judged(dataset, plain(dataset, method, given.polarity)))
    with tempfile.TemporaryDirectory() as folder:
        for core in given.cores.split(","):
            begun = time.process_time()
            model = train(dataset, core, Path(folder) / core, TrainingOptions(threads=1, device="cpu"))
            seconds = time.process_time() - begun
            show(f"core {core}, fitted", judged(dataset, partial(predict, model=model, device="cpu")), seconds)
    if given.model:
        find = partial(predict, model=open_model(given.model), device="cpu")
        find(dataset.micrograph(dataset.subset("validation")[0]))  # loads the network
        show(f"model {given.model}", judged(dataset, find))


if __name__ == "__main__":
    main()
