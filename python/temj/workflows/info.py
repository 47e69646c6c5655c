"""What was understood of image files: size, kind, frames, pixel size and where it came from, problems."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from temj import area
from temj.data import Column, Film, Micrograph, Table
from temj.data.calibration import NM_PER_UNIT, canonical_unit, round_size
from temj.datasets.sheet import complete_sheet
from temj.errors import BadImage, Cancelled, ResourceError, TemjError
from temj.inference.checks import finite, nothing_to_find
from temj.readers import open_film
from temj.readers.calibration_table import CalibrationTable, read_calibrations
from temj.readers.tiff_text import number
from temj.workflows import outputs
from temj.workflows.inputs import find_images

Progress = Callable[[str, int, int], None]
_KINDS = {"uint8": "8-bit", "uint16": "16-bit", "float32": "32-bit"}


@dataclass(frozen=True)
class ImageInfo:
    """What is known of one image file (its first plane, where it has several).

    Attributes:
        image: its path.
        width, height: pixels.
        type: ``8-bit``, ``16-bit`` or ``32-bit`` as ImageJ calls them.
        channels, slices, frames: how many planes of each.
        smallest, largest: finite grey values of the first plane; None where there are none.
        pixel_width, pixel_height: in ``unit``; None where they are not known.
        unit: of length, or ``pixel``.
        pixel_size_from: where the pixel size came from, or "not given".
        slice_spacing: distance from slice to slice in ``unit``; None where the file does not say.
        pixel_size_error_percent: as the calibration table says; None where it does not.
        frame_interval_s: time from frame to frame; None where it is not known.
        analysed_area_percent: share of the first plane that counts.
        left_out: what does not count → percent of the plane.
        acquisition: :meth:`temj.data.Acquisition.known`.
        notes: what a user must know: those of the file, and what stands in the way of a prediction of this plane.
    """

    image: str
    width: int
    height: int
    type: str
    channels: int
    slices: int
    frames: int
    smallest: float | None
    largest: float | None
    pixel_width: float | None
    pixel_height: float | None
    unit: str
    pixel_size_from: str
    slice_spacing: float | None
    pixel_size_error_percent: float | None
    frame_interval_s: float | None
    analysed_area_percent: float
    left_out: dict[str, float]
    acquisition: dict[str, object]
    notes: tuple[str, ...]


def image_info(path: Path, table: CalibrationTable | None = None) -> ImageInfo:
    """What is understood of one file.

    Raises:
        BadImage: it cannot be read.
    """
    film = open_film(path)
    if table is not None:
        film = table.calibrate_film(film)
    return _of_film(str(path), film, film[0])


def _of_film(path: str, film: Film, first: Micrograph) -> ImageInfo:
    pixels, calibration, said = first.pixels, first.calibration, first.metadata
    numbers = pixels[np.isfinite(pixels)] if pixels.dtype == np.float32 else pixels
    found = area.choose(first)
    source = str(said.get("pixel_size_source", "the file")) if calibration.known else "not given"
    return ImageInfo(
        image=path,
        width=first.width,
        height=first.height,
        type=_KINDS[pixels.dtype.name],
        **dict(zip(("channels", "slices", "frames"), film.dimensions, strict=True)),
        smallest=float(numbers.min()) if numbers.size else None,
        largest=float(numbers.max()) if numbers.size else None,
        pixel_width=calibration.width if calibration.known else None,
        pixel_height=calibration.height if calibration.known else None,
        unit=calibration.unit,
        pixel_size_from=source,
        slice_spacing=_slice_spacing(film, first),
        pixel_size_error_percent=said.get("pixel_size_error_percent"),
        frame_interval_s=film.frame_interval,
        analysed_area_percent=round(float(found.share), 4),
        left_out={part.kind: round(float(part.share), 4) for part in found.parts},
        acquisition=dict(said.get("acquisition", {})),
        notes=(*said.get("notes", ()), *_problems(film, first, found)),
    )


def _problems(film: Film, first: Micrograph, found: area.AreaFound) -> list[str]:
    """What prediction would say of the first plane: pixels that are no numbers, nothing that can be found."""
    single = len(film) == 1
    which = "" if single else "plane 1 (the others were not looked at): "
    analysed = area.applied(first, found)
    try:
        # As prediction does it: of a film whole planes, of an image its analysed area.
        finite(analysed if single else first, fill=False)
    except BadImage as error:
        filled = np.isfinite(first.pixels).any()
        remedy = "unless it may fill them (--fill)" if filled else "and cannot fill them"
        return [f"{which}{error.found}: prediction refuses the image {remedy}"]
    nothing = nothing_to_find(analysed)
    return [f"{which}{nothing}: prediction finds nothing in it"] if nothing else []


def _slice_spacing(film: Film, first: Micrograph) -> float | None:
    """ImageJ's distance of slices in the unit of the pixel size; None where it is not known."""
    said = first.metadata.get("imagej", {})
    unit = canonical_unit(str(said.get("zunit") or said.get("unit", "")))
    spacing = abs(number(said.get("spacing")))
    if film.dimensions[1] < 2 or not first.calibration.known or unit is None or not spacing:
        return None
    return round_size(spacing * (NM_PER_UNIT[unit] / NM_PER_UNIT[first.calibration.unit]))


