"""One thing that is wrong with a dataset: how bad it is, where, what, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from temj.errors import TemjError

if TYPE_CHECKING:
    from temj.datasets.folder import Item

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


@dataclass(frozen=True)
class Problem:
    """A finding of :func:`temj.datasets.check`.

    Attributes:
        severity: ``error``: no training starts; ``warning``: something to look at; ``info``: good to know.
        code: its short name, e.g. ``pixels/constant``; fixed, for programs.
        where: file or key it concerns, within the dataset's folder.
        what: what is wrong, as a clause or sentence.
        remedy: what to do, as a sentence; "" where nothing need be done.
    """

    severity: Severity
    code: str
    where: str
    what: str
    remedy: str = ""

    @property
    def text(self) -> str:
        """All of it in one line."""
        stop = "" if self.what.endswith((".", "!", "?")) else "."
        return f"{self.where}: {self.what}{stop} {self.remedy}".rstrip()


def of_error(error: TemjError, folder: Path, severity: Severity = "error") -> Problem:
    """An error that a reader raised, as a problem."""
    told = error.message.removeprefix(f"{error.code}: ").removeprefix(error.where or "").lstrip(".: ")
    told = told.removesuffix(error.remedy or "").rstrip() if error.remedy else told
    return Problem(severity, error.code, within(error.where or "", folder), f"{error.code}: {told}", error.remedy or "")


def annotation_of(item: Item) -> Path | None:
    """Where the objects of an item are annotated; where one file is about many images, with the image's name."""
    own = item.annotation is None or item.stem in item.annotation.name
    return item.annotation if own else Path(f"{item.annotation} ({item.image.name})")


def within(path: str | Path, folder: Path) -> str:
    """A path as seen from a folder, with forward slashes; unchanged where it lies elsewhere."""
    try:
        return Path(path).relative_to(folder).as_posix()
    except ValueError:
        return str(path)


def listed(names: Sequence[object], limit: int = 8) -> str:
    """Names with commas; beyond the limit, how many more there are."""
    more = f" … and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(map(str, names[:limit])) + more


def counted(number: int, noun: str) -> str:
    """``1 object``, ``2 objects``, ``2 classes``, ``2 boxes``."""
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun}{'es' if noun.endswith(('s', 'x', 'ch', 'sh')) else 's'}"
