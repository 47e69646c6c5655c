"""The table of materials: what must follow from lattice and elastic constants, and tables that people write."""

import math

import numpy as np
import pytest

from temj.errors import BadValue
from temj.physics import material, read_materials
from temj.physics.materials import COLUMNS, TABLE
from temj.physics.visibility import burgers_family

ELASTIC = {  # C11, C12, C44 (C13, C33) in GPa, as the sources in the table give them
    "Ni": (250.8, 150.0, 123.5), "Cu": (168.4, 121.4, 75.4), "Fe": (231.4, 134.6, 116.4), "W": (522.4, 204.4, 160.6),
    "Zr": (143.4, 72.8, 32.0, 65.3, 164.8),
}  # fmt: skip
CUBIC = [one for one in read_materials() if one.structure in ("fcc", "bcc") and not math.isnan(one.a_nm)]
HEADER = ",".join(COLUMNS)


def hill(c11: float, c12: float, c44: float, c13: float | None = None, c33: float | None = None) -> float:
    """Shear modulus of a polycrystal: the mean of Voigt's and Reuss's (R. Hill, Proc. Phys. Soc. A 65 (1952) 349)."""
    c13, c33, c66 = (c12, c11, c44) if c13 is None else (c13, c33, (c11 - c12) / 2)
    stiffness = np.diag([c11, c11, c33, c44, c44, c66]).astype(float)
    stiffness[0, 1] = stiffness[1, 0] = c12
    stiffness[:2, 2] = stiffness[2, :2] = c13
    compliance = np.linalg.inv(stiffness)

    def parts(m: np.ndarray) -> tuple[float, float, float]:
        return m[0, 0] + m[1, 1] + m[2, 2], m[0, 1] + m[1, 2] + m[0, 2], m[3, 3] + m[4, 4] + m[5, 5]

    (a, b, c), (p, q, r) = parts(stiffness), parts(compliance)
    return ((a - b + 3 * c) / 15 + 15 / (4 * p - 4 * q + 3 * r)) / 2


@pytest.mark.parametrize("one", CUBIC, ids=lambda one: one.name)
def test_burgers_vectors_and_atomic_volume_follow_from_the_lattice(one) -> None:
    for written, length in one.burgers_nm.items():
        family = burgers_family(written)
        assert length == pytest.approx(one.a_nm * family.length * math.hypot(*family.direction), abs=6e-5), written
    assert one.atomic_volume_nm3 == pytest.approx(one.a_nm**3 / {"fcc": 4, "bcc": 2}[one.structure], rel=1e-3)


def test_zirconium_follows_from_its_lattice() -> None:
    one = material("Zr")
    assert one.burgers_of("a/3<11-20>") == one.a_nm
    assert one.burgers_of("a/6<20-23>") == pytest.approx(math.hypot(one.a_nm / math.sqrt(3), one.c_nm / 2), abs=6e-5)
    assert one.atomic_volume_nm3 == pytest.approx(one.a_nm**2 * one.c_nm * math.sqrt(3) / 4, rel=1e-3)


@pytest.mark.parametrize("name", ELASTIC)
def test_shear_moduli_follow_from_the_elastic_constants(name) -> None:
    assert material(name).shear_modulus_GPa == pytest.approx(hill(*ELASTIC[name]), abs=0.06)


def test_lattice_parameter_of_316L_follows_from_its_formula() -> None:
    weight_percent = {"C": 0.02, "N": 0.05, "Mn": 1.5, "Ni": 12, "Cr": 17, "Mo": 2.5}
    per_percent = {"C": 0.033, "N": 0.022, "Mn": 0.00095, "Ni": -0.0002, "Cr": 0.0006, "Mo": 0.0031}
    angstrom = 3.578 + sum(per_percent[name] * share for name, share in weight_percent.items())
    assert material("316L").a_nm == pytest.approx(angstrom / 10, abs=5e-5)


def test_every_row_has_a_source() -> None:
    assert all(len(one.source) > 40 for one in read_materials())


def test_names() -> None:
    assert material("austenitic  Steel").name == material("ss-316").name == "316L"
    with pytest.raises(BadValue, match="Did you mean 'zirconium'"):
        material("zirconia")
    with pytest.raises(BadValue, match=r"one of: .*316L.*Cu"):
        material("unobtainium")
    assert material("Fe").burgers_of("1/2[1-11]") == 0.2482
    assert material("316").alpha_of("frank loop") == 0.39
    with pytest.raises(BadValue, match=r"unknown-burgers-vector.*a/2<111>, a<100>"):
        material("Fe").burgers_of("a/2<110>")
    with pytest.raises(BadValue, match="Did you mean 'void'"):
        material("316L").alpha_of("voids")


def test_what_is_not_given_is_said() -> None:
    with pytest.raises(BadValue, match=r"not-given: FeCrAl in materials.csv.*shear modulus"):
        material("FeCrAl").number("shear_modulus_GPa")
    with pytest.raises(BadValue, match=r"not-given: Cu.*barrier 'void'"):
        material("Cu").alpha_of("void")
    assert material("Cu").number("shear_modulus_GPa") == 47.3


def test_a_users_copy_with_semicolons_and_decimal_commas(tmp_path) -> None:
    own = tmp_path / "own.csv"
    own.write_text(
        HEADER.replace(",", ";")
        + '\nT91;;bcc;0,2872;not given;82,5;3,06;"a/2<111>=0,2487; a<100>=0,2872";"loop=0,25";;lab book\n',
        encoding="utf-8-sig",
    )
    one = material("T91", own)
    assert (one.a_nm, one.shear_modulus_GPa, one.alpha_of("loop"), one.burgers_of("<100>")) == (
        0.2872,
        82.5,
        0.25,
        0.2872,
    )
    assert math.isnan(one.c_nm)
    assert len(read_materials(TABLE)) == len(read_materials())


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("X,,cubic,,,,,,,,me", "structure is 'cubic'"),
        ("X,,fcc,-1,,,,,,,me", "a_nm is -1, expected a number above 0"),
        ("X,,fcc,wide,,,,,,,me", "a_nm is 'wide'"),
        ("X,,fcc,,,,,,,,", "line 2 has no source"),
        (",,fcc,,,,,,,,me", "line 2 has no name"),
        ("X,,fcc,,,,,a/2<110>,,,me", "burgers_nm holds 'a/2<110>', expected name=number"),
        ("X,,fcc,,,,,,void=-1,,me", "alpha holds 'void=-1'"),
        ("X,x,fcc,,,,,,,,me\nY, X ,fcc,,,,,,,,me", "'x' stands in lines 2, 3"),
    ],
)
def test_wrong_cells_are_all_named(tmp_path, row, told) -> None:
    own = tmp_path / "own.csv"
    own.write_text(f"{HEADER}\n{row}\nbad,,what,,,,,,,,\n")
    with pytest.raises(BadValue, match=r"own\.csv") as caught:
        read_materials(own)
    assert told in str(caught.value)
    assert "structure is 'what'" in str(caught.value)


def test_a_table_without_its_columns(tmp_path) -> None:
    own = tmp_path / "own.csv"
    own.write_text("name,source\nX,me\n")
    with pytest.raises(BadValue, match="columns"):
        read_materials(own)
