"""A dataset where a model is wanted, or the other way round: told as what it is, not as what is missing in it."""

from __future__ import annotations

import os
from pathlib import Path

from temj import models
from temj.datasets.description import FILE
from temj.errors import BadValue
from temj.models import Model
from temj.models.card import CARD


def is_dataset(given: str | os.PathLike) -> bool:
    """Whether it is the folder of a dataset."""
    return (Path(given).expanduser() / FILE).is_file()


def is_model(given: str | os.PathLike) -> bool:
    """Whether it is the folder of a model, or the name of an installed one where no folder has that name."""
    path = Path(given).expanduser()
    if path.exists():
        return (path / CARD).is_file()
    return str(given) in {Path(model.folder).name for model in models.list_models() if isinstance(model, Model)}


def require_dataset(given: str | os.PathLike, model: str | os.PathLike | None = None, name: str = "dataset") -> None:
    """Prove that what is given as a dataset is no model.

    Args:
        given: as the dataset.
        model: as the model, where the command takes one.
        name: of the parameter.

    Raises:
        BadValue: it is a model; says so too where the two are swapped.
    """
    if is_dataset(given) or not is_model(given):
        return
    swapped = model is not None and is_dataset(model)
    raise BadValue(
        "swapped" if swapped else "model-as-dataset", where=name, expected=f"a dataset folder (with {FILE})",
        found=f"the model '{given}'" + (f", and as the model the dataset '{model}'" if swapped else ""),
        remedy="Swap the two." if swapped else "Name the folder of the dataset.",
    )  # fmt: skip


def require_model(given: str | os.PathLike, dataset: str | os.PathLike, name: str = "model") -> None:
    """Prove that what is given as a model is no dataset.

    Args:
        given: as the model.
        dataset: as the dataset.
        name: of the parameter.

    Raises:
        BadValue: it is a dataset; says so too where the two are swapped.
    """
    if is_model(given) or not is_dataset(given):
        return
    swapped = not is_dataset(dataset) and is_model(dataset)
    raise BadValue(
        "swapped" if swapped else "dataset-as-model", where=name, expected=f"a model (a name, or a folder with {CARD})",
        found=f"the dataset '{given}'" + (f", and as the dataset the model '{dataset}'" if swapped else ""),
        remedy="Swap the two." if swapped else "Name the model; 'temj models' lists those that are installed.",
    )  # fmt: skip
