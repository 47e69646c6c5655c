"""What the network will see of a dataset: a sheet of crops, and a table of what may happen to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from temj import storage
from temj.data import UNCALIBRATED, Calibration, Micrograph, Table
from temj.datasets import Dataset, open_dataset
from temj.errors import BadValue
from temj.plots import png_bytes
from temj.plots.preview import PreviewTile, preview_sheet
from temj.workflows import outputs
from temj.workflows.account import aligned

if TYPE_CHECKING:
    from temj.training import TrainingOptions
    from temj.training.augmentations import Applied
    from temj.training.preview import Seen

_VERSIONS = {1: 6, 2: 3}
"""Changed crops of a place, by the number of channels; 2 for more channels."""


def preview_dataset(
    folder: Path,
    output: Path | None,
    number: int,
    seed: int,
    options: Mapping[str, Any],
    *,
    overwrite: bool = False,
) -> dict[str, Table]:
    """Draw crops of the training images beside the same crops after augmentation.

    Args:
        folder: the dataset.
        output: the picture (.png); None: ``<dataset>_preview.png`` in the working folder.
        number: about how many changed crops.
        seed: of everything random.
        options: ``channels`` (recipe of the input) and ``augmentation`` (words), as of a training.
        overwrite: whether a picture that is there may be replaced.

    Returns:
        Tables ``augmentations`` (Augmentation, Share, Range) and ``files``.

    Raises:
        TemjError: as :func:`temj.training.preview.what_is_seen`; Refused where the picture is there.
    """
    from temj.cores import make_core
    from temj.training import TrainingOptions
    from temj.training.preview import what_is_seen

    dataset = open_dataset(folder)
    output = Path(output or f"{dataset.name}_preview.png")
    if output.suffix.lower() != ".png":
        raise BadValue(
            "output", where=output, expected="a picture name that ends in .png", remedy="Choose another name."
        )
    if not overwrite:
        outputs.refuse_existing([output])
    settings = {"channels": options["channels"]}
    chosen = TrainingOptions(seed=seed, augmentation=options["augmentation"], settings=settings)
    core = make_core("semantic", {**settings, "classes": dataset.classes})
    versions = min(_VERSIONS.get(len(core.channels.names), 2), number)
    seen = what_is_seen(dataset, "semantic", chosen, max(1, round(number / versions)), versions)
    storage.write_bytes(output, png_bytes(_sheet(seen, dataset, chosen)))
    table = outputs.text_table(("Augmentation", "Share", "Range"), _rows(seen.augmentation))
    return {"augmentations": table, "files": outputs.files_table({"preview": output})}


def preview_account(tables: Mapping[str, Table]) -> str:
    """What may happen to crops, and where the picture is."""
    return "\n".join([aligned(tables["augmentations"]), "", f"Written: {tables['files']['File'][0]}"])


def _sheet(seen: Seen, dataset: Dataset, options: TrainingOptions) -> np.ndarray:
    """The picture (h, w, 3)."""
    rows = [
        [
            PreviewTile(place.plain.image, place.plain.class_map, f"{place.name}, as it is"),
            *(PreviewTile(crop.image, crop.class_map, told(crop.applied)) for crop in place.changed),
        ]
        for place in seen.places
    ]
    size = seen.pixel_size
    wide = f"{options.crop} pixels" + (f" = {options.crop * size:.4g} nm" if size else "")
    title = f"{dataset.name}: crops of {wide}, channels {' | '.join(seen.channels)}, seed {options.seed}"
    scale = Micrograph(np.zeros((1, 1), np.uint8), Calibration(size, size, "nm") if size else UNCALIBRATED)
    return preview_sheet(rows, dataset.colours, title, scale)


def told(applied: Sequence[Applied]) -> str:
    """What happened to a crop, in words: ``rotation 37, scale 1.2, noise 0.31``."""
    return ", ".join(map(_words, applied)) or "as it is"


def _words(applied: Applied) -> str:
    """The name with the most telling of the values drawn."""
    values = [f"{value:.2g}" if abs(value) < 10 else f"{value:.0f}" for value in applied.drawn.values()]
    return " ".join([applied.name.replace("_", " "), *values[:1]])


def _rows(augmentation: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """The table of what may happen, with what is off at the end."""
    rows = []
    for name, settings in augmentation.items():
        ranges = [f"{key} {low:.3g} to {high:.3g}" for key, (low, high) in _ranges(settings)]
        share = settings["probability"]
        rows.append((name, f"{share:.0%}" if share else "off", ", ".join(ranges)))
    return sorted(rows, key=lambda row: row[1] == "off")


def _ranges(settings: Mapping[str, Any]) -> list[tuple[str, tuple[float, float]]]:
    return [(key, tuple(value)) for key, value in settings.items() if key != "probability"]
