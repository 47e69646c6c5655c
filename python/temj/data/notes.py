"""Notes for the user about the planes of a film, told once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_MOST = 10


def merged_notes(notes: Iterable[Sequence[str]], numbers: Sequence[int]) -> list[str]:
    """Each note once; where only some planes have it, with their numbers.

    Args:
        notes: of each plane.
        numbers: the number of each plane, as its user counts.
    """
    planes: dict[str, list[int]] = {}
    for number, texts in zip(numbers, notes, strict=True):
        for text in dict.fromkeys(texts):
            planes.setdefault(text, []).append(number)
    return [text if len(seen) == len(numbers) else f"{text} ({_told(seen)})" for text, seen in planes.items()]


def _told(planes: Sequence[int]) -> str:
    first = ", ".join(map(str, planes[:_MOST]))
    return f"plane{'s' if len(planes) > 1 else ''} {first}{' …' if len(planes) > _MOST else ''}"
