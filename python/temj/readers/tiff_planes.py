"""Where the planes of a TIFF file are, and how many there should be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import tifffile

from temj.errors import BadImage
from temj.readers.tiff_pages import require_complete
from temj.readers.tiff_scale import imagej_properties, number


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
    """

    dimensions: tuple[int, int, int]
    offsets: tuple[int, ...]
    pages: tuple[int, ...] = ()
    dtype: np.dtype | None = None
    shape: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()
    ome: Mapping[str, str] = field(default_factory=dict)

    def position(self, index: int) -> tuple[int, int, int]:
        """1-based (channel, slice, frame) of a plane; (0, 0, 0) in a file with one plane."""
        if len(self.offsets) == 1:
            return (0, 0, 0)
        channels, slices, _frames = self.dimensions
        return index % channels + 1, index // channels % slices + 1, index // (channels * slices) + 1


def find_planes(tif: tifffile.TiffFile, path: Path, notes: list[str]) -> Planes:
    """All planes of a file.

    Raises:
        BadImage: there are fewer than the file announces, or the last one lies behind the end of the file.
    """
    properties = imagej_properties(tif.pages[0])
    if properties:
        return _imagej(tif, path, properties) if properties.get("images") else _uncounted(tif, path, properties, notes)
    if tif.is_ome:
        planes = _ome(tif, path)
        if planes is not None:
            return planes
    return _plain(tif, path, notes)


def _with_directories(
    dimensions: tuple[int, int, int], pages: Iterable[tifffile.TiffPage], **details: object
) -> Planes:
    """Planes that are pages of their own."""
    pages = list(pages)
    offsets, numbers = (page.offset for page in pages), (page.index + 1 for page in pages)
    return Planes(dimensions, tuple(offsets), tuple(numbers), **details)


def _truncated(path: Path, found: int, expected: int) -> BadImage:
    return BadImage(
        "truncated",
        where=path,
        expected=f"{expected} slices, as the file announces",
        found=f"{found} of {expected}",
        remedy="The file was cut off or not written to its end; copy it again.",
    )


def _imagej(tif: tifffile.TiffFile, path: Path, properties: Mapping[str, str]) -> Planes:
    """ImageJ: ``images=`` planes, each with a directory, or all behind one (stacks above 4 GB, or cut off)."""
    page = tif.pages[0]
    expected = max(int(number(properties.get("images"), 1)), 1)
    dimensions = _dimensions(properties, expected)
    labels = _labels(tif, expected)
    if expected == 1:
        return _with_directories((1, 1, 1), [page], labels=labels)
    if page.compression == 1 and page.samplesperpixel == 1 and page.bitspersample in (8, 16, 32):
        return _contiguous(tif, path, dimensions, labels)
    found = len(tif.pages)
    if found < expected:
        raise _truncated(path, found, expected)
    require_complete(tif.pages[expected - 1], path)
    return _with_directories(dimensions, tif.pages[:expected], labels=labels)


def _uncounted(tif: tifffile.TiffFile, path: Path, properties: Mapping[str, str], notes: list[str]) -> Planes:
    """ImageJ's text without ``images=``: a single image of ImageJ's, or as many planes as there are pages."""
    planes = _plain(tif, path, notes)
    count = len(planes.offsets)
    return replace(planes, dimensions=_dimensions(properties, count), labels=_labels(tif, count))


def _dimensions(properties: Mapping[str, str], count: int) -> tuple[int, int, int]:
    """(channels, slices, frames) that ImageJ's text says, where they make ``count`` planes; else that many slices."""
    sizes = tuple(max(int(number(properties.get(key), 1)), 1) for key in ("channels", "slices", "frames"))
    return sizes if prod(sizes) == count else (1, count, 1)


def _contiguous(
    tif: tifffile.TiffFile, path: Path, dimensions: tuple[int, int, int], labels: tuple[str, ...]
) -> Planes:
    """An uncompressed stack: like ImageJ, plane after plane from the first pixel on, whatever directories there are."""
    page, expected = tif.pages[0], prod(dimensions)
    start, step = min(page.dataoffsets), page.size * page.dtype.itemsize
    found = (path.stat().st_size - start) // step
    if found < expected:
        raise _truncated(path, found, expected)
    offsets = tuple(start + step * index for index in range(expected))
    second = tif.pages[1].dataoffsets[0] if len(tif.pages) > 1 else offsets[1]
    if second != offsets[1] and len(tif.pages) >= expected:
        return _with_directories(dimensions, tif.pages[:expected], labels=labels)
    return Planes(dimensions, offsets, (), page.dtype.newbyteorder(tif.byteorder), page.shape, labels)


def _labels(tif: tifffile.TiffFile, count: int) -> tuple[str, ...]:
    """ImageJ's slice labels; none where there are not any."""
    labels = (tif.imagej_metadata or {}).get("Labels", ())
    labels = [labels] if isinstance(labels, str) else list(labels)
    return tuple("" if label is None else str(label) for label in labels[:count])


def _ome(tif: tifffile.TiffFile, path: Path) -> Planes | None:
    """OME-TIFF: the planes of its first image, or None where its text cannot be understood."""
    try:
        root = ElementTree.fromstring(tif.pages[0].description)
    except ElementTree.ParseError:
        return None
    pixels = root.find(".//{*}Image/{*}Pixels")
    if pixels is None:
        return None
    sizes = {axis: int(number(pixels.get(f"Size{axis}"), 1)) for axis in "CZT"}
    sizes["C"] = max(sizes["C"] // tif.pages[0].samplesperpixel, 1)
    expected, found = prod(sizes.values()), len(tif.pages)
    if found < expected:
        raise _truncated(path, found, expected)
    require_complete(tif.pages[expected - 1], path)
    stored = [axis for axis in reversed(pixels.get("DimensionOrder", "XYCZT")) if axis in "CZT"]
    index = np.arange(expected).reshape([sizes[axis] for axis in stored])
    index = index.transpose([stored.index(axis) for axis in "TZC"]).ravel()
    pages = (tif.pages[int(number)] for number in index)
    return _with_directories((sizes["C"], sizes["Z"], sizes["T"]), pages, ome=dict(pixels.attrib))


def _plain(tif: tifffile.TiffFile, path: Path, notes: list[str]) -> Planes:
    """Any other TIFF: its pages of the same size and kind as the first; thumbnails and pyramids are left out."""
    first = tif.pages[0]
    pages = [page for page in tif.pages if page.shape == first.shape and page.dtype == first.dtype]
    for page in pages[1:]:
        require_complete(page, path)
    left_out = len(tif.pages) - len(pages)
    if left_out:
        notes.append(f"{left_out} pages of another size or kind (thumbnails, labels) are left out")
    return _with_directories((1, len(pages), 1), pages)
