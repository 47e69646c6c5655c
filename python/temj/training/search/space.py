"""What a search may change: settings by name, each with its values or its range."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
from pydantic import ValidationError

from temj import registry
from temj.annotations import strict_json
from temj.cores import make_core
from temj.errors import BadValue
from temj.training.asked import as_asked
from temj.training.augmentations import AUGMENTATIONS, checked
from temj.training.options import TrainingOptions
from temj.training.suited import IN_WORDS, settings_in_pixels
from temj.wording import first_fault

NOT_SEARCHED = {
    "device", "threads", "checkpoint_seconds", "tensorboard", "folds", "members", "description", "command", "resume",
    "overwrite", "settings", "augmentation",
}  # fmt: skip
"""Options of a training that decide nothing about its weights, or that hold other settings."""
_LIKE = "learning_rate=1e-4..1e-2:log, crop=128,192,256, loss=bce+dice,focal+dice or inversion=0..0.5"
_CONSTANTS = {"true": True, "false": False, "none": None}


@dataclass(frozen=True)
class Choice:
    """A few values; a single one is fixed for all trials."""

    values: tuple[Any, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The values as text, as tables and plots have them."""
        return tuple(label(value) for value in self.values)


@dataclass(frozen=True)
class Range:
    """All numbers from ``low`` to ``high``, both included; with ``log`` each decade is as likely as another."""

    low: float
    high: float
    log: bool = False
    whole: bool = False


Entry = Choice | Range


@dataclass(frozen=True)
class Space:
    """Name of a setting → what it may be. Names are those of :func:`places`."""

    entries: Mapping[str, Entry]

    @property
    def searched(self) -> dict[str, Entry]:
        """The settings that differ from trial to trial."""
        return {name: entry for name, entry in self.entries.items() if not _is_fixed(entry)}

    @property
    def fixed(self) -> dict[str, Any]:
        """The settings that are the same in all trials."""
        return {name: entry.values[0] for name, entry in self.entries.items() if _is_fixed(entry)}

    def as_json(self) -> dict[str, Any]:
        """JSON values that :func:`read_space` takes."""
        return {
            name: list(entry.values)
            if isinstance(entry, Choice)
            else {"low": entry.low, "high": entry.high, "log": entry.log}
            for name, entry in self.entries.items()
        }


def label(value: Any) -> str:
    """A value of a setting as text."""
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(value) if isinstance(value, list | tuple) else str(value)


def _is_fixed(entry: Entry) -> bool:
    return isinstance(entry, Choice) and len(entry.values) == 1


def read_space(words: Sequence[str], core: str, classes: Sequence[str]) -> Space:
    """A space from words of the command line, or from a JSON file (one word that ends in ``.json``).

    ``name=a,b,c`` are values, ``name=low..high`` a range (``:log`` for equal chances in each decade, ``:5`` for five
    values in equal distances), ``name=value`` fixes a setting for all trials. Names are options of a training, settings
    of the core, and augmentations as in ``--augmentation``. A value with commas is written as a list:
    ``decoder_channels=[128,64,32,16,16],[64,32,16,8,8]``, lengths in one value are joined by ``+``:
    ``anchor_sizes=4nm+8nm+16nm,8nm+16nm+32nm``. In the file a value is a list of values, a range
    ``{"low": …, "high": …, "log": true}``, or one of these words.

    Args:
        words: as given.
        core: the core that is trained.
        classes: of the dataset.

    Raises:
        BadValue: no word, an unknown name (with the nearest known one), a value that the setting cannot take, a range
            of something that is no number or whose ends are not in order, or nothing to search.
    """
    given = _from_file(Path(words[0])) if len(words) == 1 and words[0].lower().endswith(".json") else _split(words)
    space = _space(given, core, classes)
    if not space.searched:
        raise BadValue(
            "space", where="space", expected=f"at least one setting with several values, such as {_LIKE}",
            found=", ".join(space.entries) or "none", remedy="Give the values or the range that shall be tried.",
        )  # fmt: skip
    return space


def read_fixed(words: Sequence[str], core: str, classes: Sequence[str]) -> dict[str, Any]:
    """Settings with one value each, from words such as ``epochs=200``.

    Raises:
        BadValue: as :func:`read_space`, or several values.
    """
    space = _space(_split(words), core, classes)
    if space.searched:
        name = next(iter(space.searched))
        raise BadValue("final", where=name, expected="one value, such as epochs=200", found="several")
    return space.fixed


