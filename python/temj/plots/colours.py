"""Colours that people with any colour vision tell apart, also on grey (Okabe and Ito)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping

from temj.errors import BadValue

Rgb = tuple[int, int, int]

PALETTE = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#d55e00", "#cc79a7", "#0072b2")
"""Of the classes in order, where they have no colour of their own."""

_UNLIKE = 100.0
_SECOND = ("#56b4e9", "#ffffff", "#f0e442")


def rgb(colour: str) -> Rgb:
    """``#rrggbb`` as three numbers 0..255.

    Raises:
        BadValue: not of that form.
    """
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
        raise BadValue("colour", expected="a colour such as #e69f00", found=repr(colour))
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def hexadecimal(colour: Rgb) -> str:
    """The inverse of :func:`rgb`."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def class_colours(names: Iterable[str], colours: Mapping[str, str]) -> dict[str, Rgb]:
    """The colour of each class: of ``colours`` first, in its order, then of other ``names``, from the palette."""
    used = {name: rgb(colour) for name, colour in colours.items()}
    for name in sorted(set(names) - set(used)):
        used[name] = _other(PALETTE, used.values())
    return used


def second_colour(used: Iterable[Rgb]) -> Rgb:
    """One of a few bright colours that is not like any that is used."""
    return _other(_SECOND, used)


def _other(choice: Iterable[str], used: Iterable[Rgb]) -> Rgb:
    """The first colour that is unlike all that are used, or else the one that is least like them."""
    choice, used = [rgb(colour) for colour in choice], list(used)
    nearest = [min((math.dist(colour, other) for other in used), default=math.inf) for colour in choice]
    best = next((number for number, distance in enumerate(nearest) if distance >= _UNLIKE), None)
    return choice[nearest.index(max(nearest)) if best is None else best]
