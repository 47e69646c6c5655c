"""Rules about shape as people write them: ``crack: AR > 3 and Solidity < 0.9; pore``. Read, never executed.

classes   = class { ";" class } [ ";" ]
class     = name [ ":" condition { "or" condition } ]
condition = test { "and" test }
test      = column ( ">" | ">=" | "<" | "<=" ) number [ unit ]  |  "Class" ( "=" | "!=" ) name
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import NoReturn

from temj.data import IGNORE
from temj.data.calibration import canonical_unit
from temj.errors import BadValue
from temj.measurement.shape_table import ANGLES, AREAS, LENGTHS, SHAPE_COLUMNS

LONGEST = 2000
PIXEL = "px"
_PIXELS = ("px", "pixel", "pixels")
_DEFAULT_UNIT = "nm"
_TOKEN = re.compile(
    r"""\s*(?:(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<operator><=|>=|==|!=|≤|≥|≠|<|>|=)|(?P<quoted>'[^']*'|"[^"]*")|(?P<word>[^\W\d][\w]*\.?)|(?P<other>\S))""",
    re.VERBOSE,
)
_UNIT = re.compile(r"(\s*)([^\W\d_²]+|%|°)(\^2|2|²)?(?![\w.])")
_COMPARED = re.compile(r"([^\W\d]\w*\.?)\s*[<>=≤≥!]")
_OPERATORS = {"≤": "<=", "≥": ">=", "≠": "!=", "==": "="}
_ORDER = (">", ">=", "<", "<=")
_EQUAL = ("=", "!=")
_NAME = re.compile(r"[^\W_](?:[\w .+<>/()-]*[\w.+)>])?")
_EXAMPLE = "Write for instance: crack: AR > 3 and Solidity < 0.9; pore"


@dataclass(frozen=True)
class Comparison:
    """One comparison: ``Feret > 200 nm`` or ``Class = void``; ``unit`` is "" for plain numbers and names."""

    column: str
    operator: str
    value: float | str
    unit: str = ""

    def __str__(self) -> str:
        if isinstance(self.value, str):
            value = self.value if self.value.isidentifier() else f"'{self.value}'"
        else:
            value = f"{self.value:.9g}"
        square = "²" if self.unit and self.column in AREAS else ""
        return f"{self.column} {self.operator} {value}{f' {self.unit}{square}' if self.unit else ''}"


@dataclass(frozen=True)
class Rule:
    """A class and when an object is of it: all tests of one of ``conditions`` hold, or there is none."""

    name: str
    conditions: tuple[tuple[Comparison, ...], ...] = ()

    @property
    def condition(self) -> str:
        """``AR > 3 and Solidity < 0.9``, or "" where there is none."""
        return " or ".join(" and ".join(map(str, tests)) for tests in self.conditions)

    def __str__(self) -> str:
        return f"{self.name}: {self.condition}" if self.conditions else self.name


def read_rules(text: str) -> tuple[Rule, ...]:
    """The rules of a text, in order.

    A bare number for a length or an area is in nm or nm²; other units stand behind it (``0.2um``, ``12px``,
    ``500nm2``). Columns are found whatever the case of their letters, and without the point of ``Circ.``.

    Raises:
        BadValue: ``shape-rule``, with the place of what cannot be read and the nearest known column.
    """
    if len(text) > LONGEST:
        raise BadValue("shape-rule", where="shape_rule", expected=f"at most {LONGEST} characters", found=len(text))
    rules, start = [], 0
    parts = text.split(";")
    for number, part in enumerate(parts):
        if part.strip() or number < len(parts) - 1 or not rules:
            if rules and not rules[-1].conditions:
                _wrong(text, start, "the last class without a condition to end the rule", part.strip() or "nothing",
                       f"'{rules[-1].name}' has no condition and takes all that is left: put it last.")  # fmt: skip
            rules.append(_rule(text, start, part))
        start += len(part) + 1
    return tuple(rules)


def _rule(text: str, start: int, part: str) -> Rule:
    """``name: condition`` or ``name``, which begins at ``start``."""
    head, colon, _ = part.partition(":")
    name = head.strip()
    at = start + len(head) - len(head.lstrip())
    if not name:
        _wrong(text, at, "the name of a class", "nothing" if not part.strip() else "':'", _EXAMPLE)
    if not colon and any(_is_column(word) for word in _COMPARED.findall(name)):
        _wrong(text, at, "the name of a class and a colon before a condition", repr(name), _EXAMPLE)
    if len(name) > 100 or not _NAME.fullmatch(name) or name.casefold() == IGNORE:
        what = "the name of a class: letters, digits, blanks and . + - / ( ) < >, not 'ignore'"
        _wrong(text, at, what, repr(name[:40]), _EXAMPLE)
    if not colon:
        return Rule(name)
    reader = _Reader(text, start + len(head) + 1, start + len(part))
    conditions = [reader.all_of()]
    while reader.takes("or"):
        conditions.append(reader.all_of())
    reader.expect_end()
    return Rule(name, tuple(conditions))


