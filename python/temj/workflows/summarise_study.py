"""The images of a study: all sources read, told apart, with their lines of the sample sheet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from temj.datasets.problems import counted, listed
from temj.datasets.sheet import Sample, read_sheet
from temj.datasets.sources import same
from temj.errors import BadDataset
from temj.readers import READERS
from temj.workflows.population_fields import distinct
from temj.workflows.population_sources import is_result, of_source
from temj.workflows.summarise_groups import Shot, understood
from temj.workflows.summarise_options import SummariseOptions, hexagonal

Progress = Callable[[str, int, int], None]
Notes = list[tuple[str, str]]
_EXTENSIONS = {*READERS, ".zarr", ".zip", ".roi", ".json", ".xml", ".txt", ".csv"}
"""Ends of the names of images and annotations; any other point belongs to the name (``A_0.5dpa``)."""
_EXAMPLES = 3


@dataclass(frozen=True, eq=False)
class Study:
    """All images of all sources.

    Attributes:
        shots: with their lines of the sample sheet.
        classes: in order.
        colours: class → ``#rrggbb``.
        notes: (image, group or source, note).
    """

    shots: tuple[Shot, ...]
    classes: tuple[str, ...]
    colours: Mapping[str, str]
    notes: tuple[tuple[str, str], ...]


def read_study(
    sources: Sequence[Path], options: SummariseOptions, stop: Callable[[], None], progress: Progress | None = None
) -> Study:
    """The images of all sources, with their samples.

    In annotations those classes were looked for that any of the annotations have; in results those of the model.

    Raises:
        BadValue, BadDataset, BadAnnotation, BadImage: what cannot be used.
    """
    shots: list[Shot] = []
    classes, annotated, colours = {}, {}, {}
    sources, notes = _once(sources)
    for number, (source, name) in enumerate(zip(sources, distinct([str(one) for one in sources]), strict=True)):
        stop()
        if progress:
            progress(f"Reading {source.name}", number, len(sources))
        found = of_source(source, options.population, stop)
        looked = frozenset(found.classes) if is_result(source) else None
        shots += with_stacks([Shot(one, None, looked, source=name) for one in found.fields])
        classes |= dict.fromkeys(found.classes)
        annotated |= {} if looked is not None else dict.fromkeys(found.classes)
        colours |= found.colours
        notes += found.notes
    people = frozenset(annotated)
    shots = [replace(shot, classes=people) if shot.classes is None else shot for shot in shots]
    shots, told = _apart(shots)
    shots, lacking = with_samples(shots, options.sheet, _need_g(options))
    return Study(tuple(shots), tuple(classes), colours, (*notes, *(("", note) for note in (*told, *lacking))))


def _need_g(options: SummariseOptions) -> bool:
    """Whether the sheet's diffraction vectors are used."""
    kinds = (options.kinds or {}).values()
    return not options.g and any(being.burgers and not hexagonal(being.burgers) for being in kinds)


def _once(sources: Sequence[Path]) -> tuple[list[Path], Notes]:
    """Each source once."""
    found: dict[Path, Path] = {}
    notes: Notes = []
    for source in sources:
        if source.resolve() in found:
            notes.append((str(source), "given several times: counted once"))
        found.setdefault(source.resolve(), source)
    return list(found), list(dict.fromkeys(notes))


def _apart(shots: Sequence[Shot]) -> tuple[list[Shot], list[str]]:
    """Images of one name in several sources get names with that of their source."""
    sources: dict[str, set[str]] = {}
    for shot in shots:
        sources.setdefault(shot.field.image, set()).add(shot.source)
    twice = [name for name, found in sources.items() if len(found) > 1]
    named = [
        replace(shot, field=replace(shot.field, image=f"{shot.source}/{shot.field.image}"))
        if shot.field.image in twice else shot
        for shot in shots
    ]  # fmt: skip
    note = f"{counted(len(twice), 'name')} in several results, counted as different images: {listed(twice)}"
    return named, [note] if twice else []


def with_stacks(shots: Sequence[Shot]) -> list[Shot]:
    """The images of one source, those that are planes of one file marked as such."""
    planes = Counter(_file(shot.field.image) for shot in shots if ":" in shot.field.image)
    return [
        replace(shot, stack=file) if ":" in shot.field.image and planes[file := _file(shot.field.image)] > 1 else shot
        for shot in shots
    ]


