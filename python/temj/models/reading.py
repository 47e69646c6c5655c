"""Reading ``model.json``: every fault in words."""

from __future__ import annotations

import json
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from temj.errors import BadModel
from temj.models.card import Card, did_you_mean

FORMAT = 1
"""The newest format of a card that this TEMJ reads."""


def read_card(data: bytes, where: object) -> Card:
    """Parse ``model.json``.

    Args:
        data: the bytes of the file.
        where: its path, for messages.

    Raises:
        BadModel: ``newer-format``; ``card``: not JSON, unknown key (the nearest is named), wrong or missing value.
    """
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadModel("card", where=where, found=f"no JSON ({error})", remedy="Copy the model again.") from None
    number = raw.get("format") if isinstance(raw, dict) else None
    if isinstance(number, int) and not isinstance(number, bool) and number > FORMAT:
        raise BadModel(
            "newer-format",
            where=where,
            expected=f"format {FORMAT} or older",
            found=f"format {number}",
            remedy="Install a newer TEMJ to use this model; its files are fine.",
        )
    try:
        if number is None:
            raise BadModel(
                "card", where=where, expected=f"a card with format: {FORMAT}", remedy="Is this a model folder?"
            )
        return Card.model_validate_json(data, strict=True)
    except ValidationError as error:
        raise card_error(error, where) from None


def card_error(error: ValidationError, where: object) -> BadModel:
    """All faults of a card in one message (the first ten in words)."""
    faults = [_fault(entry["loc"], entry["type"], entry["msg"]) for entry in error.errors(include_url=False)]
    more = f"; and {len(faults) - 10} more" if len(faults) > 10 else ""
    return BadModel("card", where=where, found="; ".join(faults[:10]) + more, remedy="Correct or copy the model again.")


def _fault(place: tuple[int | str, ...], kind: str, message: str) -> str:
    spot = ".".join(map(str, place)) or "card"
    if kind == "extra_forbidden":
        return f"unknown key '{spot}'. {did_you_mean(str(place[-1]), _keys_at(place[:-1]))}".strip()
    return f"{spot}: {message.removeprefix('Value error, ')}"


def _keys_at(place: tuple[int | str, ...]) -> list[str]:
    """The known keys of the part of the card at ``place``."""
    part: type[BaseModel] = Card
    for step in place:
        if step in part.model_fields:
            part = next(iter(_parts(part.model_fields[step].annotation)), part)
    return list(part.model_fields)


def _parts(annotation: Any) -> list[type[BaseModel]]:
    """The card parts that occur in an annotation such as ``tuple[Class, ...]`` or ``PixelSize | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [part for inner in get_args(annotation) for part in _parts(inner)]
