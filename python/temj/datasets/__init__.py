"""Folders of annotated images: opened, checked and read; no torch."""

from temj.datasets.checks import check, require_sound
from temj.datasets.description import ClassDescription, Description, Split, Symmetry
from temj.datasets.folder import Dataset, Item, open_dataset

__all__ = [
    "ClassDescription", "Dataset", "Description", "Item", "Split", "Symmetry", "check", "open_dataset", "require_sound",
]  # fmt: skip
