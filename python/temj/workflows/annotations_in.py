"""Annotations of any format for one image that is open: which entry is its own, and what it says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from temj import annotations
from temj.annotations import AnnotatedImage, AnnotationSet, Context
from temj.annotations.base import counted
from temj.annotations.checks import checked
from temj.annotations.pairing import same, stem_of
from temj.annotations.roi_sets import END
from temj.annotations.roiset import unique
from temj.area import split_area_rois
from temj.data import Film, Instances, Micrograph, Table
from temj.errors import BadAnnotation
from temj.workflows.convert import counts
from temj.workflows.outputs import text_table

_SHOWN = 10
_FILE_EACH = {"roiset": (".zip", ".roi"), "voc": (".xml",), "yolo": (".txt",), "overlay": (".tif", ".tiff")}
"""Formats of which one file of a folder can be read alone → its extensions."""


@dataclass(frozen=True)
class ImportOptions:
    """What is read; each means what stands in :mod:`temj.commands.import_annotations`."""

    source: Path
    format: str = "auto"
    entry: str = ""
    classes: tuple[str, ...] = ()
    masks: str = "auto"


def import_annotations(
    micrograph: Micrograph, options: ImportOptions, group_names: Mapping[int, str] | None = None
) -> dict[str, Instances | Table]:
    """The objects that a file or folder says of an open image.

    The entry is, in this order: the one named ``options.entry``; the one with the file name of the image
    (``metadata["file"]``) or its title; the only one of that name without its extension; the only one that there is.

    Args:
        micrograph: the image.
        options: what is read, and how.
        group_names: of ImageJ's groups, by which ROIs may say their class.

    Returns:
        ``annotations``: the objects, all with names; ``area_rois``: ROIs named area or exclude, which are none;
        tables ``counts`` (Class, Objects, Images), ``source`` (File, Format, Entry), ``notes`` (Note) and
        ``failures`` (Image, Code, Message: entries that cannot be used).

    Raises:
        BadAnnotation: nothing there, problems in the file, no entry of this image (those that there are are listed),
            nobody has annotated it, or the entry is of an image of another size.
        BadImage, Refused: as :func:`temj.annotations.read_set`.
    """
    path = Path(options.source).absolute()
    name = _format_of(path, options.format)
    wanted = (options.entry,) if options.entry else names_of(micrograph)
    context = Context(
        classes=options.classes, masks=options.masks, films={wanted[0]: Film.of(micrograph)},
        group_names=group_names or {},
    )  # fmt: skip
    chosen = _narrowed(path, name, wanted)
    found = annotations.format_named(name).read(chosen, context)
    entry, notes = entry_of(found, wanted, path)
    if entry.instances is None:
        raise BadAnnotation(
            "not-annotated", where=path, expected=f"annotations of {entry.image or wanted[0]}",
            found="its entry without a word whether there are no objects or nobody has looked",
            remedy="There is nothing to import.",
        )  # fmt: skip
    own = AnnotationSet((replace(entry, image=wanted[0]),), found.classes, found.info)
    own = checked(own, path, context).with_notes(notes)
    objects, area_rois = split_area_rois(with_names(own.images[0].instances))
    own = replace(own, images=(replace(own.images[0], instances=objects),))
    skipped = [(entry.image, fault["code"], fault["message"]) for fault in found.info.get("skipped", ())]
    return {
        "annotations": objects,
        "area_rois": area_rois,
        "counts": counts(own),
        "source": text_table(("File", "Format", "Entry"), [(str(chosen), name, entry.image)]),
        "notes": text_table(("Note",), [(note,) for note in own.info.get("notes", ())]),
        "failures": text_table(("Image", "Code", "Message"), skipped),
    }


def names_of(micrograph: Micrograph) -> tuple[str, ...]:
    """The names that an open image goes by: that of its file, where it has one, and its title."""
    file = str(micrograph.metadata.get("file", ""))
    return tuple(dict.fromkeys(name for name in (Path(file).name, micrograph.name) if name))


def _format_of(path: Path, given: str) -> str:
    if not path.exists():
        raise BadAnnotation(
            "missing", where=path, expected="annotations", found="no such file or folder", remedy="Check the path."
        )
    return annotations.recognise(path) if given in ("", "auto") else given


def _narrowed(path: Path, format: str, wanted: Sequence[str]) -> Path:
    """Of a folder with a file for each image the one of this image: others may need what only their images say."""
    if not path.is_dir() or format not in _FILE_EACH:
        return path
    stems = {same(stem_of(name)) for name in wanted} | set(map(same, wanted))
    folders = [path, *(part for part in (path / "labels", path / "Annotations") if part.is_dir())]
    files = [file for folder in folders for file in sorted(folder.iterdir()) if file.is_file()]
    files = [file for file in files if file.suffix.lower() in _FILE_EACH[format] and not file.name.startswith(".")]
    found = [file for file in files if same(file.stem.removesuffix(END)) in stems]
    if len(found) > 1:
        raise BadAnnotation(
            "ambiguous", where=path, expected=f"one file for {wanted[0]}", found=_some(file.name for file in found),
            remedy="Name the file instead of the folder.",
        )  # fmt: skip
    if not found and format == "yolo":  # its other files mean nothing without the sizes of their images
        raise _no_entry(path, wanted, [file.stem for file in files])
    return found[0] if found else path


def entry_of(found: AnnotationSet, wanted: Sequence[str], path: Path) -> tuple[AnnotatedImage, list[str]]:
    """The entry of the image that goes by these names, and what was decided in choosing it.

    Raises:
        BadAnnotation: there is none, or two would do; the names that there are are listed.
    """
    for spelled in (same, lambda name: same(stem_of(name))):
        names = set(map(spelled, wanted))
        hits = [image for image in found.images if image.image and spelled(image.image) in names]
        if len(hits) == 1:
            return hits[0], []
        if hits:
            raise BadAnnotation(
                "ambiguous", where=path, expected=f"one entry for {' or '.join(wanted)}",
                found=_some(image.image for image in hits), remedy="Say which one (entry=NAME).",
            )  # fmt: skip
    if len(found.images) == 1:
        only = found.images[0]
        named = f"called '{only.image}' there" if only.image else "without a name there"
        return only, [f"taken to be those of {wanted[0]}: they are about one image only, {named}"]
    raise _no_entry(path, wanted, [image.image for image in found.images])


def _no_entry(path: Path, wanted: Sequence[str], there: Sequence[str]) -> BadAnnotation:
    listed = f"{counted(len(there), 'other')}: {_some(there)}" if there else "no entries"
    return BadAnnotation(
        "no-entry", where=path, expected=f"an entry for {' or '.join(wanted)}", found=listed,
        remedy="Say which one is meant (entry=NAME), or open the right image.",
    )  # fmt: skip


def _some(names: Iterable[str]) -> str:
    names = [name or "(no name)" for name in names]
    return ", ".join(names[:_SHOWN]) + (f" … and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def with_names(instances: Instances) -> Instances:
    """The objects with a name each: those without get ``<class>-<0001>`` by their place in the file."""
    given = zip(instances.name, instances.class_name, strict=True)
    names = [
        str(name) or f"{str(kind).replace('.', '_') or 'object'}-{number:04d}"
        for number, (name, kind) in enumerate(given, start=1)
    ]
    return instances.with_columns(name=np.array(unique(names), object)) if names else instances


def import_account(outputs: Mapping[str, Instances | Table]) -> str:
    """What was imported, from where, and what there is to know of it."""
    table, source = outputs["counts"], outputs["source"]
    rows = list(zip(table["Class"], table["Objects"].tolist(), strict=True))
    total = rows.pop()[1]
    by_class = ", ".join(f"{name} {count:,}" for name, count in rows if count)
    head = f"{counted(total, 'object')} ({by_class})" if total else "No objects: the image is annotated as empty"
    lines = [f"{head}, from {Path(source['File'][0]).name} ({source['Format'][0]})"]
    area = len(outputs["area_rois"])
    if area:
        lines.append(f"  note: {counted(area, 'ROI')} named area or exclude: no objects, but what of the image counts")
    lines += [f"  note: {note}" for note in outputs["notes"]["Note"]]
    lines += [f"  skipped: {message}" for message in outputs["failures"]["Message"]]
    return "\n".join(lines)
