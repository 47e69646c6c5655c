"""Which frames of a film a user means, written as in ImageJ's Image > Stacks > Tools > Make Substack."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from temj.errors import BadValue

_PART = re.compile(r"(\d+)(?:(-)(\d*)(?:[-:](\d+))?)?")
_EXAMPLE = "frames such as 10-200, 10-200-5 (every fifth), 10- (to the end) or 7,9,25, counted from 1"


def read_frames(text: str, count: int) -> list[int]:
    """The numbers of frames, from 1, that ``text`` names.

    ``2-14`` is a range with both ends, ``2-14-3`` and ``2-14:3`` every third of it, ``7,9,25`` a list, all as in
    ImageJ (which has no ``:``); ``10-`` ends with the last frame; lists may hold ranges.

    Args:
        text: what the user wrote.
        count: the number of the last frame.

    Raises:
        BadValue: not written like this.
    """
    numbers: list[int] = []
    for part in text.replace(" ", "").split(","):
        match = _PART.fullmatch(part)
        if match is None or len(part) > 40:
            raise _bad(text)
        first = int(match[1])
        last = first if match[2] is None else count if match[3] == "" else int(match[3])
        step = int(match[4] or 1)
        if step == 0 or (match[3] and last < first):
            raise _bad(text)
        # beyond the end: check_numbers says so; a huge number must not make a huge list
        numbers += range(first, min(last, max(count, first)) + 1, step)
        numbers += [last] if last > count and numbers[-1:] != [last] else []
    return numbers


def check_frames(text: str) -> None:
    """Whether ``text`` can be understood, before any film is open.

    Raises:
        BadValue: it cannot.
    """
    if text:
        read_frames(text, 1)


def check_numbers(numbers: Sequence[int], count: int, name: str, word: str) -> None:
    """Whether a film of ``count`` frames has these, each once and in ascending order.

    Raises:
        BadValue: it has not.
    """
    ascending = all(before < after for before, after in pairwise(numbers))
    if numbers and ascending and numbers[0] >= 1 and numbers[-1] <= count:
        return
    outside = [number for number in numbers if not 1 <= number <= count]
    found = f"{word} {outside[0]}" if outside else "none" if not numbers else "another order, or one twice"
    raise BadValue(
        "frames",
        where=name,
        expected=f"{word}s from 1 to {count}, in ascending order",
        found=found,
        remedy=f"The film has {count} {word}s; choose some of them.",
    )


def spacing(numbers: Sequence[int]) -> int | None:
    """The step from one to the next where it is always the same, else None; 1 for a single one."""
    steps = {after - before for before, after in pairwise(numbers)}
    return 1 if not steps else steps.pop() if len(steps) == 1 else None


def _bad(text: str) -> BadValue:
    return BadValue("frames", expected=_EXAMPLE, found=repr(text), remedy="Write them as in ImageJ's Make Substack.")
