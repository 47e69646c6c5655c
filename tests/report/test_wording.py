import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from temj.report import wording

READABLE = str.maketrans({"−": "-", "\N{NO-BREAK SPACE}": ""})
RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0.35, "0.35"), (0.390625, "0.3906"), (6.810188, "6.810"), (412, "412"), (12345, "12\N{NO-BREAK SPACE}345"),
        (-0.1875, "−0.1875"), (math.nan, "–"), (None, "–"), (math.inf, "∞"), (0.0, "0"), (99.996, "100.00"),
    ],
)  # fmt: skip
def test_numbers(value: float, told: str) -> None:
    assert wording.number(value) == told


def test_large_and_small_numbers_have_a_power_of_ten() -> None:
    assert wording.number(4.12499e14).replace("\N{NO-BREAK SPACE}", " ") == "4.125 × 10¹⁴"
    assert wording.number(3.2e-5).replace("\N{NO-BREAK SPACE}", " ") == "3.2 × 10⁻⁵"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_reads_as_itself_to_its_digits(value: float) -> None:
    told = wording.number(value, 6).translate(READABLE)
    mantissa, _, power = told.partition("×10")
    read = float(mantissa) * 10.0 ** int(power.translate(RAISED) or 0) if power else float(mantissa)
    assert read == pytest.approx(value, rel=1e-5, abs=1e-300)


@given(st.lists(st.text("abc", min_size=1, max_size=3), max_size=9), st.integers(1, 5))
def test_lists_name_at_most_so_many_and_count_the_rest(items: list[str], most: int) -> None:
    told = wording.listed(items, most)
    if len(items) > most:
        assert told == f"{', '.join(items[:most])} and {len(items) - most} more"
    else:
        assert told.replace(" and ", ", ").split(", ") == (items or [""])


def test_words() -> None:
    assert wording.counted(1, "image") == "1 image"
    assert wording.counted(0, "class") == "0 classes"
    assert wording.interval(0.5754, 0.447, 0.7038) == "0.575 (0.447\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}0.704)"
    spaced = wording.interval(4.1249e14, 3.2e14, 1.052e15).replace("\N{NO-BREAK SPACE}", " ")
    assert spaced == "4.12 (3.20 to 10.52) × 10¹⁴"
    assert wording.interval(-2.5e-5, -3e-5, 0.0).replace("\N{NO-BREAK SPACE}", " ") == "−2.50 (−3.00 to 0.00) × 10⁻⁵"
    far = wording.interval(1e7, 0.0, 1e12).replace("\N{NO-BREAK SPACE}", " ")
    assert far == "10 000 000 (0 to 1 × 10¹²)"
    assert wording.interval(0.5, math.nan, math.nan) == "0.5"
    assert wording.named("N_A (m^-2)") == ("N_A", "m⁻²")
    assert wording.named("Count") == ("Count", "")
    assert wording.day("2026-03-04T05:06:07+01:00") == "4 March 2026, 04:06 UTC"
    assert wording.day("yesterday") == "yesterday"
