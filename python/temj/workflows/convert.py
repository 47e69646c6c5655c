"""Annotations from one format into another: nothing is dropped in silence, nothing is half-written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from temj import annotations
from temj.annotations import AnnotatedImage, AnnotationSet, Context
from temj.annotations.base import counted, refuse_existing, write_files
from temj.annotations.checks import checked
from temj.annotations.losses import stacked
from temj.annotations.pairing import list_images
from temj.data import Column, Instances, Table
from temj.datasets import Dataset, open_dataset
from temj.datasets.description import FILE as DATASET_FILE
from temj.datasets.description import read_values
from temj.errors import BadAnnotation, BadValue, Cancelled, Refused
from temj.workflows.outputs import files_table, text_table

EXTENSIONS = {".zip": "roiset", ".json": "coco", ".xml": "voc", ".csv": "csv", ".png": "masks", ".tif": "overlay"}
"""Extension of an output → the format it stands for; a folder or ``.txt`` can be several."""
_WITH_POSITIONS = ("roiset", "overlay", "csv")
"""Formats in which other programs see the slice and frame of an object."""


def convert(
    source: Path, output: Path, to: str = "", source_format: str = "", context: Context | None = None,
    negatives: bool = False,
) -> tuple[AnnotationSet, Conversion]:  # fmt: skip
    """Read annotations and make the files of another format; nothing is written yet.

    Args:
        source: file or folder of annotations, or a dataset folder.
        output: file or folder that is to be written.
        to: name of the output's format; "": by the extension of ``output``.
        source_format: name of the source's format; "": it is recognised.
        context: folder of images, names of classes, kind of masks.
        negatives: whether images that are not annotated count as images without objects.

    Raises:
        BadAnnotation, BadImage, BadValue, Refused: as :func:`temj.annotations.read_set` and ``Format.encoded``.
        BadDataset: as :func:`temj.datasets.open_dataset`.
    """
    context = context or Context()
    target = annotations.format_named(to or format_of(output))
    dataset = None if source_format else dataset_at(source)
    if dataset is None:
        found = annotations.read_set(source, source_format or None, context)
    else:
        context = replace(context, images=context.images or dataset.context().images)
        found = checked(of_dataset(dataset), source, context)
    found = named_classes(found, context.classes)
    if negatives:
        found = as_negatives(found)
    if not found.annotated:
        raise BadAnnotation(
            "nothing-annotated", where=source, expected="at least one image that is annotated",
            found=f"{len(found.images)} images without annotations",
            remedy="Where they have no objects say so: --negatives.",
        )  # fmt: skip
    files, losses = target.encoded(output, found, context)
    return found, Conversion(output, target.name, files, losses)


def dataset_at(source: Path) -> Dataset | None:
    """The dataset that a folder is by its ``dataset.json``; None for other files and folders.

    Raises:
        BadDataset: as :func:`temj.datasets.open_dataset`.
    """
    if not (source / DATASET_FILE).is_file():
        return None
    values = read_values(source)
    return None if isinstance(values, dict) and "categories" in values else open_dataset(source)


def of_dataset(dataset: Dataset) -> AnnotationSet:
    """The objects of a dataset with the classes that they count as; ROIs that say which area counts are left out.

    Raises:
        BadImage, BadAnnotation: as ``Dataset.instances``.
    """
    images, areas = [], 0
    for item in dataset.items:
        known = item.annotation is not None or item.empty
        images.append(AnnotatedImage(item.image.name, None, dataset.instances(item) if known else None))
        areas += len(dataset.area_rois(item))
    rivals = [f"{path.name} not used: its image has another annotation" for i in dataset.items for path in i.rivals]
    notes = [*dataset.orphans, *rivals]
    notes += [f"{counted(areas, 'ROI')} named area or exclude left out: no objects"] if areas else []
    skipped = tuple({"code": error.code, "message": error.message} for error in dataset.problems)
    info = {"format": "dataset", "notes": tuple(notes), "licence": dataset.licence, "skipped": skipped}
    return AnnotationSet(tuple(images), dataset.classes, info)


class Conversion:
    """Files that are ready to be written.

    Attributes:
        output: the file or folder.
        format: name of the format.
        files: path → bytes.
        losses: what the format cannot hold, in sentences with counts.
    """

    def __init__(self, output: Path, format: str, files: dict[Path, bytes], losses: tuple[str, ...]):
        self.output, self.format, self.files, self.losses = output, format, files, losses

    def write(self, overwrite: bool = False, strict: bool = False) -> None:
        """Write the files.

        Raises:
            Refused: a file is there and may not be replaced, or something would be lost and ``strict`` forbids it;
                nothing is written then.
            StorageError: as :func:`temj.storage.writing`.
        """
        if strict and self.losses:
            raise Refused(
                "loss", where=self.output, expected=f"a format that holds everything (--strict), not {self.format}",
                found="\n  ".join(["what would be lost:", *self.losses]),
                remedy="Choose another format, or leave --strict out. Nothing was written.",
            )  # fmt: skip
        if not overwrite:
            refuse_existing(self.files)
        write_files(self.output, self.files)


@dataclass(frozen=True)
class ConvertOptions:
    """How the command ``convert`` reads and writes; what each means stands in :mod:`temj.commands.convert`."""

    to: str = ""
    source_format: str = ""
    images: Path | None = None
    classes: tuple[str, ...] = ()
    masks: str = "auto"
    negatives: bool = False
    strict: bool = False
    overwrite: bool = False


def convert_files(
    source: Path, output: Path, options: ConvertOptions, cancelled: Callable[[], bool] = lambda: False
) -> dict[str, Table]:
    """The command ``convert``: read, write, and tell.

    Returns:
        Tables ``counts`` (Class, Objects, Images), ``source`` (From, To), ``notes`` (Kind: read or lost; Note),
        ``files`` and ``failures`` (Image, Code, Message: entries of the source that cannot be used).
    """
    images = list_images(options.images) if options.images else {}
    context = Context(images, options.classes, options.masks)
    output = output.absolute()
    found, made = convert(source, output, options.to, options.source_format, context, options.negatives)
    if cancelled():
        raise Cancelled(remedy="Nothing was written.")
    made.write(options.overwrite, options.strict)
    notes = [("read", note) for note in found.info.get("notes", ())] + [("lost", text) for text in made.losses]
    licence = found.info.get("licence")
    notes += [("read", f"licence of the source: {licence}")] if licence else []
    if made.format not in _WITH_POSITIONS:
        notes += [("read", note) for note in stacked(found.annotated)]
    others = _others(made)
    notes += [("read", others)] if others else []
    skipped = [(source.name, entry["code"], entry["message"]) for entry in found.info.get("skipped", ())]
    shown = made.files if len(made.files) <= 12 else {output: b""}
    return {
        "counts": counts(found),
        "source": text_table(("From", "To"), [(str(found.info["format"]), made.format)]),
        "notes": text_table(("Kind", "Note"), notes),
        "files": files_table({f"{made.format}{k or ''}": file for k, file in enumerate(shown)}),
        "failures": text_table(("Image", "Code", "Message"), skipped),
    }


def _others(made: Conversion) -> str:
    """Says that the folder holds files of an earlier conversion as well."""
    if not made.output.is_dir():
        return ""
    ends = {file.suffix for file in made.files}
    folders = {file.parent for file in made.files}
    more = sum(
        file not in made.files and file.suffix in ends for folder in folders for file in folder.iterdir()
    )  # fmt: skip
    what = "file of this kind in the output folder was" if more == 1 else "files of this kind in the output folder were"
    return f"{more} other {what} left as before" if more else ""


def format_of(output: Path) -> str:
    """The format that an output's extension stands for.

    Raises:
        BadValue: a folder, ``.txt`` or an unknown extension, which do not say.
    """
    found = EXTENSIONS.get(output.suffix.lower())
    if found is None:
        raise BadValue(
            "to", where=output, expected=f"the name of a format ({', '.join(annotations.FORMATS)}) with --to",
            found=extension_words(output),
            remedy="Add --to FORMAT.",
        )  # fmt: skip
    return found


def extension_words(output: Path) -> str:
    """What is said of an output whose name does not say the format."""
    if not output.suffix:
        return "a folder"
    known = any(annotations.format_named(name).extension == output.suffix.lower() for name in annotations.FORMATS)
    return f"the extension '{output.suffix}', which {'several formats have' if known else 'no format writes'}"


def named_classes(found: AnnotationSet, names: Iterable[str]) -> AnnotationSet:
    """The set with the user's names first in its list of classes, so that they decide about numbers."""
    known = [name for name in names if name in found.classes]
    return replace(found, classes=tuple(dict.fromkeys([*known, *found.classes])))


