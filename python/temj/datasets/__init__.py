"""Folders of annotated images: made, opened, checked, split and read; no torch."""

from temj.datasets.checks import Report, check, require_sound
from temj.datasets.create import create
from temj.datasets.description import ClassDescription, Description, Split, Symmetry
from temj.datasets.folder import Dataset, Item, open_dataset
from temj.datasets.problems import Problem
from temj.datasets.split import Partition, SplitRule, folds, make_split, write_split

__all__ = [
    "ClassDescription", "Dataset", "Description", "Item", "Partition", "Problem", "Report", "Split", "SplitRule",
    "Symmetry", "check", "create", "folds", "make_split", "open_dataset", "require_sound", "write_split",
]  # fmt: skip
