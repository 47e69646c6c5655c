"""Lengths as people write them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from temj.data.calibration import NM_PER_UNIT
from temj.data.lengths import NM, PIXELS, parse_length


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4nm", (4.0, NM)), (" 4 nm ", (4.0, NM)), ("4", (4.0, NM)), ("0.4um", (400.0, NM)), ("0.4 µm", (400.0, NM)),
        ("12px", (12.0, PIXELS)), ("12 Pixels", (12.0, PIXELS)), ("5 Å", (0.5, NM)), ("1e-3mm", (1000.0, NM)),
        (".5 nm", (0.5, NM)), ("2 nanometres", (2.0, NM)),
    ],
)  # fmt: skip
def test_a_number_and_its_unit(text: str, expected: tuple[float, str]) -> None:
    assert parse_length(text) == expected


@pytest.mark.parametrize("text", ["", "nm", "wide", "-1", "0", "0nm", "3 bananas", "1e999nm", "nan", "3nm 4", "1/nm"])
def test_what_is_no_length_is_said_in_words(text: str) -> None:
    with pytest.raises(ValueError, match="a length above 0 such as 4nm"):
        parse_length(text)


def test_a_number_alone_counts_as_the_caller_says() -> None:
    assert parse_length("0.3", "part") == (0.3, "part")
    assert parse_length("7", PIXELS) == (7.0, PIXELS)
    assert parse_length("0", zero=True) == (0.0, NM)
    assert parse_length("0px", zero=True) == (0.0, PIXELS)


@given(st.floats(1e-6, 1e6), st.sampled_from(sorted(NM_PER_UNIT)))
def test_every_unit_is_turned_into_nm(number: float, unit: str) -> None:
    found, of = parse_length(f"{number!r}{unit}")
    assert of == NM
    assert math.isclose(found, number * NM_PER_UNIT[unit], rel_tol=1e-8)
