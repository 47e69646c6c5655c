"""The list of installed models."""

from __future__ import annotations

import numpy as np

from temj.data import Column, Table
from temj.errors import TemjError
from temj.models import Model, list_models


def models_table() -> Table:
    """Name, what it finds, core, pixel sizes, default threshold and folder of every model that is found."""
    rows = [_row(entry) for entry in list_models()]
    names = ("Name", "Finds", "Core", "Pixel size", "Threshold", "Folder", "State")
    return Table(tuple(Column(name, np.array([row[k] for row in rows], object)) for k, name in enumerate(names)))


def _row(entry: Model | TemjError) -> tuple[str, ...]:
    if isinstance(entry, TemjError):
        return ("?", "", "", "", "", entry.where or "", entry.message)
    card, size = entry.card, entry.card.pixel_size
    classes = ", ".join(item.name for item in card.classes)
    scale = "any" if size is None else f"{size.min:.3g}-{size.max:.3g} {size.unit}/px (trained {size.trained:.4g})"
    return (
        card.name,
        f"{classes}: {card.description}",
        card.core.name,
        scale,
        card.default_threshold,
        str(entry.folder),
        "ok",
    )
