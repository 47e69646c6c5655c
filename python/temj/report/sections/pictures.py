"""The micrographs with what was found in them: all of a few, a choice of many, which says how it was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from temj.report.blocks import Figure, Section, Sentence, Text
from temj.report.pictures import Scale, micrograph_figure
from temj.report.record import Entry
from temj.report.run import Run
from temj.report.sections.analysed import frames_of, size_of
from temj.report.wording import counted, number

MOST = 20
_FIRST, _EXTREME = 10, 5
_PREVIEW = "preview.png"


def section(run: Run) -> Section | None:
    """Overlays of a prediction or an evaluation, the preview of a model; None where there can be none."""
    makers = {"prediction": _prediction, "evaluation": _evaluation, "model": _model}
    blocks = makers[run.kind](run) if run.kind in makers else []
    return Section("pictures", "Pictures", tuple(blocks)) if blocks else None


def chosen(entries: Sequence[Entry]) -> tuple[list[Entry], str]:
    """The images that are shown, and how they were chosen ("" where all are).

    Of more than 20 the first 10, the 5 with most and the 5 with fewest objects of the others.
    """
    if len(entries) <= MOST:
        return list(entries), ""
    numbers = range(_FIRST, len(entries))
    by_count = sorted(numbers, key=lambda number: (-entries[number].objects, number))
    shown = sorted({*range(_FIRST), *by_count[:_EXTREME], *by_count[-_EXTREME:]})
    told = (
        f"{len(shown)} of {counted(len(entries), 'image')} are shown: the first {_FIRST}, and of the others the "
        f"{_EXTREME} with most and the {_EXTREME} with fewest objects. The pictures of all are in the folder."
    )
    return [entries[number] for number in shown], told


def _prediction(run: Run) -> list[Figure | Text]:
    entries, told = chosen(run.record.images)
    figures = [_overlay(run, entry) for entry in entries]
    return [*([Text((Sentence(told),))] if told else []), *figures]


def _overlay(run: Run, entry: Entry) -> Figure:
    size, pixel = size_of(run, entry), entry.pixel_size
    planes = frames_of(entry)
    several = f" in {number(planes)} planes, of which the first is shown" if planes > 1 else ""
    caption = f"{entry.name}: {counted(entry.objects, 'object')}{several}."
    if size and pixel:
        caption += (
            f" Field {number(size[0] * pixel[0])} × {number(size[1] * pixel[1])} nm, {number(pixel[0])} nm a pixel."
        )
    elif pixel is None:
        caption += " Pixel size unknown: no scale bar."
    name = entry.files.get("overlay", f"{entry.stem}_overlay.png")
    scale = Scale(pixel, size[0]) if size and pixel else None
    alt = f"Micrograph {entry.name} with the outlines of {counted(entry.objects, 'object')}"
    return micrograph_figure(run.file(name), name, caption, alt, scale)


def _evaluation(run: Run) -> list[Figure | Text]:
    names = [name for name in run.assessment.files if "/" in name and name.endswith((".png", ".jpg"))]
    told = (
        "The worst image comes first. White: annotated and found; blue: what was found there; vermilion: missed; "
        "yellow: found but not annotated."
    )
    if len(names) > MOST:
        told += f" {MOST} of {counted(len(names), 'picture')} are shown; the folder has all."
    figures = [
        micrograph_figure(
            run.file(name), name, f"{_image(name)} ({name}).", f"Truth against prediction: {_image(name)}"
        )
        for name in names[:MOST]
    ]
    return [Text((Sentence(told),)), *figures] if names else []


def _image(name: str) -> str:
    """The image of ``overlays/01_a.png``: the number before it is its rank."""
    stem = Path(name).stem
    return stem.partition("_")[2] or stem


def _model(run: Run) -> list[Figure | Text]:
    caption = "What the model finds in its sample, at its default threshold."
    path = run.file(_PREVIEW)
    return [micrograph_figure(path, _PREVIEW, caption, "Sample micrograph with the outlines of the objects found")]
