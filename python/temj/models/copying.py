"""A model folder made of another one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from temj import storage
from temj.models.card import CARD, Card
from temj.models.folder import Model
from temj.models.write import fact_of, write_together


def copy_model(model: Model, folder: Path, card: Card, extra: Mapping[str, bytes] | None = None) -> Model:
    """Write the files of a model, proved by their sha256, into another folder with a changed card.

    All files are complete before the first one gets its name, and the card gets its name last. What was there under
    these names is replaced.

    Args:
        model: to copy.
        folder: made if it is not there.
        card: what the copy says of itself; its ``files`` are filled in here.
        extra: further files of the copy, by name.

    Raises:
        BadModel: a file of the model is missing or damaged.
        StorageError: a file could not be written.
    """
    files = {name: model.read(name) for name in model.card.files} | dict(extra or {})
    card = card.model_copy(update={"files": {name: fact_of(data) for name, data in files.items()}})
    text = card.model_dump_json(indent=2, exclude_none=True) + "\n"
    write_together(storage.make_folder(folder), {CARD: text.encode("utf-8"), **files})
    return Model(folder.absolute(), card)
