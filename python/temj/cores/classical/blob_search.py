"""Choosing a polarity, a blob detector and a strength by the annotated objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from temj.cores.base import Truth
from temj.cores.channels import normalised
from temj.cores.classical import examples
from temj.cores.classical.base import Step
from temj.cores.classical.detectors import DETECTORS, Discs
from temj.cores.classical.examples import Example
from temj.data import RoiType, Shape, Shapes
from temj.errors import BadValue
from temj.evaluation.agreement import Agreement, compare_objects
from temj.evaluation.objects import Objects
from temj.opencv import opencv

if TYPE_CHECKING:
    from temj.cores.classical.blobs import Blobs, BlobSettings

IMAGES = 4
"""Annotated images that are tried."""
_WEAKEST = {"log": 0.25, "dog": 0.25, "doh": 0.02}
"""Least responses that are looked at, on an image of deviation 1."""
_MOST = 10
"""Discs for each annotated object, the strongest, that are looked at."""
_STRENGTHS = 25


def search(core: Blobs, images: Sequence[np.ndarray], truths: Sequence[Truth], seed: int, step: Step) -> BlobSettings:
    """The settings with the best mean of IoU and object F1; what the core's settings say already stays.

    Raises:
        BadValue: no detector finds anything.
    """
    chosen = examples.choose(images, truths, IMAGES, seed)
    given, true = core.settings, [_annotated(example) for example in chosen]
    methods = tuple(DETECTORS) if given.method == "auto" else (given.method,)
    polarity = _polarity(chosen) if given.polarity == "auto" else given.polarity
    best, settings = -1.0, given
    for number, method in enumerate(methods):
        trial = given.model_copy(update={"method": method, "polarity": polarity})
        found = []
        for place, example in enumerate(chosen):
            step(f"looking for {polarity} blobs", number * len(chosen) + place, len(methods) * len(chosen))
            discs = core.discs(example.pixels, trial, _WEAKEST[method])
            found.append(discs.take(slice(None, max(100, _MOST * true[place].count))))
        for strength in _strengths(given, found):
            score = _score(found, strength, true, chosen)
            if score > best:
                best, settings = score, trial.model_copy(update={"strength": strength})
    if best < 0:
        raise BadValue(
            "no-blobs", where="blobs", expected="round objects of the sizes that are annotated", found="none",
            remedy="Use another core: 'threshold', 'watershed' or 'forest'.",
        )  # fmt: skip
    return settings


def _polarity(chosen: Sequence[Example]) -> str:
    """``bright`` or ``dark``: what the objects are against their surroundings, on average."""
    contrast = 0.0
    for example in chosen:
        values, mask = normalised(example.pixels), example.classes == 1
        size = 2 * round(examples.diameter([example]) / 2) + 1 if mask.any() else 1
        around = opencv().dilate(mask.astype(np.uint8), np.ones((size, size), np.uint8)) > 0
        around &= example.counts & ~mask
        if mask.any() and around.any():
            contrast += float(values[mask].mean() - values[around].mean()) * int(example.objects.max())
    return "bright" if contrast > 0 else "dark"


def _annotated(example: Example) -> Objects:
    return Objects.of_labels(np.where(example.classes == 1, example.objects, 0))


def _strengths(given: BlobSettings, found: Sequence[Discs]) -> list[float]:
    """Strengths that are tried: evenly spaced ranks of all responses."""
    if given.strength is not None:
        return [given.strength]
    every = np.concatenate([discs.response for discs in found])
    ranks = np.quantile(every, np.linspace(0, 1, _STRENGTHS, endpoint=False)) if len(every) else []
    return sorted({float(f"{strength:.4g}") for strength in ranks if strength > 0})


def _score(found: Sequence[Discs], strength: float, true: Sequence[Objects], chosen: Sequence[Example]) -> float:
    """Mean of IoU and object F1 of the discs of at least this response, over all images together."""
    total = Agreement()
    for discs, objects, example in zip(found, true, chosen, strict=True):
        kept = discs.take(discs.response >= strength)
        ovals = [
            Shape(RoiType.OVAL, params=(x + 0.5 - r, y + 0.5 - r, 2 * r, 2 * r))
            for y, x, r in zip(kept.y.tolist(), kept.x.tolist(), kept.radius.tolist(), strict=True)
        ]
        mine = Objects.of_shapes(Shapes.of(ovals), *example.classes.shape)
        total += compare_objects(mine, objects, example.counts)
    metrics = total.metrics()
    return float(np.nan_to_num(metrics["IoU"]) + np.nan_to_num(metrics["object F1"])) / 2
