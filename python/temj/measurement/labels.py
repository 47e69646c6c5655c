"""The Label column: which image, which object, which slice."""

from __future__ import annotations

from collections.abc import Sequence

_LONGEST = 30
_LONGEST_SLICE = 60


def row_labels(title: str, names: Sequence[str], slice_part: str = "") -> list[str]:
    """ImageJ's labels of measured objects (``Analyzer.getFileName``).

    Args:
        title: of the image.
        names: of the objects; one that is empty or contains a point is left out, and a long one shortened.
        slice_part: what names the slice of a stack; "" for a single image.
    """
    ending = f":{slice_part}" if slice_part else ""
    return [title + _name_part(str(name)) + ending for name in names]


def _name_part(name: str) -> str:
    if not name or "." in name:
        return ""
    return ":" + (name if len(name) <= _LONGEST else name[: _LONGEST - 3] + "...")


def slice_part(label: str, index: int) -> str:
    """The short label of a slice of a stack (first line, without extension), or its 1-based index where it has none."""
    first = label.split("\n", 1)[0]
    if len(first) > 4 and first[-4] == "." and not first[-1].isdigit():
        first = first[:-4]
    return first[:_LONGEST_SLICE] or str(index)
