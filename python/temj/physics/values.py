"""What all formulas share: a quotient that is NaN where it has no meaning, and the refusal of impossible input.

What a user gives (a thickness, a shear modulus) is checked and refused in words. What comes out of an image or of a
resample (a count, an area) may make an answer undefined: then the answer is NaN, without a warning.
"""

from __future__ import annotations

import math

import numpy as np

from temj.errors import BadValue
from temj.population.quotients import divided

Number = float | np.ndarray
"""A number, or an array of any shape; arguments are broadcast against each other."""
NM2_PER_M2 = 1e18
NM3_PER_M3 = 1e27


def ratio(above: Number, below: Number) -> Number:
    """above / below; NaN where ``below`` is not a finite number above 0."""
    return divided(above, below)


def root(value: Number) -> Number:
    """The square root; NaN of what is negative."""
    value = np.asarray(value, float)
    return np.sqrt(np.where(value >= 0, value, np.nan))[()]


def require(name: str, value: float, unit: str = "", *, zero: bool = False) -> float:
    """``value``, which a user gave, as a finite float above 0 (``zero``: or 0).

    Raises:
        BadValue: it is something else.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if math.isfinite(number) and (number > 0 or (zero and number == 0)):
        return number
    raise BadValue(
        "value", where=name, expected=f"a number {'of 0 or more' if zero else 'above 0'}{unit and ' in ' + unit}",
        found=str(value), remedy=f"Give the {name} as it was measured, or leave it out where it is not known.",
    )  # fmt: skip
