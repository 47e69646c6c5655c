"""Constants of materials from a table that people can copy and edit: ``materials.csv``, a source in every row.

A cell that is empty or holds "not given" is not known; what needs it says so. Lists are ``name=value`` with semicolons
between them.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType

from temj import registry, spreadsheet
from temj.errors import BadValue
from temj.physics.visibility import burgers_family
from temj.spreadsheet import Row

TABLE = Path(__file__).with_name("materials.csv")
"""The table that comes with TEMJ."""
NUMBERS = ("a_nm", "c_nm", "shear_modulus_GPa", "taylor_factor", "atomic_volume_nm3")
COLUMNS = (
    "name", "also", "structure", "a_nm", "c_nm", "shear_modulus_GPa", "taylor_factor", "burgers_nm", "alpha",
    "atomic_volume_nm3", "source",
)  # fmt: skip
STRUCTURES = ("fcc", "bcc", "hcp", "other")
_WORDS = {
    "a_nm": "lattice parameter a", "c_nm": "lattice parameter c", "shear_modulus_GPa": "shear modulus",
    "taylor_factor": "Taylor factor", "atomic_volume_nm3": "atomic volume",
}  # fmt: skip
_EMPTY: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True)
class Material:
    """A row of the table; NaN is "not given".

    Attributes:
        name, also: by which it is known, upper and lower case alike.
        structure: of :data:`STRUCTURES`.
        a_nm, c_nm: lattice parameters in nm at room temperature.
        shear_modulus_GPa: of the polycrystal at room temperature.
        taylor_factor: M, dimensionless.
        burgers_nm: Burgers vector as people write it → its length in nm.
        alpha: class of barrier → its strength α, dimensionless.
        atomic_volume_nm3: volume of an atom.
        source: where the numbers are from.
        table: the file it stands in.
    """

    name: str
    also: tuple[str, ...] = ()
    structure: str = "other"
    a_nm: float = math.nan
    c_nm: float = math.nan
    shear_modulus_GPa: float = math.nan
    taylor_factor: float = math.nan
    atomic_volume_nm3: float = math.nan
    burgers_nm: Mapping[str, float] = field(default_factory=lambda: _EMPTY)
    alpha: Mapping[str, float] = field(default_factory=lambda: _EMPTY)
    source: str = ""
    table: str = ""

    def number(self, column: str) -> float:
        """A constant that must be known, by its column (:data:`NUMBERS`).

        Raises:
            BadValue: it is not given.
        """
        value = getattr(self, column)
        if math.isnan(value):
            raise BadValue(
                "not-given", where=f"{self.name} in {self.table}", expected=f"the {_WORDS[column]} ({column})",
                remedy="Copy the table, fill the cell in with its source, and name your table.",
            )  # fmt: skip
        return value

    def burgers_of(self, family: str) -> float:
        """Length in nm of the Burgers vectors of a family (``a/2<111>``, ``1/2<111>`` …).

        Raises:
            BadValue: the family is not in the row; names those that are.
        """
        return _entry(self, "Burgers vector", self.burgers_nm, _spelling(family))

    def alpha_of(self, barrier: str) -> float:
        """Strength α of a class of barrier, upper and lower case alike.

        Raises:
            BadValue: the class is not in the row; names those that are.
        """
        return _entry(self, "barrier", self.alpha, barrier)


def material(name: str, table: str | os.PathLike | None = None) -> Material:
    """The constants of a material, by its name or another name of it.

    Args:
        name: upper and lower case, blanks and hyphens do not matter.
        table: the user's own; None for :data:`TABLE`.

    Raises:
        BadValue: unknown name (the nearest is named), or as :func:`read_materials`.
    """
    known = read_materials(table)
    for one in known:
        if _plain(name) in map(_plain, (one.name, *one.also)):
            return one
    raise registry.unknown("material", name, [other for one in known for other in (one.name, *one.also)])


def read_materials(table: str | os.PathLike | None = None) -> tuple[Material, ...]:
    """All rows of a table.

    Raises:
        BadValue: no table, columns missing, cells that are not what they must be, rows without a source, or a name
            that two rows have; all are listed.
    """
    return _shipped() if table is None else _read(Path(table))


@cache
def _shipped() -> tuple[Material, ...]:
    return _read(TABLE)


def _read(path: Path) -> tuple[Material, ...]:
    sheet = spreadsheet.read(path, required=COLUMNS)
    problems: list[str] = []
    found = tuple(_material(row, path, problems) for row in sheet.rows)
    lines: dict[str, list[int]] = {}
    for row, one in zip(sheet.rows, found, strict=True):
        for name in dict.fromkeys(map(_plain, (one.name, *one.also))):
            lines.setdefault(name, []).append(row.line)
    problems += [f"'{name}' stands in lines {', '.join(map(str, at))}" for name, at in lines.items() if len(at) > 1]
    if problems:
        raise BadValue("materials", where=path, found="; ".join(problems), remedy="Correct these cells of the table.")
    return found


def _material(row: Row, path: Path, problems: list[str]) -> Material:
    name, structure = row.text("name") or "", row.text("structure") or "other"
    if not name:
        problems.append(f"line {row.line} has no name")
    if structure not in STRUCTURES:
        problems.append(f"line {row.line}: structure is '{structure}', expected one of {', '.join(STRUCTURES)}")
    if not row.text("source"):
        problems.append(f"line {row.line} has no source: say where the numbers are from")
    numbers = {column: row.number(column, problems) for column in NUMBERS}
    for column, value in numbers.items():
        if value is not None and value <= 0:
            problems.append(f"line {row.line}: {column} is {value:g}, expected a number above 0")
    lists = {column: _pairs(row, column, problems) for column in ("burgers_nm", "alpha")}
    burgers = {_spelling(key): value for key, value in lists["burgers_nm"].items()}
    also = tuple(part.strip() for part in (row.text("also") or "").split(";") if part.strip())
    known = {column: math.nan if value is None else value for column, value in numbers.items()}
    return Material(
        name, also, structure, **known, burgers_nm=MappingProxyType(burgers), alpha=MappingProxyType(lists["alpha"]),
        source=row.text("source") or "", table=path.name,
    )  # fmt: skip


def _pairs(row: Row, column: str, problems: list[str]) -> dict[str, float]:
    """``name=value; name=value`` with values above 0 (an α may be 0)."""
    pairs = {}
    for part in filter(None, (part.strip() for part in (row.text(column) or "").split(";"))):
        name, equals, text = part.rpartition("=")
        value = Row(row.line, {column: text.strip()}).number(column, problems) if equals and name.strip() else None
        if value is None or value < 0 or (value == 0 and column == "burgers_nm"):
            problems.append(f"line {row.line}: {column} holds '{part}', expected name=number, with ';' between several")
        else:
            pairs[name.strip()] = value
    return pairs


def _entry(one: Material, kind: str, values: Mapping[str, float], name: str) -> float:
    for key, value in values.items():
        if _plain(key) == _plain(name):
            return value
    if not values:
        raise BadValue(
            "not-given", where=f"{one.name} in {one.table}", expected=f"the {kind} '{name}'",
            remedy="Copy the table, fill the cell in with its source, and name your table.",
        )  # fmt: skip
    raise registry.unknown(kind.casefold().replace(" ", "-"), name, values)


def _spelling(family: str) -> str:
    """One spelling of a Burgers vector; of one that is not cubic as it is written."""
    try:
        return burgers_family(family).burgers
    except BadValue:
        return family


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name.casefold()) if "<" not in name else re.sub(r"\s+", "", name)
