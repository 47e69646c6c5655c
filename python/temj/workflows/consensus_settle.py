"""From what annotators agree on to what becomes of every object of an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from temj.data import IGNORE, Instances
from temj.datasets.agreement import PairCount
from temj.datasets.consensus import Cluster, Rule, merge, outlines_of
from temj.datasets.decisions import Decision, as_questions
from temj.geometry.order import centroids, in_reading_order, reading_order

Undecided = Literal["list", "ignore", "keep"]
Status = Literal["agreed", "alone", "undecided", "ignored", "kept", "accepted", "rejected", "added"]
RESULT: tuple[Status, ...] = ("agreed", "alone", "ignored", "kept", "accepted", "added")
"""What is among the objects of the result."""
NONE = np.zeros(0, np.int64)
"""Indices of no objects."""


@dataclass(frozen=True)
class Entry:
    """What became of one object.

    Attributes:
        status: ``agreed``; ``alone`` (the only annotator of the image drew it); ``undecided``; ``ignored`` and
            ``kept`` (undecided, and settled by rule); ``accepted``, ``rejected``, ``added`` (by the person who
            decided).
        name: of its ROI in the result, or of the question; "" where it was rejected.
        class_name: in the result; "" where it is not in it.
        cluster: who drew it; None where only the person who decided did.
        x, y: its centre in pixels.
    """

    status: Status
    name: str
    class_name: str
    cluster: Cluster | None
    x: float
    y: float


@dataclass(frozen=True)
class Settled:
    """The result of one image.

    Attributes:
        stem: of its name.
        labels: annotator → objects, of those who have annotated it.
        votes: how many had to agree.
        instances: the objects of the result, in reading order.
        questions: what is left undecided, as ROIs (:func:`temj.datasets.decisions.as_questions`).
        entries: of the objects in the result in their order, then of the others.
        pairs: how annotators compare.
    """

    stem: str
    labels: Mapping[str, Instances]
    votes: int
    instances: Instances
    questions: Instances
    entries: tuple[Entry, ...]
    pairs: tuple[PairCount, ...]


@dataclass(frozen=True)
class Agreement:
    """Clusters of one image before anything is settled; ``open`` are those that are not agreed."""

    labels: Mapping[str, Instances]
    votes: int
    agreed: tuple[Cluster, ...]
    open: tuple[Cluster, ...]
    questions: Instances
    pairs: tuple[PairCount, ...]


def agreement(
    labels: Mapping[str, Instances], rule: Rule, size: tuple[int, int] | None, keep_alone: bool = True
) -> Agreement:
    """What annotators of an image agree on.

    Args:
        labels: annotator → objects.
        rule: when they agree; votes 0: all who annotated the image; never more than these are needed.
        size: (width, height) of the image; None where it is not known.
        keep_alone: whether the objects of the only annotator count as agreed; else they have one vote of two.
    """
    votes = min(rule.votes or len(labels), len(labels))
    if len(labels) == 1 and not keep_alone:
        votes = 2
    merged = merge(labels, replace(rule, votes=votes), size)
    agreed = tuple(cluster for cluster in merged.clusters if cluster.kind == "agreed")
    left = tuple(cluster for cluster in merged.clusters if cluster.kind != "agreed")
    return Agreement(labels, votes, agreed, left, as_questions(left, labels, len(labels)), merged.pairs)


def settle(stem: str, found: Agreement, how: Undecided) -> Settled:
    """What becomes of each object where nobody has decided: ``list``, ``ignore`` or ``keep`` the undecided ones.

    Kept ones have the class with the most votes; where several have as many, ``ignore``.
    """
    status: Status = "alone" if len(found.labels) == 1 else "agreed"
    sure = [(status, cluster.class_name) for cluster in found.agreed]
    if how == "list":
        return _settled(stem, found, sure, outlines_of(found.agreed, found.labels), found.agreed, asked=True)
    clusters = (*found.agreed, *found.open)
    ruled = [
        ("ignored", IGNORE) if how == "ignore" else ("kept", cluster.class_name or IGNORE) for cluster in found.open
    ]
    return _settled(stem, found, [*sure, *ruled], outlines_of(clusters, found.labels), clusters)


def settle_decided(stem: str, found: Agreement, edited: Instances, decisions: Sequence[Decision]) -> Settled:
    """What becomes of each object after a person has decided: what is left in ``edited`` is accepted."""
    status: Status = "alone" if len(found.labels) == 1 else "agreed"
    sure = [(status, cluster.class_name) for cluster in found.agreed]
    made = [("added" if decision.cluster is None else "accepted", decision.class_name) for decision in decisions]
    clusters = [None if decision.cluster is None else found.open[decision.cluster] for decision in decisions]
    drawn = Instances.concatenate([outlines_of(found.agreed, found.labels), edited.take(_rows(decisions))])
    kept = {decision.cluster for decision in decisions}
    rejected = [index for index in range(len(found.open)) if index not in kept]
    return _settled(stem, found, [*sure, *made], drawn, (*found.agreed, *clusters), rejected=rejected)


def _rows(decisions: Sequence[Decision]) -> np.ndarray:
    return np.array([decision.row for decision in decisions], np.int64)


def _settled(
    stem: str, found: Agreement, fates: Sequence[tuple[Status, str]], drawn: Instances,
    clusters: Sequence[Cluster | None], *, asked: bool = False, rejected: Sequence[int] = (),
) -> Settled:  # fmt: skip
    """The objects of the result in reading order, and an entry for each and for those that are not in it."""
    rules: dict[str, str] = {}
    for label in reversed(found.labels.values()):
        rules |= label.info.get("diameter", {})
    names = np.array([name for _, name in fates], object)
    plain = drawn.with_columns(class_name=names, score=np.nan, group=0, info={"diameter": rules} if rules else {})
    order = reading_order(plain)
    instances = in_reading_order(plain)
    centre = centroids(instances.shapes)
    entries = [
        Entry(fates[index][0], instances.name[row], fates[index][1], clusters[index], *centre[row].tolist())
        for row, index in enumerate(order.tolist())
    ]
    questions = found.questions if asked else found.questions.take(NONE)
    open_centre = centroids(found.questions.shapes)
    for index in range(len(found.open)) if asked else rejected:
        status, name = ("undecided", found.questions.name[index]) if asked else ("rejected", "")
        entries.append(Entry(status, name, "", found.open[index], *open_centre[index].tolist()))
    return Settled(stem, found.labels, found.votes, instances, questions, tuple(entries), found.pairs)
