"""A table of a laboratory's calibrations, for files that know their magnification but not their pixel size.

A CSV file with the columns ``microscope, mode, magnification, binning, nm_per_px, error_percent``; a cell that is
empty or "not given" fits anything, except ``magnification`` and ``nm_per_px``, which must be there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from temj import spreadsheet
from temj.data import Calibration, Film, Micrograph
from temj.data.calibration import LARGEST_NM, SMALLEST_NM, round_size
from temj.errors import BadValue

COLUMNS = ("microscope", "mode", "magnification", "binning", "nm_per_px", "error_percent")
_SAME_MAGNIFICATION = 0.005
_DIFFERENT = 0.02


@dataclass(frozen=True)
class Entry:
    """One line: what it holds for (None: anything), the pixel size in nm, and its error in percent (None: unknown)."""

    line: int
    microscope: str | None
    mode: str | None
    magnification: float
    binning: float | None
    nm: float
    error: float | None

    def fits(self, acquisition: Mapping[str, object]) -> bool:
        """Whether it holds for a file's acquisition; what the file does not say fits anything but another line."""
        magnification = acquisition.get("magnification")
        if not magnification or abs(float(magnification) / self.magnification - 1) > _SAME_MAGNIFICATION:
            return False
        pairs = (
            (_folded(self.microscope), _folded(acquisition.get("microscope"))),
            (_folded(self.mode), _folded(acquisition.get("mode"))),
            (self.binning, acquisition.get("binning")),
        )
        return all(own is None or said is None or own == said for own, said in pairs)


@dataclass(frozen=True)
class CalibrationTable:
    """The calibrations of a laboratory.

    Attributes:
        name: the file's name.
        entries: its lines.
    """

    name: str
    entries: tuple[Entry, ...]

    def calibrate(self, micrograph: Micrograph) -> Micrograph:
        """The micrograph with the pixel size of the table where its file has none.

        ``metadata["pixel_size_source"]`` names the line, ``metadata["pixel_size_error_percent"]`` its error. Where
        the file has a pixel size it stays, and a note says so if the table's differs by more than 2 %; lines that
        fit equally well and differ give no pixel size, and a note that lists them.
        """
        fitting = [entry for entry in self.entries if entry.fits(micrograph.metadata.get("acquisition", {}))]
        if not fitting:
            return micrograph
        sizes = [entry.nm for entry in fitting]
        if max(sizes) / min(sizes) > 1 + 1e-9:
            lines = ", ".join(f"line {entry.line}: {entry.nm:.6g} nm" for entry in fitting)
            return _noted(micrograph, f"several lines of {self.name} fit and none is used ({lines})")
        entry, own = fitting[0], micrograph.calibration
        if own.known:
            far = any(abs(size / entry.nm - 1) > _DIFFERENT for size in own.nm)
            told = f"the file's pixel size of {own.size_text} is used; {self.name} has {entry.nm:.6g} nm"
            return _noted(micrograph, told) if far else micrograph
        facts = {"pixel_size_source": f"{self.name}, line {entry.line}"}
        if entry.error is not None:
            facts["pixel_size_error_percent"] = entry.error
        calibration = Calibration(entry.nm, entry.nm, "nm", own.x_origin, own.y_origin)
        return replace(micrograph, calibration=calibration, metadata={**micrograph.metadata, **facts})

    def calibrate_film(self, film: Film) -> Film:
        """The film whose micrographs are calibrated by the table when they are read."""
        return replace(film, read=_Calibrated(film.read, self))


@dataclass(frozen=True)
class _Calibrated:
    """Reads a plane and calibrates it."""

    read: Callable[[int], Micrograph]
    table: CalibrationTable

    def __call__(self, index: int) -> Micrograph:
        return self.table.calibrate(self.read(index))


def read_calibrations(path: str | os.PathLike) -> CalibrationTable:
    """The calibrations in a CSV file.

    Raises:
        BadValue: it cannot be read, or lines are wrong (all are listed).
    """
    path = Path(path)
    sheet = spreadsheet.read(path, required=("magnification", "nm_per_px"))
    problems: list[str] = []
    entries = [_entry(row, problems) for row in sheet.rows]
    if problems or not entries:
        raise BadValue(
            "calibrations",
            where=path,
            expected="lines with a magnification and the nm of a pixel",
            found="; ".join(problems) or "no line",
            remedy=f"Correct the table; its columns are {', '.join(COLUMNS)}.",
        )
    return CalibrationTable(path.name, tuple(entries))


def _entry(row: spreadsheet.Row, problems: list[str]) -> Entry:
    before = len(problems)
    numbers = {name: row.number(name, problems) for name in ("magnification", "binning", "nm_per_px", "error_percent")}
    if len(problems) == before:
        if not numbers["magnification"] or numbers["magnification"] < 0:
            problems.append(f"line {row.line}: the magnification must be a number above 0")
        if not SMALLEST_NM <= (numbers["nm_per_px"] or 0) <= LARGEST_NM:
            problems.append(f"line {row.line}: nm_per_px must be between {SMALLEST_NM:g} and {LARGEST_NM:g} nm")
        if not 0 <= (numbers["error_percent"] or 0) <= 100:
            problems.append(f"line {row.line}: error_percent must be between 0 and 100")
    size = round_size(numbers["nm_per_px"] or 1.0)
    texts = row.text("microscope"), row.text("mode")
    return Entry(row.line, *texts, numbers["magnification"] or 1.0, numbers["binning"], size, numbers["error_percent"])


def _folded(text: object) -> str | None:
    return None if text is None else " ".join(str(text).split()).casefold()


def _noted(micrograph: Micrograph, note: str) -> Micrograph:
    notes = (*micrograph.metadata.get("notes", ()), note)
    return replace(micrograph, metadata={**micrograph.metadata, "notes": notes})
