"""YOLO text files: one file an image, coordinates relative to its width and height.

A row is ``class cx cy w h`` (a sixth number is a score), or ``class x1 y1 x2 y2 …``, an outline. Four corners are a
box where they lie along the axes, a rotated box where all angles are right to 0.02 px, and an outline otherwise:
YOLO itself cannot tell an oriented box from an outline of four corners. Numbers of classes count from 0; their names
stand in ``classes.txt``, or in ``data.yaml`` as ``names: [a, b]``, as a list of ``- a`` lines or as ``0: a`` lines
(nothing else of YAML is read). A file without rows is an empty image; an image without a file is not annotated.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from temj.annotations.base import AnnotatedImage, AnnotationSet, Context, raise_problems
from temj.annotations.outlines import polygon, rect, snapped
from temj.annotations.pairing import Images, read_each
from temj.annotations.text_rows import (
    NAMES,
    class_names,
    class_number,
    named,
    number,
    rows,
    text_files,
    text_format,
    unknown_class,
)
from temj.annotations.yolo_write import HOLDS, SLACK, TITLE, encode
from temj.data import Instances, RoiType, Shape
from temj.errors import BadAnnotation

RIGHT_ANGLE = 0.02
"""Pixels that a corner may be off for four corners to be a rectangle."""
_OTHERS = (NAMES, "obj.names", "predefined_classes.txt", "train.txt", "val.txt", "test.txt", "images.txt")


def recognises(path: Path) -> bool:
    """Whether it is a text file of such rows, or a folder (or its folder ``labels``) with some."""
    files = [path] if path.is_file() else _files(path)
    if not files or files[0].suffix.lower() != ".txt":
        return False
    try:
        first = [next(rows(file), None) for file in files[:20]]
    except BadAnnotation:
        return False
    told = [words for found in first if found for words in [found[1]]]
    return all(_is_row(words) for words in told) and (
        bool(told) or any((folder / NAMES).is_file() for folder in _homes(path))
    )


def _homes(path: Path) -> list[Path]:
    folder = path.parent if path.is_file() else path
    return [folder, folder.parent]


def _is_row(words: list[str]) -> bool:
    values = [number(word) for word in words]
    return len(values) >= 5 and class_number(words[0]) is not None and all(
        value is not None and -SLACK <= value <= 1 + SLACK for value in values[1:]
    )  # fmt: skip


def _files(folder: Path) -> list[Path]:
    return text_files(folder, _OTHERS) or text_files(folder / "labels", _OTHERS)


def read(path: Path, context: Context) -> AnnotationSet:
    """The objects of a file, or of all files of a folder.

    Raises:
        BadAnnotation: sizes of images that are not known, or rows that cannot be; the report has all of them.
    """
    files = [path] if path.is_file() else _files(path)
    names = class_names_of(path, context)
    images = Images(context)
    only = images.only if path.is_file() else None
    pairs = {file: images.find(file.stem) or only or file.stem for file in files}
    sizes = {file: images.size(name) for file, name in pairs.items()}
    missing = [f"no image called {file.stem}" for file, size in sizes.items() if size is None]
    raise_problems(
        path, missing, "size", "an image for each file, because its numbers are relative to the image's size",
        "Name the folder of the images (--images).",
    )  # fmt: skip
    found = read_each(files, lambda file: _Rows(file, sizes[file], names).read())
    made = tuple(
        AnnotatedImage(pairs[file], sizes[file], instances) for file, instances in zip(files, found, strict=True)
    )
    if names:
        return AnnotationSet(made, names)
    used = sorted({name for image in made for name in image.instances.class_name}, key=int)
    return AnnotationSet(made, tuple(used), {"notes": ("the classes have numbers and no names (--classes)",)})


def class_names_of(path: Path, context: Context) -> tuple[str, ...]:
    """Names of the classes, from the user, ``classes.txt`` or ``data.yaml``."""
    places = _homes(path)
    given = class_names([folder / NAMES for folder in places], context.classes)
    for file in (folder / name for folder in places for name in ("data.yaml", "dataset.yaml")):
        if not given and file.is_file():
            given = _yaml_names(file)
    return given


def _yaml_names(file: Path) -> tuple[str, ...]:
    """The list under ``names`` of a YAML file in one of its three simple forms; none where it has another."""
    text = "\n".join(" ".join(words) if words[0] != "-" else "- " + " ".join(words[1:]) for _, words in rows(file))
    flow = re.search(r"^names: ?\[([^\[\]{}]*)\]", text, re.MULTILINE | re.DOTALL)
    if flow:
        return tuple(_unquoted(part) for part in flow[1].split(",") if part.strip())
    block = re.search(r"^names:\n((?:(?:- .*|\d+ ?: .*)(?:\n|$))+)", text, re.MULTILINE)
    if not block:
        return ()
    return tuple(_unquoted(re.sub(r"^(-|\d+ ?:) ", "", line)) for line in block[1].splitlines())


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


@dataclass(frozen=True)
class _Rows:
    """The rows of one image."""

    file: Path
    size: tuple[int, int]
    names: tuple[str, ...]

    def read(self) -> Instances:
        problems: list[str] = []
        shapes, classes, scores = [], [], []
        for line, words in rows(self.file):
            try:
                kind, shape, score = self._object(words)
            except ValueError as error:
                problems.append(f"line {line}: {error}")
                continue
            shapes.append(shape)
            classes.append(named(kind, self.names))
            scores.append(score)
        raise_problems(self.file, problems, "yolo", "rows 'class cx cy w h' or 'class x1 y1 x2 y2 x3 y3 …'")
        columns = {"class_name": np.array(classes, object), "score": np.array(scores)} if shapes else {}
        return Instances.of(shapes, **columns)

    def _object(self, words: list[str]) -> tuple[int, Shape, float]:
        """Class, shape and score of a row; ValueError where there is something wrong with it."""
        kind = class_number(words[0])
        if kind is None:
            raise ValueError(f"'{words[0][:40]}' is no number of a class")
        wrong = unknown_class(kind, self.names)
        if wrong:
            raise ValueError(wrong)
        values = [number(word) for word in words[1:]]
        bad = next(
            (
                word
                for word, value in zip(words[1:], values, strict=True)
                if value is None or not -SLACK <= value <= 1 + SLACK
            ),
            None,
        )
        if bad is not None:
            raise ValueError(f"'{bad[:40]}' is no coordinate relative to the image (0 to 1)")
        scale = np.array(self.size, float)
        if len(values) in (4, 5):
            return kind, _box(np.array(values[:4]), scale), values[4] if len(values) == 5 else np.nan
        if len(values) < 6 or len(values) % 2:
            raise ValueError(f"{len(values)} numbers behind the class, expected 4, or x and y of at least 3 corners")
        return kind, _outline(snapped(np.array(values).reshape(-1, 2) * scale)), np.nan


def _box(values: np.ndarray, scale: np.ndarray) -> Shape:
    size = snapped(values[2:] * scale)
    if (size <= 0).any():
        raise ValueError("a box without area")
    corner = snapped(values[:2] * scale - size / 2)
    return rect(*corner.tolist(), *size.tolist())


def _outline(points: np.ndarray) -> Shape:
    """A polygon, or the rectangle that its four corners are."""
    low, high = points.min(axis=0), points.max(axis=0)
    if (low == high).any():
        raise ValueError("an outline without area")
    if len(points) != 4:
        return polygon(points)
    steps = (points != np.roll(points, -1, axis=0)).sum(axis=1)
    if (steps == 1).all() and ((points == low) | (points == high)).all() and len(np.unique(points, axis=0)) == 4:
        return rect(*low.tolist(), *(high - low).tolist())
    across = np.linalg.norm(points[3] - points[0])
    square = np.abs(points[0] + points[2] - points[1] - points[3]).max() <= RIGHT_ANGLE
    side = points[1] - points[0]
    skew = abs(float(side @ (points[3] - points[0]))) / max(float(np.linalg.norm(side)), 1e-9)
    if square and skew <= RIGHT_ANGLE:
        ends = snapped(np.concatenate([(points[0] + points[3]) / 2, (points[1] + points[2]) / 2]))
        return Shape(RoiType.ROTATED_RECT, params=(*ends.tolist(), float(snapped(across))))
    return polygon(points)


FORMAT = text_format("yolo", (TITLE, HOLDS), recognises, read, encode)
