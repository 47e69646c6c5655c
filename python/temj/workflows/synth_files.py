"""The files of synthetic micrographs and films: TIFFs as ImageJ writes them, tables, truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from temj import storage
from temj.annotations import masks, roiset
from temj.data import Column, Film, Instances, Micrograph, Table
from temj.data.table_text import to_csv
from temj.geometry import in_reading_order
from temj.imagej_tiff import Header, write
from temj.synthetic import Made

_DIGITS = 4


def image_files(stem: str, bars: bool) -> dict[str, str]:
    """kind → path in the dataset folder, of one image."""
    files = {
        "image": f"images/{stem}.tif",
        "rois": f"rois/{stem}_RoiSet.zip",
        "objects": f"truth/{stem}.csv",
        "labels": f"truth/{stem}_labels.tif",
    }
    return files | ({"area": f"truth/{stem}_area.tif"} if bars else {})


def film_files(stem: str) -> dict[str, str]:
    """kind → path in the dataset folder, of one film."""
    ends = {"film": ".tif", "rois": "_RoiSet.zip", "objects": ".csv", "events": "_events.csv", "drift": "_drift.csv"}
    return {kind: f"films/{stem}{end}" for kind, end in ends.items()}


def write_image(folder: Path, files: dict[str, str], made: Made) -> None:
    """Write an image with its truth."""
    micrograph = made.micrograph
    _write_plane(folder / files["image"], micrograph)
    roiset.write(folder / files["rois"], made.instances)
    storage.write_text(folder / files["objects"], to_csv(made.tables["objects"], _DIGITS))
    masks.write_labels(folder / files["labels"], made.labels(), micrograph.calibration)
    if "area" in files:
        area = np.ones(micrograph.pixels.shape, bool) if micrograph.area is None else micrograph.area
        masks.write_labels(folder / files["area"], area.astype(np.uint8), micrograph.calibration)


def write_film(folder: Path, files: dict[str, str], made: Made) -> None:
    """Write a film as an ImageJ hyperstack, one frame in memory at a time, with its truth."""
    film, first = made.film, made.film[0]
    with storage.writing(folder / files["film"]) as file:
        write(file, (micrograph.pixels for micrograph in film), _header(first, film))
    roiset.write(folder / files["rois"], made.instances)
    for name in ("objects", "events", "drift"):
        storage.write_text(folder / files[name], to_csv(made.tables[name], _DIGITS))


def write_frame(folder: Path, files: dict[str, str], made: Made, frame: int) -> Instances:
    """Write one frame of a film (from 1) as an image of its own, with its truth; gives its objects."""
    chosen = made.instances.position[:, 2] == frame if len(made.film) > 1 else np.ones(len(made.instances), bool)
    found = in_reading_order(made.instances.take(chosen).with_columns(position=0))  # the same order, named anew
    table = made.tables["objects"].take(chosen)
    columns = [Column("Name", found.name), *(column for column in table if column.name != "Name")]
    buried = found.name[table["Buried"] > 0].tolist()
    found = found.with_columns(info={**found.info, "buried": buried})
    part = Made(made.film[frame - 1], None, found, made.facts, {"objects": Table(tuple(columns))})
    write_image(folder, files, part)
    return found


def _write_plane(path: Path, micrograph: Micrograph) -> None:
    with storage.writing(path) as file:
        write(file, [micrograph.pixels], _header(micrograph))


def _header(micrograph: Micrograph, film: Film | None = None) -> Header:
    """Scale and time; ``Info`` says that the picture is synthetic."""
    pixels = micrograph.pixels
    return Header(
        pixels.shape,
        pixels.dtype,
        (0, np.iinfo(pixels.dtype).max),
        micrograph.calibration,
        *(() if film is None else (film.dimensions, film.frame_interval)),
        info="\n".join(micrograph.metadata.get("notes", ())),
    )
