"""ImageJ's Rois <-> Instances, both ways through the bytes of a ``.roi`` file, so that there is one conversion.

The class of an object is its property ``class``; group and colour are for the eye, and for people who mark
classes by groups.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from temj.annotations import roi as codec
from temj.area import split_area_rois
from temj.area.rois import word_of
from temj.data import IGNORE, Column, Instances, Table
from temj.errors import BadAnnotation
from temj.imagej.java import J, headless
from temj.plots import outside
from temj.plots.colours import class_colours, hexadecimal

NEUTRAL = hexadecimal(outside.NEUTRAL)
"""Colour of what counts neither as an object nor as none: ``ignore``, and what is left out of the analysed area."""
SOURCES = ("the ROI Manager", "the Overlay", "the selection")
_GROUPS = 255
_TYPE_BYTE, _FREEHAND = 6, 7


def to_rois(
    instances: Instances, image: Any = None, colours: Mapping[str, str] | None = None, name_end: str = ""
) -> list[Any]:
    """One ImageJ Roi for each object, with name, class, score, diameter rule, edge, group, colour and position.

    Args:
        instances: the objects.
        image: the ImagePlus they lie in; decides how a position in a stack is kept.
        colours: class → ``#rrggbb`` of the outline; others get one of :data:`temj.plots.colours.PALETTE`, and
            ``ignore`` is grey.
        name_end: put behind every name.
    """
    import jpype

    classes = list(dict.fromkeys(instances.class_name))
    groups = groups_of(classes)
    shades = _shades(classes, colours or {})
    rules, edges = instances.info.get("diameter", {}), instances.info.get("edge", {})
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
            edge=edges.get(kind, ""),
        )
        roi = J.RoiDecoder.openFromByteArray(jpype.JArray(jpype.JByte)(data))
        group = groups[kind] if kind else int(instances.group[index])
        if group:
            roi.setGroup(group)
        roi.setStrokeColor(J.Color.decode(shades[kind]))
        _place(roi, tuple(int(number) for number in instances.position[index]), image)
        made.append(roi)
    return made


def _shades(classes: Iterable[str], colours: Mapping[str, str]) -> dict[str, str]:
    """class → ``#rrggbb``."""
    found = class_colours([name for name in classes if name != IGNORE], colours)
    return {IGNORE: NEUTRAL} | {name: hexadecimal(colour) for name, colour in found.items()}


def from_rois(rois: Iterable[Any], image: Any = None) -> Instances:
    """The objects that ImageJ's Rois stand for.

    Their class is that of :func:`temj.annotations.roi.class_of`; ``info["diameter"]`` and ``info["edge"]`` are what
    their properties of these names say of the classes, ``info["notes"]`` what was changed in reading them.

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
    kinds, rules, edges = ([facts[name] for facts in columns] for name in ("class_name", "diameter", "edge"))
    notes = tuple(f"{facts['name']}: {facts['note']}" for facts in columns if facts["note"])
    info = codec.diameter_info(kinds, rules) | codec.edge_info(kinds, edges) | ({"notes": notes} if notes else {})
    return Instances.of(shapes, info=info, **packed)


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
    group = J.Roi.getGroupName(facts["group"]) if facts["group"] else None
    return codec.class_of(facts["class_name"], str(group or ""), facts["name"])


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

    ROIs named ``area`` or ``exclude`` are no objects (:func:`area_rois` gives them); a manager or Overlay that has
    only those has none.

    Raises:
        BadAnnotation: none of them has any.
    """
    found = annotations_of(image)
    if found is not None:
        return found
    raise BadAnnotation(
        "none",
        where=str(image.getTitle()),
        expected="ROIs in the ROI Manager, in the image's Overlay, or a selection",
        remedy="Draw or predict some first.",
    )


def annotations_of(image: Any) -> Instances | None:
    """As :func:`of_image`, None where there are none; ``info["source"]`` says where they are from."""
    for source, rois in zip(SOURCES, _marked(image), strict=True):
        objects, _said = split_area_rois(from_rois(rois, image))
        if len(objects):
            return objects.with_columns(info={**objects.info, "source": source})
    return None


def group_table() -> Table:
    """ImageJ's groups that have a name: Group, Name."""
    names = [text.strip() for text in str(J.Roi.getGroupNames() or "").split(",")]
    found = [(number, name) for number, name in enumerate(names, 1) if name]
    groups, texts = zip(*found, strict=True) if found else ((), ())
    return Table((Column("Group", np.array(groups, np.int64)), Column("Name", np.array(texts, object))))


def area_rois(image: Any) -> Instances:
    """The ROIs named ``area`` or ``exclude`` in the ROI Manager and in the image's Overlay; there may be none."""
    found = []
    for roi in (roi for rois in _marked(image)[:2] for roi in rois):
        if word_of(str(roi.getName() or "")) or word_of(str(roi.getProperty("class") or "")):
            found.append(roi)
    return from_rois(found, image)


def _marked(image: Any) -> list[list[Any]]:
    """The Rois of the ROI Manager, of the image's Overlay, and its selection, in this order."""
    manager = None if headless() else J.RoiManager.getInstance2()
    overlay, selection = image.getOverlay(), image.getRoi()
    return [
        list(manager.getRoisAsArray()) if manager is not None else [],
        list(overlay.toArray()) if overlay is not None else [],
        [selection] if selection is not None else [],
    ]
