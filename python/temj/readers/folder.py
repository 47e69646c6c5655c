"""A folder of frames, one file each, as a film in natural order (``frame2`` before ``frame10``)."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

from temj import readers
from temj.data import Calibration, Film, Micrograph
from temj.errors import BadImage
from temj.readers.files import read_error

_JUNK = ("thumbs.db", "desktop.ini", "icon\r")
_SAME_KIND = {".tiff": ".tif", ".jpeg": ".jpg"}
_OF_AN_IMAGE = ("_labels.tif", "_probability.tif", "_classes.tif", "_overlay.png")
_TOLERANCE = 1e-3
"""Pixel sizes that differ by less, relatively, are the same: programs round them."""


def is_junk(name: str) -> bool:
    """Whether a file is hidden or made by the operating system for itself."""
    return name.startswith(".") or name.casefold() in _JUNK


def earlier_results(names: Iterable[str]) -> set[str]:
    """The pictures among the names of a folder that TEMJ itself has made of others: of ``a.tif`` it makes
    ``a_labels.tif``, ``a_overlay.png`` and others beside ``a_Results.csv``, and of all ``Histograms.png`` beside
    ``Histograms.csv``."""
    there = set(names)
    stems = (name.removesuffix("_Results.csv") for name in there if name.endswith("_Results.csv"))
    made = {f"{stem}{end}" for stem in stems for end in _OF_AN_IMAGE}
    if "Histograms.csv" in there:
        made |= {"Histograms.png", "Histograms_pixels.png"}
    return made & there


def natural_key(name: str) -> tuple[object, ...]:
    """Sorts names as people count: digits by their number, letters whatever their case."""
    parts = re.split(r"(\d+)", name.casefold())
    return (*(int(part) if number % 2 else part for number, part in enumerate(parts)), name)


def open_film(path: Path, allow_partial: bool = False) -> Film:
    """The image files of a folder (not of its sub-folders) as frames, read when they are asked for.

    All must be of one kind, size and pixel size; frames are compared with the first one when they are read.

    Args:
        path: the folder.
        allow_partial: whether frames that cannot be read are left out (then each is read once here); the others
            keep their number.

    Raises:
        BadImage: no image files, files of several kinds; on reading, a frame that differs or cannot be read.
    """
    names, notes = _frames(path)
    reader = _Reader(path, tuple(names), tuple(range(len(names))), tuple(notes))
    film = Film(path.name, (1, 1, len(names)), reader)
    if not allow_partial:
        return film
    good, lost = _readable(film)
    if not lost:
        return film
    if not good:
        raise lost[0]
    note = f"partial: {len(good)} of {len(names)} frames could be read; first problem: {lost[0].message}"
    numbers = tuple(index + 1 for index in good)
    reader = replace(reader, files=tuple(good), notes=(*notes, note))
    return Film(path.name, (1, 1, len(good)), reader, None, (len(good), len(names)), numbers)


@dataclass
class _Reader:
    """Reads one frame and compares it with the first; can be sent to other processes.

    Attributes:
        folder: where the files are.
        names: of all files in order.
        files: the index in ``names`` of each frame.
        notes: what the user must know of the whole film.
    """

    folder: Path
    names: tuple[str, ...]
    files: tuple[int, ...]
    notes: tuple[str, ...]
    _known: _Facts | None = field(default=None, repr=False, compare=False)

    def __call__(self, index: int) -> Micrograph:
        frame = self._single(self.files[index])
        if index > 0:
            _same(self._first(), frame, self.folder / self.names[self.files[index]])
        number = self.files[index] + 1
        notes = tuple(dict.fromkeys([*frame.metadata.get("notes", ()), *self.notes]))
        return replace(
            frame,
            name=self.folder.name,
            position=(0, 0, 0) if len(self.names) == 1 else (1, 1, number),
            slice_label=self.names[number - 1],
            metadata={**frame.metadata, "file": self.names[number - 1], "notes": notes},
        )

    def _single(self, index: int) -> Micrograph:
        """The one micrograph of a file."""
        path = self.folder / self.names[index]
        film = readers.open_film(path)
        if len(film) != 1:
            raise BadImage(
                "not-a-frame",
                where=path,
                expected="one image in each file of a folder of frames",
                found=f"{len(film)} planes",
                remedy="Move it out of the folder, or open it alone.",
            )
        return film[0]

    def _first(self) -> _Facts:
        """What all frames must be."""
        if self._known is None:
            self._known = _Facts.of(self._single(self.files[0]))
        return self._known


@dataclass(frozen=True)
class _Facts:
    """What must not change from frame to frame."""

    width: int
    height: int
    type: str
    calibration: Calibration

    @classmethod
    def of(cls, micrograph: Micrograph) -> _Facts:
        return cls(micrograph.width, micrograph.height, micrograph.pixels.dtype.name, micrograph.calibration)


def _same(first: _Facts, frame: Micrograph, path: Path) -> None:
    """Stop at a frame that is not like the first.

    Raises:
        BadImage: names the file and all that differs.
    """
    own = _Facts.of(frame)
    wanted, found = [], []
    if (own.width, own.height) != (first.width, first.height):
        wanted.append(f"{first.width} x {first.height} pixels")
        found.append(f"{own.width} x {own.height} pixels")
    if own.type != first.type:
        wanted.append(first.type)
        found.append(own.type)
    if not _equal(first.calibration, own.calibration):
        wanted.append(f"a pixel size of {first.calibration.size_text}")
        found.append(own.calibration.size_text)
    if found:
        raise BadImage(
            "frame-differs",
            where=path,
            expected=f"{', '.join(wanted)} as in the first frame",
            found=", ".join(found),
            remedy="Move it out of the folder, or put films of different kinds into folders of their own.",
        )


def _equal(first: Calibration, own: Calibration) -> bool:
    if first.nm is None or own.nm is None:
        return first.nm is own.nm
    return all(abs(a / b - 1) <= _TOLERANCE for a, b in zip(first.nm, own.nm, strict=True))


def _frames(path: Path) -> tuple[list[str], list[str]]:
    """The names of the image files in natural order, and notes.

    Raises:
        BadImage: none, or of several kinds.
    """
    try:
        with os.scandir(path) as entries:
            files = [entry.name for entry in entries if entry.is_file()]
    except OSError as error:
        raise read_error(path, error) from error
    junk = [name for name in files if is_junk(name)]
    images = [name for name in files if not is_junk(name) and _extension(name) in readers.READERS]
    others = len(files) - len(junk) - len(images)
    if not images:
        raise BadImage(
            "no-images",
            where=path,
            expected=f"files ending in {', '.join(readers.READERS)}",
            found=f"{others} other and {len(junk)} hidden files",
            remedy="Name the folder that holds the frames.",
        )
    images.sort(key=natural_key)
    _one_kind(path, images)
    notes = [f"{len(junk)} hidden files or files of the operating system are ignored"] if junk else []
    notes += [f"{others} files that are no images are ignored"] if others else []
    return images, notes + _jumps(images)


def _extension(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def _one_kind(path: Path, images: Sequence[str]) -> None:
    """Stop where a folder holds images of several kinds, such as a film and an overview."""
    kinds = Counter(_SAME_KIND.get(_extension(name), _extension(name)) for name in images)
    if len(kinds) == 1:
        return
    usual = kinds.most_common(1)[0][0]
    odd = next(name for name in images if _SAME_KIND.get(_extension(name), _extension(name)) != usual)
    raise BadImage(
        "mixed-kinds",
        where=path / odd,
        expected=f"frames of one kind ({usual}) in a folder that is a film",
        found=", ".join(f"{count} {kind}" for kind, count in kinds.most_common()),
        remedy="Move the files that are no frames out of the folder.",
    )


def _jumps(images: Sequence[str]) -> list[str]:
    """A note where the numbers in the names say that frames are missing."""
    parts = [re.split(r"(\d+)", name) for name in images]
    if len({len(part) for part in parts}) != 1:
        return []
    varying = [place for place in range(len(parts[0])) if len({part[place] for part in parts}) > 1]
    if len(varying) != 1 or varying[0] % 2 == 0:
        return []
    numbers = [int(part[varying[0]]) for part in parts]
    steps = Counter(after - before for before, after in pairwise(numbers))
    usual = steps.most_common(1)[0][0]
    jumps = [(before, after) for before, after in pairwise(numbers) if after - before != usual]
    if not jumps:
        return []
    told = ", ".join(f"{before} to {after}" for before, after in jumps[:5])
    more = f" and {len(jumps) - 5} more" if len(jumps) > 5 else ""
    return [f"the numbers in the file names jump ({told}{more}): frames are counted 1, 2, 3 all the same"]


def _readable(film: Film) -> tuple[list[int], list[BadImage]]:
    """The indices of the frames that can be read, and the errors of the others."""
    good, lost = [], []
    for index in range(len(film)):
        try:
            film[index]
            good.append(index)
        except BadImage as error:
            lost.append(error)
    return good, lost
