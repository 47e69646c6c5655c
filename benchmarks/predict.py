"""What ``temj predict`` costs around its network: the command against the bare forward passes.

    OMP_NUM_THREADS=1 python benchmarks/predict.py [--model loops] [--repeats 5]

A micrograph of 2048 x 2048 pixels (the 16 shared tiles of dislocation loops) is predicted with everything that the
command does: reading, tiling, objects, measuring and writing all files. Beside it the same network runs over the same
tiles, in the same arithmetic and memory format, and nothing else. Both in one process on one thread, CPU time, first
call dropped, medians of interleaved repeats. The aim is a ratio of at most 1.15.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

LIMIT = 1.15
SAMPLES = Path(__file__).resolve().parents[1] / "samples" / "loops" / "images"
TITLE = "temj predict, 2048 x 2048, one thread"


def main() -> int:
    """Run and print; 1 where the ratio is above the limit."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--model", default="loops", help="name or folder (default: loops)")
    options.add_argument("--repeats", type=int, default=5)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        image = make_micrograph(Path(folder) / "mosaic.tif")
        print(TITLE)
        print_cold_start(image, chosen.model, Path(folder) / "cold")
        command, bare, objects = prepare(image, chosen.model, Path(folder) / "warm")
        first = cpu(command), cpu(bare)
        print(f"first call (dropped)            {first[0]:7.3f} s, bare {first[1]:.3f} s")
        pairs = [(cpu(command), cpu(bare)) for _ in range(chosen.repeats)]
        ratio = report(pairs, objects())
        print_shares(command)
    return int(ratio > LIMIT)


def make_micrograph(path: Path) -> Path:
    """The 16 tiles as one calibrated ImageJ TIFF."""
    import numpy as np
    import tifffile

    from temj import readers

    tiles = [readers.open(file).pixels for file in sorted(SAMPLES.glob("*.png"))]
    mosaic = np.concatenate([np.concatenate(tiles[row : row + 4], axis=1) for row in range(0, 16, 4)])
    scale = 1 / 0.390625
    tifffile.imwrite(path, mosaic, imagej=True, resolution=(scale, scale), metadata={"unit": "nm"})
    return path


def print_cold_start(image: Path, model: str, output: Path) -> None:
    """The command in a process of its own, on one thread: imports, model and prediction."""
    words = [sys.executable, "-m", "temj", "predict", str(image), "--model", model, "--output", str(output)]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"})
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - start
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"cold start of the whole command {seconds:7.3f} s CPU, {wall:.2f} s by the clock")


def prepare(image: Path, model: str, output: Path) -> tuple[Callable[[], object], Callable[[], object], Callable]:
    """The command, the bare forward passes over the same tiles, and the number of objects of the last call."""
    start = time.process_time()
    import cv2
    import numpy as np
    import torch

    from temj import commands, inference, readers
    from temj.inference.forward import TILE_PIXELS
    from temj.inference.tiles import plan
    from temj.models import open_model
    from temj.models.selftest import arithmetic

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    imported = time.process_time()
    network = inference.ready(open_model(model), "auto")
    print(f"imports                         {imported - start:7.3f} s")
    print(f"model load and self-test        {time.process_time() - imported:7.3f} s")
    pixels = network.core.prepare(readers.open(image).pixels)
    tiling = plan(*pixels.shape[1:], network.core.stride, TILE_PIXELS[network.device])
    cut = [np.ascontiguousarray(tiling.cut(tiling.pad(pixels), *place))[None] for place in tiling.places]
    tensors = [torch.from_numpy(tile).contiguous(memory_format=torch.channels_last) for tile in cut]
    print(f"tiles                           {len(tensors)} of {tiling.tile_width} x {tiling.tile_height}", end=", ")
    print(f"overlap {tiling.overlap[0]} px, {network.dtype} on {network.device}")
    counts: list[int] = []

    def command() -> None:
        parameters = {"images": [str(image)], "model": model, "output": str(output), "overwrite": True}
        counts.append(int(sum(commands.run("predict", parameters)["summary"]["Count"])))

    def bare() -> None:
        with torch.inference_mode(), arithmetic(network.device, network.dtype):
            for tensor in tensors:
                network.core.forward(tensor)

    return command, bare, lambda: counts[-1]


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def report(pairs: list[tuple[float, float]], objects: int) -> float:
    """Print medians and their ratio."""
    command, bare = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(first / second for first, second in pairs)
    print(f"bare forward passes             {bare:7.3f} s  (median of {len(pairs)})")
    print(f"the command, {objects:4d} objects      {command:7.3f} s")
    print(f"ratio                           {ratio:7.3f}    (aim: at most {LIMIT})")
    return ratio


def print_shares(command: Callable[[], object]) -> None:
    """CPU time by part of TEMJ, each without the other parts that it calls; from one profiled call."""
    profile = cProfile.Profile(time.process_time)
    profile.runcall(command)
    own: dict[str, float] = defaultdict(float)
    for (file, _, _), (*_, callers) in pstats.Stats(profile).stats.items():
        for (caller, _, _), (_, _, _, seconds) in callers.items():
            inner, outer = part(file), part(caller)
            if inner and inner != outer:
                own[inner] += seconds
                own[outer] -= seconds
    print("shares by part (one profiled call):")
    for name, seconds in sorted(own.items(), key=lambda entry: -entry[1]):
        if name and seconds > 0.0005:
            print(f"  {name:<16}{1e3 * seconds:9.1f} ms")


def part(file: str) -> str:
    """The package of TEMJ that a source file belongs to; "" for libraries."""
    places = Path(file).parts
    return places[places.index("temj") + 1].removesuffix(".py") if "temj" in places[:-1] else ""


if __name__ == "__main__":
    raise SystemExit(main())
