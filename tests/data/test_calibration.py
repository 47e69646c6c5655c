import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from temj.data.calibration import UNCALIBRATED, Calibration, canonical_unit, is_reciprocal, parse_pixel_size, round_size
from temj.errors import BadValue

SPELLINGS = {
    "pm": ["pm", "picometer", "Picometres"],
    "Å": ["Å", "\u212b", "A\u030a", "A", "angstrom", "Angstroms", "Ångström", "Angström", "\\u00C5", "\\u212B", "å",
          "Ã\x85", "Ã…"],
    "nm": ["nm", " nm\0", "NM", "Nm", "nanometer", "nanometre", "Nanometers", "nm/px", "nm / pixel", "nm per pixel"],
    "µm": ["\u00b5m", "\u03bcm", "um", "UM", "uM", "\\u00B5m", "\\u03bcm", "micron", "Microns", "micrometer",
           "Micrometres", "\u00c2\u00b5m", "µm/px"],
    "mm": ["mm", "millimeter", "Millimetres"],
    "cm": ["cm", "CM", "centimeters"],
    "m": ["m", "meter", "Metres"],
    "inch": ["inch", "in", "IN", "in.", "inches", '"'],
}  # fmt: skip


@pytest.mark.parametrize(("unit", "text"), [(unit, text) for unit, texts in SPELLINGS.items() for text in texts])
def test_spellings_of_units(unit: str, text: str) -> None:
    assert canonical_unit(text) == unit
    assert not is_reciprocal(text)
    assert is_reciprocal(f"1/{text}")


# A capital M or P before the m would be mega or peta: nobody's pixel, and no guess is made.
@pytest.mark.parametrize(
    "text",
    ["1/nm", "pixel", "pixels", "", "furlong", "M", "Mm", "MM", "PM", "Pm", "km", "fm", "nm2", "nm^2", "sec", "µ"],
)
def test_what_is_no_length(text: str) -> None:
    assert canonical_unit(text) is None


@pytest.mark.parametrize(
    "text",
    ["1/nm", "1 / nm", "nm^-1", "nm-1", "nm⁻¹", "nm^{-1}", "nm^(-1)", "nm**-1", "/nm", "1/Å", "1/A", "Å-1", "1/µm",
     "1/um", "\\u00C5-1", "reciprocal nm", "1/m", "mrad", "Mrad", "rad", "µrad"],
)  # fmt: skip
def test_units_of_diffraction_patterns(text: str) -> None:
    assert is_reciprocal(text)
    assert canonical_unit(text) is None


@pytest.mark.parametrize("text", ["nm", "", "1/s", "1/pixel", "-1", "1/", "eV", "counts", "nm-2"])
def test_what_is_no_unit_of_diffraction_patterns(text: str) -> None:
    assert not is_reciprocal(text)


@pytest.mark.parametrize(
    ("text", "nm"),
    [
        (0.39, (0.39, 0.39)),
        ("0.39", (0.39, 0.39)),
        ("0.39x0.41", (0.39, 0.41)),
        ("0.0004um", (0.4, 0.4)),
        ("4 Å", (0.4, 0.4)),
        (" 0.39 x 0.41 nm ", (0.39, 0.41)),
    ],
)
def test_pixel_sizes_as_people_write_them(text: str | float, nm: tuple[float, float]) -> None:
    assert parse_pixel_size(text).nm == nm


@pytest.mark.parametrize("text", ["", "0", "-1", "nan", "inf", "0,39", "0.39px", "a", "0.39x", "1e999", "1e-9", "5mm"])
def test_what_is_no_pixel_size_is_refused(text: str) -> None:
    with pytest.raises(BadValue, match="pixel-size"):
        parse_pixel_size(text)


@given(st.floats(1e-3, 1e3))
def test_nine_digits_are_stable(size: float) -> None:
    once = round_size(size)
    assert round_size(once) == once
    assert math.isclose(once, size, rel_tol=5e-9)
    assert parse_pixel_size(repr(once)).width == once


def test_an_unknown_pixel_size_is_known_to_be_unknown() -> None:
    assert not UNCALIBRATED.known
    assert UNCALIBRATED.nm is None
    with pytest.raises(BadValue):
        Calibration(0.0, 1.0, "nm")
