"""What is wrong with the objects of one image, and their areas."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from temj.data import IGNORE, Instances, RoiType
from temj.datasets.folder import Dataset, Item
from temj.datasets.problems import Problem, counted, listed, within
from temj.geometry import Runs, boxes, clip_boxes, rasterise

FARTHEST = 1e6
"""Coordinates beyond this are a mistake of units or a damaged file."""
_PARAMETERS = {RoiType.RECT: 4, RoiType.OVAL: 4, RoiType.ELLIPSE: 5, RoiType.ROTATED_RECT: 5}
_SAME_PLACE = 0.7
"""Intersection over union from which on two objects are at the same place."""
_LARGE_OVERLAP = 0.2
"""Share of an object's pixels from which on it is doubted that other objects have them too."""
_OWN_WORD = ("roiset", "masks")
"""Formats in which nobody said on purpose that an image is empty."""


@dataclass(frozen=True, eq=False)
class Found:
    """The objects of one image that can be used.

    Attributes:
        labelled, reported: (n,) str, the class they were given and the one they count as.
        area: (n,) int64, pixels inside the image.
        at_edge: (n,) bool, whether they have a pixel in its first or last row or column.
    """

    labelled: np.ndarray
    reported: np.ndarray
    area: np.ndarray
    at_edge: np.ndarray

    def of_classes(self, names: Collection[str]) -> Found:
        """Those that count as one of these classes."""
        kept = np.isin(self.reported, list(names))
        return Found(self.labelled[kept], self.reported[kept], self.area[kept], self.at_edge[kept])


def of_objects(
    dataset: Dataset, item: Item, labelled: Instances, reported: np.ndarray, size: tuple[int, int]
) -> tuple[list[Problem], Found]:
    """Look at the objects of an image.

    Args:
        dataset: the dataset.
        item: the image.
        labelled: its objects with the names they were given.
        reported: (n,) str, the classes they count as.
        size: (width, height) of the image in pixels.
    """
    where = within(item.annotation or item.image, dataset.folder)
    problems = list(of_shapes(labelled, where))
    good = np.flatnonzero(_finite(labelled) & _encloses(labelled))
    usable = labelled.take(good)
    runs = rasterise(usable.shapes, *size)
    pixels = runs.counts(len(usable))
    problems += _of_places(usable, pixels, size, where)
    if item.format != "masks":
        problems += _of_overlaps(usable, reported[good], runs, size, where)
    edge = _at_edge(runs, len(usable), size)
    kept = pixels > 0
    found = Found(usable.class_name[kept], reported[good][kept], pixels[kept], edge[kept])
    return [*problems, *_of_amount(dataset, item, found, runs, reported[good], size)], found


def _finite(found: Instances) -> np.ndarray:
    """(n,) bool: whether all numbers of a shape are finite and within 1e6."""
    shapes = found.shapes
    wrong_points = ~(np.abs(shapes.points) <= FARTHEST).all(axis=1)
    owner = np.repeat(np.arange(len(shapes)), np.diff(shapes.offsets))
    wrong = np.zeros(len(shapes), bool)
    wrong[owner[wrong_points]] = True
    for kind, count in _PARAMETERS.items():
        wrong |= (shapes.roi_type == kind) & ~(np.abs(shapes.params[:, :count]) <= FARTHEST).all(axis=1)
    return ~wrong


def _encloses(found: Instances) -> np.ndarray:
    """(n,) bool: whether a shape is one that has an area."""
    return np.array([RoiType(kind).is_area for kind in found.shapes.roi_type], bool)