class _Reader:
    """Reads a condition from left to right."""

    def __init__(self, text: str, start: int, end: int):
        self._text, self._at, self._end = text, start, end

    def all_of(self) -> tuple[Comparison, ...]:
        tests = [self._test()]
        while self.takes("and"):
            tests.append(self._test())
        return tuple(tests)

    def takes(self, word: str) -> bool:
        """Whether the next word is this one, which is read then."""
        kind, found, at = self._peek()
        if kind == "word" and found.lower() == word:
            self._at = at + len(found)
            return True
        return False

    def expect_end(self) -> None:
        kind, found, at = self._peek()
        if kind:
            what = "a decimal point" if found == "," else "'and', 'or', ';' or the end"
            _wrong(self._text, at, what, repr(found), _EXAMPLE)

    def _peek(self) -> tuple[str, str, int]:
        """Kind ("" at the end), text and place of the next token."""
        match = _TOKEN.match(self._text, self._at, self._end)
        if match is None:
            return "", "", self._end
        return match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)

    def _next(self, kind: str, expected: str) -> tuple[str, int]:
        found_kind, found, at = self._peek()
        if found_kind != kind:
            _wrong(self._text, at, expected, repr(found) if found else "the end", _EXAMPLE)
        self._at = at + len(found)
        return found, at

    def _test(self) -> Comparison:
        word, at = self._next("word", "the name of a column")
        column = _column(self._text, word, at)
        allowed = _EQUAL if column == "Class" else _ORDER
        sign, place = self._next("operator", f"one of {' '.join(allowed)}")
        sign = _OPERATORS.get(sign, sign)
        if sign not in allowed:
            _wrong(self._text, place, f"one of {' '.join(allowed)} behind {column}", repr(sign), _EXAMPLE)
        return Comparison(column, sign, self._name()) if column == "Class" else self._number(column, sign)

    def _name(self) -> str:
        kind, found, at = self._peek()
        if kind not in ("word", "quoted"):
            _wrong(self._text, at, "the name of a class", repr(found) if found else "the end", "Class = void")
        self._at = at + len(found)
        return found[1:-1] if kind == "quoted" else found

    def _number(self, column: str, sign: str) -> Comparison:
        number, _ = self._next("number", "a number")
        value, (unit, square, at) = float(number), self._unit(column in LENGTHS or column in AREAS)
        if column in LENGTHS or column in AREAS:
            known = PIXEL if unit in _PIXELS else canonical_unit(unit or _DEFAULT_UNIT)
            if known is None or (unit and square != (column in AREAS)):
                what = "an area (nm2, um2, px2)" if column in AREAS else "a length (nm, um, px)"
                _wrong(self._text, at, f"a unit of {what} for {column}", repr(unit + "²" * square), _EXAMPLE)
            return Comparison(column, sign, value, known)
        if unit and not (unit == "°" and column in ANGLES):
            kind = "degrees" if column in ANGLES else "a plain number"
            _wrong(self._text, at, f"{kind} for {column}", repr(unit + "²" * square), _EXAMPLE)
        return Comparison(column, sign, value, "°" if column in ANGLES else "")

    def _unit(self, wanted: bool) -> tuple[str, bool, int]:
        """Unit behind a number ("" where there is none), whether it is squared, and where it stands.

        Where none is ``wanted``, a word that stands apart is one only if it is known.
        """
        match = _UNIT.match(self._text, self._at, self._end)
        if match is None or match[2].lower() in ("and", "or"):
            return "", False, self._at
        if match[1] and not wanted and not _is_unit(match[2]):
            return "", False, self._at
        self._at = match.end()
        return match[2], match[3] is not None, match.start(2)


def _is_unit(word: str) -> bool:
    """Whether a word that stands apart from its number is a unit."""
    return word in (*_PIXELS, "%", "°") or canonical_unit(word) is not None


def _is_column(word: str) -> bool:
    near = _nearest(word)
    return near is not None and _same(near) == _same(word)


def _column(text: str, word: str, at: int) -> str:
    """The column that is meant."""
    near = _nearest(word)
    if near is None or _same(near) != _same(word):
        advice = f"Did you mean '{near}'? " if near else ""
        columns = ", ".join((*SHAPE_COLUMNS, "Class"))
        _wrong(text, at, f"one of the columns {columns}", repr(word), f"{advice}Rules are about shape.")
    return near


def _nearest(word: str) -> str | None:
    """The column whose name is this one or the most like it."""
    known = {_same(name): name for name in (*SHAPE_COLUMNS, "Class")}
    near = difflib.get_close_matches(_same(word), known, n=1, cutoff=0.6)
    return known[near[0]] if near else None


def _same(name: str) -> str:
    """What two spellings of a column have in common."""
    return name.rstrip(".").lower()


def _wrong(text: str, at: int, expected: str, found: str, remedy: str) -> NoReturn:
    """The error, with the place counted from 1 and what stands there."""
    place = f"shape_rule, character {at + 1}"
    around = text[max(0, at - 12) : at + 18].strip()
    raise BadValue(
        "shape-rule", where=f"{place} (… {around} …)" if around else place, expected=expected, found=found,
        remedy=remedy,
    )  # fmt: skip
