"""What a detector answers about an image; NumPy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Detections:
    """Candidates for objects, the surest first, in continuous pixel coordinates.

    Attributes:
        boxes: (n, 4) float64 x1, y1, x2, y2; or (n, 5) cx, cy, length, width, angle (degrees, counter-clockwise as seen
            on the screen from +x, [0, 180), length >= width).
        label: (n,) int64, index into the classes of the core.
        score: (n,) float64 in 0..1.
        masks: (n, m, m) float32, the probability of each cell of an upright box; None where only boxes are found.
    """

    boxes: np.ndarray
    label: np.ndarray
    score: np.ndarray
    masks: np.ndarray | None = None

    @classmethod
    def none(cls, columns: int = 4, side: int | None = None) -> Detections:
        """No objects, of ``columns`` numbers a box and masks of ``side`` cells."""
        masks = None if side is None else np.zeros((0, side, side), np.float32)
        return cls(np.zeros((0, columns)), np.zeros(0, np.int64), np.zeros(0), masks)

    @classmethod
    def concatenate(cls, parts: Sequence[Detections]) -> Detections:
        """Those of all parts (at least one), the surest first."""
        masks = None if parts[0].masks is None else np.concatenate([part.masks for part in parts])
        columns = [np.concatenate([getattr(part, name) for part in parts]) for name in ("boxes", "label", "score")]
        whole = cls(*columns, masks)
        return whole.take(np.argsort(-whole.score, kind="stable"))

    def __len__(self) -> int:
        return len(self.score)

    @property
    def rotated(self) -> bool:
        """Whether the boxes are rotated ones."""
        return self.boxes.shape[1] == 5

    @property
    def nbytes(self) -> int:
        """Memory, bytes."""
        arrays = (self.boxes, self.label, self.score, self.masks)
        return sum(array.nbytes for array in arrays if array is not None)

    def take(self, index: np.ndarray) -> Detections:
        """Those at the given indices (int array), or where a bool array is true."""
        masks = None if self.masks is None else self.masks[index]
        return Detections(self.boxes[index], self.label[index], self.score[index], masks)

    def above(self, threshold: float) -> Detections:
        """Those of a score above the threshold."""
        return self.take(self.score > threshold)

    def moved(self, x: float, y: float) -> Detections:
        """The same, so much further to the right and down."""
        first = np.array([x, y, 0, 0, 0] if self.rotated else [x, y, x, y], float)
        return Detections(self.boxes + first, self.label, self.score, self.masks)

    def scaled(self, x: float, y: float) -> Detections:
        """In an image whose pixels are ``1 / x`` as wide and ``1 / y`` as high."""
        if not self.rotated:
            return Detections(self.boxes * np.array([x, y, x, y]), self.label, self.score, self.masks)
        cx, cy, length, width, angle = self.boxes.T
        turn = np.deg2rad(angle)
        along = np.stack([np.cos(turn) * x, -np.sin(turn) * y])
        longer = length * np.hypot(*along)
        with np.errstate(invalid="ignore", divide="ignore"):
            shorter = np.where(longer > 0, length * width * x * y / longer, width * min(x, y))
        angle = np.rad2deg(np.arctan2(-along[1], along[0])) % 180
        boxes = np.column_stack([cx * x, cy * y, longer, shorter, np.where(angle > 180 - 1e-9, 0, angle)])
        swapped = boxes[:, 3] > boxes[:, 2]
        boxes[swapped] = np.column_stack([boxes[:, :2], boxes[:, 3], boxes[:, 2], (boxes[:, 4] + 90) % 180])[swapped]
        return Detections(boxes, self.label, self.score, self.masks)

    def upright(self) -> np.ndarray:
        """(n, 4) the upright boxes x1, y1, x2, y2 around them."""
        if not self.rotated:
            return self.boxes
        turn = np.deg2rad(self.boxes[:, 4])
        cos, sin = np.abs(np.cos(turn)), np.abs(np.sin(turn))
        half = np.column_stack([
            self.boxes[:, 2] * cos + self.boxes[:, 3] * sin, self.boxes[:, 2] * sin + self.boxes[:, 3] * cos,
        ]) / 2  # fmt: skip
        return np.concatenate([self.boxes[:, :2] - half, self.boxes[:, :2] + half], axis=1)
