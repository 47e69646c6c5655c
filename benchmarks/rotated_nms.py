"""How fast rotated boxes are compared: suppression of 5,000 candidates in a field of 2048², in NumPy and torch.

    python benchmarks/rotated_nms.py [--boxes 5000] [--size 2048] [--repeats 5]

Candidates as a network gives them: around 300 rods (dense), around as many as there are candidates (sparse), around
30 (heaps), and five times as long (crossing). CPU time of one thread; the ways take turns, the first turn is dropped,
the medians are printed. The last line is the matching of 49,152 anchors with 60 objects. The mark is 0.5 s for 5,000.
"""

from __future__ import annotations

import argparse
from functools import partial

import numpy as np
import torch
from timing import medians

from temj.cores.detection.rotated.iou import rotated_iou_matrix, rotated_nms
from temj.geometry.rotated import canonical, nms, rotated_iou, soft_nms

MARK = 0.5


def candidates(count: int, objects: int, size: int, longer: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Boxes (count, 5) that scatter about random rods of 40-90 × 10-25 pixels, and scores (count,)."""
    rng = np.random.default_rng(0)
    sides = [rng.uniform(40, 90, objects) * longer, rng.uniform(10, 25, objects)]
    rods = np.column_stack([rng.uniform(0, size, (objects, 2)), *sides, rng.uniform(0, 180, objects)])
    boxes = rods[rng.integers(0, objects, count)]
    boxes[:, :2] += rng.normal(0, 0.4, (count, 2)) * boxes[:, 3:4]
    boxes[:, 2:4] *= np.exp(rng.normal(0, 0.12, (count, 2)))
    boxes[:, 4] += rng.normal(0, 8, count)
    return canonical(boxes), rng.uniform(size=count)


def anchors(field: int, step: int) -> np.ndarray:
    """Twelve boxes of two sizes and six angles at places ``step`` pixels apart, (k, 5)."""
    places = np.stack(np.meshgrid(*[np.arange(0, field, step)] * 2), axis=-1).reshape(-1, 2)
    sides = np.repeat([[30.0, 10.0], [60.0, 15.0]], 6, axis=0)
    kinds = np.column_stack([sides, np.tile(np.arange(6) * 30.0, 2)])
    return np.column_stack([np.repeat(places, 12, axis=0), np.tile(kinds, (len(places), 1))])


def main() -> None:
    """Print a line for each kind of field and IoU."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--boxes", type=int, default=5000)
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    count, size = options.boxes, options.size
    fields = {
        "dense": candidates(count, 300, size),
        "sparse": candidates(count, count, size),
        "heaps": candidates(count, 30, size),
        "crossing": candidates(count, count, size, longer=5),
    }
    slowest = 0.0
    for name, (boxes, scores) in fields.items():
        print(f"{name}: {count} boxes in {size}², {(len(rotated_iou(boxes, boxes)) - count) // 2:,} pairs overlap")
        tensors = torch.from_numpy(boxes), torch.from_numpy(scores)
        for iou in (0.1, 0.5):
            calls = {
                "numpy": partial(nms, boxes, scores, iou),
                "torch, 64 bits": partial(rotated_nms, *tensors, iou),
                "torch, 32 bits": partial(rotated_nms, tensors[0].float(), tensors[1], iou),
            }
            took = medians(calls, options.repeats)
            slowest = max(slowest, *took.values())
            told = ", ".join(f"{way} {seconds * 1e3:.0f} ms" for way, seconds in took.items())
            print(f"  IoU {iou}: {len(nms(boxes, scores, iou))} kept; {told}", flush=True)
        took = medians({"soft": partial(soft_nms, boxes, scores)}, options.repeats)
        print(f"  soft (Gaussian), numpy {took['soft'] * 1e3:.0f} ms", flush=True)
    print(f"slowest suppression {slowest * 1e3:.0f} ms: {'within' if slowest <= MARK else 'over'} the mark of {MARK} s")
    made, objects = torch.from_numpy(anchors(512, 8)).float(), torch.from_numpy(candidates(60, 60, 512)[0]).float()
    calls = {f"least {least}": partial(rotated_iou_matrix, made, objects, least) for least in (0.0, 0.3)}
    took = medians(calls, options.repeats)
    told = ", ".join(f"{way} {seconds * 1e3:.0f} ms" for way, seconds in took.items())
    print(f"{len(made):,} anchors × {len(objects)} objects, torch, 32 bits: {told}")


if __name__ == "__main__":
    main()