def _space(given: Mapping[str, Any], core: str, classes: Sequence[str]) -> Space:
    known = places(core, classes)
    entries: dict[str, Entry] = {}
    for name, value in given.items():
        plain = name.strip().replace("-", "_")
        if plain not in known:
            raise registry.unknown("setting", name, known)
        entries[plain] = _entry(plain, value)
    return _checked(Space(entries), known, core, classes)


def places(core: str, classes: Sequence[str]) -> dict[str, str]:
    """Name of every setting that can be searched → where it stands: ``option``, ``core`` or ``augmentation``."""
    settings = make_core(core, {"classes": tuple(classes)}).settings
    found = dict.fromkeys(set(type(settings).model_fields) - {"classes"}, "core")
    found |= dict.fromkeys(set(TrainingOptions.model_fields) - NOT_SEARCHED, "option")
    for name, target in AUGMENTATIONS.items():
        found[name] = "augmentation"
        found |= {f"{name}.{quantity}": "augmentation" for quantity in registry.load(target).ranges}
    return found


def options_of(
    base: Mapping[str, Any], chosen: Mapping[str, Any], core: str, classes: Sequence[str]
) -> TrainingOptions:
    """The options of one training: ``base`` (fields of TrainingOptions) with the settings of a trial.

    Raises:
        BadValue: settings that do not go together.
    """
    known, values = places(core, classes), dict(base)
    settings, augmentation = dict(base.get("settings", {})), dict(checked(base.get("augmentation", {})))
    for name, value in chosen.items():
        if known[name] == "option":
            values[name] = value
        elif known[name] == "core":
            settings[name] = value
        else:
            kind, _, quantity = name.partition(".")
            augmentation[kind] = augmentation.get(kind, {}) | {quantity or "probability": value}
    try:
        return TrainingOptions(**values | {"settings": settings, "augmentation": augmentation})
    except ValidationError as error:
        fault = first_fault(TrainingOptions, error)
        raise _impossible(fault.where, fault.found, fault.expected) from None


def _from_file(path: Path) -> dict[str, Any]:
    try:
        found = strict_json.load(path)
    except Exception as error:
        if not hasattr(error, "expected"):
            raise
        raise BadValue(
            error.problem, where=error.where, expected=error.expected, found=error.found, remedy=error.remedy
        ) from None
    if not isinstance(found, dict):
        raise BadValue("space", where=path, expected="an object of settings", found=type(found).__name__)
    return found


