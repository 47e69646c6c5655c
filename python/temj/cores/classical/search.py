"""Choosing a threshold by trying: first all methods by their pixels, then the best by their objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from temj.cores.base import Truth
from temj.cores.classical import examples
from temj.cores.classical.base import Step
from temj.cores.classical.examples import Example
from temj.cores.classical.fields import FlatField, flat_field
from temj.cores.classical.methods import ASYMMETRIC, GLOBAL, LOCAL, as_dark, global_threshold, local_threshold
from temj.evaluation.agreement import Agreement, compare, is_noise

if TYPE_CHECKING:
    from temj.cores.classical.threshold import Threshold, ThresholdSettings

IMAGES = 6
"""Annotated images that are tried."""
FINALISTS = 8
"""Settings whose objects are looked at."""
_SMOOTHING = (0.0, 1 / 12, 1 / 6, 1 / 4)
"""Deviations of the blur that are tried, in diameters of an object."""
_BACKGROUND = 3.0
_WINDOWS = (3.0, 8.0)
_OFFSETS = {"sauvola": np.linspace(-0.2, 0.6, 33)}
_OTHER_OFFSETS = np.linspace(0, 4, 41)
HALF = 0.5
"""Probability at a method's own threshold."""


class Counts(NamedTuple):
    """Pixels found, found and annotated, annotated."""

    found: np.ndarray | float
    both: np.ndarray | float
    true: float

    def iou(self) -> np.ndarray | float:
        """Pixels in both for pixels in either."""
        return self.both / np.maximum(self.found + self.true - self.both, 1)


def search(
    core: Threshold, images: Sequence[np.ndarray], truths: Sequence[Truth], seed: int, step: Step
) -> ThresholdSettings:
    """The settings with the best mean of IoU and object F1; what the core's settings say already stays."""
    chosen = examples.choose(images, truths, IMAGES, seed)
    size = examples.diameter(chosen)
    trials = list(_preparations(core.settings, size))
    count = len(trials) + FINALISTS
    tried: list[tuple[float, ThresholdSettings]] = []
    for number, prepared in enumerate(trials):
        step("trying thresholds", number, count)
        tried += _by_pixels(prepared, chosen, size)
    best: tuple[float, ThresholdSettings] | None = None
    for number, settings in enumerate(_finalists(tried)):
        step("comparing objects", len(trials) + number, count)
        for score, refined in _by_objects(core, settings, chosen):
            if best is None or score > best[0]:
                best = (score, refined)
    return best[1]


def _preparations(given: ThresholdSettings, size: float) -> Iterator[ThresholdSettings]:
    """Settings with every blur and background that is tried for objects of a size."""
    blurs = [given.blur] if given.blur is not None else [round(size * part, 1) for part in _SMOOTHING]
    wide = round(size * _BACKGROUND)
    backgrounds = [given.background] if given.background is not None else [0.0, float(wide)]
    for blur in dict.fromkeys(blurs):
        for background in backgrounds:
            yield given.model_copy(update={"blur": blur, "background": background})


def _by_pixels(
    prepared: ThresholdSettings, chosen: Sequence[Example], size: float
) -> list[tuple[float, ThresholdSettings]]:
    """IoU of every method on images prepared in one way; each with its best offset."""
    images = [_Prepared.of(example, prepared) for example in chosen]
    polarities = ("dark", "bright") if prepared.polarity == "auto" else (prepared.polarity,)
    methods = (*GLOBAL, *LOCAL) if prepared.method == "auto" else (prepared.method,)
    if prepared.method == "auto" and prepared.background:  # a local mean does away with the background itself
        methods = (*GLOBAL, "sauvola")
    found = []
    for polarity in polarities:
        for method in methods:
            settings = prepared.model_copy(update={"polarity": polarity, "method": method})
            if method in LOCAL:
                found += _of_local(settings, images, size)
            else:
                counts = _summed([image.found_by(method, settings.bright) for image in images])
                found.append((float(counts.iou()), settings))
    return found


def _summed(parts: Sequence[Counts]) -> Counts:
    return Counts(*(sum(values) for values in zip(*parts, strict=True)))


