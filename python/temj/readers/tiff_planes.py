"""Where the planes of a TIFF file are, and how many there should be."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path

import numpy as np
import tifffile

from temj.errors import BadImage
from temj.readers.tiff_chain import Chain
from temj.readers.tiff_images import UNLIKE, alike, images_of, left_out_note, same_kind, unlike_note
from temj.readers.tiff_pages import page_at, require_complete
from temj.readers.tiff_text import imagej_properties, number

AXES_NOTE = "{} pages without axes in the file: taken as slices, in the order of the file"
PARTIAL_NOTE = "partial: the file was cut off, {} of {} planes are there"
READ_NOTE = "partial: {} of {} planes are read"


@dataclass(frozen=True)
class Planes:
    """The planes of a file in ImageJ's order (channel fastest, then slice, then frame).

    Attributes:
        dimensions: (channels, slices, frames).
        offsets: a byte for each plane: of its directory, or of its first pixel where ``dtype`` is given.
        pages: the number of each plane's page from 1, where planes have directories.
        dtype: of the pixels (with byte order) where all planes follow each other uncompressed, else None.
        shape: (height, width) of such planes.
        labels: ImageJ's slice labels, as many as there are.
        ome: attributes of OME's ``Pixels`` element.
        files: the file of each plane of an OME-TIFF in several files; empty where all are in one.
        partial: (planes found, planes announced) of a file that was cut off.
    """

    dimensions: tuple[int, int, int]
    offsets: tuple[int, ...]
    pages: tuple[int, ...] = ()
    dtype: np.dtype | None = None
    shape: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()
    ome: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    partial: tuple[int, int] | None = None

    def position(self, index: int) -> tuple[int, int, int]:
        """1-based (channel, slice, frame) of a plane; (0, 0, 0) in a file with one plane."""
        if len(self.offsets) == 1:
            return (0, 0, 0)
        channels, slices, _frames = self.dimensions
        return index % channels + 1, index // channels % slices + 1, index // (channels * slices) + 1


@dataclass(frozen=True)
class Source:
    """An open TIFF file and what is asked of it.

    Attributes:
        tif: the open file.
        path: its path.
        chain: its directories.
        allow_partial: whether planes that are missing at the end are allowed.
        notes: what the user must know is appended here.
    """

    tif: tifffile.TiffFile
    path: Path
    chain: Chain
    allow_partial: bool = False
    notes: list[str] = field(default_factory=list)

    def page(self, number: int) -> tifffile.TiffPage:
        """A page, from 1."""
        return page_at(self.tif, self.chain.offsets[number - 1], number)

    def whole(self, pages: Iterable[tifffile.TiffPage]) -> list[int]:
        """Numbers (from 1) of those of these pages whose pixels are all there and alike; all of them, or an error.

        With partial files the first page that is not whole, or of another size, ends it.
        """
        found: list[int] = []
        try:
            for page in alike(pages, self.path):
                require_complete(page, self.path, page.index + 1)
                found.append(page.index + 1)
        except Exception as error:
            if not self.allow_partial:
                raise
            self.notes.extend(unlike_note(error) if isinstance(error, BadImage) else [])
        return found

    def first(self, count: int) -> Iterator[tifffile.TiffPage]:
        """The first ``count`` pages, as far as there are."""
        return (self.page(number) for number in range(1, min(len(self.chain.offsets), count) + 1))

    def missing(self, found: int, expected: int) -> tuple[int, int]:
        """(found, expected) and a note where partial files are allowed and something is there.

        Raises:
            BadImage: else.
        """
        if not self.allow_partial or found < 1:
            raise truncated(self.path, found, expected)
        unlike = any(note.startswith(UNLIKE) for note in self.notes)
        self.notes.append((READ_NOTE if unlike else PARTIAL_NOTE).format(found, expected))
        return found, expected


def truncated(path: Path, found: int, expected: int) -> BadImage:
    """The error for a file with fewer planes than it announces."""
    return BadImage(
        "truncated",
        where=path,
        expected=f"{expected} slices, as the file announces",
        found=f"{found} of {expected}",
        remedy="The file was cut off or not written to its end; copy it again, or allow partial files.",
    )


def with_directories(
    dimensions: tuple[int, int, int], source: Source, numbers: Iterable[int], **more: object
) -> Planes:
    """Planes that are pages of their own, given by their numbers from 1."""
    numbers = tuple(numbers)
    return Planes(dimensions, tuple(source.chain.offsets[number - 1] for number in numbers), numbers, **more)


def cut_dimensions(dimensions: tuple[int, int, int], found: int) -> tuple[int, int, int]:
    """(channels, slices, frames) of the first ``found`` planes: whole frames where they are that, else slices."""
    channels, slices, _frames = dimensions
    whole = found % (channels * slices) == 0
    return (channels, slices, found // (channels * slices)) if whole else (1, found, 1)


def imagej_planes(source: Source) -> Planes:
    """ImageJ: ``images=`` planes, each with a directory, or all behind one (stacks above 4 GB, or cut off).

    Without ``images=`` it is a single image of ImageJ's, or as many planes as there are pages.
    """
    page = source.page(1)
    properties = imagej_properties(page)
    if not properties.get("images"):
        planes = plain_planes(source)
        count = len(planes.offsets)
        return replace(planes, dimensions=_dimensions(properties, count), labels=_labels(page, count))
    expected = max(int(number(properties.get("images"), 1)), 1)
    dimensions = _dimensions(properties, expected)
    labels = _labels(page, expected)
    if expected == 1:
        return with_directories((1, 1, 1), source, [1], labels=labels)
    if page.compression == 1 and page.samplesperpixel == 1 and page.bitspersample in (8, 16, 32):
        return _contiguous(source, page, dimensions, labels)
    there = source.whole(source.first(expected))
    if len(there) < expected:
        partial = source.missing(len(there), expected)
        return with_directories(cut_dimensions(dimensions, len(there)), source, there, labels=labels, partial=partial)
    return with_directories(dimensions, source, there, labels=labels)


def _dimensions(properties: Mapping[str, str], count: int) -> tuple[int, int, int]:
    """(channels, slices, frames) that ImageJ's text says, where they make ``count`` planes; else that many slices."""
    sizes = tuple(max(int(number(properties.get(key), 1)), 1) for key in ("channels", "slices", "frames"))
    return sizes if prod(sizes) == count else (1, count, 1)


