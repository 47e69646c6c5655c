"""The images in the tags of a Gatan file: which there are, which one is read, what its numbers are."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from temj.errors import BadImage
from temj.readers.dm_tree import Block, Group, Tags, Values
from temj.readers.maker_scale import Axis

NUMBERS = {1: "i2", 2: "f4", 6: "u1", 7: "i4", 8: "u4", 9: "i1", 10: "u2", 11: "u4", 12: "f8", 14: "u1", 23: "u4"}
"""Gatan's data type -> how a pixel is stored. 8 and 23 are colours ``0xAARRGGBB``, 14 is black and white."""

COLOURS, BINARY = (8, 23), (14,)
REFUSED = {
    3: "complex numbers of 8 bytes", 5: "packed complex numbers (a Fourier transform)",
    13: "complex numbers of 16 bytes",
    15: "colours of 32-bit floats", 16: "colours of 16 bits", 17: "colours of 64-bit floats",
    18: "colours of 64-bit floats", 19: "colours of 16 bits", 20: "colours of 3 bytes", 21: "colours of 4 bytes",
    27: "packed complex numbers of 8 bytes (a Fourier transform)",
    28: "packed complex numbers of 16 bytes (a Fourier transform)",
}  # fmt: skip
"""Data types that are no grey values, or that no file at hand shows how to read."""

_ELEMENTS = {
    1: (2,), 2: (6,), 6: (8, 9, 10), 7: (3,), 8: (3, 5), 9: (8, 9, 10), 10: (4,), 11: (5,), 12: (7,), 14: (8, 9, 10),
    23: (3, 5),
}  # fmt: skip
"""Data type -> types that the elements of its array may have."""

_PIXEL_TAGS = re.compile(r"(ImageList(/\d+(/ImageData(/(Data|DataType|Dimensions(/.*)?))?)?)?)?")
_LARGEST_SIDE = 2**31


@dataclass(frozen=True)
class DmImage:
    """One image of a file.

    Attributes:
        index: its place in ``ImageList``, from 0.
        name: its title.
        sizes: number of pixels along each axis, x first.
        data_type: Gatan's number for the kind of pixels.
        block: where the pixels stand.
        axes: one for each size; default ones where the file has none.
        tags: ``ImageTags``.
    """

    index: int
    name: str
    sizes: tuple[int, ...]
    data_type: int
    block: Block
    axes: tuple[Axis, ...]
    tags: Group

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width)."""
        return self.sizes[1], self.sizes[0]

    @property
    def planes(self) -> int:
        """Number of planes."""
        return math.prod(self.sizes[2:])

    @property
    def dtype(self) -> np.dtype:
        """How a pixel is stored, without its byte order."""
        return np.dtype(NUMBERS[self.data_type])

    @property
    def text(self) -> str:
        """``2 'name' (512 x 512 x 10)``."""
        return f"{self.index + 1} {self.name[:60]!r} ({' x '.join(map(str, self.sizes))})"

    @property
    def refusal(self) -> str:
        """Why it is no micrograph or film, in words; "" where it is one."""
        kind, signal, sizes = self.tags.text("Meta Data/Format").lower(), self.tags.text("Meta Data/Signal"), self.sizes
        if self.data_type not in NUMBERS:
            return REFUSED.get(self.data_type, f"pixels of the unknown data type {self.data_type}")
        if len(sizes) < 2 or sizes[1] == 1 or sizes[0] == 1:
            return "a spectrum or line profile"
        if kind.startswith("spectrum") or any(axis.is_energy for axis in self.axes):
            return f"a spectrum or spectrum image{f' ({signal[:20]})' if signal else ''}"
        if math.prod(sizes[3:]) > 1 or "diffraction image" in kind:
            return "a scan of diffraction patterns (4D-STEM)"
        return ""


def images_of(tags: Tags, path: Path) -> tuple[list[DmImage], dict[int, str]]:
    """All images of a file in their order; and by their place what is wrong with those that are not among them.

    Raises:
        BadImage: pixels and size contradict each other.
    """
    found = tags.root.get("ImageList")
    entries = list(found.values()) if isinstance(found, Group) else []
    images, broken = [], {}
    for index in range(max(len(entries), found.announced if entries else 0)):
        entry = entries[index] if index < len(entries) else None
        data = entry.get("ImageData") if isinstance(entry, Group) else None
        block, sizes, data_type = pixels_of(data)
        if block is None or data_type is None or not sizes:
            parts = {"Data": block, "DataType": data_type, "Dimensions": sizes}
            missing = ", ".join(name for name, part in parts.items() if part in (None, ()))
            broken[index] = f"ImageList/{index}/ImageData without {missing}"
            continue
        image = DmImage(index, entry.text("Name"), sizes, data_type, block, axes_of(data, len(sizes)), _tags(entry))
        if data_type in NUMBERS:
            require_whole(image, path)
        images.append(image)
    return images, broken


def pixels_of(data: object) -> tuple[Block | None, tuple[int, ...], int | None]:
    """Place, sizes and type of an image's pixels as far as they are there."""
    if not isinstance(data, Group):
        return None, (), None
    block = data.get("Data")
    block = block.block if isinstance(block, Values) else block
    sizes = data.get("Dimensions")
    numbers = tuple(sizes.values()) if isinstance(sizes, Group) and len(sizes) == sizes.announced else ()
    whole = all(isinstance(size, int) and 0 < size < _LARGEST_SIDE for size in numbers)
    data_type = data.get("DataType")
    return (
        block if isinstance(block, Block) else None,
        numbers if whole else (),
        data_type if isinstance(data_type, int) else None,
    )