def of_shapes(found: Instances, where: str) -> Iterator[Problem]:
    """What is wrong with objects whatever the size of their image is: coordinates, kinds of shape, planes.

    Args:
        found: the objects.
        where: the annotation, for the message.
    """
    finite, area = _finite(found), _encloses(found)
    if not finite.all():
        yield Problem(
            "error", "objects/coordinates", where,
            f"{_named(found, ~finite)} with coordinates that are not finite or beyond {FARTHEST:,.0f}",
            "Delete and draw them again.",
        )  # fmt: skip
    if not area.all():
        yield Problem(
            "error", "objects/no-area", where, f"{_named(found, ~area)} that are points or lines and enclose no pixels",
            "Draw the outline of each object (in ImageJ: oval, ellipse, polygon or freehand selection), or delete it.",
        )  # fmt: skip
    yield from _of_positions(found, where)


def _of_places(found: Instances, pixels: np.ndarray, size: tuple[int, int], where: str) -> Iterator[Problem]:
    """Objects outside the image, cut by its edge, or without a pixel."""
    box = boxes(found.shapes)
    clipped = clip_boxes(box, *size)
    empty = (box[:, 2:] <= 0).any(axis=1)
    outside = ~empty & (clipped[:, 2:] <= 0).any(axis=1)
    if outside.any():
        yield Problem(
            "error", "objects/outside", where, f"{_named(found, outside)} outside its image of {size[0]} x {size[1]}",
            "They belong to another image, or their image was cropped or scaled after labelling.",
        )  # fmt: skip
    nothing = (pixels == 0) & ~outside
    if nothing.any():
        yield Problem(
            "error", "objects/no-pixels", where, f"{_named(found, nothing)} without a single pixel",
            "Delete them, or draw them larger.",
        )  # fmt: skip
    over = (pixels > 0) & (clipped != box).any(axis=1)
    if over.any():
        yield Problem(
            "info", "objects/clipped", where, f"{_named(found, over)} reaching over the edge of the image",
            "What is outside is cut off.",
        )  # fmt: skip


def _of_positions(found: Instances, where: str) -> Iterator[Problem]:
    """Objects on a slice, frame or channel that a single image does not have; 0 means none, as in ImageJ."""
    strange = (found.position > 1).any(axis=1)
    if strange.any():
        first = tuple(found.position[np.flatnonzero(strange)[0]].tolist())
        yield Problem(
            "error", "objects/position", where,
            f"{_named(found, strange)} on a channel, slice or frame that the image does not have (first: {first})",
            "Save each plane as an image of its own (in ImageJ: Image > Stacks > Stack to Images), with its ROI set.",
        )  # fmt: skip


def _of_overlaps(
    found: Instances, reported: np.ndarray, runs: Runs, size: tuple[int, int], where: str
) -> Iterator[Problem]:
    """Pixels that several objects claim; objects that were drawn twice, with the same class or another."""
    width, height = size
    runs = runs.where((reported != IGNORE)[runs.object])  # what is to be ignored may lie over anything
    depth = np.zeros((height, width + 1), np.int32)
    np.add.at(depth, (runs.y, runs.start), 1)
    np.add.at(depth, (runs.y, runs.stop), -1)
    shared = np.cumsum(depth, axis=1)[:, :width] > 1
    if not shared.any():
        return
    before = np.concatenate([np.zeros((height, 1), np.int64), np.cumsum(shared, axis=1)], axis=1)
    involved = np.unique(runs.object[before[runs.y, runs.stop] > before[runs.y, runs.start]])
    pairs = _same_place(runs.where(np.isin(runs.object, involved)), runs.counts(len(found)), width)
    twice = [(a, b) for a, b in pairs if reported[a] == reported[b]]
    torn = [(a, b) for a, b in pairs if reported[a] != reported[b]]
    for code, some, what in (
        ("twice", twice, "drawn twice at the same place"),
        ("two-classes", torn, "at the same place with different classes"),
    ):
        if some:
            names = [f"{_name(found, a)} and {_name(found, b)}" for a, b in some]
            yield Problem("warning", f"objects/{code}", where, f"objects {what}: {listed(names)}", "Keep one of them.")
    mark = np.zeros(len(found), bool)
    mark[involved] = True
    common = np.bincount(runs.object, before[runs.y, runs.stop] - before[runs.y, runs.start], len(found))
    large = bool((common > _LARGE_OVERLAP * runs.counts(len(found))).any())
    yield Problem(
        "warning" if large else "info", "objects/overlap", where,
        f"{counted(int(shared.sum()), 'pixel')} claimed by several objects: {_named(found, mark)}",
        "In a class map the later object wins, and 'ignore' wins over all.",
    )  # fmt: skip


