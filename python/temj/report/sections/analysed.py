"""What was analysed: images, pixel sizes, the analysed area and what was left out of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import tifffile

from temj.models import Card
from temj.report.blocks import Block, Facts, Section
from temj.report.csv_tables import grid
from temj.report.record import Entry
from temj.report.run import Run
from temj.report.wording import NOT_KNOWN, counted, listed, number, spread

_NAMED = 8
_TIMES = "\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}"


def section(run: Run) -> Section | None:
    """Of a prediction its images, of an evaluation its two sides, of a model its data."""
    makers = {"prediction": _prediction, "evaluation": _evaluation, "model": _model, "populations": _study}
    heading = "What it was trained on" if run.kind == "model" else "What was analysed"
    blocks = makers[run.kind](run)
    return Section("analysed", heading, blocks) if blocks else None


def size_of(run: Run, entry: Entry) -> tuple[int, int] | None:
    """Width and height of an image in pixels, from its label image; None where that cannot be read."""
    path = run.file(entry.files.get("labels", ""))
    if path is None:
        return None
    try:
        with tifffile.TiffFile(path) as file:
            height, width = file.pages[0].shape[:2]
    except (OSError, ValueError, IndexError, tifffile.TiffFileError):
        return None
    return width, height


def frames_of(entry: Entry) -> int:
    """Planes of an image that were analysed: its Summary has a row for each plane and class."""
    planes = Counter(str(row.get("Class")) for row in entry.summary)
    return max(planes.values(), default=1)


def _prediction(run: Run) -> tuple[Block, ...]:
    entries = run.record.images
    known = [entry.pixel_size[0] for entry in entries if entry.pixel_size]
    facts = [("Images", counted(len(entries), "image"))]
    if run.record.failures:
        facts.append(("Not analysed", f"{counted(len(run.record.failures), 'failure')}, listed at the top"))
    if known:
        missing = len(entries) - len(known)
        told = f"{spread(known)} nm"
        facts.append(("Pixel size", told + (f"; unknown in {counted(missing, 'image')}" if missing else "")))
    elif entries:
        facts.append(("Pixel size", "unknown: lengths in pixels, no densities"))
    facts += _areas(entries)
    rows = [_row(run, entry) for entry in entries]
    table = grid(
        "Images that were analysed.", rows, file="run.json",
        note="Analysed: the part of the image in which objects are looked for and counted.",
    )  # fmt: skip
    return (Facts(tuple(facts)), *((table,) if rows else ()))


def _row(run: Run, entry: Entry) -> Mapping[str, object]:
    size, pixel = size_of(run, entry), entry.pixel_size
    left_out = dict.fromkeys(part.kind for plane in entry.area for part in plane.left_out)
    planes = [plane.percent for plane in entry.area] or [100.0]
    return {
        "Image": entry.name,
        "Size (px)": NOT_KNOWN if size is None else f"{size[0]}\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}{size[1]}",
        "Pixel size (nm)": NOT_KNOWN if pixel is None else _TIMES.join(dict.fromkeys(number(side) for side in pixel)),
        "Field (nm)": NOT_KNOWN if size is None or pixel is None else _field(size, pixel),
        "Planes": float(frames_of(entry)),
        "Analysed (%)": sum(planes) / len(planes),
        "Left out": ", ".join(left_out),
        "Objects": float(entry.objects),
    }  # fmt: skip


def _field(size: tuple[int, int], pixel: tuple[float, float]) -> str:
    return _TIMES.join(number(pixels * side) for pixels, side in zip(size, pixel, strict=True))


def _areas(entries: tuple[Entry, ...]) -> list[tuple[str, str]]:
    """The analysed area of all images with a pixel size together, and what was left out."""
    facts = []
    squares = [_area_nm2(entry) for entry in entries if entry.pixel_size]
    if squares:
        facts.append(("Analysed area", f"{number(sum(squares) / 1e6)} µm² in {counted(len(squares), 'image')}"))
    kinds = Counter(part.kind for entry in entries for plane in entry.area for part in plane.left_out)
    if kinds:
        told = ", ".join(f"{kind} ({counted(count, 'time')})" for kind, count in sorted(kinds.items()))
        facts.append(("Left out of it", told))
    elif entries:
        facts.append(("Left out of it", "nothing: the whole of each image was analysed"))
    return facts


def _area_nm2(entry: Entry) -> float:
    """Over all planes, each once whatever the number of classes."""
    first = entry.summary[0].get("Class") if entry.summary else None
    areas = [row.get("Analysed Area") for row in entry.summary if row.get("Class") == first]
    unit = {"nm": 1.0, "µm": 1e6, "um": 1e6, "Å": 0.01}.get(str(entry.summary[0].get("Unit")) if entry.summary else "")
    return sum(float(area) for area in areas if isinstance(area, int | float)) * (unit or float("nan"))


def _study(run: Run) -> tuple[Block, ...]:
    names = run.record.image_names
    facts = [("Images", f"{counted(len(names), 'image')}: {listed(names, _NAMED)}")] if names else []
    groups = run.record.parameters.get("group_by")
    if isinstance(groups, list) and groups:
        facts.append(("Groups by", listed(map(str, groups), _NAMED)))
    return (Facts(tuple(facts)),) if facts else ()


def _evaluation(run: Run) -> tuple[Block, ...]:
    told = run.assessment
    parts = Counter(image.part for image in told.images if image.part)
    facts = [
        ("Truth", told.truth.title),
        ("Compared with it", told.prediction.title),
        ("Images", f"{counted(len(told.images), 'image')}: {listed((image.image for image in told.images), _NAMED)}"),
    ]
    if parts:
        facts.append(("Part of the dataset", ", ".join(f"{name} ({number(count)})" for name, count in parts.items())))
    facts += [("How", line) for line in told.heading[1:2]]
    return (Facts(tuple((name, value) for name, value in facts if value)),)


def _model(run: Run) -> tuple[Block, ...]:
    return (Facts(tuple(data_facts(run.cards[0]))),)


def data_facts(card: Card) -> list[tuple[str, str]]:
    """What a model was trained on: datasets, how many images for what, licence."""
    facts = []
    for data in card.data:
        parts = ", ".join(f"{number(len(images))} {name}" for name, images in data.split.items())
        facts.append(("Dataset", f"{data.name}" + (f": {parts} images" if parts else "")))
        facts.append(("Licence of the data", data.licence))
    if not card.data:
        facts.append(("Dataset", "the card names none"))
    imaging = card.imaging
    told = [imaging.mode, imaging.material, f"{imaging.kV:g} kV" if imaging.kV else ""]
    if any(told):
        facts.append(("Imaging", ", ".join(filter(None, told))))
    return facts
