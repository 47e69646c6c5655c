"""What a user asks of the shape of objects: classes by a rule, length and width along the skeleton."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from temj import registry
from temj.data import Film, Instances, Micrograph, Table
from temj.measurement.shape_classes import shape_classes, tell_apart
from temj.measurement.skeleton import skeleton_columns
from temj.plots.colours import class_colours, hexadecimal

CRACK = "crack"
SKELETONS = ("auto", "all", "none")


def check(rule: str, skeleton: str, classes: Sequence[str]) -> None:
    """Stop before any work where a rule or the names of classes cannot be meant.

    Args:
        rule: as in :func:`told_apart`.
        skeleton: as in :func:`with_skeleton`.
        classes: that a model finds.

    Raises:
        BadValue: a rule that cannot be read, or an unknown class.
    """
    after = shape_classes(rule).classes(classes) if rule else tuple(classes)
    for name in _named(skeleton):
        if name not in after:
            raise registry.unknown("class", name, {*after, *SKELETONS})


def check_scale(rule: str, image: Micrograph) -> None:
    """Stop before a prediction whose rule needs the pixel size of an image that has none.

    Raises:
        BadValue: ``pixel-size``.
    """
    if rule:
        shape_classes(rule).check(image.calibration, image.name)


def told_apart(
    found: Instances,
    image: Micrograph,
    rule: str,
    classes: Sequence[str],
    colours: Mapping[str, str] | None = None,
    *,
    rename: bool = True,
) -> Instances:
    """Objects with the classes of a rule about their shape (:func:`temj.measurement.shape_classes.tell_apart`).

    Args:
        found: objects of the image, or of a film whose planes are like it.
        image: for size and pixel size.
        rule: text of a rule or name of a preset; "": nothing changes.
        classes: that there were before, in order.
        colours: class → ``#rrggbb`` of these; new classes get one of the palette that is unlike the others.
        rename: whether the objects are named anew after their class.

    Returns:
        The objects; ``info`` has besides ``classes`` and ``shape_rule`` also ``colours`` of all classes.

    Raises:
        BadValue: a rule that cannot be read, or that needs a pixel size that is not known.
    """
    if not rule:
        return found
    check_scale(rule, image)
    size = image.width, image.height
    told = tell_apart(found, size, image.calibration, rule, classes, rename=rename)
    names = told.info["classes"]
    known = {name: colour for name, colour in (colours or {}).items() if name in names}
    shown = class_colours(names, known)
    return told.with_columns(info={**told.info, "colours": {name: hexadecimal(shown[name]) for name in names}})


def classes_of(found: Instances, otherwise: Sequence[str]) -> tuple[str, ...]:
    """The classes that there are: those that a rule gave, or else ``otherwise``."""
    return tuple(found.info.get("classes", otherwise))


def thin(found: Instances, skeleton: str) -> np.ndarray:
    """(n,) bool, the objects whose skeleton is measured.

    Args:
        found: n objects.
        skeleton: ``auto`` (of classes that have the word crack in their name), ``all``, ``none`` or ``""``, or names of
            classes with commas between them.
    """
    if skeleton == "auto":
        return np.array([CRACK in str(name).lower() for name in found.class_name], bool)
    names = _named(skeleton)
    return np.array([skeleton == "all" or name in names for name in found.class_name], bool)


def _named(skeleton: str) -> list[str]:
    """The classes that an option names."""
    return [] if skeleton in SKELETONS else [name.strip() for name in skeleton.split(",") if name.strip()]


def with_skeleton(results: Table, film: Micrograph | Film, found: Instances, skeleton: str) -> Table:
    """Results with SkeletonLength … SkeletonBranches at their end, where the skeleton of an object is measured.

    Args:
        results: a row for each object.
        film: the image, or a film of planes of one size.
        found: the objects.
        skeleton: as in :func:`thin`.
    """
    chosen = thin(found, skeleton)
    if not chosen.any():
        return results
    first = film if isinstance(film, Micrograph) else film[0]
    size = first.width, first.height
    return results.with_columns(*skeleton_columns(found.shapes, chosen, size, first.calibration))
