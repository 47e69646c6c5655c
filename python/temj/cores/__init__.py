"""Cores: a network or method with its own input, target and reading of its output; importing this imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from temj import registry
from temj.cores.base import Predictor, Trainable
from temj.cores.channels import CHANNELS, Channels

CORES = {"semantic": "temj.cores.semantic:Semantic"}
"""name -> class; called with the settings that a card's ``core.settings`` holds."""

__all__ = ["CHANNELS", "CORES", "Channels", "Predictor", "Trainable", "make_core"]


def make_core(name: str, settings: Mapping[str, Any]) -> Any:
    """The core ``name`` with random weights, not yet built.

    Raises:
        BadValue: no such core, or a setting that it does not have or cannot take.
    """
    return registry.look_up(CORES, "core", name)(settings)