@dataclass(frozen=True, eq=False)
class _Prepared:
    """An image smoothed and flattened: ``field``, what counts of it, and what of that is annotated.

    Levels and local means are kept: both polarities ask for the same.
    """

    field: FlatField
    counts: np.ndarray
    mask: np.ndarray
    kept: dict[Any, Any]

    @classmethod
    def of(cls, example: Example, settings: ThresholdSettings) -> _Prepared:
        field = flat_field(example.pixels, settings.blur, settings.background)
        return cls(field, example.counts, example.classes[example.counts] == 1, {})

    def found_by(self, method: str, bright: bool) -> Counts:
        """What a method for the whole image finds."""
        key = (method, bright and method == "multiotsu")
        if key not in self.kept:
            self.kept[key] = global_threshold(method, self.field, bright) if self.field.spread else None
        level, values = self.kept[key], self.field.values[self.counts]
        if level is None:
            return Counts(0, 0, int(self.mask.sum()))
        found = values > level if bright else values < level
        return Counts(int(found.sum()), int((found & self.mask).sum()), int(self.mask.sum()))

    def largest_offset(self, method: str, bright: bool, window: int) -> np.ndarray:
        """(n,): up to which offset each pixel that counts belongs to an object."""
        if not self.field.spread:
            return np.full(self.mask.shape, -np.inf)
        turned = bright and method in ASYMMETRIC
        key = (method, turned, window)
        if key not in self.kept:
            values = as_dark(self.field, turned, method)
            spread = float(values[self.field.known].std(dtype=np.float64))
            centre, slope = local_threshold(method, values, min(window, max(values.shape) | 1), spread)
            self.kept[key] = ((centre - values) / np.maximum(slope, 1e-6))[self.counts]
        return -self.kept[key] if bright and not turned else self.kept[key]


def _of_local(
    given: ThresholdSettings, images: Sequence[_Prepared], size: float
) -> list[tuple[float, ThresholdSettings]]:
    """What a local method finds in each window, with its best offset."""
    windows = [given.window] if given.window else sorted({max(5, round(size * part) | 1) for part in _WINDOWS})
    grid = _OFFSETS.get(given.method, _OTHER_OFFSETS) if given.offset is None else np.array([given.offset])
    found = []
    for window in windows:
        largest = [image.largest_offset(given.method, given.bright, window) for image in images]
        counts = _summed([_below(each, image.mask, grid) for each, image in zip(largest, images, strict=True)])
        best = int(np.argmax(counts.iou()))
        settings = given.model_copy(update={"window": window, "offset": round(float(grid[best]), 4)})
        found.append((float(counts.iou()[best]), settings))
    return found


def _below(largest: np.ndarray, mask: np.ndarray, grid: np.ndarray) -> Counts:
    """What is found at every offset of an even grid: the pixels whose largest offset exceeds it."""
    step = float(grid[1] - grid[0]) if len(grid) > 1 else 1.0
    places = np.clip((largest - grid[0]) / step, -1, len(grid))  # finite, so that it is a number of bins
    bins = np.clip(np.ceil(places), 0, len(grid)).astype(np.int64)  # the pixel is found at the first `bins` offsets
    found, both = (np.bincount(each, minlength=len(grid) + 1)[:0:-1].cumsum()[::-1] for each in (bins, bins[mask]))
    return Counts(found, both, int(mask.sum()))


def _finalists(tried: list[tuple[float, ThresholdSettings]]) -> list[ThresholdSettings]:
    """The best settings by IoU, one for each method first."""
    ordered = [settings for _, settings in sorted(tried, key=lambda pair: -pair[0])]
    first: dict[str, ThresholdSettings] = {}
    for settings in ordered:
        first.setdefault(settings.method, settings)
    of_best = [settings for settings in ordered if settings.method == ordered[0].method]
    return list(dict.fromkeys([*first.values()][: FINALISTS - 2] + of_best))[:FINALISTS]


def _by_objects(
    core: Threshold, settings: ThresholdSettings, chosen: Sequence[Example]
) -> Iterator[tuple[float, ThresholdSettings]]:
    """(score, settings) with the smallest areas, and what else a core offers, that are tried."""
    from temj.cores.classical.threshold import STEEPNESS, margin

    levels = []
    for example in chosen:
        found = margin(flat_field(example.pixels, settings.blur, settings.background), settings)
        levels.append(1 / (1 + np.exp(-STEEPNESS * found)))
    if any(_is_noise(level > HALF, example) for level, example in zip(levels, chosen, strict=True)):
        yield -1.0, settings
        return
    for refined in core.refinements(settings, examples.areas(chosen)):
        yield score(core, refined, levels, chosen), refined


def _is_noise(mask: np.ndarray, example: Example) -> bool:
    from temj.opencv import opencv

    pieces = opencv().connectedComponents(mask.astype(np.uint8), connectivity=8)[0] - 1
    return is_noise(pieces, int(example.objects.max()))


def score(
    core: Threshold, settings: ThresholdSettings, levels: Sequence[np.ndarray], chosen: Sequence[Example]
) -> float:
    """Mean of IoU and object F1 of what is read in probabilities (h, w), over all images together."""
    total = Agreement()
    for level, example in zip(levels, chosen, strict=True):
        labels = core.labels(level, HALF, settings)
        total += compare(labels, np.where(example.classes == 1, example.objects, 0), example.counts)
    metrics = total.metrics()
    return float(np.nan_to_num(metrics["IoU"]) + np.nan_to_num(metrics["object F1"])) / 2
