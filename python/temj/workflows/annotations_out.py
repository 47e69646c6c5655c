"""The ROIs of one image that is open as annotations of any format, alone or beside those of other images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from temj import annotations, readers
from temj.annotations import AnnotatedImage, AnnotationSet, Context
from temj.annotations.appending import Appended, append
from temj.annotations.base import Format, counted, refuse_existing, write_files
from temj.annotations.checks import checked
from temj.data import IGNORE, Calibration, Film, Instances, Micrograph, Table
from temj.errors import BadAnnotation, BadImage, BadValue
from temj.workflows.annotations_in import names_of
from temj.workflows.convert import EXTENSIONS, counts, extension_words
from temj.workflows.outputs import files_table, text_table

ELLIPSE_END = "-ellipse"
"""End of the name of a fitted ellipse, behind that of its object."""
_OF_IMAGEJ = ("roiset", "overlay")
"""Formats of ROIs, which keep also those that are no objects."""


@dataclass(frozen=True)
class ExportOptions:
    """What is written; each means what stands in :mod:`temj.commands.export_annotations`."""

    output: Path
    format: str = "auto"
    classes: tuple[str, ...] = ()
    masks: str = "auto"
    ellipses: bool = False
    empty: bool = False
    append: bool = False
    overwrite: bool = False


def export_annotations(
    micrograph: Micrograph, objects: Instances | None, area_rois: Instances | None, options: ExportOptions
) -> dict[str, Table]:
    """Write the ROIs of an open image.

    The image is named as its file is (``metadata["file"]``), or as its title where it has none. In a stack
    (``metadata["dimensions"]``) a format that knows no positions gets the objects of the current plane.

    Args:
        micrograph: the current plane of the image.
        objects: its ROIs, of all planes; None where it has none.
        area_rois: ROIs named area or exclude: written where the format is one of ROIs, else left out and told.
        options: what is written, and where.

    Returns:
        Tables ``counts`` (Class, Objects, Images), ``target`` (Image, Format, Objects_from), ``notes`` (Kind: note or
        lost; Note) and ``files``.

    Raises:
        BadAnnotation: no ROIs, and ``options.empty`` does not say that there are no objects; objects wholly outside
            the image; what is there already and may not be replaced, or cannot take the image.
        BadValue: the output does not say its format.
        Refused: a file is there and may not be replaced.
        StorageError: as :func:`temj.storage.writing`; nothing is half-written.
    """
    path = Path(options.output).absolute()
    format = annotations.format_named(_format_of(path, options.format))
    notes: list[str] = []
    kept = _objects(micrograph, objects, options, notes)
    kept = _of_plane(micrograph, kept, format, notes)
    area = _area(area_rois, format, notes)
    own = _set(micrograph, kept if area is None else Instances.concatenate([kept, area], kept.info), options)
    context = _context(micrograph, format, own, options)
    own = checked(own, Path(own.images[0].image), replace(context, images={}))
    notes += own.info.get("notes", ())
    made = _made(path, own, format, context, options)
    write_files(path, made.files)
    if made.rows or made.replaced:
        what = counted(made.rows, "annotation") if made.rows else ", ".join(file.name for file in made.replaced)
        notes.append(f"what {path.name} said of this image was replaced: {what}")
    told = [("note", note) for note in notes] + [("lost", text) for text in made.losses]
    shown = made.files if len(made.files) <= 6 else [path]
    source = str(kept.info.get("source", ""))
    return {
        "counts": counts(replace(own, images=(replace(own.images[0], instances=kept),))),
        "target": text_table(("Image", "Format", "Objects_from"), [(own.images[0].image, format.name, source)]),
        "notes": text_table(("Kind", "Note"), told),
        "files": files_table({f"{format.name}{k or ''}": file for k, file in enumerate(shown)}),
    }


def _format_of(path: Path, given: str) -> str:
    """The format that is named, or the one that the extension stands for."""
    if given != "auto":
        return given
    found = EXTENSIONS.get(path.suffix.lower())
    if found is None:
        raise BadValue(
            "format",
            where="format",
            expected=f"one of {', '.join(annotations.FORMATS)}",
            found=f"auto, and {extension_words(path)}",
            remedy="Choose the format.",
        )
    return found


def _objects(micrograph: Micrograph, objects: Instances | None, options: ExportOptions, notes: list[str]) -> Instances:
    """The objects without the ellipses that were fitted to some of them, or these in their place."""
    if objects is None and not options.empty:
        raise BadAnnotation(
            "none", where=micrograph.name, expected="ROIs in the ROI Manager, in the image's Overlay, or a selection",
            remedy="Draw or predict some first; an image in which there is nothing is exported with 'empty'.",
        )  # fmt: skip
    if objects is None:
        return Instances.concatenate([])
    if options.empty:
        raise BadValue(
            "empty", where="empty", expected="an image without ROIs", found=counted(len(objects), "ROI"),
            remedy="Leave it out, or remove the ROIs.",
        )  # fmt: skip
    notes += objects.info.get("notes", ())
    names = set(objects.name)
    fitted = np.array([_outline_of(name) in names for name in objects.name], bool)
    if not fitted.any():
        return objects
    if not options.ellipses:
        notes.append(f"{counted(int(fitted.sum()), 'fitted ellipse')} left out: their outlines are exported (ellipses)")
        return objects.take(~fitted)
    outlines = {_outline_of(name) for name in objects.name[fitted]}
    notes.append(f"{counted(len(outlines), 'outline')} left out: their fitted ellipses are exported")
    chosen = objects.take(np.array([name not in outlines for name in objects.name], bool))
    names = [_outline_of(name) if _outline_of(name) in outlines else name for name in chosen.name]
    return chosen.with_columns(name=np.array(names, object))


def _outline_of(name: str) -> str | None:
    """The name of the object whose fitted ellipse has this name; None for other names."""
    return name.removesuffix(ELLIPSE_END) if name.endswith(ELLIPSE_END) else None


def _of_plane(micrograph: Micrograph, objects: Instances, format: Format, notes: list[str]) -> Instances:
    """All objects where the format knows positions; else those of the current plane of a stack, and of no plane."""
    if "position" in format.holds or not any(micrograph.position):
        return objects
    here = ((objects.position == micrograph.position) | (objects.position == 0)).all(axis=1)
    left = int((~here).sum())
    if left and not here.any():
        raise BadAnnotation(
            "other-slices", where=micrograph.name, expected=f"ROIs in the current slice: {format.title} has one image",
            found=f"{left} ROIs, all in other slices", remedy="Go to their slice first, or choose COCO or a ROI set.",
        )  # fmt: skip
    if left:
        of = f"{format.title} of one image"
        notes.append(f"{counted(left, 'ROI lies', 'ROIs lie')} in other slices of the stack and left out: {of}")
    return objects.take(here)


def _area(area_rois: Instances | None, format: Format, notes: list[str]) -> Instances | None:
    if area_rois is None or not len(area_rois):
        return None
    if format.name in _OF_IMAGEJ:
        return area_rois
    notes.append(f"{counted(len(area_rois), 'ROI')} named area or exclude left out: no objects of this image")
    return None


def _set(micrograph: Micrograph, objects: Instances, options: ExportOptions) -> AnnotationSet:
    """The image as a set of one."""
    image = AnnotatedImage(names_of(micrograph)[0], (micrograph.width, micrograph.height), objects)
    found = [str(name) for name in objects.class_name if name not in ("", IGNORE)]
    return AnnotationSet((image,), tuple(dict.fromkeys([*options.classes, *found])))


def _context(micrograph: Micrograph, format: Format, own: AnnotationSet, options: ExportOptions) -> Context:
    film = Film.of(micrograph)
    if format.name == "overlay" and any(micrograph.position):
        film = _from_file(micrograph)
    return Context(classes=options.classes, masks=options.masks, films={own.images[0].image: film})


def _from_file(micrograph: Micrograph) -> Film:
    """All planes of a stack, which are written beside its overlay: from its file, as only one is handed over."""
    file = micrograph.metadata.get("file")
    if not file or micrograph.metadata.get("changed"):
        raise BadImage(
            "unsaved", where=micrograph.name, expected="a stack that is saved: all of it is written with its overlay",
            found="changes that are not saved" if file else "a stack without a file",
            remedy="Save it first (File > Save), or choose another format.",
        )  # fmt: skip
    calibration: Calibration = micrograph.calibration
    film = readers.open_film(Path(file))
    return film.with_pixel_size(calibration) if calibration.known else film


def _made(path: Path, own: AnnotationSet, format: Format, context: Context, options: ExportOptions) -> Appended:
    """The files; nothing that is there is replaced unasked."""
    if options.append:
        return append(path, own, format, context, options.overwrite)
    files, losses = format.encoded(path, own, context)
    if not options.overwrite:
        refuse_existing(files)
    return Appended(files, losses)


def export_account(outputs: Mapping[str, Table]) -> str:
    """What was exported, what was lost, and where it is."""
    table, target = outputs["counts"], outputs["target"]
    rows = list(zip(table["Class"], table["Objects"].tolist(), strict=True))
    total = rows.pop()[1]
    by_class = ", ".join(f"{name} {count:,}" for name, count in rows if count)
    head = f"{counted(total, 'object')} ({by_class})" if total else "No objects (empty)"
    source = target["Objects_from"][0]
    lines = [f"{head} of {target['Image'][0]}" + (f", from {source}" if source else "") + f" -> {target['Format'][0]}"]
    lines += [
        f"  {kind}: {note}" for kind, note in zip(outputs["notes"]["Kind"], outputs["notes"]["Note"], strict=True)
    ]
    return "\n".join([*lines, "Written:", *(f"  {name}" for name in outputs["files"]["File"])])
