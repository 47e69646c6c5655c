"""The head of an MRC file: what it holds, where, and in which byte order.

The structures are those of the library mrcfile (MRC2014, FEI1, FEI2); the checks are ours, as damaged files need.
Values of the extended heads after FEI's description of them: metres, volts, degrees, seconds; bit n of "Bitmask 1"
and those after it says whether the n-th field behind it holds anything.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mrcfile.dtypes import HEADER_DTYPE, get_ext_header_dtype

from temj.data import Acquisition
from temj.data.calibration import round_size

HEAD_BYTES = HEADER_DTYPE.itemsize
NUMBERS = {0: "i1", 1: "i2", 2: "f4", 6: "u2", 12: "f2"}
"""Mode -> type of a pixel (0 may be unsigned: :func:`byte_type`)."""

REFUSED = {
    3: "complex 16-bit integers (a Fourier transform)", 4: "complex 32-bit floats (a Fourier transform)",
    16: "colours of 3 bytes", 101: "4-bit numbers, two in a byte",
}  # fmt: skip

_IMOD = 1146047817
_SCANNED = 2
_MODES = {(1, 1): "diffraction", (1, 2): "TEM"}
"""FEI's (instrument mode, projection mode); instrument mode 2 is STEM."""

_LARGEST_RECORD = 65_536


@dataclass(frozen=True)
class Head:
    """The first 1024 bytes of a file.

    Attributes:
        order: ``<`` or ``>``.
        values: the fields by mrcfile's names.
        stamped: whether "MAP" stands where it should.
    """

    order: str
    values: np.ndarray
    stamped: bool

    def number(self, name: str) -> int:
        """An integer field."""
        return int(self.values[name])

    @property
    def sizes(self) -> tuple[int, int, int]:
        """(columns, rows, sections)."""
        return self.number("nx"), self.number("ny"), self.number("nz")

    @property
    def data_start(self) -> int:
        """The byte at which the pixels begin."""
        return HEAD_BYTES + self.number("nsymbt")

    @property
    def plausible(self) -> bool:
        """Whether mode and sizes can be those of an MRC file."""
        mode = self.number("mode")
        return (mode in NUMBERS or mode in REFUSED) and min(self.sizes) > 0 and self.number("nsymbt") >= 0

    def pixel_angstrom(self) -> tuple[float, float] | None:
        """Size of a pixel along columns and rows in Å as cell over grid; None where one of them is not given."""
        order = [abs(self.number(name)) for name in ("mapc", "mapr", "maps")]
        order = order if sorted(order) == [1, 2, 3] else [1, 2, 3]
        sizes = []
        for axis in order[:2]:
            grid, cell = self.number(("mx", "my", "mz")[axis - 1]), float(self.values["cella"]["xyz"[axis - 1]])
            if grid <= 0 or not math.isfinite(cell) or cell <= 0:
                return None
            sizes.append(cell / grid)
        return sizes[0], sizes[1]

    def imod_flags(self) -> int | None:
        """The flags of IMOD; None where its stamp is missing."""
        stamp, flags = np.frombuffer(self.values["extra2"].tobytes()[40:48], f"{self.order}i4")
        return int(flags) if stamp == _IMOD else None


def heads(data: bytes) -> list[Head]:
    """The head in the byte order of its machine stamp, then in the other; empty where there are not 1024 bytes."""
    if len(data) < HEAD_BYTES:
        return []
    order = ">" if data[212:214] == b"\x11\x11" else "<"
    stamped = data[208:211] == b"MAP"
    found = []
    for one in (order, "<>"[order == "<"]):
        found.append(Head(one, np.frombuffer(data, HEADER_DTYPE.newbyteorder(one), 1)[0], stamped))
    return found


def byte_type(head: Head) -> str:
    """Whether the bytes of mode 0 are signed.

    IMOD says so in its flags (signed where bit 0 is set). Else the smallest and largest value tell, where one is
    below 0 or above 127. Else they are signed, as the standard has it.
    """
    flags = head.imod_flags()
    if flags is not None:
        return "i1" if flags & 1 else "u1"
    smallest, largest = float(head.values["dmin"]), float(head.values["dmax"])
    return "u1" if 0 <= smallest <= largest and 127 < largest <= 255 else "i1"


@dataclass(frozen=True)
class FeiRecords:
    """FEI's extended head: a record for each plane, read when it is asked for."""

    path: Path
    dtype: np.dtype
    count: int

    def record(self, index: int) -> Mapping[str, object]:
        """The fields of a plane's record that hold something; empty where it is damaged."""
        if not 0 <= index < self.count:
            return {}
        try:
            found = np.fromfile(self.path, self.dtype, 1, offset=HEAD_BYTES + index * self.dtype.itemsize)
        except OSError:
            return {}
        if found.size != 1 or found[0]["Metadata size"] != self.dtype.itemsize:
            return {}
        return _given(found[0])

    def __call__(self, index: int) -> dict[str, object]:
        """The acquisition of a plane, for its metadata."""
        return {"acquisition": acquisition_of(self.record(index)).known()}


def fei_records(head: Head, path: Path) -> FeiRecords | None:
    """The records of an FEI1 or FEI2 head that has one for each plane and their right size; else None."""
    dtype = get_ext_header_dtype(bytes(head.values["exttyp"]), head.order)
    if dtype is None or dtype.itemsize > _LARGEST_RECORD:
        return None
    records = FeiRecords(path, dtype, head.number("nsymbt") // dtype.itemsize)
    return records if records.count >= head.sizes[2] and records.record(0) else None


def _given(record: np.ndarray) -> dict[str, object]:
    """The fields that their bit mask says are given; numbers that are not finite are left out."""
    found: dict[str, object] = {}
    mask, bit = 0, 0
    for name in record.dtype.names:
        if name.startswith("Bitmask"):
            mask, bit = int(record[name]), 0
            continue
        wide = 6 if name == "Unused range" else 1  # six fields that are not used any more
        if mask >> bit & 1:
            value = record[name].item()
            if isinstance(value, bytes):
                value = value.split(b"\0")[0].decode("latin-1").strip()
            if not isinstance(value, float) or math.isfinite(value):
                found[name] = value
        bit += wide
    return found


def acquisition_of(record: Mapping[str, object]) -> Acquisition:
    """The settings of the microscope in an FEI record."""

    def number(name: str, factor: float = 1.0) -> float | None:
        value = record.get(name)
        return round_size(value * factor) if isinstance(value, int | float) and value else None

    def angle(name: str) -> float | None:
        return round_size(float(record[name])) + 0.0 if name in record else None

    scanned = record.get("Instrument mode") == _SCANNED
    stem, camera = str(record.get("STEM Detector name", "")), str(record.get("Camera name", ""))
    binning = record.get("Binning Width"), record.get("Binning Height")
    same = binning[0] == binning[1] and isinstance(binning[0], int) and 0 < binning[0] <= 64
    voltage = number("HT")
    return Acquisition(
        microscope=str(record.get("Microscope type", "")) or None,
        mode="STEM" if scanned else _MODES.get((record.get("Instrument mode"), record.get("Projection mode"))),
        voltage_kV=None if voltage is None else voltage / 1000,
        magnification=number("Magnification"),
        defocus_nm=number("Defocus", 1e9),
        tilt_alpha_deg=angle("Alpha tilt"),
        tilt_beta_deg=angle("Beta tilt"),
        exposure_s=number("Frame time") if scanned else number("Integration time"),
        camera_length_mm=number("Camera length", 1e3),
        binning=binning[0] if same and not scanned else None,
        detector=(stem if scanned else camera) or None,
    )
