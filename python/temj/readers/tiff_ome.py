"""OME-TIFF: which page of which file is which plane, as the XML of its first page (or of its companion) says.

Only the first image of a file is read; a note says how many there are. File names in the XML count without any folder:
one that names another folder, a drive or an address is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import Path
from xml.etree import ElementTree

import tifffile

from temj.errors import BadImage
from temj.readers.files import read_all
from temj.readers.tiff_chain import Chain, find_chain
from temj.readers.tiff_pages import faults
from temj.readers.tiff_planes import Planes, Source, cut_dimensions, with_directories
from temj.readers.tiff_text import number, ome_root

Place = tuple[str, int]
"""(name of the file, number of the page from 0)"""


def ome_planes(source: Source, root: ElementTree.Element) -> Planes | None:
    """The planes of the first image, or None where the XML has none.

    Raises:
        BadImage: pages or files are missing, or a file name leads out of the folder.
    """
    root, own = _whole_text(source, root)
    images = root.findall("{*}Image")
    pixels = root.find("{*}Image/{*}Pixels")
    if pixels is None:
        return None
    if len(images) > 1:
        name = images[0].get("Name") or "no name"
        source.notes.append(f"{len(images)} images in the file: the first is read ({name})")
    first = source.page(1)
    sizes = {axis: max(int(number(pixels.get(f"Size{axis}"), 1)), 1) for axis in "CZT"}
    sizes["C"] = max(sizes["C"] // first.samplesperpixel, 1)
    _check_size(source, pixels, first)
    places = _places(source, pixels, sizes, own, first.samplesperpixel)
    keys = sorted(places, key=lambda key: key[::-1])
    files = _files(source, own, [places[key][0] for key in keys])
    whole = _whole_pages(source, own, files, list(places.values()))
    keys = [key for key in keys if places[key] in whole]
    dimensions, expected, partial = (sizes["C"], sizes["Z"], sizes["T"]), prod(sizes.values()), None
    if len(keys) < expected:
        partial = source.missing(len(keys), expected)
        in_a_row = all(key[0] + sizes["C"] * (key[1] + sizes["Z"] * key[2]) == at for at, key in enumerate(keys))
        dimensions = cut_dimensions(dimensions, len(keys)) if in_a_row else (1, len(keys), 1)
    ome, found = dict(pixels.attrib), [places[key] for key in keys]
    numbers = tuple(index + 1 for _name, index in found)
    if all(name == own for name, _index in found):
        return with_directories(dimensions, source, numbers, ome=ome, partial=partial)
    offsets = tuple(files[name].offsets[index] for name, index in found)
    paths = tuple(source.path if name == own else source.path.with_name(name) for name, _index in found)
    return Planes(dimensions, offsets, numbers, ome=ome, files=paths, partial=partial)


def _files(source: Source, own: str, names: list[str]) -> dict[str, Chain]:
    """Name → directories of the files that are there.

    Raises:
        BadImage: some are not, and partial files are not allowed.
    """
    names = list(dict.fromkeys(names))
    absent = [name for name in names if name != own and not source.path.with_name(name).is_file()]
    if absent and not source.allow_partial:
        raise _missing_files(source.path, absent, len(names))
    return {
        name: source.chain if name == own else find_chain(source.path.with_name(name))
        for name in names
        if name not in absent
    }


def _whole_pages(source: Source, own: str, files: dict[str, Chain], places: list[Place]) -> set[Place]:
    """The places whose pages are there, whole and of one size; each file is opened once."""
    shape = source.page(1).shape
    wanted: dict[str, list[int]] = {}
    for name, index in places:
        if name in files and index < len(files[name].offsets):
            wanted.setdefault(name, []).append(index)
    found: set[Place] = set()
    for name, indices in wanted.items():
        path = source.path if name == own else source.path.with_name(name)
        with faults(path, 1), tifffile.TiffFile(path) as tif:
            file = Source(tif, path, files[name], source.allow_partial, source.notes)
            pages = (_of_size(file, index + 1, shape) for index in sorted(set(indices)))
            found |= {(name, page_number - 1) for page_number in file.whole(pages)}
    return found


def _of_size(source: Source, page_number: int, shape: tuple[int, ...]) -> tifffile.TiffPage:
    page = source.page(page_number)
    if page.shape != shape:
        raise BadImage(
            "page-size", where=f"{source.path} (page {page_number})",
            expected=f"{' x '.join(map(str, shape))} pixels as in the first page",
            found=" x ".join(map(str, page.shape)), remedy="Export the images again.",
        )  # fmt: skip
    return page


def _whole_text(source: Source, root: ElementTree.Element) -> tuple[ElementTree.Element, str]:
    """The full XML and the name that it has for our file; a short text names a companion that has the full one."""
    binary = root.find("{*}BinaryOnly")
    uuid = root.get("UUID") or (binary.get("UUID") if binary is not None else None)
    if binary is not None:
        name = _safe(source.path, binary.get("MetadataFile") or "")
        companion = source.path.with_name(name)
        if not companion.is_file():
            raise _missing_files(source.path, [name], 1)
        text = read_all(companion)
        if text[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            with faults(companion, 1), tifffile.TiffFile(companion) as tif:
                text = (tif.pages[0].description or "").encode()
        full = ome_root(text.decode("utf-8", "replace"))
        if full is None or full.find("{*}BinaryOnly") is not None:
            raise BadImage(
                "ome-text", where=companion, expected="the OME text of the planes", found="none that can be read",
                remedy="Export the images again.",
            )  # fmt: skip
        root = full
    named = {(node.text or "").strip(): node.get("FileName") for node in root.iter() if _name(node) == "UUID"}
    files = set(named.values()) - {None}
    if source.path.name in files:
        return root, source.path.name
    if named.get(uuid):
        return root, named[uuid]
    return root, next(iter(files)) if len(files) == 1 and binary is None else source.path.name


def _places(
    source: Source, pixels: ElementTree.Element, sizes: dict[str, int], own: str, samples: int
) -> dict[tuple[int, int, int], Place]:
    """(channel, slice, frame) from 0 → where the plane stands. TiffData without numbers counts on in file order."""
    order = [axis for axis in pixels.get("DimensionOrder", "XYCZT") if axis in "CZT"]
    if sorted(order) != ["C", "T", "Z"]:
        source.notes.append(f"OME's order of axes '{pixels.get('DimensionOrder')}' is none: taken as XYCZT")
        order = ["C", "Z", "T"]
    most = prod(sizes.values())
    places: dict[tuple[int, int, int], Place] = {}
    elements = pixels.findall("{*}TiffData")
    for element in elements or [ElementTree.Element("TiffData")]:
        uuid = element.find("{*}UUID")
        name = (uuid.get("FileName") if uuid is not None else None) or own
        name = name if name == own else _safe(source.path, name)
        first = max(int(number(element.get("IFD"))), 0)
        start = [max(int(number(element.get(f"First{axis}"))), 0) // (samples if axis == "C" else 1) for axis in order]
        count = int(number(element.get("PlaneCount"), 1 if "IFD" in element.attrib else most))
        if name == own:
            count = min(count, len(source.chain.offsets) - first)
        for step, key in enumerate(_walk(order, sizes, start, min(count, most))):
            places[key] = (name, first + step)
    return places


def _walk(order: list[str], sizes: dict[str, int], start: list[int], count: int) -> Iterator[tuple[int, int, int]]:
    """``count`` planes from ``start`` on, the first axis of ``order`` fastest, as (channel, slice, frame)."""
    lengths = [sizes[axis] for axis in order]
    flat = start[0] + lengths[0] * (start[1] + lengths[1] * start[2])
    for at in range(flat, min(flat + max(count, 0), prod(lengths))):
        place = dict(zip(order, (at % lengths[0], at // lengths[0] % lengths[1], at // (lengths[0] * lengths[1])),
                         strict=True))  # fmt: skip
        yield place["C"], place["Z"], place["T"]


def _safe(path: Path, name: str) -> str:
    """The name of a file in the same folder.

    Raises:
        BadImage: it names another folder, a drive or an address.
    """
    if not name or name in (".", "..") or any(sign in name for sign in "/\\:\0"):
        raise BadImage(
            "ome-path", where=path, expected="names of files in the same folder in its OME text", found=repr(name),
            remedy="Put all files of the image into one folder and export it again.",
        )  # fmt: skip
    return name


def _check_size(source: Source, pixels: ElementTree.Element, page: tifffile.TiffPage) -> None:
    told = tuple(int(number(pixels.get(f"Size{axis}"))) for axis in "XY")
    if told != (page.imagewidth, page.imagelength):
        source.notes.append(
            f"OME's text says {told[0]} x {told[1]} pixels, the pages have {page.imagewidth} x {page.imagelength}: "
            "these are used"
        )


def _missing_files(path: Path, absent: list[str], count: int) -> BadImage:
    names = ", ".join(absent[:10]) + (", …" if len(absent) > 10 else "")
    return BadImage(
        "missing-files", where=path, expected=f"the {max(count, 1)} files of this OME-TIFF in one folder",
        found=f"{len(absent)} missing: {names}", remedy="Copy them into the same folder.",
    )  # fmt: skip


def _name(node: ElementTree.Element) -> str:
    return node.tag.rpartition("}")[2]
