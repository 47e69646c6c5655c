"""The files of an evaluation: tables, JSON, the curve against the threshold, and pictures, the worst image first."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from temj import storage
from temj.data import Instances, Micrograph, Table
from temj.data.table_text import to_csv
from temj.datasets.problems import listed
from temj.errors import Refused
from temj.evaluation.judging import Judged
from temj.evaluation.tables import in_percent
from temj.plots import overlay, png_bytes, threshold_curve

FACTS, TABLE, IMAGES, CURVE_CSV, CURVE_PNG = (
    "evaluation.json",
    "evaluation.csv",
    "images.csv",
    "curve.csv",
    "curve.png",
)
RUN = "run.json"
PICTURES = "overlays"
DETECTION = ("match_iou.csv", "confidence.csv", "confusion.csv")
DETECTION_PNG, CONFUSION_PNG = "detection.png", "confusion.png"
ONCE = (FACTS, TABLE, IMAGES, CURVE_CSV, CURVE_PNG, *DETECTION, DETECTION_PNG, CONFUSION_PNG, RUN)
DECIMALS = 4
COLOURS = {
    "matched, annotated": "#ffffff",
    "matched, found": "#56b4e9",
    "missed": "#d55e00",
    "extra": "#f0e442",
}
"""What became of an object → colour of its outline; sky blue, vermilion and yellow of Okabe and Ito."""


def picture_name(rank: int, stem: str) -> str:
    """``overlays/01_04.png``: the worst image has rank 1."""
    return f"{PICTURES}/{rank:02d}_{stem}.png"


def picture(micrograph: Micrograph, found: Instances, true: Instances, judged: Judged, counts: np.ndarray) -> bytes:
    """Truth against prediction (PNG): objects that were found, missed and made up; what does not count is hatched.

    Args:
        micrograph: the image; a grey one where its file is not known.
        found, true: objects, as they were judged.
        judged: which of them have a partner.
        counts: (h, w) bool, where the truth is known.
    """
    parts = [
        (true, judged.true_counts & judged.true_matched, "matched, annotated"),
        (found, judged.found_counts & judged.found_matched, "matched, found"),
        (true, judged.true_counts & ~judged.true_matched, "missed"),
        (found, judged.found_counts & ~judged.found_matched, "extra"),
    ]
    shown = [objects.take(which).with_columns(class_name=name) for objects, which, name in parts]
    metrics = judged.total.metrics()
    told = ", ".join(f"{name} {metrics[name]:.2f}" for name in ("object F1", "IoU") if np.isfinite(metrics[name]))
    whole = replace(micrograph, area=None if counts.all() else counts)
    return png_bytes(overlay(whole, Instances.concatenate(shown), COLOURS, caption=told, numbered=False))


def curve_files(curve: Table, thresholds: Mapping[str, float], title: str) -> dict[str, bytes]:
    """The curve against the threshold as a table, errors in percent, and as a picture.

    Args:
        curve: of :class:`temj.evaluation.calibration.Calibrated`, errors as fractions.
        thresholds: name → threshold, which are marked.
        title: of the picture.
    """
    shown = Table(tuple(
        replace(column, name=f"{column.name} ({column.unit})") if column.unit else column
        for column in in_percent(curve)
    ))  # fmt: skip
    return {
        CURVE_CSV: to_csv(shown, DECIMALS).encode(),
        CURVE_PNG: threshold_curve(curve, thresholds, title),
    }


def make_room(folder: Path, overwrite: bool) -> list[Path]:
    """Refuse what is there already; with ``overwrite`` the files of an earlier evaluation, which are to be removed.

    Raises:
        Refused: files are there and may not be replaced, or are of something else.
    """
    there = [folder / name for name in ONCE if (folder / name).exists()]
    pictures = folder / PICTURES
    there += sorted(pictures.iterdir()) if pictures.is_dir() else []
    if not there:
        return []
    if not overwrite:
        raise Refused(
            "exists", where=listed(there, 3),
            remedy="They were not changed. Choose another output, or replace an earlier evaluation with --overwrite.",
        )  # fmt: skip
    known = _earlier(folder)
    foreign = [
        path.relative_to(folder).as_posix() for path in there if path.relative_to(folder).as_posix() not in known
    ]
    if foreign:
        raise Refused(
            "foreign-files", where=folder, expected="only files of an earlier evaluation", found=listed(foreign),
            remedy="Choose another output.",
        )  # fmt: skip
    return there


def _earlier(folder: Path) -> set[str]:
    """The names of the files that an earlier evaluation wrote."""
    try:
        facts = json.loads((folder / FACTS).read_text("utf-8"))
        return {FACTS, RUN, *map(str, facts["files"])} if facts["kind"] == "evaluation" else set()
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def write(folder: Path, files: Mapping[str, bytes], facts: Mapping[str, Any], stale: Iterable[Path]) -> dict[str, Path]:
    """Write all files, and remove those of an earlier evaluation that were not written again; gives name → path."""
    storage.make_folder(folder)
    if any(name.startswith(f"{PICTURES}/") for name in files):
        storage.make_folder(folder / PICTURES)
    storage.write_json(folder / FACTS, {**facts, "files": sorted(files)})
    for name, data in files.items():
        storage.write_bytes(folder / name, data)
    written = {name: folder / name for name in (FACTS, *files)}
    for path in set(stale) - set(written.values()) - {folder / RUN}:
        path.unlink(missing_ok=True)
    return written


def worst_first(judged: Mapping[str, Judged]) -> list[str]:
    """Stems by object F1, then IoU, of all classes; where nothing is annotated and nothing found, last."""

    def goodness(stem: str) -> tuple[float, float, str]:
        metrics = judged[stem].total.metrics()
        f1, iou = (metrics[name] if np.isfinite(metrics[name]) else 2.0 for name in ("object F1", "IoU"))
        return f1, iou, stem

    return sorted(judged, key=goodness)


def shown_files(written: Mapping[str, Path], order: Sequence[str]) -> dict[str, Path]:
    """What a person is told of: the tables, the curve, and the folder of pictures."""
    told = {name: written[name] for name in order if name in written}
    pictures = [path for name, path in written.items() if name.startswith(f"{PICTURES}/")]
    return told | ({PICTURES: pictures[0].parent} if pictures else {})
