"""ImageJ's Rois <-> Instances, both ways through the bytes of a ``.roi`` file, so that there is one conversion.

The class of an object is its property ``class``; group and colour are for the eye, and for people who mark
classes by groups.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from temj.annotations import roi as codec
from temj.data import Instances
from temj.errors import BadAnnotation
from temj.imagej.java import J, headless
from temj.plots.colours import class_colours, hexadecimal

_GROUPS = 255
_TYPE_BYTE, _FREEHAND = 6, 7


def to_rois(
    instances: Instances, image: Any = None, colours: Mapping[str, str] | None = None, name_end: str = ""
) -> list[Any]:
    """One ImageJ Roi for each object, with name, class, score, diameter rule, group, colour and position.

    Args:
        instances: the objects.
        image: the ImagePlus they lie in; decides how a position in a stack is kept.
        colours: class → ``#rrggbb`` of the outline; others get one of :data:`temj.plots.colours.PALETTE`.
        name_end: put behind every name.
    """
    import jpype

    classes = list(dict.fromkeys(instances.class_name))
    groups = groups_of(classes)
    shades = {name: hexadecimal(colour) for name, colour in class_colours(classes, colours or {}).items()}
    rules = instances.info.get("diameter", {})
    made = []
    for index, shape in enumerate(instances.shapes):
        kind = instances.class_name[index]
        name = f"{instances.name[index]}{name_end}"
        data = codec.encode(
            shape,
            name=name,
            class_name=kind,
            score=float(instances.score[index]),
            position=tuple(int(number) for number in instances.position[index]),
            track=int(instances.track[index]),
            diameter=rules.get(kind, ""),
        )
        roi = J.RoiDecoder.openFromByteArray(jpype.JArray(jpype.JByte)(data))
        group = groups[kind] if kind else int(instances.group[index])
        if group:
            roi.setGroup(group)
        roi.setStrokeColor(J.Color.decode(shades[kind]))
        _place(roi, tuple(int(number) for number in instances.position[index]), image)
        made.append(roi)
    return made


def from_rois(rois: Iterable[Any], image: Any = None) -> Instances:
    """The objects that ImageJ's Rois stand for.

    The class is the property ``class``, else the name of the group, else the part of the name before ``-0001``;
    ``info["diameter"]`` is what their property ``diameter`` says of the classes.

    Raises:
        BadAnnotation: a Roi that is no outline TEMJ knows, such as text or a picture.
    """
    shapes, columns = [], []
    for number, roi in enumerate(rois, 1):
        label = f"ROI {number} '{roi.getName() or ''}'"
        shape, facts = codec.decode(_bytes_of(roi, label), label)
        shapes.append(shape)
        columns.append(facts | {"class_name": _class_of(facts), "position": _position(roi, image)})
    names = ("class_name", "score", "name", "group", "position", "track")
    # the name of a group is text of its own to ImageJ: np.array would make classes and names fixed-width
    packed = {name: _column([facts[name] for facts in columns], name) for name in names} if columns else {}
    kinds, rules = ([facts[name] for facts in columns] for name in ("class_name", "diameter"))
    return Instances.of(shapes, info=codec.diameter_info(kinds, rules), **packed)


def _bytes_of(roi: Any, label: str) -> bytes:
    """The Roi as ImageJ saves it, with one fault of ImageJ mended.

    A rotated rectangle that a macro or script made is saved as a polygon; as freehand ImageJ reads it back.
    """
    data = J.RoiEncoder.saveAsByteArray(roi)
    if data is None:
        raise BadAnnotation(
            "roi", where=label, found=str(roi.getTypeAsString()), remedy="Remove it from the ROIs that are used."
        )
    saved = bytearray(data)
    if isinstance(roi, J.RotatedRectRoi):
        saved[_TYPE_BYTE] = _FREEHAND
    return bytes(saved)


def _column(values: list[Any], name: str) -> np.ndarray:
    return np.array(values, {"class_name": object, "name": object, "score": float}.get(name, np.int64))


def _class_of(facts: Mapping[str, Any]) -> str:
    if facts["class_name"]:
        return facts["class_name"]
    named = J.Roi.getGroupName(facts["group"]) if facts["group"] else None
    if named:
        return str(named)
    start, dash, number = facts["name"].rpartition("-")
    return start if dash and len(number) >= 4 and number.isdecimal() and not start.isdecimal() else ""


def groups_of(classes: Iterable[str]) -> dict[str, int]:
    """The ImageJ group of each class: the one already named so, else the first one without a name, which gets it.

    Names of groups are added to ImageJ's list, never replaced. 0 where a class has no name, a name that the list
    cannot hold, or where all groups have other names.
    """
    known = str(J.Roi.getGroupNames() or "").split(",")
    known += [""] * (_GROUPS - len(known))
    groups = {}
    for name in dict.fromkeys(classes):
        if not name or "," in name:
            groups[name] = 0
            continue
        place = next((k for k, taken in enumerate(known) if taken.strip() == name), None)
        if place is None:
            place = next((k for k, taken in enumerate(known) if not taken.strip()), None)
            if place is not None:
                known[place] = name
                J.Roi.setGroupName(place + 1, name)
        groups[name] = 0 if place is None else place + 1
    J.Roi.getGroupNames()  # makes ImageJ take over what was set
    return groups


def _place(roi: Any, position: tuple[int, int, int], image: Any) -> None:
    """Where in a stack the Roi is shown: channel, slice and frame in a hyperstack, else the number of the plane."""
    if image is None:
        return
    if image.getStackSize() == 1 or not any(position):
        roi.setPosition(0)
    elif image.isHyperStack():
        roi.setPosition(*position)
    else:
        roi.setPosition(image.getStackIndex(*position))


def _position(roi: Any, image: Any) -> tuple[int, int, int]:
    """1-based channel, slice, frame; (0, 0, 0) for none and in single images."""
    if image is not None and image.getStackSize() == 1:
        return (0, 0, 0)
    if roi.hasHyperStackPosition():
        return int(roi.getCPosition()), int(roi.getZPosition()), int(roi.getTPosition())
    plane = int(roi.getPosition())
    if plane <= 0:
        return (0, 0, 0)
    if image is None:
        return (1, plane, 1)
    return tuple(int(number) for number in image.convertIndexToPosition(plane))


def of_image(image: Any) -> Instances:
    """What a person has marked: the ROI Manager's ROIs, else the image's Overlay, else its selection.

    Raises:
        BadAnnotation: none of them has any.
    """
    manager = None if headless() else J.RoiManager.getInstance2()
    if manager is not None and manager.getCount():
        return from_rois(manager.getRoisAsArray(), image)
    overlay = image.getOverlay()
    if overlay is not None and overlay.size():
        return from_rois(overlay.toArray(), image)
    selection = image.getRoi()
    if selection is None:
        raise BadAnnotation(
            "none",
            where=str(image.getTitle()),
            expected="ROIs in the ROI Manager, in the image's Overlay, or a selection",
            remedy="Draw or predict some first.",
        )
    return from_rois([selection], image)
