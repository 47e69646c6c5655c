"""docs/physics.md: its examples give what is printed there, its tables what the code says."""

import doctest
import math
import re
from pathlib import Path

import pytest

from temj.physics import read_materials, visibility

PAGE = Path(__file__).resolve().parents[2] / "docs" / "physics.md"
TEXT = PAGE.read_text("utf-8")


def test_examples() -> None:
    done = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert done.attempted > 40
    assert done.failed == 0


def rows(first: str) -> list[list[str]]:
    """The cells of the table whose header begins so."""
    lines = TEXT[TEXT.index(f"| {first} |") :].splitlines()
    table = lines[2 : next(place for place, line in enumerate(lines) if not line.startswith("|"))]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def test_the_table_of_visible_variants() -> None:
    checked = 0
    for crystal, g, cell in rows("crystal"):
        for burgers, visible, variants in re.findall(r"(\S+) (\d) of (\d)", cell):
            if g.isdigit():
                seen = visibility(burgers, g, crystal=crystal)
                assert (seen.visible, seen.variants) == (int(visible), int(variants)), (crystal, g, burgers)
                checked += 1
    assert checked == 12


def test_the_table_of_materials() -> None:
    shown = {cells[0]: cells[1:] for cells in rows("material")}
    assert list(shown) == [one.name for one in read_materials()]
    for one in read_materials():
        numbers = (one.a_nm, one.shear_modulus_GPa, one.taylor_factor)
        for cell, value in zip(shown[one.name], numbers, strict=False):
            assert (cell == "not given") if math.isnan(value) else float(cell) == pytest.approx(value)
        if one.burgers_nm:
            family, length = shown[one.name][3].split()
            assert one.burgers_of(family) == float(length)
