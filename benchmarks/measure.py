"""How fast 5,000 objects of a 4096² image are measured: TEMJ, ImageJ's Analyzer loop, scikit-image's regionprops.

    python benchmarks/measure.py [--objects 5000] [--size 4096] [--repeats 5]

All columns Area … Solidity for objects of a label image. The three take turns in one process (ImageJ in its JVM,
warm), the first turn is dropped, and medians of the CPU time of one thread are compared. TEMJ and ImageJ start from
outlines that are already traced; tracing is printed apart. Regionprops gets what it has of the same columns, which
leaves out mode, skewness and kurtosis.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from functools import partial

import cv2
import numpy as np
import scyjava
from skimage.measure import regionprops_table
from timing import medians

from temj.annotations import roi
from temj.data import Calibration, Instances, Micrograph
from temj.geometry.trace import trace
from temj.measurement import measure

PROPERTIES = (
    "area", "intensity_mean", "intensity_std", "intensity_min", "intensity_max", "intensity_median", "centroid",
    "centroid_weighted", "perimeter", "bbox", "axis_major_length", "axis_minor_length", "orientation",
    "feret_diameter_max", "solidity",
)  # fmt: skip


def label_image(size: int, objects: int) -> np.ndarray:
    """Irregular touching-free blobs, (size, size) int32, numbered 1..objects."""
    rng = np.random.default_rng(3)
    noise = rng.standard_normal((size, size)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 0.114 * size / np.sqrt(objects))
    count, labels = cv2.connectedComponents((smooth > np.quantile(smooth, 0.88)).astype(np.uint8), connectivity=4)
    area = np.bincount(labels.ravel(), minlength=count)
    kept = np.flatnonzero(area >= 12)[1 : objects + 1]
    number = np.zeros(count, np.int32)
    number[kept] = np.arange(1, len(kept) + 1)
    return number[labels]


def grey_image(size: int, depth: int) -> np.ndarray:
    """Noise on a slope, (size, size), 8, 16 or 32 bits."""
    rng = np.random.default_rng(4)
    values = rng.normal(0.5, 0.08, (size, size)) + np.linspace(-0.1, 0.1, size)
    if depth == 32:
        return values.astype(np.float32)
    return np.clip(values * (2**depth - 1), 0, 2**depth - 1).astype(f"uint{depth}")


def imagej_loop(micrograph: Micrograph, instances: Instances) -> Callable[[], Callable[[], object]]:
    """What makes a call that measures all objects with ImageJ's Analyzer, one after the other, into its own table.

    Each call has ROIs that were not measured before: ImageJ keeps masks in its ROIs.
    """
    import jpype

    names = {
        np.dtype(np.uint8): ("Byte", jpype.JByte, np.int8),
        np.dtype(np.uint16): ("Short", jpype.JShort, np.int16),
        np.dtype(np.float32): ("Float", jpype.JFloat, np.float32),
    }
    name, java_type, signed = names[micrograph.pixels.dtype]
    processor = scyjava.jimport(f"ij.process.{name}Processor")(micrograph.width, micrograph.height)
    array = jpype.JArray(java_type)(micrograph.pixels.size)
    array[:] = micrograph.pixels.view(signed).ravel()
    processor.setPixels(array)
    image = scyjava.jimport("ij.ImagePlus")(micrograph.name, processor)
    scale = image.getCalibration()
    scale.pixelWidth, scale.pixelHeight = micrograph.calibration.width, micrograph.calibration.height
    scale.setUnit(micrograph.calibration.unit)
    decoder = scyjava.jimport("ij.io.RoiDecoder")
    coded = [
        jpype.JArray(jpype.JByte)(np.frombuffer(roi.encode(shape, name=name), np.int8))
        for shape, name in zip(instances.shapes, instances.name, strict=True)
    ]
    analyzer, table = scyjava.jimport("ij.plugin.filter.Analyzer"), scyjava.jimport("ij.measure.ResultsTable")
    everything = 1 | 2 | 4 | 8 | 16 | 32 | 64 | 128 | 512 | 1024 | 2048 | 8192 | 16384
    everything |= 32768 | 65536 | 131072 | 262144 | 524288

    def prepared() -> Callable[[], object]:
        rois = [decoder.openFromByteArray(data) for data in coded]
        return lambda: loop(rois)

    def loop(rois: list) -> object:
        results = table()
        run = analyzer(image, everything, results)
        for outline in rois:
            image.setRoi(outline, False)
            run.measure()
        image.deleteRoi()
        return results

    return prepared


def main() -> None:
    """Print a line for each depth of the image."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--objects", type=int, default=5000)
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    scyjava.config.get_repositories().clear()
    scyjava.config.set_java_constraints(fetch="auto", version="11")
    scyjava.config.endpoints.append("net.imagej:ij:1.54p")
    scyjava.config.enable_headless_mode()
    scyjava.start_jvm()
    labels = label_image(options.size, options.objects)
    shapes = trace(labels)
    names = np.array([f"blob-{number:04d}" for number in range(1, len(shapes) + 1)], object)
    instances = Instances(shapes, name=names)
    print(f"{len(shapes)} objects, {np.count_nonzero(labels) / len(shapes):.0f} pixels each, {options.size}²")
    for depth in (8, 16, 32):
        micrograph = Micrograph(grey_image(options.size, depth), Calibration(0.39, 0.39, "nm"), f"{depth}-bit")
        calls = {
            "temj": lambda image=micrograph: partial(measure, image, instances),
            "ImageJ": imagej_loop(micrograph, instances),
            "trace": lambda: partial(trace, labels),
            "regionprops": lambda image=micrograph: partial(
                regionprops_table, labels, image.pixels, properties=PROPERTIES
            ),
        }
        took = medians(calls, options.repeats, made=True)
        print(
            f"{depth:2d}-bit: temj {took['temj'] * 1e3:.0f} ms (tracing before it {took['trace'] * 1e3:.0f} ms), "
            f"ImageJ {took['ImageJ'] * 1e3:.0f} ms = {took['ImageJ'] / took['temj']:.1f} x, "
            f"regionprops {took['regionprops'] * 1e3:.0f} ms = {took['regionprops'] / took['temj']:.1f} x",
            flush=True,
        )
    os._exit(0)  # ImageJ's thread pool would keep the process alive


if __name__ == "__main__":
    main()