def with_samples(shots: Sequence[Shot], sheet: Path | None, with_g: bool = False) -> tuple[list[Shot], list[str]]:
    """The images with their lines of the sample sheet, and notes about what does not fit together or is not known.

    An image is known by the name of its file without an extension; where several lines have it, by its folders too.

    Args:
        shots: the images.
        sheet: None for none.
        with_g: whether diffraction vectors are to be understood.

    Raises:
        BadValue: the sheet is no table.
        BadDataset: a line that cannot be used, an image that several lines of the sheet could be of, or a sheet of
            other images.
    """
    if sheet is None:
        return list(shots), []
    samples, notes = _known(sheet, with_g)
    lines: dict[str, list[Sample]] = {}
    for sample in samples:
        lines.setdefault(_stem(sample.image), []).append(sample)
    fitting = [_fitting(shot.field.image, lines.get(_stem(shot.field.image), ())) for shot in shots]
    _require_fit(sheet, shots, samples, fitting)
    unknown = [shot.field.image for shot, found in zip(shots, fitting, strict=True) if not found]
    used = {found[0].image for found in fitting if found}
    unused = [sample.image for sample in samples if sample.image not in used]
    if unknown:
        notes.append(f"{counted(len(unknown), 'image')} not in the sample sheet: {listed(unknown)}")
    if unused:
        notes.append(f"{counted(len(unused), 'line')} of the sample sheet without a result: {listed(unused)}")
    return [replace(shot, sample=next(iter(found), None)) for shot, found in zip(shots, fitting, strict=True)], notes


def _known(sheet: Path, with_g: bool) -> tuple[list[Sample], list[str]]:
    """The lines of a sheet, a thickness of 0 as not known; and notes."""
    samples = read_sheet(sheet)
    none = [sample.image for sample in samples if sample.thickness_nm == 0]
    strange = [f"'{one.g}' of {one.image}" for one in samples if with_g and one.g and not understood(one.g)]
    notes = []
    if none:
        notes.append(f"{sheet.name}: thickness_nm is 0, taken as not known: {listed(none)}")
    if strange:
        notes.append(f"{sheet.name}: g is not understood (expected three indices such as 0-11): {listed(strange)}")
    return [replace(one, thickness_nm=None) if one.image in none else one for one in samples], notes


def _require_fit(
    sheet: Path, shots: Sequence[Shot], samples: Sequence[Sample], fitting: Sequence[Sequence[Sample]]
) -> None:
    several = [shot.field.image for shot, found in zip(shots, fitting, strict=True) if len(found) > 1]
    if several:
        raise BadDataset(
            "sample-sheet", where=sheet, expected="one line for each file name",
            found=f"several lines for {listed(several)}", remedy="Give the images names of their own.",
        )  # fmt: skip
    if shots and not any(fitting):
        raise BadDataset(
            "sample-sheet", where=sheet,
            expected=f"lines for the images, such as {listed([shot.field.image for shot in shots], _EXAMPLES)}",
            found=f"lines for {listed([one.image for one in samples], _EXAMPLES) or 'none'}",
            remedy="Correct the names in the column image; 'temj info IMAGES --sheet study.csv' writes them.",
        )  # fmt: skip


def _fitting(image: str, lines: Sequence[Sample]) -> list[Sample]:
    """The lines that an image could be of: of several of its name those whose folders end as its own do."""
    if len(lines) < 2:
        return list(lines)
    own = [same(part).casefold() for part in PurePosixPath(_file(image)).parts[:-1]]
    folders = {
        one.image: [same(part).casefold() for part in PurePosixPath(one.image).parts[:-1]] for one in lines
    }  # fmt: skip
    near = [
        one for one in lines
        if own and folders[one.image] and all(map(str.__eq__, reversed(own), reversed(folders[one.image])))
    ]  # fmt: skip
    return near if len(near) == 1 else list(lines)


def _file(image: str) -> str:
    """The file of an image; planes of a stack are named after it (``film.tif:3``)."""
    return image.partition(":")[0].replace("\\", "/")


def _stem(image: str) -> str:
    """The name of an image's file without folders, extension, letter case and the spelling of its accents."""
    path = PurePosixPath(_file(image))
    return same(path.stem if path.suffix.lower() in _EXTENSIONS else path.name).casefold()