def as_negatives(found: AnnotationSet) -> AnnotationSet:
    """The set with its images that are not annotated as images without objects."""
    images = tuple(
        image if image.instances is not None else replace(image, instances=Instances.concatenate([]))
        for image in found.images
    )
    count = sum(image.instances is None for image in found.images)
    notes = [f"{count} of them counted as images without objects (--negatives)"] if count else []
    return replace(found, images=images).with_notes(notes)


def counts(found: AnnotationSet) -> Table:
    """Objects and images of each class; the last row counts all."""
    objects: Counter[str] = Counter()
    images: Counter[str] = Counter()
    for image in found.annotated:
        names = [name or "(no class)" for name in image.instances.class_name]
        objects.update(names)
        images.update(set(names))
    classes = list(dict.fromkeys([*found.classes, *sorted(objects)]))
    rows = [(name, objects[name], images[name]) for name in classes]
    rows.append(("(all)", sum(objects.values()), len(found.annotated)))
    return Table(
        (
            Column("Class", np.array([row[0] for row in rows], object)),
            Column("Objects", np.array([row[1] for row in rows], np.int64)),
            Column("Images", np.array([row[2] for row in rows], np.int64)),
        )
    )


def conversion_account(outputs: dict[str, Table]) -> str:
    """What was converted, what there is to know of it, what was lost, and where it is."""
    table = outputs["counts"]
    rows = list(zip(table["Class"], table["Objects"].tolist(), strict=True))
    total, images = rows.pop()[1], int(table["Images"][-1])
    by_class = ", ".join(f"{name} {count:,}" for name, count in rows) or "no class"
    source, target = outputs["source"]["From"][0], outputs["source"]["To"][0]
    lines = [f"{source} -> {target}: {images:,} image{'' if images == 1 else 's'}, {total:,} objects ({by_class})"]
    kinds = zip(outputs["notes"]["Kind"], outputs["notes"]["Note"], strict=True)
    lines += [f"  {'lost' if kind == 'lost' else 'note'}: {note}" for kind, note in kinds]
    skipped = list(outputs["failures"]["Message"])
    if skipped:
        what = f"{len(skipped)} entr{'y' if len(skipped) == 1 else 'ies'} could not be used:"
        lines += [what, *(f"  {message}" for message in skipped)]
    return "\n".join([*lines, "Written:", *(f"  {name}" for name in outputs["files"]["File"])])
