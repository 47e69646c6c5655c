"""What a pydantic model does not take, in words: what it should be, and within which limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError

_OWN = ("value_error", "assertion_error", "missing", "extra_forbidden", "finite_number")
"""Kinds of faults whose words are the model's own, or which have no limits to tell."""
_LONGEST = 80


@dataclass(frozen=True)
class Fault:
    """The first thing that is wrong with the values of a model.

    Attributes:
        kind: pydantic's name of it, such as ``extra_forbidden``.
        name: of the field; "" for a rule over several that begins with no field's name.
        place: number of the value in a list, from 1; None where the field is no list.
        expected: what it should be, for behind "expected".
        found: what came instead, shortened; None where no field is named.
    """

    kind: str
    name: str
    place: int | None
    expected: str
    found: str | None

    @property
    def where(self) -> str:
        """The field, and which of its values."""
        return self.name if self.place is None else f"{self.name}, value {self.place}"


def first_fault(model: type[BaseModel], error: ValidationError) -> Fault:
    """What is to be told of an error of a model.

    A rule over several fields that begins with the name of one of them, such as "width must be …", is about that one.
    """
    first = error.errors()[0]
    path, rule = first["loc"], first["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    if not path:
        name = rule.partition(" ")[0]
        given = first["input"]
        if name not in model.model_fields or not isinstance(given, Mapping):
            return Fault(first["type"], "", None, begun(rule), None)
        shown = given.get(name, model.model_fields[name].default)
        return Fault(first["type"], name, None, rule.partition(" must be ")[2] or rule, _short(shown))
    name, places = str(path[0]), [step for step in path[1:] if isinstance(step, int)]
    told = rule.removeprefix(f"{name} must be ") if first["type"] in _OWN else _limits(model, name, places)
    return Fault(first["type"], name, places[0] + 1 if places else None, told or begun(rule), _short(first["input"]))


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def begun(text: str) -> str:
    """A text as it stands inside a sentence; ``ROI set`` keeps its capitals."""
    return text if text[:2].isupper() else text[:1].lower() + text[1:]


def _limits(model: type[BaseModel], name: str, places: list[int]) -> str:
    """What a field takes, with its limits; "" where its type does not say it."""
    info = model.model_fields.get(name)
    if info is None:
        return ""
    wanted: Any = Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation
    try:
        schema = TypeAdapter(wanted).json_schema()
    except (PydanticUserError, PydanticSchemaGenerationError):
        return ""
    for place in places:
        inner = _only(schema)
        first = inner.get("prefixItems", [])
        schema = first[place] if place < len(first) else inner.get("items", {})
    return in_words(_only(schema))


def _only(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The one type of several that is not null; nothing where there are more."""
    others = [each for each in schema.get("anyOf", (schema,)) if each.get("type") != "null"]
    return others[0] if len(others) == 1 else {}


def in_words(schema: Mapping[str, Any]) -> str:
    """What values of a JSON schema are: ``a whole number from 3 to 5``; "" where it does not say it."""
    if "const" in schema:
        return str(schema["const"])
    if "enum" in schema:
        return f"one of: {', '.join(map(str, schema['enum']))}"
    kind = {"integer": "a whole number", "number": "a number", "boolean": "yes or no"}.get(schema.get("type"), "")
    return " ".join(part for part in (kind, _range(schema) if kind else "") if part)


def _range(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f"from {_number(low)} to {_number(high)}"
    parts = [
        "" if low is None else f"of at least {_number(low)}",
        "" if above is None else f"above {_number(above)}",
        "" if high is None else f"at most {_number(high)}",
        "" if below is None else f"below {_number(below)}",
    ]
    return " and ".join(filter(None, parts))


def _number(value: float) -> str:
    return f"{int(value):,}" if float(value).is_integer() else f"{value:g}"
