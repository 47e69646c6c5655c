"""Objects of one class told apart by their shape: pores and cracks, round and elongated pores.

from temj.measurement.shape_classes import shape_classes, tell_apart
rules = shape_classes("crack: AR > 3 and Solidity < 0.9; pore")
found = tell_apart(found, (width, height), calibration, rules)
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from temj.data import IGNORE, Calibration, Instances, Table
from temj.data.calibration import NM_PER_UNIT
from temj.errors import BadValue
from temj.geometry import in_reading_order
from temj.measurement.rule_text import PIXEL, Comparison, Rule, read_rules
from temj.measurement.seen import as_seen
from temj.measurement.shape_table import ANGLES, AREAS, shape_table

PRESETS: Mapping[str, str] = MappingProxyType({
    "pores-and-cracks": "crack: AR > 3 or Solidity < 0.6; pore",
    "round-and-elongated": "elongated pore: AR > 2; round pore",
})  # fmt: skip
"""Rules by name."""

_COMPARE: Mapping[str, Callable[[np.ndarray, float | str], np.ndarray]] = MappingProxyType({
    ">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal, "=": np.equal, "!=": np.not_equal,
})  # fmt: skip
_SKELETON = "Skeleton"
_NOT_SHAPE = ("Class", "Score")


@dataclass(frozen=True)
class ShapeClasses:
    """Rules in order: the first that fits an object gives its class; one that fits none keeps the class it has."""

    rules: tuple[Rule, ...]

    def __str__(self) -> str:
        return "; ".join(map(str, self.rules))

    @property
    def names(self) -> tuple[str, ...]:
        """The classes, each once, in order."""
        return tuple(dict.fromkeys(rule.name for rule in self.rules))

    @property
    def takes_all(self) -> bool:
        """Whether every object gets one of these classes: the last rule has no condition."""
        return not self.rules[-1].conditions

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the rules ask for."""
        tests = (test for rule in self.rules for tests in rule.conditions for test in tests)
        return tuple(dict.fromkeys(test.column for test in tests))

    def condition(self, name: str) -> str:
        """When an object is of this class, in words: ``AR > 3 or Solidity < 0.6``; "else" for the last one."""
        told = [rule.condition or "else" for rule in self.rules if rule.name == name]
        return " or ".join(told)

    def classes(self, before: Sequence[str]) -> tuple[str, ...]:
        """The classes that there are afterwards, where there were ``before``."""
        kept = () if self.takes_all else [name for name in before if name not in self.names]
        return (*kept, *self.names)

    def check(self, calibration: Calibration, image: str = "shape_rule") -> None:
        """Stop where a rule has a length in nm and the pixel size of an image is not known.

        Raises:
            BadValue: ``pixel-size``.
        """
        for rule in self.rules:
            for test in (test for tests in rule.conditions for test in tests):
                if test.unit in NM_PER_UNIT and not calibration.known:
                    raise BadValue(
                        "pixel-size", where=image, expected=f"a pixel size for the shape rule '{test}'",
                        found="an image without one",
                        remedy="Give the pixel size (--pixel-size), or write lengths in px and areas in px2.",
                    )  # fmt: skip


def shape_classes(text: str) -> ShapeClasses:
    """The rules of a text or the name of a preset (:data:`PRESETS`).

    Raises:
        BadValue: with the place of what cannot be read.
    """
    plain = text.strip()
    if plain in PRESETS:
        return ShapeClasses(read_rules(PRESETS[plain]))
    near = difflib.get_close_matches(plain.lower().replace(" ", "-"), PRESETS, n=1, cutoff=0.75)
    if near:
        raise BadValue(
            "shape-rule", where="shape_rule", found=repr(plain),
            expected=f"a rule or one of {', '.join(PRESETS)}", remedy=f"Did you mean '{near[0]}'?",
        )  # fmt: skip
    return ShapeClasses(read_rules(text))


def classify(rules: ShapeClasses, table: Table, calibration: Calibration) -> np.ndarray:
    """(n,) str, the class of each row of a shape table (:func:`temj.measurement.shape_table.shape_table`).

    A test of a value that an object does not have (NaN) does not hold. What is to be ignored stays so.

    Raises:
        BadValue: a length in nm in an image without pixel size.
    """
    rules.check(calibration)
    names = np.array(table["Class"], object)
    free = np.array([name != IGNORE for name in names], bool)
    for rule in rules.rules:
        fits = free & _fits(rule, table, calibration)
        names[fits] = rule.name
        free &= ~fits
    return names


