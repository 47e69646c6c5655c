"""Whether the boxes of a COCO file are what they should be: x, y, width, height around the outline."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from temj.annotations.base import counted
from temj.annotations.coco_checks import Document
from temj.annotations.outlines import extents
from temj.data import Shape, Shapes

ABSOLUTE, RELATIVE = 2.0, 0.1
"""Pixels, or share of the side, that an edge of a box may be off: programs round and count edges differently."""
_STOP = 0.5


def compare_boxes(document: Document, shapes: Sequence[Shape | None], notes: list[str]) -> list[str]:
    """Problems where more than half of the boxes are wrong; a note where fewer are.

    A box is compared with the outline of its object, or, where it stands alone, with its image: one that only fits
    when read as left, top, right, bottom is wrong.
    """
    found = []
    pairs = [(k, outline.box) for k, (_entry, outline) in enumerate(document.entries) if outline.box is not None]
    drawn = [(k, box) for k, box in pairs if _has_outline(document, k) and shapes[k] is not None]
    if drawn:
        box = np.array([box for _, box in drawn], float)
        around = extents(Shapes.of([shapes[k] for k, _ in drawn]))
        corners = np.concatenate([box[:, :2], box[:, :2] + box[:, 2:]], axis=1)
        wrong, as_corners = _off(corners, around), ~_off(box, around)
        found += _judged(wrong, as_corners, "disagree with the outline", "the outline is taken", notes)
    alone = [(k, box) for k, box in pairs if not _has_outline(document, k)]
    sizes = [document.images[document.entries[k][0]["image_id"]][1] for k, _ in alone]
    known = [(box, size) for (_, box), size in zip(alone, sizes, strict=True) if size is not None]
    if known:
        box, size = np.array([box for box, _ in known], float), np.array([size for _, size in known], float)
        wrong = (box[:, :2] + box[:, 2:] > size + 1).any(axis=1)
        as_corners = (box[:, 2:] <= size + 1).all(axis=1) & (box[:, 2:] > box[:, :2]).all(axis=1)
        found += _judged(wrong & as_corners, as_corners, "leave the image", "they are taken as they stand there", notes)
    return found


def _has_outline(document: Document, k: int) -> bool:
    outline = document.entries[k][1]
    return bool(outline.polygons) or outline.counts is not None


def _off(corners: np.ndarray, around: np.ndarray) -> np.ndarray:
    """(n,) whether an edge is too far from that of the outline."""
    side = np.maximum(around[:, 2:] - around[:, :2], 0)
    return (np.abs(corners - around) > np.maximum(ABSOLUTE, RELATIVE * np.tile(side, 2))).any(axis=1)


def _judged(wrong: np.ndarray, as_corners: np.ndarray, told: str, taken: str, notes: list[str]) -> list[str]:
    count = int(wrong.sum())
    if not count:
        return []
    corners = int((wrong & as_corners).sum())
    also = f" ({corners:,} fit as left, top, right, bottom: bbox must be x, y, width, height)" if corners else ""
    text = f"{count:,} of {counted(len(wrong), 'box', 'boxes')} {told}{also}"
    if count > _STOP * len(wrong):
        return [f"{text}: more than half, so nothing is taken"]
    notes.append(f"{text}; {taken}")
    return []
