"""MRC (``.mrc .mrcs .rec .st``): images, stacks, tilt series and volumes, section by section.

**The first row of the file is the lowest one of the picture**, as the standard (MRC2014) has it and as Fiji's
Bio-Formats shows every MRC file, so that ROIs drawn in Fiji lie where they were drawn. mrcfile and the libraries built
on it give the rows the other way round, and so does IMOD for files with FEI's extended head; a note says it of these.

Pixel size from FEI's extended head where there is one, else from cell and grid of the head in Å; 1 Å exactly is what
programs write that do not know it, and counts as unknown.
"""

from __future__ import annotations

from math import prod
from pathlib import Path

import numpy as np

from temj.data import UNCALIBRATED, Calibration, Film
from temj.errors import BadImage
from temj.readers.files import first_bytes, not_an_image
from temj.readers.maker_scale import Axis, calibration_of, in_microscope_units
from temj.readers.mrc_header import HEAD_BYTES, NUMBERS, REFUSED, FeiRecords, Head, byte_type, fei_records, heads
from temj.readers.raw_planes import Announced, RawPlanes, RawReader, truncated

ROWS_NOTE = "the first row of the file is the lowest one, as in Fiji's Bio-Formats; IMOD shows FEI's files upside down"
_DIFFERENT = 0.02


def open_film(path: Path, allow_partial: bool = False) -> Film:
    """The sections of an MRC file.

    Raises:
        BadImage: no such file, cut off, no MRC, or of complex numbers or another mode that is no grey value.
    """
    notes: list[str] = []
    head = _head(path, notes)
    dtype = np.dtype(byte_type(head) if head.number("mode") == 0 else NUMBERS[head.number("mode")])
    if head.number("mode") == 0:
        notes.append(f"bytes are read as {'signed' if dtype.kind == 'i' else 'unsigned'} numbers")
    width, height, sections = head.sizes
    announced = Announced(sections, width * height * dtype.itemsize, head.data_start)
    planes, partial = announced.whole(path, allow_partial, notes)
    _tell_surplus(path, announced, notes)
    records = fei_records(head, path)
    calibration, source = _calibration(head, records, notes)
    if records is not None and head.imod_flags() is None:
        notes.append(ROWS_NOTE)
    starts = range(announced.start, announced.start + planes * announced.plane_bytes, announced.plane_bytes)
    raw = RawPlanes(dtype.newbyteorder(head.order), (height, width), starts, bottom_up=True)
    metadata: dict[str, object] = {"acquisition": {}}
    if calibration.known:
        metadata["pixel_size_source"] = source
    reader = RawReader(path, raw, (1, planes, 1), calibration, metadata, tuple(notes), records)
    return reader.film(partial=partial)


def _head(path: Path, notes: list[str]) -> Head:
    """The head in the byte order that fits.

    Raises:
        BadImage: it is none, or of a mode that is not read.
    """
    data = first_bytes(path, HEAD_BYTES)
    found = heads(data)
    if not found and data[208:211] == b"MAP":
        raise truncated(path, f"a head of {HEAD_BYTES} bytes", f"{len(data)} bytes")
    fitting = [head for head in found if head.plausible]
    if fitting and not fitting[0].stamped:  # files before 2000 have no mark: then their size must be right
        fitting = [head for head in fitting if _exact(head, path)]
    if not fitting and (not found or not found[0].stamped):
        raise not_an_image(path, "an MRC file")
    if not fitting:
        raise _damaged(path, found[0])
    head = fitting[0]
    if head is not found[0]:
        notes.append("the file's mark of its byte order is wrong; the other one fits")
    mode = head.number("mode")
    if mode in REFUSED:
        raise BadImage(
            "not-a-micrograph",
            where=path,
            expected="grey values (mode 0, 1, 2, 6 or 12)",
            found=f"mode {mode}: {REFUSED[mode]}",
            remedy="Save it as real numbers.",
        )
    return head


def _exact(head: Head, path: Path) -> bool:
    """Whether the file has the size that its head asks for, to the byte."""
    mode = head.number("mode")
    needed = head.data_start + prod(head.sizes) * np.dtype(NUMBERS.get(mode, "u1")).itemsize
    return mode in NUMBERS and path.stat().st_size == needed


def _damaged(path: Path, head: Head) -> BadImage:
    sizes = " x ".join(map(str, head.sizes))
    return BadImage(
        "mrc",
        where=path,
        expected="a size above 0 and a mode of 0, 1, 2, 6 or 12",
        found=f"{sizes} of mode {head.number('mode')} with {head.number('nsymbt')} bytes of extended head",
        remedy="The file is damaged or of a kind that is not known here; export it again.",
    )


def _tell_surplus(path: Path, announced: Announced, notes: list[str]) -> None:
    """A note where the file holds more than its head announces: some may have been lost from its count."""
    surplus = path.stat().st_size - announced.start - announced.planes * announced.plane_bytes
    if surplus > 0:
        notes.append(f"the file holds {surplus} bytes more than the {announced.planes} planes that it announces")


def _calibration(head: Head, records: FeiRecords | None, notes: list[str]) -> tuple[Calibration, str]:
    """The calibration, and where it comes from."""
    main = _from_head(head, notes)
    record = records.record(0) if records else {}
    sizes = [record.get(f"Pixel size {axis}") for axis in "XY"]
    if not all(isinstance(size, float) and size > 0 for size in sizes):
        return main, "MRC cell size"
    unit = "1/m" if max(sizes) > 1 else "m"
    found = calibration_of(*in_microscope_units(*(Axis(size, unit) for size in sizes)), notes)
    if found.known and main.known and any(abs(a / b - 1) > _DIFFERENT for a, b in zip(found.nm, main.nm, strict=True)):
        notes.append(f"pixel size {found.size_text} of FEI's extended head instead of the head's {main.size_text}")
    kind = bytes(head.values["exttyp"]).decode("latin-1")
    return found, f"{kind} extended header"


def _from_head(head: Head, notes: list[str]) -> Calibration:
    """The calibration from cell and grid."""
    sizes = head.pixel_angstrom()
    if sizes is None:
        return UNCALIBRATED
    if sizes == (1.0, 1.0):
        notes.append("1 Å per pixel is what programs write that do not know it: pixel size not used")
        return UNCALIBRATED
    return calibration_of(*(Axis(size, "Å") for size in sizes), notes)