def _split(words: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in words:
        name, sign, text = word.partition("=")
        if not sign or not name.strip() or not text.strip() or name in found:
            raise BadValue(
                "space", where=word, expected=f"name=values, each name once, such as {_LIKE}",
                remedy="docs/search.md lists what can be searched; or give a JSON file.",
            )  # fmt: skip
        found[name] = text.strip()
    return found


def _entry(name: str, value: Any) -> Entry:
    """What stands behind a name: words, a list of values, or a mapping of a range."""
    if isinstance(value, str):
        return _entry_of_text(name, value)
    if isinstance(value, Mapping):
        strange = set(value) - {"low", "high", "log"}
        if strange or not {"low", "high"} <= set(value) or not isinstance(value.get("log", False), bool):
            raise BadValue(
                "space", where=name, expected='{"low": number, "high": number, "log": true or false}', found=dict(value)
            )
        return _range(name, value["low"], value["high"], value.get("log", False), None)
    values = value if isinstance(value, list) else [value]
    if not values:
        raise BadValue("space", where=name, expected="values", found="an empty list")
    return Choice(tuple(values))


def _entry_of_text(name: str, text: str) -> Entry:
    if "[" in text:
        try:
            return Choice(tuple(json.loads(f"[{text}]")))
        except ValueError:
            raise BadValue("space", where=name, expected="lists such as [64,32],[32,16]", found=text) from None
    parts = [part.strip() for part in text.split(",")]
    if "." in name and not name.endswith(".probability"):  # a range is what such a quantity is
        return Choice(tuple(_pair(name, part) for part in parts))
    if len(parts) > 1 or ".." not in text:
        return Choice(tuple(_plain(part) for part in parts))
    ends, *marks = text.split(":")
    low, _, high = ends.partition("..")
    counts = [mark for mark in marks if mark.isdigit()]
    if len(counts) > 1 or set(marks) - {"log", *counts}:
        raise BadValue("space", where=name, expected="low..high, low..high:log or low..high:5", found=text)
    return _range(name, _plain(low), _plain(high), "log" in marks, int(counts[0]) if counts else None)


def _range(name: str, low: Any, high: Any, log: bool, count: int | None) -> Entry:
    numbers = all(isinstance(end, int | float) and not isinstance(end, bool) for end in (low, high))
    if not numbers or not math.isfinite(low) or not math.isfinite(high) or not low < high or (log and low <= 0):
        rule = "two numbers above 0, the smaller first" if log else "two numbers, the smaller first"
        raise BadValue("range", where=name, expected=f"{rule}, such as {_LIKE}", found=f"{low}..{high}")
    whole = isinstance(low, int) and isinstance(high, int)
    if count is None:
        return Range(low, high, log, whole)
    if count < 2:
        raise BadValue("range", where=name, expected="at least 2 values of a range", found=count)
    values = np.geomspace(low, high, count) if log else np.linspace(low, high, count)
    return Choice(tuple(dict.fromkeys(round(value) if whole else float(f"{value:.6g}") for value in values.tolist())))


def _pair(name: str, text: str) -> list[float]:
    try:
        ends = [float(end) for end in text.split("..")]
    except ValueError:
        ends = []
    if len(ends) not in (1, 2):
        raise BadValue(
            "space", where=name, expected=f"ranges to choose from, such as {name}=0.8..1.25,0.5..2", found=text
        )
    return [ends[0], ends[-1]]


def _plain(text: str) -> Any:
    """Text as the value it shows: a whole number, a number, true, false, none, or text."""
    text = text.strip()
    if text.lower() in _CONSTANTS:
        return _CONSTANTS[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _checked(space: Space, known: Mapping[str, str], core: str, classes: Sequence[str]) -> Space:
    """The space with every value as its setting takes it, tried with the fixed settings of the others."""
    entries = {}
    for name, entry in space.entries.items():
        others = {other: value for other, value in space.fixed.items() if other != name}
        ends = entry.values if isinstance(entry, Choice) else (entry.low, entry.high)
        taken = tuple(_taken(name, value, known[name], others, core, classes) for value in ends)
        if isinstance(entry, Range):
            if not all(isinstance(end, int | float) and not isinstance(end, bool) for end in taken):
                raise BadValue(
                    "range", where=name, expected="values separated by commas", found=f"{entry.low}..{entry.high}",
                    remedy="Only numbers have ranges.",
                )  # fmt: skip
            whole = known[name] != "augmentation" and all(isinstance(end, int) for end in taken)
            entries[name] = Range(*taken, entry.log, whole)
        else:
            entries[name] = Choice(tuple({label(value): value for value in taken}.values()))
    return Space(entries)


def _taken(name: str, value: Any, place: str, others: Mapping[str, Any], core: str, classes: Sequence[str]) -> Any:
    """A value as its setting takes it.

    Raises:
        BadValue: it does not take it.
    """
    if place == "option" and name in _kinds(int) and name not in _kinds(float) and isinstance(value, float):
        raise _impossible(name, repr(value), "a whole number")
    options = options_of({}, {**others, name: value}, core, classes)
    if place == "option":
        return getattr(options, name)
    if place == "core":
        try:
            settings = settings_in_pixels(options.settings, core, tuple(classes), 1.0)
            made = make_core(core, {**settings, "classes": tuple(classes)})
            _try_network(made)
        except BadValue as error:
            raise as_asked(error, core) from None
        if name in IN_WORDS:  # its pixels follow from the pixel size of each trial
            return value
        return made.settings.model_dump(mode="json")[name]
    kind, _, quantity = name.partition(".")
    return options.augmentation[kind][quantity or "probability"]


def _try_network(core: Any) -> None:
    """Build a core's network without memory for its weights: it knows its encoder, and the parts fit together.

    Raises:
        BadValue: they do not.
    """
    import torch

    with torch.device("meta"):
        _ = core.network


def _kinds(kind: type) -> set[str]:
    """The options whose annotation has this type."""
    return {name for name, field in TrainingOptions.model_fields.items() if _has(field.annotation, kind)}


def _has(annotation: Any, kind: type) -> bool:
    return annotation is kind or any(_has(inner, kind) for inner in get_args(annotation))


def _impossible(name: str, found: str | None, expected: str) -> BadValue:
    return BadValue(
        "setting", where=name or "settings", expected=expected, found=found,
        remedy="Correct it in the space of the search.",
    )  # fmt: skip
