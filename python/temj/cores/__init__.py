"""Cores: a network or method with its own input, target and reading of its output; importing this imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from temj import registry
from temj.cores.base import Fittable, Predictor, Trainable, Truth
from temj.cores.channels import CHANNELS, Channels

CORES = {
    "semantic": "temj.cores.semantic.core:Semantic",
    "boxes": "temj.cores.detection.core:Boxes",
    "masks": "temj.cores.detection.core:Masks",
    "rotated": "temj.cores.detection.rotated.core:Rotated",
    "ensemble": "temj.cores.ensemble:Ensemble",
    "threshold": "temj.cores.classical.threshold:Threshold",
    "watershed": "temj.cores.classical.watershed:Watershed",
    "blobs": "temj.cores.classical.blobs:Blobs",
    "forest": "temj.cores.classical.forest:PixelForest",
}
"""name -> class; called with the settings that a card's ``core.settings`` holds."""

DETECTORS = ("boxes", "masks", "rotated")
"""The cores that answer with objects (:class:`temj.cores.detection.Detector`) instead of a map."""

__all__ = ["CHANNELS", "CORES", "DETECTORS", "Channels", "Fittable", "Predictor", "Trainable", "Truth", "make_core"]


def make_core(name: str, settings: Mapping[str, Any]) -> Any:
    """The core ``name`` with random weights, not yet built.

    Raises:
        BadValue: no such core, or a setting that it does not have or cannot take.
    """
    return registry.look_up(CORES, "core", name)(settings)
