"""The files of a prediction: ROIs, ellipses, Results, labels, pixels of objects that overlap, overlay."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from temj import storage
from temj.annotations import AnnotatedImage, AnnotationSet, Context, masks, roiset, write_set
from temj.area import Areas
from temj.data import Column, Film, Instances, Micrograph, Table
from temj.data.table_text import to_csv
from temj.errors import Refused, StorageError
from temj.geometry.labels import paint
from temj.plots import overlay, png_bytes
from temj.workflows import maps
from temj.workflows.inputs import KINDS
from temj.workflows.populations import NAMES

REPORT, REPORT_PDF, FIGURES = "report.html", "report.pdf", "report_figures"
"""The files of a report of a run (:mod:`temj.workflows.report`), and the folder of what is drawn for it."""
ONCE = ("Summary.csv", "run.json", *NAMES, REPORT, REPORT_PDF)


@dataclass(frozen=True)
class Prediction:
    """What was found in one image file, measured.

    Attributes:
        film: as it was read.
        instances, results, summary, ellipses: what was found; ellipses where they are wanted.
        colours: class → ``#rrggbb``.
        areas: the analysed ones of its planes.
        classes: the classes 1, 2, … of class maps.
        probability: the maps of a single image where they are wanted.
    """

    film: Film
    instances: Instances
    results: Table
    summary: Table
    ellipses: Instances | None
    colours: Mapping[str, str]
    areas: Areas
    classes: tuple[str, ...] = ()
    probability: tuple[Micrograph, ...] = ()

    @functools.cached_property
    def first(self) -> Micrograph:
        """The plane whose picture stands for the whole."""
        return self.film[0]

    def class_map(self) -> Micrograph:
        """The class map of a single image."""
        labels, _overlapped = _label_plane(self, 0)
        coloured = self.instances.with_columns(info={**self.instances.info, "colours": dict(self.colours)})
        return maps.class_micrograph(labels, coloured, self.classes, self.first)


WANTED = ("ellipses", "probability", "classes")
"""Kinds of results that are written only where they are asked for."""


def paths(folder: Path, stem: str, wanted: Collection[str] = WANTED) -> dict[str, Path]:
    """kind → file of one image's results; ``area`` is written only where something is left out."""
    left_out = set(WANTED) - set(wanted)
    return {kind: folder / f"{stem}_{end}" for kind, end in KINDS.items() if kind not in left_out}


def existing(files: Iterable[Path]) -> list[Path]:
    """Which of these files are there.

    Raises:
        StorageError: a name that no file can have here, such as one that is too long.
    """
    try:
        return [file for file in files if file.exists()]
    except OSError as error:
        remedy = "Use a shorter name for the image or the output folder."
        raise StorageError("name", where=error.filename, found=error.strerror, remedy=remedy) from None


def refuse_existing(files: Iterable[Path]) -> None:
    """Stop before the first write if any result is there already.

    Raises:
        Refused: names the first ones and the two ways out.
    """
    there = existing(files)
    if there:
        more = f" and {len(there) - 3} more" if len(there) > 3 else ""
        raise Refused(
            "exists",
            where=", ".join(str(file) for file in there[:3]) + more,
            remedy="They were not changed. Choose another output, allow replacing (--overwrite; in a macro: overwrite) "
            "or go on with an unfinished run of the command line (--resume).",
        )


def remove_stale(folder: Path, stem: str, files: Iterable[Path]) -> None:
    """Remove results of an earlier run of this image that are not among ``files``: never a mixture of two runs."""
    for file in set(paths(folder, stem).values()) - set(files):
        file.unlink(missing_ok=True)


