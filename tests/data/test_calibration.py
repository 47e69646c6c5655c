import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from temj.data.calibration import UNCALIBRATED, Calibration, canonical_unit, parse_pixel_size, round_size
from temj.errors import BadValue


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("nm", "nm"),
        ("um", "µm"),
        ("μm", "µm"),
        ("micron", "µm"),
        ("\\u00B5m", "µm"),
        ("Å", "Å"),
        ("A", "Å"),
        ("inch", "inch"),
    ],
)
def test_spellings_of_units(text: str, unit: str) -> None:
    assert canonical_unit(text) == unit


@pytest.mark.parametrize("text", ["1/nm", "pixel", "", "furlong", "M"])
def test_what_is_no_length(text: str) -> None:
    assert canonical_unit(text) is None


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
