"""What a consensus tells its user: a row for each object, question and two annotators; and a summary."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from temj.data import Column, Table
from temj.datasets.agreement import summed
from temj.datasets.consensus import Cluster
from temj.datasets.problems import counted, listed
from temj.workflows.account import aligned
from temj.workflows.consensus_settle import RESULT, Settled
from temj.workflows.outputs import text_table


def all_tables(names: Sequence[str], images: Sequence[Settled]) -> dict[str, Table]:
    """``consensus``, ``undecided``, ``agreement`` and ``summary`` of the images, with the annotators' names."""
    return {
        "consensus": objects_table(images, names),
        "undecided": questions_table(images),
        "agreement": agreement_table(images),
        "summary": text_table(("Summary",), [(line,) for line in _summary(names, images)]),
    }


def objects_table(images: Sequence[Settled], annotators: Sequence[str]) -> Table:
    """One row an object: what became of it, and who called it what."""
    rows = [(image, entry) for image in images for entry in image.entries]
    clusters = [entry.cluster for _, entry in rows]
    columns = [
        _texts("Image", [image.stem for image, _ in rows]),
        _texts("ROI", [entry.name for _, entry in rows]),
        _texts("Class", [entry.class_name for _, entry in rows]),
        _texts("Status", [entry.status for _, entry in rows]),
        _texts("Kind", ["" if cluster is None else cluster.kind for cluster in clusters]),
        Column("Votes", np.array([0 if cluster is None else cluster.votes for cluster in clusters], np.int64)),
        Column("Annotators", np.array([len(image.labels) for image, _ in rows], np.int64)),
        _texts("Outline", ["" if cluster is None else cluster.outline for cluster in clusters]),
        Column("Mean IoU", np.array([math.nan if c is None else c.mean_iou for c in clusters], float)),
        Column("X", np.array([entry.x for _, entry in rows], float), "pixel"),
        Column("Y", np.array([entry.y for _, entry in rows], float), "pixel"),
    ]
    said = ([_said(name, image, entry.cluster) for image, entry in rows] for name in annotators)
    return Table((*columns, *(_texts(f"By {name}", cells) for name, cells in zip(annotators, said, strict=True))))


def _texts(name: str, cells: Sequence[str]) -> Column:
    return Column(name, np.array(cells, object))


def _said(name: str, image: Settled, cluster: Cluster | None) -> str:
    """What an annotator called it: a class, ``?`` in a region they ignore, ``none``, ``not annotated``."""
    if name not in image.labels:
        return "not annotated"
    if cluster is None:
        return "none"
    return cluster.classes.get(name, "?" if name in cluster.unsure else "none")


def questions_table(images: Sequence[Settled]) -> Table:
    """What is undecided: where, what is in question, and between whom."""
    rows = [(image, entry) for image in images for entry in image.entries if entry.status == "undecided"]
    texts = text_table(
        ("Image", "ROI", "Kind", "Classes", "Who", "Unsure"),
        [
            (
                image.stem, entry.name, entry.cluster.kind, " or ".join(sorted(set(entry.cluster.classes.values()))),
                "; ".join(f"{name}: {label}" for name, label in entry.cluster.classes.items()),
                "; ".join(entry.cluster.unsure),
            )
            for image, entry in rows
        ],
    )  # fmt: skip
    return texts.with_columns(
        Column("Needed", np.array([image.votes for image, _ in rows], np.int64)),
        Column("Mean IoU", np.array([entry.cluster.mean_iou for _, entry in rows], float)),
        Column("X", np.array([entry.x for _, entry in rows], float), "pixel"),
        Column("Y", np.array([entry.y for _, entry in rows], float), "pixel"),
    )


def agreement_table(images: Sequence[Settled]) -> Table:
    """How every two annotators compare over all images that both have annotated."""
    pairs = summed(pair for image in images for pair in image.pairs)
    numbers = {"Images": "images", "Matched": "matched", "Only A": "only_first", "Only B": "only_second"}
    counts = [Column(title, np.array([getattr(p, name) for p in pairs], np.int64)) for title, name in numbers.items()]
    shares = {"Mean IoU": "mean_iou", "Same class": "same_class", "Kappa": "kappa"}
    return Table(
        (
            _texts("A", [pair.first for pair in pairs]),
            _texts("B", [pair.second for pair in pairs]),
            *counts,
            Column("Left out", np.array([pair.left_out for pair in pairs], np.int64)),
            *(Column(title, np.array([getattr(p, name) for p in pairs], float)) for title, name in shares.items()),
        )
    )


def consensus_account(tables: Mapping[str, Any]) -> str:
    """What was agreed on, how annotators compare, what waits for a decision, and where it is."""
    lines = [str(text) for text in tables["summary"]["Summary"]]
    if len(tables["agreement"]):
        lines += [aligned(tables["agreement"])]
    lines += [f"  note: {note}" for note in tables["notes"]["Note"]]
    written = list(tables["files"]["File"])
    return "\n".join([*lines, *(["Written:", *(f"  {name}" for name in written)] if written else [])])


def _summary(names: Sequence[str], images: Sequence[Settled]) -> list[str]:
    """``3 annotators (anna, ben, carl), 4 images``, and what became of the objects."""
    status = Counter(entry.status for image in images for entry in image.entries)
    classes = Counter(name for image in images for name in image.instances.class_name)
    kinds = Counter(e.cluster.kind for image in images for e in image.entries if e.status == "undecided")
    found = ", ".join(f"{name} {count:,}" for name, count in sorted(classes.items())) or "none"
    told = ", ".join(f"{status[name]:,} {name}" for name in RESULT if status[name])
    lines = [
        f"{counted(len(names), 'annotator')} ({listed(names)}), {counted(len(images), 'image')}",
        f"  objects of the result: {found}" + (f" ({told})" if told else ""),
    ]
    if status["rejected"]:
        lines.append(f"  rejected: {status['rejected']:,}")
    if kinds:
        lines.append(f"  undecided: {', '.join(f'{count:,} {kind}' for kind, count in sorted(kinds.items()))}")
    return lines