def require_whole(image: DmImage, path: Path) -> None:
    """Raise where number or kind of the pixels are not what size and data type ask for."""
    needed = math.prod(image.sizes) * image.dtype.itemsize
    if image.block.code not in _ELEMENTS[image.data_type]:
        raise BadImage(
            "dm",
            where=f"{path} (ImageList/{image.index}/ImageData/DataType)",
            expected=f"pixels of the data type {image.data_type}",
            found=f"an array of type {image.block.code}",
            remedy="The file is damaged; copy or export it again.",
        )
    if needed != image.block.nbytes:
        sizes = " x ".join(map(str, image.sizes))
        raise BadImage(
            "dm",
            where=f"{path} (ImageList/{image.index}/ImageData/Data)",
            expected=f"{needed} bytes of pixels for {sizes} of {image.dtype.itemsize} bytes",
            found=f"{image.block.nbytes} bytes",
            remedy="The file is damaged; copy or export it again.",
        )


def axes_of(data: Group, count: int) -> tuple[Axis, ...]:
    """The calibration of each axis; files of some plugins have fewer than the image has axes."""
    dimensions = data.at("Calibrations/Dimension")
    found = dimensions.groups() if isinstance(dimensions, Group) else []
    axes = [_axis(group) for group in found[:count]]
    return tuple(axes) + (Axis(),) * (count - len(axes))


def _axis(group: Group) -> Axis:
    scale, origin = (group.get(name) for name in ("Scale", "Origin"))
    scale = scale if isinstance(scale, int | float) else math.nan
    origin = origin if isinstance(origin, int | float) else 0.0
    return Axis(float(scale), group.text("Units"), float(origin))


def _tags(entry: Group) -> Group:
    found = entry.get("ImageTags")
    return found if isinstance(found, Group) else Group()


def thumbnails(tags: Tags, images: list[DmImage]) -> set[int]:
    """Places of the images that are thumbnails: colour pictures that the file lists as such.

    Where it lists none, a colour picture at the first place, before images of numbers.
    """
    found = tags.root.get("Thumbnails")
    places = [group.get("ImageIndex") for group in found.groups()] if isinstance(found, Group) else []
    listed = {place for place in places if isinstance(place, int)}
    colours = {image.index for image in images if image.data_type in COLOURS}
    if not listed and len(colours) < len(images):
        listed = {0}
    small = listed & colours
    return small if len(small) < len(images) else set()


def choose(tags: Tags, path: Path, notes: list[str]) -> DmImage:
    """The largest image that is no thumbnail (by number of pixels in all planes; the first of equal ones).

    Raises:
        BadImage: one is not whole, there is none, or all are something else (spectra, Fourier transforms).
    """
    images, broken = images_of(tags, path)
    doubtful = [where for where, _ in tags.faults if not tags.cut and _PIXEL_TAGS.fullmatch(where)]
    doubtful += [name for name, entry in tags.root.items() if isinstance(entry, Group) and "ImageData" in entry]
    if broken or doubtful or not images:
        raise damaged(path, tags, "; ".join(broken.values()) or "no image that is whole for sure")
    small = thumbnails(tags, images)
    candidates = [image for image in images if image.index not in small]
    usable = [image for image in candidates if not image.refusal]
    if not usable:
        raise BadImage(
            "not-a-micrograph",
            where=path,
            expected="a micrograph or a stack of them",
            found="; ".join(f"image {image.text}: {image.refusal}" for image in candidates),
            remedy="Open it in DigitalMicrograph and save what you need as an image of real numbers.",
        )
    chosen = max(usable, key=lambda image: (math.prod(image.sizes), -image.index))
    others = [image for image in candidates if image is not chosen]
    if others:
        told = ", ".join(f"{image.text}{f', {image.refusal}' if image.refusal else ''}" for image in others)
        notes.append(f"image {chosen.text} of {len(images)} in the file is used; left out: {told}")
    return chosen


def damaged(path: Path, tags: Tags, what: str) -> BadImage:
    """The error for a file whose tags cannot be read far enough: it names the first tag that is damaged."""
    where, why = tags.faults[0] if tags.faults else ("", "")
    return BadImage(
        "dm",
        where=f"{path} (tag '{where}')" if where else path,
        expected="an image with Data, DataType and Dimensions",
        found=f"{what}{f' ({why})' if why else ''}",
        remedy="The file is damaged; copy or export it again.",
    )
