"""Which share of the loops of a Burgers-vector family a two-beam image shows: the g·b rule for cubic crystals.

A loop is taken as invisible where \\|g·b\\| is small. All variants of a family (b and -b are one) are enumerated; the
share that is seen corrects a count only under the assumption that all variants are equally populated, and only where
g is known.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from temj.errors import BadValue
from temj.physics.values import Number, ratio
from temj.synthetic.crystal import FAMILIES, Family, Vector

LIMIT = 1 / 3
"""\\|g·b\\| up to and with this is invisible; a stacking-fault loop with \\|g·b\\| = 1/3 is faint at best."""
ASSUMPTION = "all variants of the Burgers vector equally populated"
_TINY = 1e-9
_BURGERS = re.compile(
    r"(?:a0?\s*/\s*(?P<part>[1-9]\d*)|(?P<above>[1-9]\d*)\s*/\s*(?P<below>[1-9]\d*)\s*a?0?|(?P<sign>[½⅓¼⅙])\s*a?0?|a0?)?"
    r"\s*[<\[⟨](?P<direction>.+)[>\]⟩]"
)
_FRACTIONS = {"½": 2, "⅓": 3, "¼": 4, "⅙": 6}


@dataclass(frozen=True)
class Visibility:
    """How many variants of a family are seen.

    Attributes:
        burgers: the family as people write it.
        condition: ``g = 0,1,1``, or rel-rod dark field.
        visible, variants: how many of how many.
    """

    burgers: str
    condition: str
    visible: int
    variants: int

    @property
    def share(self) -> float:
        """f, the share of variants that are seen, 0 to 1."""
        return self.visible / self.variants

    def in_words(self) -> str:
        """With the assumption under which a corrected number holds."""
        return f"{self.burgers}, {self.condition}: {self.visible} of {self.variants} variants visible ({ASSUMPTION})"


def miller(text: str) -> Vector:
    """Three Miller indices as people write them: ``200``, ``0-11``, ``1,1,0``, ``g = [1 -1 0]``, ``(01\u03041)``.

    A minus or a bar (a combining macron behind the digit) makes an index negative. Indices of several digits need a
    separator.

    Raises:
        BadValue: not three integers, or 0,0,0.
    """
    plain = text.strip().replace("\N{MINUS SIGN}", "-").replace("\N{EN DASH}", "-")
    plain = re.sub(r"^g\s*[=:]\s*", "", plain).strip("()[]{}<>⟨⟩ ")
    plain = re.sub("(\\d)[\u0304\u0305]", r"-\1", plain)
    whole = r"[+-]?\d+" if re.search(r"[\s,;]", plain) else r"[+-]?\d"
    found = re.findall(whole, plain)
    rest = re.sub(whole, "", plain).strip(" ,;\t")
    numbers = tuple(int(part) for part in found)
    if re.sub(r"[\s,;]", "", rest) or len(numbers) != 3 or not any(numbers):
        more = " Four indices of a hexagonal crystal are not understood." if len(numbers) == 4 and not rest else ""
        raise BadValue(
            "miller-indices", found=f"'{text}'", expected="three Miller indices such as 200, 0-11 or 1,1,0",
            remedy=f"Write the diffraction vector so, or leave it out: then no count is corrected.{more}",
        )  # fmt: skip
    return numbers


def burgers_family(text: str) -> Family:
    """The family of a Burgers vector as people write it: ``a/2<111>``, ``1/3<111>``, ``½<110>``, ``<100>``.

    Raises:
        BadValue: it is not understood.
    """
    match = _BURGERS.fullmatch(text.strip())
    if not match:
        raise BadValue(
            "burgers-vector", found=f"'{text}'", expected="a Burgers vector such as a/2<111>, 1/3<111> or a<100>",
            remedy="Write it so.",
        )  # fmt: skip
    below = int(match["part"] or match["below"] or _FRACTIONS.get(match["sign"], 1))
    length = Fraction(int(match["above"] or 1), below)
    direction = tuple(
        sorted((abs(index) for index in miller(match["direction"])), key=lambda index: (index == 0, index))
    )
    for family in (one for families in FAMILIES.values() for one in families):
        if sorted(family.direction) == sorted(direction) and math.isclose(family.length, length):
            return family
    size = (
        ("" if length.numerator == 1 else str(length.numerator)) + "a" + (f"/{length.denominator}" if below > 1 else "")
    )
    written = f"{size}<{''.join(map(str, direction))}>"
    return Family(written, written, direction, float(length), False)


def visibility(family: Family | str, g: Vector | str, limit: float = LIMIT, crystal: str | None = None) -> Visibility:
    """How many variants of a family have \\|g·b\\| above the limit.

    Args:
        family: Burgers-vector family, or as people write it.
        g: diffraction vector, Miller indices, or as people write them.
        limit: \\|g·b\\| up to and with this is invisible, 0 or more.
        crystal: ``fcc`` or ``bcc`` to have g checked for being a reflection of it; None for no check.

    Raises:
        BadValue: what is written is not understood, a limit below 0, or g is no reflection of the crystal.
    """
    family = burgers_family(family) if isinstance(family, str) else family
    vector = miller(g) if isinstance(g, str) else g
    if not limit >= 0:
        raise BadValue(
            "value", where="limit of g·b", expected="0 or more", found=str(limit), remedy=f"Use {LIMIT:.3g}."
        )
    if crystal is not None:
        _require_reflection(crystal, vector)
    products = np.abs(family.length * (np.array(family.variants()) @ vector))
    shown = ",".join(map(str, vector))
    return Visibility(family.burgers, f"g = {shown}", int((products > limit + _TINY).sum()), len(products))


def rel_rod_visibility(family: Family | str) -> Visibility:
    """Dark field with the rel-rod streak of one {111} plane: one variant of the faulted loops is seen.

    Raises:
        BadValue: the family is not understood, or not one of faulted loops, which alone make rel-rods.
    """
    family = burgers_family(family) if isinstance(family, str) else family
    if not family.faulted:
        raise BadValue(
            "rel-rod", found=family.burgers, expected="faulted loops (a/3<111> in an fcc crystal)",
            remedy="Use the diffraction vector g for loops without a stacking fault.",
        )  # fmt: skip
    return Visibility(family.burgers, "rel-rod dark field", 1, len(family.variants()))


def corrected_for_visibility(number: Number, seen: Visibility | None) -> Number:
    """N / f: a count or density of all variants, of that of the visible ones.

    Args:
        number: N of one family, in any unit.
        seen: None where g is not known: then there is no correction.

    Returns:
        The number itself without a correction; NaN where no variant is visible, since nothing can be inferred.
    """
    if seen is None:
        return number
    return ratio(number, seen.share)


def _require_reflection(crystal: str, g: Vector) -> None:
    if crystal not in FAMILIES:
        raise BadValue(
            "crystal", found=crystal, expected=f"one of: {', '.join(FAMILIES)}",
            remedy="Variants are counted in cubic crystals only: leave g out for others.",
        )  # fmt: skip
    odd = sum(index % 2 for index in g)
    allowed = odd in (0, 3) if crystal == "fcc" else sum(g) % 2 == 0
    if not allowed:
        shown, rule = ",".join(map(str, g)), "all odd or all even" if crystal == "fcc" else "with an even sum"
        raise BadValue(
            "reflection", found=f"g = {shown}", expected=f"a reflection of a {crystal} crystal: indices {rule}",
            remedy="Check the diffraction vector and the crystal.",
        )  # fmt: skip
