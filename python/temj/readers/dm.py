"""Gatan DM3 and DM4: single images, stacks and series of images, read plane by plane.

Of several images the largest that is no thumbnail is read, and a note says which. Numbers of all kinds are read
(:mod:`temj.readers.convert`), colours become grey, black-and-white becomes 0 and 255; complex numbers, spectra and
scans of diffraction patterns are refused in words. Rows come in the file's order, top row first.
"""

from __future__ import annotations

import math
from pathlib import Path

from temj.data import Film
from temj.data.calibration import Calibration
from temj.errors import BadImage
from temj.readers.dm_acquisition import acquisition_of
from temj.readers.dm_images import (
    BINARY,
    COLOURS,
    NUMBERS,
    DmImage,
    axes_of,
    choose,
    images_of,
    pixels_of,
    require_whole,
)
from temj.readers.dm_tags import Damage, read_tags
from temj.readers.dm_tree import Group, Tags
from temj.readers.files import first_bytes, not_an_image, read_error
from temj.readers.maker_scale import calibration_of, is_diffraction
from temj.readers.raw_planes import Announced, RawPlanes, RawReader, truncated

_APPLE_DOUBLE = 0x00051607
"""What begins the files ``._name`` in which macOS keeps what other systems' disks cannot."""


def open_film(path: Path, allow_partial: bool = False) -> Film:
    """The planes of a DM3 or DM4 file.

    Raises:
        BadImage: no such file, of another version, cut off, damaged where the pixels are, or no micrograph.
    """
    _require_version(path)
    tags = _tags(path)
    notes: list[str] = []
    image = _image(path, tags, allow_partial, notes)
    order = "<" if tags.little else ">"
    dtype = image.dtype.newbyteorder(order)
    announced = Announced(image.planes, math.prod(image.shape) * dtype.itemsize, image.block.start)
    planes, partial = announced.whole(path, allow_partial, notes)
    starts = range(announced.start, announced.start + planes * announced.plane_bytes, announced.plane_bytes)
    raw = RawPlanes(
        dtype, image.shape, starts, binary=image.data_type in BINARY, packed_colour=image.data_type in COLOURS
    )
    step = image.axes[2].seconds if len(image.axes) > 2 else None
    dimensions = (1, planes, 1) if step is None else (1, 1, planes)
    calibration, metadata = _described(image, notes)
    _tell_faults(tags, notes)
    return RawReader(path, raw, dimensions, calibration, metadata, tuple(notes)).film(step, partial)


def _require_version(path: Path) -> None:
    """Raise unless the file begins as DM3 or DM4."""
    head = first_bytes(path, 4)
    version = int.from_bytes(head, "big")
    if version in (3, 4) and len(head) == 4:
        return
    if len(head) < 4 or head[0]:
        raise not_an_image(path, "a Gatan DM3 or DM4 file")
    side_file = version == _APPLE_DOUBLE
    raise BadImage(
        "dm",
        where=path,
        expected="version 3 or 4 of DigitalMicrograph's format",
        found=f"version {version}{', the mark of a side file of macOS' if side_file else ''}",
        remedy="Open the file whose name has no '._' before it."
        if side_file
        else "Open it in DigitalMicrograph and save it as DM4 or TIFF, or copy it again.",
    )


def _tags(path: Path) -> Tags:
    try:
        return read_tags(path)
    except OSError as error:
        raise read_error(path, error) from error
    except Damage as damage:
        raise truncated(path, "the head of a DM file", str(damage)) from damage


def _image(path: Path, tags: Tags, allow_partial: bool, notes: list[str]) -> DmImage:
    """The image to read, of a file that was cut off too where that is allowed and enough of it is there."""
    if not tags.cut:
        return choose(tags, path, notes)
    there, where = path.stat().st_size, tags.faults[-1][0]
    expected, found = f"{tags.announced} bytes, as the file announces", f"{there} of {tags.announced}; it ends in"
    if not allow_partial:
        raise truncated(path, expected, f"{found} '{where}'")
    image = _cut_image(path, tags)
    images, broken = images_of(tags, path)
    if image is None and (broken or not images):
        raise truncated(path, expected, f"{found} '{where}', before it says the size and type of its pixels")
    notes.append(f"the file was cut off: {there} of {tags.announced} bytes; what stood behind is not known")
    return image or choose(tags, path, notes)


def _cut_image(path: Path, tags: Tags) -> DmImage | None:
    """The image in whose pixels the file ends, where size and type stand before them; else None.

    DigitalMicrograph itself writes them behind the pixels: its own stacks cannot be saved in part.
    """
    parts = tags.faults[-1][0].split("/")
    if tags.beyond is None or parts[0] != "ImageList" or parts[2:] != ["ImageData", "Data"]:
        return None
    data = tags.root.at("/".join(parts[:3]))
    _, sizes, data_type = pixels_of(data)
    if data_type not in NUMBERS or not sizes:
        return None
    image = DmImage(int(parts[1]), "", sizes, data_type, tags.beyond, axes_of(data, len(sizes)), Group())
    require_whole(image, path)
    return None if image.refusal else image


def _described(image: DmImage, notes: list[str]) -> tuple[Calibration, dict[str, object]]:
    """Calibration and metadata of an image."""
    x, y = image.axes[:2]
    calibration = calibration_of(x, y, notes)
    acquisition = acquisition_of(image.tags, image.shape, is_diffraction((x, y)), notes)
    metadata: dict[str, object] = {"acquisition": acquisition.known()}
    if image.name:
        metadata["title"] = image.name
    if calibration.known:
        metadata["pixel_size_source"] = f"Gatan ImageList.{image.index + 1}.ImageData.Calibrations"
    return calibration, metadata


def _tell_faults(tags: Tags, notes: list[str]) -> None:
    """A note about tags that were left out."""
    if tags.faults and not tags.cut:
        told = "; ".join(f"'{where[:80]}': {what}" for where, what in tags.faults[:3])
        end = "" if tags.complete else "; what stands behind is not read"
        notes.append(f"damaged tags of the file are left out, {len(tags.faults)} in all ({told}){end}")
