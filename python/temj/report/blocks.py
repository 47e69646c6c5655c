"""What a report is made of: sections of paragraphs, tables, figures. All of it is plain text until the template."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Sentence:
    """A sentence, and the keys of the references that stand behind it (:mod:`temj.report.citations`)."""

    text: str
    cite: tuple[str, ...] = ()


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    sentences: tuple[Sentence, ...]
    kind: str = field(default="text", init=False)


@dataclass(frozen=True)
class Facts:
    """Names and values, one below the other; ``compact``: in several columns."""

    rows: tuple[tuple[str, str], ...]
    compact: bool = False
    kind: str = field(default="facts", init=False)


@dataclass(frozen=True)
class Head:
    """The head of a column: name, unit ("" for none), whether its cells are numbers, set to the right."""

    name: str
    unit: str = ""
    numeric: bool = False


@dataclass(frozen=True)
class Grid:
    """A table: caption, heads, cells as text, and what is said below it."""

    caption: str
    heads: tuple[Head, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    kind: str = field(default="grid", init=False)

    @property
    def wide(self) -> bool:
        """Whether it needs small letters on paper."""
        return len(self.heads) > 8

    @property
    def short(self) -> bool:
        """Whether it is not to be parted between two pages."""
        return len(self.rows) <= 8


@dataclass(frozen=True)
class Definitions:
    """What the names of a table mean, in small print."""

    rows: tuple[tuple[str, str], ...]
    kind: str = field(default="definitions", init=False)


@dataclass(frozen=True)
class Figure:
    """A picture.

    Attributes:
        source: ``data:`` address that holds it; "" where there is no picture, and ``missing`` says why.
        alt: what is to be seen, for those who do not see it.
        caption: what it shows.
        tall: whether it is much higher than wide.
        missing: in place of the picture.
    """

    source: str
    alt: str
    caption: str
    tall: bool = False
    missing: str = ""
    kind: str = field(default="figure", init=False)


@dataclass(frozen=True)
class Lines:
    """Lines to copy, such as a command, with a heading."""

    heading: str
    text: str
    kind: str = field(default="lines", init=False)


Block = Text | Facts | Grid | Definitions | Figure | Lines


@dataclass(frozen=True)
class Section:
    """A heading and its blocks; ``name`` is its anchor."""

    name: str
    heading: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Warned:
    """One thing to know before the figures are used.

    Attributes:
        text: in a sentence.
        serious: whether figures may be wrong or are missing.
        images: that it concerns.
        varied: whether it has other numbers for the others than for the first of them.
    """

    text: str
    serious: bool = False
    images: tuple[str, ...] = ()
    varied: bool = False
