"""What annotators do not agree on, as ROIs that a person goes through in ImageJ, and what that person decided.

The names of the ROIs say what is in question: ``single-anna-loop-0003`` (only anna drew it), ``few-2of3-loop-0004``,
``conflict-loop-void-0001`` (loop or void?), ``unsure-loop-0002`` (somebody does not know). Their class is
:data:`UNDECIDED`, which no dataset has, so that nobody trains on them by mistake. A ROI that is left in its file is
accepted, one that was deleted is rejected; renamed to ``void-0003`` it is a void, to ``?`` something to ignore.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from temj.annotations.roi import class_of_name
from temj.data import IGNORE, Instances
from temj.datasets.consensus import Cluster, outlines_of
from temj.geometry.overlap import best_partners, marks, overlaps

UNDECIDED = "undecided"
_SAME_PLACE = 0.5


@dataclass(frozen=True)
class Decision:
    """What a person decided about one ROI that is left.

    Attributes:
        cluster: index of the undecided cluster that it was; None where it is new.
        class_name: its class.
        row: index of the ROI in the file.
    """

    cluster: int | None
    class_name: str
    row: int


def as_questions(clusters: Sequence[Cluster], labels: Mapping[str, Instances], annotators: int) -> Instances:
    """The outlines of undecided clusters, named by what is in question, of class :data:`UNDECIDED`.

    Args:
        clusters: in the order in which they are numbered.
        labels: annotator → their objects.
        annotators: how many have annotated the image.
    """
    names = [f"{question(cluster, annotators)}-{number:04d}" for number, cluster in enumerate(clusters, start=1)]
    drawn = outlines_of(clusters, labels)
    return drawn.with_columns(name=np.array(names, object), class_name=UNDECIDED, group=0)


def question(cluster: Cluster, annotators: int) -> str:
    """What is in question, such as ``single-anna-loop``; a ``.``, which ImageJ's Results do not hold, becomes ``_``."""
    kinds = "-".join(sorted(set(cluster.classes.values()) - {IGNORE})) or IGNORE
    middle = {
        "single": f"{cluster.outline}-", "few": f"{len(cluster.members)}of{annotators}-", "conflict": "", "unsure": "",
    }[cluster.kind]  # fmt: skip
    return f"{cluster.kind}-{middle}{kinds}".replace(".", "_")


def decisions(
    asked: Instances, proposed: Sequence[str], edited: Instances, classes: Iterable[str]
) -> tuple[list[Decision], list[str]]:
    """Read what a person has made of the questions.

    Args:
        asked: the questions as they were written.
        proposed: their classes; "" where the votes do not say one.
        edited: the ROIs that are left, as they were read.
        classes: all that are known.

    Returns:
        A decision for each ROI of ``edited``; and what is wrong, each problem in words.
    """
    known, place = set(classes), {name: index for index, name in enumerate(asked.name)}
    which = [place.get(name) for name in edited.name]
    which = _by_place(asked, edited, which)
    made, problems = [], []
    for row, (name, cluster) in enumerate(zip(edited.name, which, strict=True)):
        stated = _stated(edited, row, known, name in place)
        if stated == UNDECIDED and name in place and edited.group[row]:
            problems.append(
                f"'{name}' was given the group {edited.group[row]}, and files do not say which class that is: "
                "rename the ROI to <class>-0001"
            )
        elif stated == UNDECIDED and name in place:
            stated = proposed[cluster]
            if not stated:
                problems.append(f"'{name}' still has several classes: rename it to the right one, or delete it")
        elif stated == UNDECIDED:
            problems.append(f"'{name}' has no class: rename it to <class>-0001")
        made.append(Decision(cluster, stated, row))
    return made, problems


def _stated(edited: Instances, row: int, known: set[str], is_question: bool) -> str:
    """The class that a person gave a ROI; :data:`UNDECIDED` where nothing was said."""
    stated, name = edited.class_name[row], edited.name[row]
    if stated == IGNORE or (stated not in ("", UNDECIDED) and not (is_question and stated == class_of_name(name))):
        return stated
    if is_question:
        return UNDECIDED
    return name if name in known else class_of_name(name) or UNDECIDED


def _by_place(asked: Instances, edited: Instances, which: Sequence[int | None]) -> list[int | None]:
    """For renamed ROIs the question that lies where they lie, one each."""
    renamed = np.array([row for row, index in enumerate(which) if index is None], np.int64)
    open_ones = np.array(sorted(set(range(len(asked))) - set(which)), np.int64)
    found = overlaps(marks(edited.shapes.take(renamed)), marks(asked.shapes.take(open_ones)))
    found = found.where(found.iou >= _SAME_PLACE)
    found = found.where(best_partners(found))
    which = list(which)
    for row, index in zip(renamed[found.first].tolist(), open_ones[found.second].tolist(), strict=True):
        which[row] = index
    return which
