"""ImageJ's ROI sets as an annotation format: ``RoiSet.zip`` of one image, or a folder of ``<stem>_RoiSet.zip``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from temj.annotations import roiset
from temj.annotations.base import AnnotatedImage, AnnotationSet, Context, Encoded, Format, counted, raise_problems
from temj.annotations.pairing import Images, file_stems, files_of, read_each
from temj.data import IGNORE, Instances

END = "_RoiSet"
_SUFFIXES = (".zip", ".roi")
_DERIVED = ("_ellipses", "_area")
"""What stands before :data:`END` where a prediction wrote the same objects, or their area, once more."""
_GROUPS = 255


def recognises(path: Path) -> bool:
    """Whether it is a ``.zip`` or ``.roi`` file, or a folder with zip files in it."""
    return path.suffix.lower() in _SUFFIXES if path.is_file() else bool(files_of(path, (".zip",)))


def read(path: Path, context: Context) -> AnnotationSet:
    """The ROI sets of a file or folder; an archive without members means "no objects".

    Raises:
        BadAnnotation: nothing usable in one of the files, no files, or two files for one image.
    """
    files = files_of(path, (".zip",)) if path.is_dir() else [path]
    if not files:
        raise_problems(path, ["no .zip file in this folder"], "empty-folder", "files <image>_RoiSet.zip")
    images = Images(context)
    files, left = _of_images(files, images)
    found = []
    for file, instances in zip(
        files, read_each(files, lambda file: roiset.read(file, context.group_names)), strict=True
    ):
        stem = file.stem.removesuffix(END)
        found.append(AnnotatedImage(images.find(stem) or stem, None, instances))
    twice = sorted({image.image for image in found if sum(image.image == other.image for other in found) > 1})
    raise_problems(path, [f"two ROI sets for image {name}" for name in twice], "two-sets", "one ROI set an image")
    made = AnnotationSet(tuple(found), classes_of(found, context.classes), told(files, found))
    what = counted(left, "ROI set", "ROI sets")
    return made.with_notes([f"{what} of ellipses and areas left out: made from the ROI sets beside"] if left else [])


def _of_images(files: list[Path], images: Images) -> tuple[list[Path], int]:
    """The ROI sets without those that a prediction made beside ``<stem>_RoiSet.zip``, and how many these are."""
    names = {file.name for file in files}
    kept = [file for file in files if not _derived(file.stem, names) or images.find(file.stem.removesuffix(END))]
    return kept, len(files) - len(kept)


def _derived(stem: str, names: Container[str]) -> bool:
    ends = (f"{word}{END}" for word in _DERIVED)
    return any(stem.endswith(end) and f"{stem.removesuffix(end)}{END}.zip" in names for end in ends)


def classes_of(images: Iterable[AnnotatedImage], first: Iterable[str] = ()) -> tuple[str, ...]:
    """The classes of all objects in order of appearance (without ``ignore`` and ""), after those given first."""
    names = [
        name for image in images if image.instances is not None for name in dict.fromkeys(image.instances.class_name)
    ]
    return tuple(name for name in dict.fromkeys([*first, *names]) if name not in ("", IGNORE))


def told(files: Iterable[Path], images: Iterable[AnnotatedImage]) -> dict[str, tuple]:
    """``notes`` and ``skipped`` of all files, those of several with the file's name in front."""
    pairs = list(zip(files, images, strict=True))
    notes = [
        f"{file.name}: {note}" if len(pairs) > 1 else note
        for file, image in pairs
        for note in image.instances.info.get("notes", ())
    ]
    skipped = [entry for _, image in pairs for entry in image.instances.info.get("skipped", ())]
    return ({"notes": tuple(notes)} if notes else {}) | ({"skipped": tuple(skipped)} if skipped else {})


def labelled(annotations: AnnotationSet) -> list[AnnotatedImage]:
    """The annotated images with objects that ImageJ's ROI Manager tells apart by class.

    ROIs without a name are called ``<class>-0001`` … in order, those without a group have the number of their class
    (from 1, in the order of the set's classes, at most 255). ROIs without a class stay as they are.
    """
    classes = classes_of(annotations.annotated, annotations.classes)
    numbers = {name: number for number, name in enumerate(classes[:_GROUPS], start=1)}
    return [replace(image, instances=_labelled(image.instances, numbers)) for image in annotations.annotated]


def _labelled(instances: Instances, numbers: Mapping[str, int]) -> Instances:
    used, seen = set(instances.name), Counter()
    names, groups = [], []
    for name, kind, group in zip(instances.name, instances.class_name, instances.group.tolist(), strict=True):
        new = name
        while kind and (not new or (not name and new in used)):
            seen[kind] += 1
            new = f"{kind.replace('.', '_')}-{seen[kind]:04d}"
        names.append(new)
        groups.append(group or numbers.get(kind, 0))
    return instances.with_columns(name=np.array(names, object), group=np.array(groups, np.int64))


def encode(annotations: AnnotationSet, _context: Context, alone: bool) -> Encoded:
    """The archives of all annotated images; see :func:`labelled`."""
    images = labelled(annotations)
    stems = file_stems(images)
    names = [""] if alone else [f"{stem}{END}.zip" for stem in stems]
    files = {name: roiset.archived(image.instances) for name, image in zip(names, images, strict=True)}
    return Encoded(files)


FORMAT = Format(
    name="roiset",
    title="ImageJ's ROI set",
    holds=frozenset(
        {
            "polygon", "mask", "box", "rotated_box", "ellipse", "point", "line", "overlap", "class", "score", "track",
            "position", "name", "group", "ignore", "empty",
        }
    ),
    one_image=True,
    extension=".zip",
    recognises=recognises,
    read=read,
    encode=encode,
)  # fmt: skip