def tell(
    images: Sequence[Path],
    *,
    sheet: Path | None = None,
    calibration_table: Path | None = None,
    as_json: bool = False,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> dict[str, Table]:
    """Look at all files; complete the sample sheet where one is named.

    Returns:
        ``images`` (a row each), ``notes`` (Image, Note), ``failures`` (Image, Code, Message), ``files`` and, where it
        is asked for, ``json`` (one cell).
    """
    table = read_calibrations(calibration_table) if calibration_table else None
    paths = find_images(images)
    told: list[ImageInfo] = []
    failures: list[tuple[str, str, str]] = []
    for index, path in enumerate(paths):
        if cancelled is not None and cancelled():
            raise Cancelled
        if progress is not None:
            progress(f"Looking at {path.name}", index, len(paths))
        try:
            told.append(image_info(path, table))
        except (Cancelled, ResourceError):
            raise
        except TemjError as error:
            failures.append((str(path), error.code, error.message))
    values = {
        "images": _table(told),
        "notes": outputs.text_table(("Image", "Note"), [(info.image, note) for info in told for note in info.notes]),
        "failures": outputs.text_table(("Image", "Code", "Message"), failures),
    }
    if sheet is not None:
        added = complete_sheet(sheet, [(Path(info.image), _for_sheet(info)) for info in told])
        values["files"] = outputs.files_table({f"sample sheet ({added} lines added)": sheet})
    if as_json:
        values["json"] = outputs.text_table(("JSON",), [(_as_json(told, failures),)])
    return values


def _as_json(told: Sequence[ImageInfo], failures: Sequence[tuple[str, str, str]]) -> str:
    failed = [dict(zip(("image", "code", "message"), row, strict=True)) for row in failures]
    value = {"format": 1, "images": [asdict(info) for info in told], "failures": failed}
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)


def _for_sheet(info: ImageInfo) -> dict[str, str]:
    """What a file says, by the sheet's columns."""
    said = {name: str(value) for name, value in info.acquisition.items()}
    facts = {name: said[name] for name in ("microscope", "voltage_kV", "magnification", "date", "mode") if name in said}
    size = _size_nm(info)
    return facts | ({"pixel_size_nm": size, "pixel_size_from": info.pixel_size_from} if size else {})


def _size_nm(info: ImageInfo) -> str:
    """``0.39``, or ``0.39x0.41`` where they differ; "" where it is not known."""
    from temj.data import Calibration

    if info.pixel_width is None or info.pixel_height is None:
        return ""
    sizes = Calibration(info.pixel_width, info.pixel_height, info.unit).nm
    return "x".join(dict.fromkeys(f"{size:.9g}" for size in sizes))


def _table(told: Sequence[ImageInfo]) -> Table:
    """A row for each image, for people and programs."""
    nan = float("nan")

    def numbers(name: str, unit: str = "") -> Column:
        values = [getattr(info, name) for info in told]
        return Column(name, np.array([nan if value is None else value for value in values], float), unit)

    def texts(name: str) -> Column:
        return Column(name, np.array([str(getattr(info, name)) for info in told], object))

    def counts(name: str) -> Column:
        return Column(name, np.array([getattr(info, name) for info in told], np.int64))

    return Table(
        (
            texts("image"), counts("width"), counts("height"), texts("type"), counts("channels"), counts("slices"),
            counts("frames"), numbers("smallest"), numbers("largest"), numbers("pixel_width"), numbers("pixel_height"),
            texts("unit"), texts("pixel_size_from"), numbers("slice_spacing"), numbers("pixel_size_error_percent", "%"),
            numbers("frame_interval_s", "s"), numbers("analysed_area_percent", "%"),
            Column("left_out", np.array([_parts(info) for info in told], object)),
            Column("acquisition", np.array([_facts(info) for info in told], object)),
        )
    )  # fmt: skip


def _parts(info: ImageInfo) -> str:
    return ", ".join(f"{kind} {percent:.2g} %" for kind, percent in info.left_out.items())


def _facts(info: ImageInfo) -> str:
    return ", ".join(f"{name} {value}" for name, value in info.acquisition.items())
