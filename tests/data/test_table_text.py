"""How tables are printed; tests/measurement/test_parity_imagej.py compares with ImageJ's own ResultsTable."""

import math

import numpy as np
import pytest

from temj.data import Column, Table
from temj.data.table_text import format_number, to_csv


def column(values, precision: int = 3, decimals: bool = False) -> list[str]:
    text = to_csv(Table((Column("v", np.array(values, float), decimals=decimals),)), precision)
    return [line.split(",")[1] for line in text.splitlines()[1:]]


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        (1.0, 3, "1.000"), (0.0005, 3, "5.000E-4"), (0.001, 3, "0.001"), (0.0625, 3, "0.062"), (0.1875, 3, "0.188"),
        (0.5, 0, "5.000E-1"), (1.5, 0, "2"), (2.5, 0, "3"), (-2.5, 0, "-3"), (-0.0, 0, "-0"), (-0.0, 3, "-0.000"),
        (0.3, 0, "3.000E-1"),
        (math.nan, 3, "NaN"), (math.inf, 3, "Infinity"), (-math.inf, 3, "-Infinity"),
        (3.4028234663852886e38, 3, "3.4e38"),
        (1.7976931348623157e308, 3, "1.798E308"), (999999999999.0, 3, "999999999999.000"), (1e12, 3, "1.000E12"),
        (0.1, 9, "0.100000000"), (-1.5e-7, 5, "-1.500E-7"),
    ],
)  # fmt: skip
def test_format_number(value, places, text):
    assert format_number(value, places) == text


def test_integers_have_no_decimals():
    assert column([1, 20, -3]) == ["1", "20", "-3"]


def test_one_fraction_in_the_first_24_rows_gives_decimals_to_all():
    assert column([1, 2.5, 3]) == ["1.000", "2.500", "3.000"]
    assert column([1] * 23 + [2.5, 7])[-1] == "7.000"


def test_a_fraction_after_24_rows_has_its_decimals_alone():
    assert column([1] * 24 + [2.5, 7])[-3:] == ["1", "2.500", "7"]


def test_nan_does_not_decide_but_large_integers_and_infinity_do():
    assert column([math.nan, 2]) == ["NaN", "2"]
    assert column([2.0**31, 2]) == ["2147483648.000", "2.000"]
    assert column([math.inf, 2]) == ["Infinity", "2.000"]


def test_a_column_may_always_have_decimals():
    assert column([1, 0], decimals=True) == ["1.000", "0.000"]
    assert column([1, 0], precision=5, decimals=True) == ["1.00000", "0.00000"]


def test_other_precisions():
    assert column([1.25, 3], precision=1) == ["1.2", "3.0"]
    assert column([1.5, 3], precision=0) == ["2", "3"]
    assert column([1 / 3], precision=9) == ["0.333333333"]


def test_whole_table_and_text():
    table = Table((
        Column("Label", np.array(["a, b.tif:x", "c"], object)), Column("Area", [2.0, 3.5]), Column("Track", [1, 12]),
    ))  # fmt: skip
    assert to_csv(table) == " ,Label,Area,Track\n1,a; b.tif:x,2.000,1\n2,c,3.500,12\n"


@pytest.mark.parametrize("text", ["=1+2", "+1", "-cmd", "@sum", "\tx", "\rx"])
def test_text_is_never_a_formula(text):
    line = to_csv(Table((Column("Label", np.array([text], object)),))).splitlines()
    assert "".join(line[1:]).removeprefix("1,").startswith("'")


def test_text_stays_on_its_line():
    assert to_csv(Table((Column("Label", np.array(["a\nb\r\nc"], object)),))) == " ,Label\n1,a b c\n"


def test_no_rows_give_the_header_only():
    assert to_csv(Table((Column("Label", np.empty(0, object)), Column("Area", np.empty(0))))) == " ,Label,Area\n"


def test_numbers_come_back_as_rounded():
    values = np.random.default_rng(0).normal(0, 1000, 500)
    np.testing.assert_allclose([float(cell) for cell in column(values)], values, atol=0.0005001)
