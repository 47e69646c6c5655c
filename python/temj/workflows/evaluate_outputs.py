"""The files of an evaluation: tables, JSON, the curve against the threshold, and pictures, the worst image first."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from temj import storage
from temj.data import Table
from temj.data.table_text import to_csv
from temj.datasets.problems import listed
from temj.errors import Refused
from temj.evaluation.judging import Judged
from temj.evaluation.tables import in_percent
from temj.plots import threshold_curve
from temj.workflows.evaluate_pictures import OVERLAYS, PANELS, STRIP

FACTS, TABLE, IMAGES, CURVE_CSV, CURVE_PNG = (
    "evaluation.json",
    "evaluation.csv",
    "images.csv",
    "curve.csv",
    "curve.png",
)
RUN = "run.json"
COMPARISON = "comparison.csv"
FOLDERS = (OVERLAYS, PANELS)
DETECTION = ("match_iou.csv", "confidence.csv", "confusion.csv")
DETECTION_PNG, CONFUSION_PNG = "detection.png", "confusion.png"
QUANTITIES, SIZES, PAIRS, ERRORS, CREME, PERSONS = (
    "quantities.csv", "sizes.csv", "pairs.csv", "image_errors.csv", "creme.csv", "persons.csv",
)  # fmt: skip
SIZES_PNG, DIFFERENCES_PNG, ERRORS_PNG = "sizes.png", "differences.png", "image_errors.png"
ONCE = (
    FACTS, TABLE, IMAGES, QUANTITIES, PERSONS, CURVE_CSV, CURVE_PNG, CREME, *DETECTION, DETECTION_PNG, CONFUSION_PNG,
    COMPARISON, SIZES, SIZES_PNG, PAIRS, DIFFERENCES_PNG, ERRORS, ERRORS_PNG, STRIP, RUN,
)  # fmt: skip
DECIMALS = 4


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
    for pictures in (folder / name for name in FOLDERS):
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
    for part in sorted({name.partition("/")[0] for name in files if "/" in name}):
        storage.make_folder(folder / part)
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
    """What a person is told of: the tables, the plots, and the folders of pictures."""
    told = {name: written[name] for name in order if name in written}
    return told | {name.partition("/")[0]: path.parent for name, path in written.items() if "/" in name}