def _same_place(runs: Runs, area: np.ndarray, width: int) -> list[tuple[int, int]]:
    """Pairs of objects that share so many pixels that they are one."""
    owner, index = runs.pixels(width)
    order = np.lexsort((owner, index))
    owner, index = owner[order], index[order]
    pairs: dict[tuple[int, int], int] = {}
    for step in (1, 2):  # neighbours in a stack of two or three objects on one pixel
        together = index[step:] == index[:-step]
        found, counts = np.unique(
            np.stack([owner[:-step][together], owner[step:][together]], axis=1), axis=0, return_counts=True
        )
        for (a, b), count in zip(found.tolist(), counts.tolist(), strict=True):
            pairs[a, b] = pairs.get((a, b), 0) + count
    return sorted(
        (a, b) for (a, b), common in pairs.items() if common / (area[a] + area[b] - common) >= _SAME_PLACE
    )  # fmt: skip


def _at_edge(runs: Runs, count: int, size: tuple[int, int]) -> np.ndarray:
    touching = (runs.y == 0) | (runs.y == size[1] - 1) | (runs.start == 0) | (runs.stop == size[0])
    edge = np.zeros(count, bool)
    edge[runs.object[touching]] = True
    return edge


def _of_amount(
    dataset: Dataset, item: Item, found: Found, runs: Runs, reported: np.ndarray, size: tuple[int, int]
) -> Iterator[Problem]:
    """No objects where there should be some, some where there should be none, nothing but ``ignore``."""
    where = within(item.annotation or item.image, dataset.folder)
    objects = int(np.count_nonzero(found.reported != IGNORE))
    if objects and item.empty:
        yield Problem(
            "error", "empty/objects", where,
            f"has {counted(objects, 'object')}, but '{item.stem}' is named under 'empty' in dataset.json",
            "Take it off the list, or delete the objects.",
        )  # fmt: skip
    if objects == len(found.area) == 1 and found.area[0] == size[0] * size[1]:
        yield Problem(
            "warning", "objects/whole-image", where,
            f"one object of class '{found.reported[0]}' covers all of the image",
            "Was 255 meant as 'ignore', or the background drawn? In a mask of one class 255 is 'ignore' beside 1 only.",
        )  # fmt: skip
    if item.annotation is None or objects:
        return
    ignored = runs.where(np.isin(runs.object, np.flatnonzero(reported == IGNORE)))
    covered = np.unique(ignored.pixels(size[0])[1]).size
    if covered == size[0] * size[1]:
        yield Problem(
            "error" if item.part == "train" else "warning", "ignore/all", where,
            "has no labelled pixel: all of the image is to be ignored", "Label it, or leave it out.",
        )  # fmt: skip
    elif covered:
        what = "has no object but those to be ignored; the rest counts as background"
        yield Problem("warning", "ignore/only", where, what)
    elif not item.empty and item.format in _OWN_WORD and not len(reported):
        yield Problem(
            "error", "empty/unsaid", where, "has no objects",
            "If the image shows none, name it under 'empty' in dataset.json.",
        )  # fmt: skip


def _named(found: Instances, chosen: np.ndarray) -> str:
    """``3 of 20 objects ('a', 'b', 'c')``."""
    index = np.flatnonzero(chosen)
    return f"{len(index)} of {counted(len(found), 'object')} ({listed([_name(found, number) for number in index], 5)})"


def _name(found: Instances, index: int | Sequence[int]) -> str:
    return f"'{found.name[index]}'" if found.name[index] else f"number {int(index) + 1}"
