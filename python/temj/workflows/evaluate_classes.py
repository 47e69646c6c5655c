"""Which class of the prediction is which class of the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from temj.data import IGNORE
from temj.datasets.description import one_spelling
from temj.errors import BadAnnotation, BadValue
from temj.workflows.evaluate_sides import Labelled, Side

NAMELESS = "object"


def read_class_map(words: Sequence[str]) -> dict[str, str]:
    """``("pore=void", "dirt=ignore")`` as name of the prediction → name in the truth.

    Raises:
        BadValue: not of that form.
    """
    wrong = [word for word in words if not all(part.strip() for part in word.partition("=")[::2])]
    if wrong:
        raise BadValue(
            "class-map", where="class_map", expected="words such as pore=void (prediction=truth)",
            found=", ".join(map(repr, wrong)), remedy="Put what has blanks in it between quotes.",
        )  # fmt: skip
    pairs = (word.partition("=") for word in words)
    return {one_spelling(name): one_spelling(meant) for name, _, meant in pairs}


def truth_with_classes(side: Side) -> Side:
    """The truth with a class for every object: those without one have the only one that there is.

    Raises:
        BadAnnotation: objects without a class beside several classes.
    """
    classes = side.classes or (NAMELESS,)
    images = {stem: _renamed(image, {}, classes) for stem, image in side.images.items()}
    nameless = [stem for stem, image in images.items() if (image.instances.class_name == "").any()]
    if nameless:
        raise BadAnnotation(
            "class", where=side.path, expected=f"objects of class {', '.join(classes)}",
            found=f"objects without a class in {', '.join(nameless[:5])}", remedy="Give them a class.",
        )  # fmt: skip
    return replace(side, images=images, classes=classes)


def with_classes(side: Side, known: Sequence[str], meant: Mapping[str, str]) -> Side:
    """The same side with the names of the classes that the truth has.

    Where both sides have one class only it is the same one, whatever it is called; objects without a class have the
    only one that there is.

    Args:
        side: what was found.
        known: classes of the truth.
        meant: name of the prediction → name in the truth, as the user says.

    Raises:
        BadAnnotation: a class that the truth has not.
    """
    mine = list(dict.fromkeys(meant.get(name, name) for name in side.classes))
    alike, notes = dict(meant), list(side.notes)
    if len(known) == len(mine) == 1 and mine[0] != known[0]:
        alike |= {side.classes[0]: known[0]}
        notes.append(f"class '{side.classes[0]}' is taken for '{known[0]}', each being the only one")
    images = {stem: _renamed(image, alike, known) for stem, image in side.images.items()}
    used = {name for image in images.values() for name in image.instances.class_name}
    strange = sorted(used - {*known, IGNORE})
    if strange:
        raise unknown_classes(side.path, strange, known)
    return replace(
        side, images=images, classes=tuple(alike.get(name, name) for name in side.classes), notes=tuple(notes)
    )


def _renamed(image: Labelled, alike: Mapping[str, str], known: Sequence[str]) -> Labelled:
    only = known[0] if len(known) == 1 else ""
    names = [one_spelling(name) for name in image.instances.class_name]
    names = np.array([alike.get(name, name) or only for name in names], object)
    return replace(image, instances=image.instances.with_columns(class_name=names))


def unknown_classes(where: Path | str, strange: Sequence[str], known: Sequence[str]) -> BadAnnotation:
    """The error for classes of the prediction that the truth has not."""
    shown = ", ".join(f"'{name}'" if name else "objects without a class" for name in strange)
    return BadAnnotation(
        "class", where=where, expected=f"objects of the classes of the truth: {', '.join(known)}", found=shown,
        remedy="Where a class of the prediction is one of the truth under another name, say so with --class-map "
        "'name in the prediction=name in the truth', a word for each class; '=ignore' leaves its objects out.",
    )  # fmt: skip
