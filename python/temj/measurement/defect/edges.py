"""Which edge of an object's contrast its outline follows: four words, and how free text is read as one of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

EDGES = ("outer", "half-maximum", "middle", "inner")
"""From outside to inside; :mod:`temj.measurement.defect.levels` says how each is read from a profile.

``outer``: where the contrast ends; ``half-maximum``: where it has fallen to half on the outer side; ``middle``: the
ridge of the line; ``inner``: where the contrast of a ring ends inside.
"""
DEFAULT = "half-maximum"

_HALF = re.compile(r"half[\s_-]*max(imum)?\b", re.IGNORECASE)
_WORD = re.compile(r"\b(outer|middle|inner)\b", re.IGNORECASE)


def edge_of(text: str) -> str | None:
    """What the ``edge`` of a class in a dataset or card means.

    Args:
        text: free text. One of the four words alone, or a sentence with one of them, such as ``outer edge of the
            line``. A sentence that names the half maximum means it, whichever side it names too.

    Returns:
        One of :data:`EDGES`; :data:`DEFAULT` where nothing is said; None where the text says something else.
    """
    if not text.strip():
        return DEFAULT
    if _HALF.search(text):
        return "half-maximum"
    named = {word.lower() for word in _WORD.findall(text)}
    return named.pop() if len(named) == 1 else None


def edges_of(classes: Iterable[str], said: Mapping[str, str]) -> dict[str, str]:
    """class → one of :data:`EDGES`; :data:`DEFAULT` where nothing, or something else, is said of it."""
    return {name: edge_of(str(said.get(name, ""))) or DEFAULT for name in dict.fromkeys(classes)}
