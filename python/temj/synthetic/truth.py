"""The objects of a scene as instances, and which of them nobody could see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from temj.data import Column, Instances, Shapes, Table
from temj.geometry import in_reading_order, rasterise
from temj.synthetic.base import Drawn, ObjectClass, Settings

ROSE = 5.0
STRUCTURE = 0.5
SMALLEST = 2.0
_AROUND = 61


def instances_of(
    objects: Sequence[Drawn], classes: Sequence[ObjectClass], settings: Settings, frame: int = 0
) -> tuple[Instances, list[Drawn]]:
    """Those objects that have a pixel in the image, in reading order, named ``<class>-<0001>``.

    Args:
        objects: of the scene.
        classes: for ``info["diameter"]`` and ``info["edge"]``.
        settings: the size of the image.
        frame: of a film, from 1; 0 for an image.

    Returns:
        The instances, and the same objects in the same order.
    """
    shapes = Shapes.of([drawn.shape for drawn in objects])
    counts = rasterise(shapes, settings.size, settings.size).counts(len(shapes))
    seen = np.flatnonzero(counts > 0)
    found = Instances(
        shapes.take(seen),
        class_name=np.array([objects[index].class_name for index in seen], object),
        track=np.array([objects[index].track for index in seen], np.int64),
        group=seen,  # carries the place in ``objects`` through the sorting
        position=(0, 0, frame) if frame else 0,
        info={
            "diameter": {entry.name: entry.diameter for entry in classes},
            "edge": {entry.name: entry.edge for entry in classes},
        },
    )
    found = in_reading_order(found)
    return found.with_columns(group=0), [objects[index] for index in found.group]


def uncovered(found: Instances, objects: list[Drawn], area: np.ndarray | None) -> tuple[Instances, list[Drawn]]:
    """Without the objects that lie wholly outside the analysed area (under a bar); the others are named anew."""
    if area is None:
        return found, objects
    owner, index = rasterise(found.shapes, *area.shape[::-1]).pixels(area.shape[1])
    kept = np.bincount(owner, area.ravel()[index], minlength=len(found)) > 0
    return in_reading_order(found.take(kept)), [drawn for drawn, keep in zip(objects, kept, strict=True) if keep]


def visibility(found: Instances, intensity: np.ndarray, empty: np.ndarray, dose: float) -> dict[str, np.ndarray]:
    """How well each object can be told from the background.

    Args:
        found: n objects.
        intensity: (h, w) noise-free, with all objects.
        empty: (h, w) the same without objects.
        dose: electrons per pixel at intensity 1.

    Returns:
        Arrays of n: ``pixels`` (inside the image), ``contrast`` (mean |relative change| over the outline), ``snr``
        (contrast · sqrt(electrons in the outline), of shot noise alone), ``structure`` (relative sd of the empty
        background around it), ``buried`` (bool).

    An object is called buried where snr < 5 (the criterion of Rose), where its contrast is under half the sd of the
    background's own structure, or where it covers less than 2 pixels.
    """
    from scipy.ndimage import uniform_filter

    height, width = empty.shape
    count = len(found)
    owner, index = rasterise(found.shapes, width, height).pixels(width)
    pixels = np.maximum(np.bincount(owner, minlength=count), 1)

    def mean(picture: np.ndarray) -> np.ndarray:
        return np.bincount(owner, picture.ravel()[index], minlength=count) / pixels

    around = min(_AROUND, height)
    local = uniform_filter(empty, around, mode="nearest")
    spread = np.sqrt(np.maximum(uniform_filter(empty**2, around, mode="nearest") - local**2, 0)) / local
    contrast = mean(np.abs(intensity / empty - 1))
    snr = contrast * np.sqrt(mean(empty) * dose * pixels)
    structure = mean(spread)
    buried = (snr < ROSE) | (contrast < STRUCTURE * structure) | (pixels < SMALLEST)
    return {"pixels": pixels, "contrast": contrast, "snr": snr, "structure": structure, "buried": buried}


def objects_table(found: Instances, objects: Sequence[Drawn], seen: Mapping[str, np.ndarray]) -> Table:
    """One row an object: name, class, frame and track (of films), how well it is seen, and what is known of it."""
    columns = [Column("Name", found.name), Column("Class", found.class_name)]
    if found.position.any():
        columns += [Column("Frame", found.position[:, 2]), Column("Track", found.track)]
    columns += [
        Column("Pixels", seen["pixels"], "px"),
        Column("Contrast", np.round(seen["contrast"], 4)),
        Column("SNR", np.round(seen["snr"], 2)),
        Column("Buried", seen["buried"].astype(np.int64)),
    ]
    keys = dict.fromkeys(key for drawn in objects for key in drawn.facts)
    for key in keys:
        values = [drawn.facts.get(key) for drawn in objects]
        text = any(isinstance(value, str) for value in values)
        missing = "" if text else np.nan
        cells = [missing if value is None else value for value in values]
        columns.append(Column(key, np.array(cells, object if text else float)))
    return Table(tuple(columns))
