"""One more image in annotations that are there; those of the other images stay as they are, to the byte or value."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from temj.annotations import coco_append, shen, yolo
from temj.annotations.base import AnnotationSet, Context, Format
from temj.annotations.csv_rows import COLUMNS
from temj.annotations.masks import IGNORE_VALUE, read_labels
from temj.annotations.pairing import files_of, plain_names, same
from temj.annotations.text_rows import NAMES, class_names, text_files
from temj.data import IGNORE
from temj.errors import BadAnnotation

_MASKS = (".png", ".tif", ".tiff")


@dataclass(frozen=True)
class Appended:
    """Files that are ready to be written.

    Attributes:
        files: path → bytes; lists that are shared, such as ``classes.txt``, with what was in them.
        losses: what of the image the format cannot hold.
        replaced: those of the files that are there already, besides the shared lists.
        rows: rows or annotations of this image that are replaced in a file of many images.
    """

    files: dict[Path, bytes]
    losses: tuple[str, ...]
    replaced: tuple[Path, ...] = ()
    rows: int = 0


def append(path: Path, own: AnnotationSet, format: Format, context: Context, overwrite: bool) -> Appended:
    """The files of annotations with one more image in them; nothing is written.

    Args:
        path: file or folder; where it is not there it is made.
        own: a set of one annotated image.
        format: of the file or folder.
        context: as for writing; ``classes`` decides about numbers only where nothing there does.
        overwrite: whether annotations that the image has there may be replaced.

    Raises:
        BadAnnotation: what is there has problems or cannot hold the image; or the image is annotated there already
            and ``overwrite`` is false.
    """
    found = [name for name in own.annotated[0].instances.class_name if name not in ("", IGNORE)]
    own = replace(own, classes=tuple(dict.fromkeys([*own.classes, *found])))
    if not path.exists():
        return Appended(*format.encoded(path, own, context))
    if format.name == "coco":
        data, losses, rows = coco_append.append(path, own, context, overwrite)
        return Appended({path: data}, losses, rows=rows)
    if format.name == "csv":
        return _table(path, own, format, context, overwrite)
    if path.is_file():
        raise BadAnnotation(
            "one-image", where=path, expected="a folder, for a file of this format is about one image only",
            remedy="Name the folder, or another file.",
        )  # fmt: skip
    made = _FOLDERS.get(format.name, _plain)(path, own, format, context)
    shared = {folder / name for folder in (path, path.parent) for name in (NAMES, shen.LIST)}
    there = tuple(file for file in made.files if file not in shared and file.exists())
    if there and not overwrite:
        raise BadAnnotation(
            "already-annotated", where=there[0], expected="a folder in which this image has no annotations",
            remedy="They were not changed. Replace them with --overwrite.",
        )  # fmt: skip
    return replace(made, replaced=there)


def _plain(path: Path, own: AnnotationSet, format: Format, context: Context) -> Appended:
    return Appended(*format.encoded(path, own, context))


def _table(path: Path, own: AnnotationSet, format: Format, context: Context, overwrite: bool) -> Appended:
    """Our own table with the rows of one more image behind the others."""
    format.read(path, Context())
    data = path.read_bytes()
    text = data.decode("utf-8-sig")
    lines = list(io.StringIO(text, newline=""))
    if not lines or lines[0].strip() != ",".join(COLUMNS):
        raise BadAnnotation(
            "columns", where=path, expected=f"a table with the columns {', '.join(COLUMNS)}", found=lines[:1],
            remedy="Convert it into one first ('temj convert'), or write another file.",
        )  # fmt: skip
    name = same(own.annotated[0].image)
    kept, gone, start, reader = [lines[0]], 0, 1, csv.reader(lines[1:])
    for row in reader:
        part, start = lines[start : 1 + reader.line_num], 1 + reader.line_num
        if row and same(plain_names([row[0].removeprefix("'")], path)[0]) == name:
            gone += 1
        else:
            kept += part
    if gone and not overwrite:
        raise BadAnnotation(
            "already-annotated", where=f"{path}, {own.annotated[0].image}", expected="an image without rows in it",
            found=f"{gone} rows", remedy="They were not changed. Replace them with --overwrite.",
        )  # fmt: skip
    files, losses = format.encoded(path, own, context)
    rows = files[path].decode("utf-8-sig").partition("\r\n")[2]
    before = "".join(kept)
    end = "" if before.endswith("\n") else "\r\n"
    mark = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
    return Appended({path: mark + f"{before}{end}{rows}".encode()}, losses, rows=gone)


def _yolo(path: Path, own: AnnotationSet, format: Format, context: Context) -> Appended:
    """Label files lie in the folder or in its ``labels``; names in a list beside them or above, or in ``data.yaml``."""
    there = yolo.class_names_of(path, Context())
    folder = path / "labels" if not text_files(path, (NAMES,)) and text_files(path / "labels", (NAMES,)) else path
    own = _numbered(folder, own, there or context.classes, bool(text_files(folder, (NAMES,))))
    files, losses = format.encoded(folder, own, context)
    names = files.pop(folder / NAMES)
    listed = next((home / NAMES for home in (path, path.parent) if (home / NAMES).is_file()), None)
    if there and listed is None:
        _require_known(path, own, there)
        return Appended(files, losses)
    listed = listed or path / NAMES
    return Appended(_with_names(files | {listed: names}, listed), losses)


def _require_known(path: Path, own: AnnotationSet, names: tuple[str, ...]) -> None:
    new = [name for name in own.classes if name not in names]
    if new:
        raise BadAnnotation(
            "classes", where=path, expected=f"the classes of its data.yaml: {', '.join(names)}",
            found=", ".join(new), remedy="Add them there, at the end.",
        )  # fmt: skip


def _shen(path: Path, own: AnnotationSet, format: Format, context: Context) -> Appended:
    names = class_names([path / NAMES], ()) or context.classes
    nested = (path / shen.BOXES).is_dir()
    flat = text_files(path, (NAMES, shen.LIST))
    own = _numbered(path, own, names, bool(flat or nested))
    files, losses = format.encoded(path, own, context)
    if flat and not nested:
        files = {path / file.name if file.parent.name == shen.BOXES else file: data for file, data in files.items()}
    listed = path / shen.LIST
    if listed.exists() or not flat:
        files[listed] = _with_line(listed, own.annotated[0].image)
    else:
        files.pop(listed)
    return Appended(_with_names(files, path / NAMES), losses)


def _masks(path: Path, own: AnnotationSet, format: Format, context: Context) -> Appended:
    """A mask of the kind that lies there."""
    names = class_names([path / NAMES], ()) or context.classes
    pair = [path / kind for kind in ("classes", "instances")]
    paired = all(folder.is_dir() for folder in pair)
    there = files_of(path, _MASKS)
    own = _numbered(path, own, names, False)
    if not paired and not there:
        files, losses = format.encoded(path, own, context)
        return Appended(_with_names(files, path / NAMES), losses)
    kinds = ("classes", "instances") if paired else (_kind_of(there, names, context),)
    if kinds == ("instances",):
        _require_one_class(path, own, names)
    files, losses = {}, ()
    for kind in kinds:
        made, losses = format.encoded(path, own, replace(context, masks=kind))
        files |= {path / kind / file.name if paired and file.name != NAMES else file: d for file, d in made.items()}
    return Appended(_with_names(files, path / NAMES), losses if len(kinds) == 1 else ())


def _kind_of(there: list[Path], names: tuple[str, ...], context: Context) -> str:
    """What the masks of a folder are, by the rule by which they are read."""
    if context.masks != "auto":
        return context.masks
    values = [set(np.unique(read_labels(file)).tolist()) for file in there] if len(names) < 2 else []
    binary = all(found <= {0, 1} or found <= {0, IGNORE_VALUE} for found in values)
    return "classes" if len(names) > 1 or binary else "instances"


def _require_one_class(path: Path, own: AnnotationSet, names: tuple[str, ...]) -> None:
    if len(own.classes) > max(1, len(names)) or own.annotated[0].instances.ignored.any():
        raise BadAnnotation(
            "classes", where=path, expected="objects of one class, as the masks in this folder number objects",
            found=", ".join(own.classes), remedy="Write into another folder.",
        )  # fmt: skip


def _numbered(path: Path, own: AnnotationSet, names: tuple[str, ...], used: bool) -> AnnotationSet:
    """The set with the classes of the folder first, so that their numbers stay.

    Raises:
        BadAnnotation: files there have numbers, and nothing names them.
    """
    if used and not names:
        raise BadAnnotation(
            "class-names", where=path, expected="the names of the classes 0, 1, … that its files have",
            found=f"no {NAMES}", remedy="Give them (classes), so that the new numbers mean the same.",
        )  # fmt: skip
    return replace(own, classes=tuple(dict.fromkeys([*names, *own.classes])))


def _with_names(files: dict[Path, bytes], listed: Path) -> dict[Path, bytes]:
    """The files, where the list of names that is there keeps its lines and gets those that are new behind them."""
    if listed in files and listed.exists():
        there = class_names([listed], ())
        new = [name for name in files[listed].decode().splitlines() if name not in there]
        files = files | {listed: _joined(listed.read_bytes(), new)}
    return files


def _with_line(listed: Path, line: str) -> bytes:
    before = listed.read_bytes() if listed.exists() else b""
    there = {same(text.strip()) for text in before.decode("utf-8-sig", "replace").splitlines()}
    return _joined(before, [] if same(line) in there else [line])


def _joined(before: bytes, lines: list[str]) -> bytes:
    end = b"\n" if lines and before and not before.endswith(b"\n") else b""
    return before + end + "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")


_FOLDERS: dict[str, Callable[[Path, AnnotationSet, Format, Context], Appended]] = {
    "yolo": _yolo, "shen": _shen, "masks": _masks,
}  # fmt: skip
