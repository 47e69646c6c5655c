"""The faults of a ``dataset.json`` in words: what a key should hold, and what it holds."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from typing import Any

_IMAGES = 'a list of image names without extension, such as ["01", "02"]'
_EXPECTED = {
    "format": "1",
    "classes": 'a list of at least one and at most 254 names, such as ["loop"]',
    "name": "a name",
    "colour": "a colour such as #ff7f0e",
    "class_map": 'names and the classes that they count as, such as {"faulted": "loop"}',
    "labelled": 'a list of names, such as ["faulted", "perfect"]',
    "pixel_size": "a number above 0, two of them as [width, height], or null",
    "pixel_size_range": "[smallest, largest], both above 0",
    "detectors": "a whole number from 1 to 16",
    "symmetry": 'such as {"rotation": 180, "flip_horizontal": true, "flip_vertical": true}',
    "rotation": "degrees from 0 to 180",
    "augmentation": 'such as {"noise": 0.2, "scale": {"factor": [0.9, 1.1]}}',
    "split": 'such as {"train": ["01", "02"], "validation": ["03"]}',
    "train": _IMAGES,
    "validation": _IMAGES,
    "test": _IMAGES,
    "folds": 'lists of image names, such as [["01", "02"], ["03", "04"]]',
    "groups": 'image names and the group of each, such as {"01": "foil A"}',
    "empty": _IMAGES,
}
"""Key → what it should hold."""
_WITH_KEYS = ("classes", "symmetry", "split")
_LONGEST = 60


def in_words(faults: Sequence[dict[str, Any]], known: Collection[str]) -> str:
    """All faults that pydantic found, one for each place; an unknown key with the nearest known one.

    Args:
        faults: ``ValidationError.errors()``.
        known: all keys that there are.
    """
    told: dict[str, str] = {}
    for fault in faults:
        followed = fault["type"] == "too_short" and bool(fault["input"])  # the entries were wrong, not their number
        if not followed:
            told.setdefault(_place(fault["loc"]), _what(fault, known))
    return "; ".join(f"{place}: {what}" for place, what in told.items())


def _place(loc: Sequence[int | str]) -> str:
    """Where it is; entries are counted from 1, and the variants of a type that pydantic tried are left out."""
    parts = [part for part in loc if not (isinstance(part, str) and (part.endswith("]") or part.endswith("float")))]
    return ".".join(str(part + 1) if isinstance(part, int) else part for part in parts) or "the file"


def _what(fault: dict[str, Any], known: Collection[str]) -> str:
    loc = fault["loc"]
    if fault["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(loc[-1]), sorted(known), n=1)
        return "unknown key" + (f", did you mean '{near[0]}'?" if near else "")
    if fault["type"] == "value_error":
        return fault["msg"].removeprefix("Value error, ")
    expected = _EXPECTED.get(_key(loc))
    if fault["type"] == "missing":
        return "missing" + (f", expected {expected}" if expected else "")
    if not loc:
        return f"expected keys and values in {{}}, found {_cut(fault['input'])}"
    return f"{'expected ' + expected if expected else fault['msg']}, found {_cut(fault['input'])}"


def _key(loc: Sequence[int | str]) -> str:
    """The key of dataset.json that a place is in."""
    names = [part for part in loc if isinstance(part, str)] or [""]
    return names[-1] if names[0] in _WITH_KEYS else names[0]


def _cut(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"