def _fits(rule: Rule, table: Table, calibration: Calibration) -> np.ndarray:
    if not rule.conditions:
        return np.full(len(table), True)
    fits = np.full(len(table), False)
    for tests in rule.conditions:
        each = [_COMPARE[test.operator](table[test.column], _value(test, calibration)) for test in tests]
        fits |= np.all([np.asarray(held, bool) for held in each], axis=0)
    return fits


def _value(test: Comparison, calibration: Calibration) -> float | str:
    """The limit in the unit of the table."""
    if isinstance(test.value, str) or not test.unit or test.column in ANGLES:
        return test.value
    power = 2 if test.column in AREAS else 1
    if test.unit == PIXEL:
        return test.value * math.sqrt(calibration.width * calibration.height) ** power
    return test.value * (NM_PER_UNIT[test.unit] / NM_PER_UNIT[calibration.unit]) ** power


def tell_apart(
    instances: Instances,
    image: tuple[int, int],
    calibration: Calibration,
    rules: ShapeClasses | str,
    classes: Sequence[str] = (),
    *,
    rename: bool = False,
) -> Instances:
    """Objects with the classes that rules about their shape give them.

    An object that the edge of the image cuts is judged on the part that is seen (:mod:`temj.measurement.seen`), so
    that outlines which go on outside the image and masks of it give the same classes.

    Args:
        instances: objects of one image, or of planes of the same size.
        image: width and height in pixels.
        calibration: of the image.
        rules: as from :func:`shape_classes`, or their text.
        classes: that there were before, in order (of the model); by default those of the instances.
        rename: whether the objects are named anew, ``<class>-<0001>`` in reading order, as a prediction has them;
            else names stay.

    Returns:
        The same shapes in the same order (with ``rename`` in reading order). Groups that are not 0 are the numbers of
        the new classes. ``info`` has ``classes`` (all that there are now), ``shape_rule`` (the rules as text),
        ``diameter`` for the new classes (that of the class before, where all had the same), and more of ``notes``.

    Raises:
        BadValue: rules that cannot be read, or that need a pixel size that is not known.
    """
    rules = shape_classes(rules) if isinstance(rules, str) else rules
    skeletons = any(column.startswith(_SKELETON) for column in rules.columns)
    table = shape_table(as_seen(instances, image), image, calibration, skeletons)
    names = classify(rules, table, calibration)
    before = list(classes) or list(dict.fromkeys(str(name) for name in instances.class_name))
    after = rules.classes(before)
    number = {name: place for place, name in enumerate(after, start=1)}
    group = np.where(instances.group > 0, [number.get(name, 0) for name in names], 0) if len(names) else 0
    info = {
        **instances.info, "classes": list(after), "shape_rule": str(rules),
        "diameter": _diameters(instances, before, after),
        "notes": [*instances.info.get("notes", ()), *_notes(rules, table)],
    }  # fmt: skip
    told = instances.with_columns(class_name=names, group=group, info=info)
    return in_reading_order(told) if rename else told


def _diameters(instances: Instances, before: Sequence[str], after: Sequence[str]) -> dict[str, str]:
    """What the Diameter of each class is."""
    rules = instances.info.get("diameter", {})
    used = {rules.get(name, "equivalent") for name in before}
    other = used.pop() if len(used) == 1 else "equivalent"
    return {name: rules.get(name, other) for name in after}


def _notes(rules: ShapeClasses, table: Table) -> list[str]:
    """The rule; how many objects were judged on a part of them; and how many have not what it asks for."""
    notes = [f"classes by shape: {rules}"]
    free = np.array([name != IGNORE for name in table["Class"]], bool)
    cut = int((free & (table["Touching"] == 1) & (table["Area"] > 0)).sum())
    if cut and set(rules.columns) - set(_NOT_SHAPE):
        told = "1 object touches" if cut == 1 else f"{cut} objects touch"
        notes.append(f"{told} the edge of the image: judged on what is seen of {'it' if cut == 1 else 'them'}")
    for column in rules.columns:
        values = table[column]
        missing = 0 if values.dtype == object else int(np.isnan(values).sum())
        if missing and column != "Score":
            notes.append(f"{missing} objects have no {column}: tests of it do not hold for them")
    return notes
