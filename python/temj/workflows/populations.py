"""The populations of a run: counts, sizes, projected area fraction, histograms; as tables and pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from temj import storage
from temj.data import Table
from temj.data.table_text import to_csv
from temj.measurement.histograms import histogram_table, histograms
from temj.measurement.populations import ALL_IMAGES, Field, populations, porosity
from temj.measurement.shape_classes import shape_classes
from temj.plots.colours import class_colours, hexadecimal
from temj.plots.histograms import histogram_figure

FILES: Mapping[str, str] = MappingProxyType({
    "populations": "Populations.csv",
    "porosity": "Porosity.csv",
    "histograms": "Histograms.csv",
    "histograms picture": "Histograms.png",
    "histograms drawing": "Histograms.svg",
})  # fmt: skip
"""kind → name of the file that a result folder has of it."""
WITHOUT_SCALE = "Histograms_pixels"
"""Stem of the pictures of the images without pixel size, where others have one."""
NAMES = (*FILES.values(), f"{WITHOUT_SCALE}.png", f"{WITHOUT_SCALE}.svg")
"""The names of all files that there can be."""


@dataclass(frozen=True, eq=False)
class Population:
    """What was found in the images of a run.

    Attributes:
        fields: one for each image, or plane of a stack.
        classes: in order, also those without objects.
        rules: class → when an object is of it, where a rule about shape said so.
        colours: class → ``#rrggbb``.
        notes: (image, note) for the user.
    """

    fields: tuple[Field, ...]
    classes: tuple[str, ...]
    rules: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    colours: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    notes: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(
        cls,
        fields: Sequence[Field],
        classes: Sequence[str],
        info: Mapping[str, object],
        notes: Sequence[tuple[str, str]] = (),
    ) -> Population:
        """Put fields together.

        Args:
            fields: of the images.
            classes: in order; others that occur follow them.
            info: ``shape_rule`` and ``colours`` of the objects' ``info``, where they have them.
            notes: (image, note).
        """
        occur = (str(name) for one in fields for name in one.objects["Class"])
        names = tuple(dict.fromkeys([*classes, *occur]))
        rules = shape_classes(str(info["shape_rule"])) if info.get("shape_rule") else None
        told = {name: rules.condition(name) for name in rules.names} if rules else {}
        return cls(tuple(fields), names, told, dict(info.get("colours", {})), tuple(notes))

    @property
    def table(self) -> Table:
        """As :func:`temj.measurement.populations.populations`."""
        return populations(self.fields, self.classes, self.rules)

    @property
    def porosity(self) -> Table:
        """As :func:`temj.measurement.populations.porosity`."""
        return porosity(self.fields, self.classes)


def files_of(population: Population) -> dict[str, bytes]:
    """File name → content of all that is written of a population.

    The pictures are of all images together. Where some of several images have no pixel size they have pictures of
    their own, ``Histograms_pixels``.
    """
    made = histograms(population.fields, population.classes)
    colours = class_colours(population.classes, population.colours)
    shades = {name: hexadecimal(colours[name]) for name in population.classes}
    whole = [one for one in made if one.image == ALL_IMAGES or len(population.fields) == 1]
    scaled = [one for one in whole if one.calibrated]
    pictures = {FILES["histograms picture"].rpartition(".")[0]: scaled or whole}
    if scaled and len(scaled) < len(whole):
        pictures[WITHOUT_SCALE] = [one for one in whole if not one.calibrated]
    files = {
        FILES["populations"]: to_csv(population.table).encode(),
        FILES["porosity"]: to_csv(population.porosity).encode(),
        FILES["histograms"]: to_csv(histogram_table(made)).encode(),
    }
    for stem, shown in pictures.items():
        for format in ("png", "svg"):
            files[f"{stem}.{format}"] = histogram_figure(shown, shades, format)
    return files


def write(folder: Path, population: Population) -> dict[str, Path]:
    """Write the files of a population into a folder, replacing those of an earlier one.

    Returns:
        kind → file of each.
    """
    files = files_of(population)
    kinds = {name: kind for kind, name in FILES.items()}
    for name, data in files.items():
        storage.write_bytes(folder / name, data)
    for name in {*NAMES} - {*files}:
        (folder / name).unlink(missing_ok=True)
    return {kinds.get(name, name): folder / name for name in files}


def remove(folder: Path) -> None:
    """Remove the files of an earlier population, so that they do not lie beside results that they are not of."""
    for name in NAMES:
        (folder / name).unlink(missing_ok=True)
