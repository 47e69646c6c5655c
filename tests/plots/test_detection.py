"""Heat map, curves and confusion matrix: equal inputs give equal bytes, and what must be seen is there."""

import cv2
import numpy as np

from temj.data import Column, Table
from temj.plots.detection import confusion_map, detection_curves, grid_map

VERMILION = (0xD5, 0x5E, 0)


def seen(png: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]


def grid(hole: bool = False) -> Table:
    confidence, iou = (part.ravel() for part in np.meshgrid([0.1, 0.5, 0.9], [0.2, 0.4], indexing="ij"))
    f1 = np.where(hole & (confidence == 0.9), np.nan, confidence * (1 - iou))
    columns = {"Confidence": confidence, "Match IoU": iou, "F1": f1, "Precision": f1**0.5, "Recall": f1**2}
    return Table(tuple(Column(name, values) for name, values in columns.items()))


def test_the_chosen_cell_is_framed_in_every_panel() -> None:
    first, again, other = (grid_map(grid(), chosen, "4 images") for chosen in ((0.5, 0.2), (0.5, 0.2), (0.9, 0.4)))
    assert first == again
    frame = (seen(first) == VERMILION).all(axis=2)
    third = frame.shape[1] // 3
    assert all(frame[:, k * third : (k + 1) * third].sum() > 50 for k in range(3))
    elsewhere = (seen(other) == VERMILION).all(axis=2)
    assert np.flatnonzero(elsewhere.any(1)).mean() < np.flatnonzero(frame.any(1)).mean() - 20, "higher confidence"


def test_a_cell_without_a_value_stays_empty() -> None:
    assert seen(grid_map(grid(hole=True), (0.5, 0.2), "")).shape == seen(grid_map(grid(), (0.5, 0.2), "")).shape


def curve(axis: str) -> Table:
    level = np.arange(1, 10) / 10
    names = {axis: level, "Precision": level, "Recall": 1 - level, "F1": np.where(level > 0.8, np.nan, 0.5)}
    return Table(tuple(Column(name, values) for name, values in names.items()))


def test_without_scores_there_is_one_panel() -> None:
    iou, confidence = curve("Match IoU"), curve("Confidence")
    alone = seen(detection_curves(iou, None, {}, 0.5, "x"))
    both = seen(detection_curves(iou, confidence, {"auto": 0.3, "tuned": 0.3}, 0.5, "x"))
    assert both.shape[1] > 1.5 * alone.shape[1]
    without = seen(detection_curves(iou, confidence, {}, 0.5, "x"))
    columns = np.flatnonzero((both != without).any(axis=2).sum(axis=0) > 60)
    assert (columns > both.shape[1] // 2).all()
    assert len(columns), "the thresholds are lines in the panel of the confidence"


def test_the_confusion_matrix_has_both_normalisations() -> None:
    matched = np.array([[8, 2], [0, 10]])
    png = confusion_map(("loop", "dot"), matched, np.array([1, 2]), np.array([3, 0]), "x")
    assert png == confusion_map(("loop", "dot"), matched, np.array([1, 2]), np.array([3, 0]), "x")
    left, right = np.split(seen(png)[:, : seen(png).shape[1] // 2 * 2], 2, axis=1)
    assert (left != right).any()
    nothing = confusion_map(("loop", "dot"), 0 * matched, np.zeros(2, int), np.zeros(2, int), "x")
    assert seen(nothing).shape == seen(png).shape