def write(prediction: Prediction, files: Mapping[str, Path]) -> int:
    """Write the files of one image; gives the number of pixels that more than one object claimed.

    Where there are such pixels, which a label image gives to one object only (that of the higher score), ``instances``
    has the pixels of every object; else it is not written.
    """
    roiset.write(files["rois"], prediction.instances)
    storage.write_text(files["results"], to_csv(prediction.results))
    overlapped = _write_labels(files["labels"], prediction)
    if "probability" in files and prediction.probability:
        channels = prediction.probability
        names = [str(channel.slice_label) for channel in channels]
        maps.write_probability(files["probability"], (channel.pixels for channel in channels), prediction.film, names)
    if "classes" in files:
        _write_classes(files["classes"], prediction)
    if "ellipses" in files and prediction.ellipses is not None:
        roiset.write(files["ellipses"], prediction.ellipses)
    if "area" in files:
        roiset.write(files["area"], prediction.areas.as_rois())
    if "instances" in files and overlapped:
        _write_instances(files["instances"], prediction)
    storage.write_bytes(files["overlay"], picture(prediction))
    return overlapped


def picture(prediction: Prediction) -> bytes:
    """The overlay picture (PNG) of the first plane."""
    first = prediction.first
    shown = _of_plane(prediction.instances, first)
    ellipses = None if prediction.ellipses is None else prediction.ellipses.take(shown)
    film = prediction.film
    caption = f"plane {film.plane_number(0)}, the first of {len(film)}" if len(film) > 1 else ""
    return png_bytes(overlay(first, prediction.instances.take(shown), prediction.colours, ellipses, caption))


def text_table(names: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Table:
    """A table of text columns."""
    cells = [[row[number] for row in rows] for number in range(len(names))]
    return Table(tuple(Column(name, np.array(texts, object)) for name, texts in zip(names, cells, strict=True)))


def files_table(files: Mapping[str, Path]) -> Table:
    """What was written, as a table: kind and path."""
    return text_table(("Kind", "File"), [(kind, str(file)) for kind, file in files.items()])


def _of_plane(instances: Instances, micrograph: Micrograph) -> np.ndarray:
    """Which objects lie in this plane of a stack (all of them for a single image)."""
    return (instances.position == micrograph.position).all(axis=1) | (not any(micrograph.position))


def _label_plane(prediction: Prediction, index: int) -> tuple[np.ndarray, int]:
    """The label image of one plane, in which label n is object n of the whole file; and its overlapped pixels.

    The pixels of the plane are not read again.
    """
    instances, first, film = prediction.instances, prediction.first, prediction.film
    here = (instances.position == film.position(index)).all(axis=1) | (len(film) == 1)
    own = np.flatnonzero(here)
    part, shared = paint(instances.shapes.take(own), instances.score[own], first.width, first.height)
    return np.concatenate([[0], own + 1])[part], shared


def _write_labels(path: Path, prediction: Prediction) -> int:
    """Write the label images plane by plane; label n is object n of the whole file. Gives the overlapped pixels."""
    first, overlapped = prediction.first, 0

    def planes() -> Iterator[np.ndarray]:
        nonlocal overlapped
        for index in range(len(prediction.film)):
            labels, shared = _label_plane(prediction, index)
            overlapped += shared
            yield labels

    size, film = (first.height, first.width), prediction.film
    header = masks.label_header(
        size, len(prediction.instances), first.calibration, film.dimensions, film.frame_interval
    )
    masks.write_label_planes(path, planes(), header)
    return overlapped


def _write_instances(path: Path, prediction: Prediction) -> None:
    """Write the pixels of every object as COCO's run-length code; the planes of a film are told by their position."""
    first = prediction.first
    image = AnnotatedImage(first.name, (first.width, first.height), prediction.instances)
    classes = tuple(prediction.colours)
    write_set(path, AnnotationSet((image,), classes), "coco", Context(every_mask=True), overwrite=True)


def _write_classes(path: Path, prediction: Prediction) -> None:
    """Write the class maps plane by plane: the class of the object that has the pixel in the label image."""
    film = prediction.film
    labels = (_label_plane(prediction, index)[0] for index in range(len(film)))
    header = maps.class_header(film, prediction.first, prediction.classes, prediction.colours)
    masks.write_label_planes(path, maps.planes_of(labels, prediction.instances, prediction.classes), header)
