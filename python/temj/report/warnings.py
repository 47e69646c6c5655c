"""What to know before the figures are used: one box at the top of the page."""

from __future__ import annotations

import re
from collections.abc import Iterator

from temj.models import Card
from temj.report.blocks import Warned
from temj.report.record import Entry
from temj.report.run import Run
from temj.report.wording import counted, number

_FAILURES = 10
_UNKNOWN, _OUTSIDE = "pixel size unknown", "for which the model was tried"
"""In notes that say what else would be told here."""
_WARNING = "WARNING: "
_NO_SCALE = "Pixel size unknown: lengths are in pixels, and there are no densities."
_SERIOUS = ("validation images", "training images", "tuned on", "test images were", "synthetic")


def warnings(run: Run) -> tuple[Warned, ...]:
    """Serious ones first; each once, with the images that it concerns."""
    found = [*_state(run), *_images(run), *_models(run), *_assessment(run)]
    found += [Warned(note) for note in (*run.missing, *run.notes)]
    merged: dict[tuple[str, bool], Warned] = {}
    for one in found:
        first = merged.setdefault((_alike(one), one.serious), one)
        if first is not one:
            images = tuple(dict.fromkeys([*first.images, *one.images]))
            merged[_alike(one), one.serious] = Warned(
                first.text, first.serious, images, first.varied or first.text != one.text
            )
    return tuple(sorted(merged.values(), key=lambda one: not one.serious))


def _alike(one: Warned) -> str:
    """The text without its numbers and the names of its images: 500 images are not to give 500 notes."""
    text = one.text
    for image in one.images:
        stem = image.rpartition(".")[0] or image
        text = re.sub(rf"(?<!\w){re.escape(stem)}(?![^\W_])", "", text)
    return re.sub(r"\d[\d.,]*", "#", text) if one.images else text


def _is_told(note: str) -> bool:
    return note.lower().startswith(_UNKNOWN)


def _begun(note: str) -> str:
    text = note.removeprefix(_WARNING)
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _name(image: str) -> str:
    return image.replace("\\", "/").rpartition("/")[2] or image


def _state(run: Run) -> Iterator[Warned]:
    record = run.record
    if record.state != "done":
        yield Warned("The run was not finished: only the images that were done are here.", True)
    for failure in record.failures[:_FAILURES]:
        yield Warned(f"Not analysed: {failure.image}. {failure.message}", True)
    if len(record.failures) > _FAILURES:
        more = len(record.failures) - _FAILURES
        yield Warned(f"{counted(more, 'failure')} more {'is' if more == 1 else 'are'} listed in run.json.", True)
    if run.kind == "prediction" and not record.images:
        yield Warned("No image was analysed.", True)
    for image, note in record.notes:
        if not _is_told(note):
            yield Warned(_begun(note), note.startswith(_WARNING), (_name(image),) if image else ())
        elif note.lower().startswith(_UNKNOWN):
            yield Warned(_NO_SCALE, True, (_name(image),))


def _images(run: Run) -> Iterator[Warned]:
    """What concerns images; those that say the same become one."""
    for entry in run.record.images:
        name = (entry.name,)
        if entry.pixel_size is None:
            yield Warned(_NO_SCALE, True, name)
        if not any(_OUTSIDE in note for note in entry.notes):
            for card in run.cards:
                yield from _outside(entry, card)
        if entry.partial is not None:
            read, announced = entry.partial
            yield Warned(f"Cut off: {read} of {announced} planes could be read and were analysed.", True, name)
        if not entry.objects:
            yield Warned("No object was found.", False, name)
        for note in entry.notes:
            if not _is_told(note):
                yield Warned(_begun(note), note.startswith(_WARNING), name)
    if any(entry.objects for entry in run.record.images):
        yield Warned(
            "Edge rule: Summary counts and measures every object found, also those that the frame cuts. That makes "
            "densities too high and biases mean diameters, the more the larger the objects are for the field."
            + (" The estimates with intervals follow edge rules of their own (Methods)." if run.quantities else "")
        )


def _outside(entry: Entry, card: Card) -> Iterator[Warned]:
    """A pixel size at which the model was never tried."""
    if entry.pixel_size is None or card.pixel_size is None:
        return
    _, low, high = card.pixel_size.nm
    if not all(low <= side <= high for side in entry.pixel_size):
        yield Warned(
            f"Pixel size outside the range in which model '{card.name}' was tried ({number(low)} to "
            f"{number(high)} nm): its figures do not hold here.",
            True,
            (entry.name,),
        )


def _models(run: Run) -> Iterator[Warned]:
    for card in run.cards:
        if "synthetic" in f"{card.description} {' '.join(card.trained.notes)}".lower():
            yield Warned(
                f"Model '{card.name}' saw synthetic micrographs in training: check it on your own images.", True
            )
        if not any("training images" not in metric.data for metric in card.metrics):
            yield Warned(f"The card of model '{card.name}' has no figures on validation images.", True)


def _assessment(run: Run) -> Iterator[Warned]:
    if run.assessment is None:
        return
    for line in run.assessment.heading[2:]:
        yield Warned(line, True)
    for note in run.assessment.notes:
        yield Warned(_begun(note), any(word in note.lower() for word in _SERIOUS))
    if len(run.assessment.images) == 1:
        yield Warned("One image: nothing is known of how much the figures vary, so there are no intervals.", True)
