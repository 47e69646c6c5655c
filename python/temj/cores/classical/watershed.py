"""The core ``watershed``: the best threshold, and objects parted along the watershed of the distance to their edge."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from pydantic import Field

from temj.cores.classical.threshold import Threshold, ThresholdSettings
from temj.cores.semantic.decode import means
from temj.data import Instances
from temj.geometry.split import split_touching
from temj.geometry.trace import trace

_DEPTHS = (0.5, 1.0, 2.0, 4.0)
"""Depths in pixels that the fit tries."""


class WatershedSettings(ThresholdSettings):
    """A threshold (:class:`ThresholdSettings`), and how deep the hills of the distance must be parted.

    Attributes:
        depth: h of the h-maxima (Soille 2003, Morphological Image Analysis): each hill of the distance to the edge that
            rises by more than this many pixels above the way to a higher one is an object; None: the fit chooses.
            Where ``instances`` is not ``split``, it and ``neck`` have no meaning.
    """

    depth: Annotated[float, Field(ge=0, le=1000)] | None = None


class Watershed(Threshold):
    """One class by a threshold; touching objects by h-maxima of the distance to the edge, and watershed from them."""

    Settings = WatershedSettings
    name = "watershed"

    def labels(
        self, probability: np.ndarray, threshold: float, settings: WatershedSettings, scale: float = 1.0
    ) -> np.ndarray:
        """Labels 1 .. n, int32, of the objects in a probability (h, w), read with some settings."""
        if settings.instances != "split":
            return super().labels(probability, threshold, settings, scale)
        least = max(1, round((settings.min_pixels or 0) * scale**2))
        depth = _DEPTHS[1] if settings.depth is None else settings.depth
        return split_touching(probability > threshold, neck=1.0, min_depth=depth * scale, min_area=least)

    def decode(self, raw: np.ndarray, threshold: float, scale: float = 1.0) -> Instances:
        """The objects: pixels above the threshold, parted, traced; Score = mean probability of the pixels."""
        labels = self.labels(raw[0], threshold, self.settings, scale)
        return Instances(trace(labels), class_name=self.classes[0], score=means(raw[0], labels))

    def refinements(self, settings: WatershedSettings, areas: np.ndarray) -> Iterator[WatershedSettings]:
        """Those of the threshold, with every depth."""
        depths = _DEPTHS if settings.depth is None else (settings.depth,)
        for refined in super().refinements(settings, areas):
            for depth in depths:
                yield refined.model_copy(update={"depth": depth})
