"""TIFF: ImageJ's images, stacks and hyperstacks, OME-TIFF, MetaMorph's stacks, and any plain or multi-page TIFF.

A film keeps no file open: it knows where each plane begins and reads it when it is asked for.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile

from temj.data import Acquisition, Calibration, Film, Micrograph
from temj.readers.convert import orientation_note, to_pixels
from temj.readers.files import read_error
from temj.readers.tiff_chain import find_chain
from temj.readers.tiff_ome import ome_planes
from temj.readers.tiff_pages import corrupt, faults, read_page, require_data
from temj.readers.tiff_planes import Planes, Source, imagej_planes, metamorph_planes, plain_planes
from temj.readers.tiff_scale import calibration_of
from temj.readers.tiff_text import frame_interval, imagej_properties, number, ome_root
from temj.readers.vendors import Told, ask_side_cars, ask_tags
from temj.readers.vendors.ome import tell as tell_ome

# What tifffile logs about damaged files reaches the user as an error or a note of ours.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


@dataclass(frozen=True)
class _Greys:
    """How ImageJ turns stored numbers into grey values: offset + factor * number."""

    offset: float = 0.0
    factor: float = 1.0

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """Grey values of stored ``pixels``."""
        if (self.offset, self.factor) == (0.0, 1.0) or pixels.dtype == np.float32:
            return pixels
        return (self.offset + self.factor * pixels.astype(np.float64)).astype(np.float32)


def open_film(path: Path, allow_partial: bool = False) -> Film:
    """The planes of a TIFF file.

    Args:
        path: the file.
        allow_partial: whether a stack that was cut off gives its whole planes, up to the first that is not.

    Raises:
        BadImage: no TIFF, cut off (fewer pages or bytes than it announces), damaged or of an unknown kind.
        ResourceError: one page does not fit into the memory.
    """
    chain = find_chain(path)
    notes: list[str] = []
    with faults(path, 1), tifffile.TiffFile(path) as tif:
        source = Source(tif, path, chain, allow_partial, notes)
        first = source.page(1)
        root = None if imagej_properties(first) else ome_root(first.description)
        planes = _find_planes(source, first, root)
        page = first if planes.dtype is not None or planes.files else source.page(planes.pages[0])
        if planes.dtype is None and not planes.files:
            require_data(page, path, page.index + 1)
        makers = [*ask_tags(page), *ask_side_cars(path, (page.imagelength, page.imagewidth))]
        if root is not None:
            makers.insert(0, tell_ome(root))
        calibration, origin = calibration_of(page, planes.ome, makers, notes)
        greys = _grey_rule(page, notes)
        notes += orientation_note(page.tags.valueof("Orientation"))
        metadata = _metadata(page, makers, origin)
        interval = frame_interval(imagej_properties(page), dict(planes.ome))
    imagej = bool(metadata.get("imagej"))
    reader = _Reader(path, planes, calibration, greys, metadata, tuple(dict.fromkeys(notes)), imagej)
    return Film(path.name, planes.dimensions, reader, interval, planes.partial)


def _find_planes(source: Source, page: tifffile.TiffPage, root: object) -> Planes:
    """All planes of a file, by what its first page says."""
    if imagej_properties(page):
        return imagej_planes(source)
    planes = ome_planes(source, root) if root is not None else None
    if planes is not None:
        return planes
    return metamorph_planes(source) if page.is_stk else plain_planes(source)


@dataclass(frozen=True)
class _Reader:
    """Reads one plane of a file; a plain value, so that it can be sent to other processes."""

    path: Path
    planes: Planes
    calibration: Calibration
    greys: _Greys
    metadata: Mapping[str, object]
    notes: tuple[str, ...]
    imagej: bool

    def __call__(self, index: int) -> Micrograph:
        planes, notes, metadata, area = self.planes, list(self.notes), dict(self.metadata), None
        if planes.dtype is None:
            path = planes.files[index] if planes.files else self.path
            page = read_page(path, planes.offsets[index], planes.pages[index], self.imagej)
            samples, area = page.values, page.written
            notes += page.notes
            metadata |= {"sparse": page.sparse[0]} if page.sparse[0] else {}
        else:
            samples = _read_raw(self.path, planes, index)
        pixels = self.greys.apply(to_pixels(samples, self.path, notes))
        return Micrograph(
            pixels,
            self.calibration,
            self.path.name,
            planes.position(index),
            planes.labels[index] if index < len(planes.labels) else "",
            {**metadata, "notes": tuple(notes)},
            area,
        )


def _read_raw(path: Path, planes: Planes, index: int) -> np.ndarray:
    """A plane of an uncompressed stack that has one directory for all its planes, as ImageJ writes big ones."""
    count = planes.shape[0] * planes.shape[1]
    try:
        samples = np.fromfile(path, planes.dtype, count, offset=planes.offsets[index])
    except OSError as error:
        raise read_error(path, error) from error
    if samples.size != count:
        raise corrupt(path, index + 1, f"{samples.nbytes} bytes where {count * planes.dtype.itemsize} are needed")
    return samples.reshape(planes.shape).astype(planes.dtype.newbyteorder("="), copy=False)


def _grey_rule(page: tifffile.TiffPage, notes: list[str]) -> _Greys:
    """ImageJ's straight-line calibration of grey values."""
    properties = imagej_properties(page)
    if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
        notes.append("0 is white in this file (inverting LUT): grey values are kept as they are, as in ImageJ")
    if "cf" not in properties:
        return _Greys()
    line = number(properties["cf"], -1) == 0 and "c2" not in properties
    if not line:
        notes.append("the file's calibration of grey values is not a straight line and is not used")
        return _Greys()
    offset, factor = number(properties.get("c0")), number(properties.get("c1"), 1.0)
    if abs(offset) + 2.0**32 * abs(factor) > float(np.finfo(np.float32).max):
        notes.append("the file's calibration of grey values leaves the range of 32-bit float and is not used")
        return _Greys()
    return _Greys(offset, factor)


def _metadata(page: tifffile.TiffPage, makers: list[Told], origin: str) -> dict[str, object]:
    """What else the file says that a reader of results may want: acquisition, ImageJ's properties, software, text."""
    found: dict[str, object] = {"imagej": imagej_properties(page)} if imagej_properties(page) else {}
    info = page.tags.valueof("IJMetadata")
    if isinstance(info, dict) and isinstance(info.get("Info"), str):
        found["info"] = info["Info"][:100_000]
    acquisition: dict[str, object] = {}
    for told in makers:
        acquisition = told.acquisition.known() | acquisition
    taken = _taken(page)
    if taken and acquisition:
        acquisition.setdefault("date", taken)
    if acquisition:
        found["acquisition"] = {key: acquisition[key] for key in Acquisition.__dataclass_fields__ if key in acquisition}
    if origin:
        found["pixel_size_source"] = origin
    texts = {told.source: told.text for told in makers if told.text}
    found |= {"maker": texts} if texts else {}
    for name in ("Software", "ImageDescription"):
        text = page.tags.valueof(name)
        if isinstance(text, str) and text and not (name == "ImageDescription" and "imagej" in found):
            found[name] = text[:10_000]
    return found


def _taken(page: tifffile.TiffPage) -> str | None:
    """The DateTime tag (``2021:03:04 10:11:12``) in ISO 8601."""
    text = page.tags.valueof("DateTime")
    if not isinstance(text, str) or len(text) < 19 or text[4] != ":" or not text[:4].isdigit():
        return None
    return f"{text[:10].replace(':', '-')}T{text[11:19]}"