def _contiguous(
    source: Source, page: tifffile.TiffPage, dimensions: tuple[int, int, int], labels: tuple[str, ...] = ()
) -> Planes:
    """An uncompressed stack: like ImageJ, plane after plane from the first pixel on, whatever directories there are."""
    expected = prod(dimensions)
    start, step = min(page.dataoffsets), page.size * page.dtype.itemsize
    if step <= 0 or start <= 0:
        raise truncated(source.path, 0, expected)
    found = max((source.path.stat().st_size - start) // step, 0)
    if len(source.chain.offsets) >= expected:
        second, last = source.page(2), source.page(expected)
        if second.dataoffsets[0] != start + step or not (same_kind(second, page) and same_kind(last, page)):
            there = source.whole(source.first(expected))
            partial = source.missing(len(there), expected) if len(there) < expected else None
            cut = cut_dimensions(dimensions, len(there)) if partial else dimensions
            return with_directories(cut, source, there, labels=labels, partial=partial)
    partial = source.missing(found, expected) if found < expected else None
    cut = cut_dimensions(dimensions, found) if partial else dimensions
    offsets = tuple(range(start, start + step * min(found, expected), step))
    dtype = page.dtype.newbyteorder(source.tif.byteorder)
    return Planes(cut, offsets, (), dtype, page.shape, labels, partial=partial)


def _labels(page: tifffile.TiffPage, count: int) -> tuple[str, ...]:
    """ImageJ's slice labels; none where there are not any."""
    metadata = page.tags.valueof("IJMetadata")
    labels = metadata.get("Labels", ()) if isinstance(metadata, dict) else ()
    labels = [labels] if isinstance(labels, str) else list(labels)
    return tuple("" if label is None else str(label) for label in labels[:count])


def metamorph_planes(source: Source) -> Planes:
    """MetaMorph's STK: one directory, all planes behind it; their number is the count of the tag UIC2."""
    page = source.page(1)
    tag = page.tags.get(33629)
    count = 1 if tag is None else tag.count
    if count == 1:
        return with_directories((1, 1, 1), source, [1])
    if page.compression != 1 or page.samplesperpixel != 1 or page.bitspersample not in (8, 16, 32):
        raise truncated(source.path, 1, count)
    source.notes.append(AXES_NOTE.format(count))
    return _contiguous(source, page, (1, count, 1))


def plain_planes(source: Source) -> Planes:
    """Any other TIFF: its pages, without those that are thumbnails and masks (:mod:`temj.readers.tiff_images`).

    Raises:
        BadImage: the chain of pages is broken, tifffile's own text announces more planes than there are, or the pages
            are not all of one size and kind.
    """
    count = len(source.chain.offsets)
    pages = [source.page(page_number) for page_number in range(1, count + 1)]
    kept = images_of(pages)
    source.notes.extend(left_out_note(pages, kept))
    numbers = source.whole(kept)
    declared = _shaped_planes(kept[0])
    if declared is not None and declared[0] > len(kept) and declared[1]:
        return _contiguous(source, kept[0], (1, declared[0], 1))
    expected = max(len(kept), declared[0] if declared else 0, len(kept) + 1 if source.chain.fault else 0)
    partial = None
    if len(numbers) < expected:
        if source.chain.fault and not source.allow_partial:
            raise _broken(source, len(kept))
        partial = source.missing(len(numbers), expected)
    if len(numbers) > 1 and not imagej_properties(pages[0]):
        source.notes.append(AXES_NOTE.format(len(numbers)))
    return with_directories((1, len(numbers), 1), source, numbers, partial=partial)


def _broken(source: Source, found: int) -> BadImage:
    return BadImage(
        "truncated",
        where=source.path,
        expected=f"more than the {found} pages that were found",
        found=source.chain.fault,
        remedy="The file was cut off or is damaged; copy it again, or allow partial files.",
    )


def _shaped_planes(page: tifffile.TiffPage) -> tuple[int, bool] | None:
    """(planes, whether they follow each other without directories) that tifffile's own JSON text announces."""
    text = page.description or ""
    if not text.startswith('{"shape":') or page.size < 1:
        return None
    try:
        told = json.loads(text)
        planes = prod(int(size) for size in told["shape"]) / page.size
    except (ValueError, TypeError, KeyError):
        return None
    return (int(planes), bool(told.get("truncated"))) if planes == int(planes) and 1 <= planes < 1 << 31 else None
