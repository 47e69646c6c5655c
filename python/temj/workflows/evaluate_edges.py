"""Whether truth and prediction are outlined at the same edge of the contrast: where not, sizes do not compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from temj.measurement.defect.edges import DEFAULT, edge_of
from temj.workflows.evaluate_guess import Prediction
from temj.workflows.evaluate_sides import Side


def edge_notes(true: Side, guessed: Prediction) -> list[str]:
    """Notes about classes whose truth and prediction follow different edges."""
    found: dict[str, str] = {}
    for card in guessed.cards:
        found = card.edges | found
    if guessed.side is not None:
        found |= said_by(guessed.side)
    if len(true.classes) == len(found) == 1:  # the only class of each side is the same one
        found = {true.classes[0]: next(iter(found.values()))}
    return different_edges(true.classes, said_by(true), found)


def said_by(side: Side) -> dict[str, str]:
    """class → the edge that its outlines follow, in words: what the ROIs say, else the dataset or the prediction."""
    said: dict[str, str] = {}
    if side.dataset is not None:
        description = side.dataset.description
        said |= {entry.name: entry.edge or description.edge for entry in description.classes}
    for entry in side.run.get("images", ()):
        told = entry.get("prediction", {}).get("edge", {})
        said |= {str(name): str(text) for name, text in told.items()} if isinstance(told, Mapping) else {}
    for image in side.images.values():
        said |= {name: str(text) for name, text in image.instances.info.get("edge", {}).items()}
    return {name: text for name, text in said.items() if text.strip()}


def different_edges(classes: Sequence[str], true: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """A note for each class whose truth and prediction follow different edges, or where nobody can tell.

    Args:
        classes: names.
        true, found: class → edge in words; a class that is missing or "" says nothing.
    """
    notes = []
    for name in classes:
        one, other = true.get(name, "").strip(), found.get(name, "").strip()
        if one == other:
            continue
        meant = [edge_of(text) for text in (one, other)]
        if None not in meant and meant[0] == meant[1]:
            continue
        sure = one and other and None not in meant
        notes.append(
            f"class '{name}': {'different edges' if sure else 'perhaps different edges'}: the truth is outlined at "
            f"{_told(one)}, the prediction at {_told(other)}; sizes {'differ' if sure else 'may differ'} by the width "
            "of the contrast, which is no error of the prediction"
        )
    return notes


def _told(text: str) -> str:
    return f"'{text}'" if text else f"no named edge (taken for {DEFAULT})"
