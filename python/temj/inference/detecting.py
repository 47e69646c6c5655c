"""Running a detector over a whole image, tile by tile, within the memory there is."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from temj.cores.detection import Detections, Detector
from temj.cores.detection.settings import DetectionSettings
from temj.inference.forward import batches, require_finite, within_memory
from temj.inference.joining import joined
from temj.inference.network import Network
from temj.inference.parts import clipped
from temj.inference.tiles import OVERLAPS, Tiling
from temj.models.selftest import arithmetic

if TYPE_CHECKING:
    import torch

FLOOR = 0.05
"""Scores below this are not looked at, unless a lower one is asked for."""
LEAST_OVERLAP = 128
"""Neighbouring tiles share at least this, where an image is cut for want of memory."""
_SOFT_IOU = 0.5


@dataclass(frozen=True, eq=False)
class Detected:
    """What was found in an image.

    Attributes:
        found: in its pixels, the surest first.
        tiling: the tiles that were used.
        notes: for the user.
        complete: from this score on it is all there: the floor, or more where a pass found as many as it may.
    """

    found: Detections
    tiling: Tiling
    notes: tuple[str, ...]
    complete: float


def run_detector(
    network: Network,
    image: np.ndarray,
    report: Callable[[int, int], object],
    cancelled: Callable[[], bool],
    floor: float = FLOOR,
    most: int | None = None,
) -> Detections:
    """What is found in an image, in its pixels: see :func:`detect`."""
    return detect(network, image, report, cancelled, floor, most=most).found


def detect(
    network: Network,
    image: np.ndarray,
    report: Callable[[int, int], object],
    cancelled: Callable[[], bool],
    floor: float = FLOOR,
    *,
    limit: int | None = None,
    most: int | None = None,
) -> Detected:
    """What is found in an image, and how; where it is larger than a tile, see :mod:`temj.inference.joining`.

    Args:
        network: with a :class:`temj.cores.detection.Detector`.
        image: float32 (c, h, w), prepared.
        report: called with the numbers of tiles done and in all, before each batch and at the end.
        cancelled: polled before each batch.
        floor: the lowest score that is looked at.
        limit: largest tile in pixels; None for what the device takes.
        most: objects that are looked for in one pass, the surest; None for as many as the core's settings say.

    Raises:
        Cancelled: the user stopped it.
        ResourceError: even the smallest tiles do not fit.
        BadModel: ``nonfinite``: the network answered NaN.
    """
    core: Detector = network.core
    settings = core.settings
    iou = same_from(settings)

    def attempt(tiling: Tiling, batch: int) -> tuple[Detections, float]:
        parts: list[Detections] = []
        for tiles in batches(network, tiling, tiling.pad(image), batch, report, cancelled):
            parts += _answers(network, tiles, floor, most)
        full = [part for part in parts if len(part) >= (most or settings.max_objects)]
        complete = max([floor, *(float(part.score.min()) for part in full)])
        return joined(parts, tiling, iou, settings.nms == "agnostic"), complete

    (found, complete), tiling, notes = within_memory(
        network, image, attempt, report, limit, _overlaps(settings.anchor_sizes, settings.aspect_ratios)
    )
    height, width = image.shape[1:]
    return Detected(clipped(found, width, height), tiling, notes, complete)


def same_from(settings: DetectionSettings) -> float:
    """The IoU from which on two finds of one class are the same object: the core's own limit, where it has one."""
    return _SOFT_IOU if settings.nms == "soft" else settings.nms_iou


def _answers(network: Network, tiles: torch.Tensor, floor: float, most: int | None) -> list[Detections]:
    import torch

    with torch.inference_mode(), arithmetic(network.device, network.dtype):
        answers = network.core.forward(tiles, floor, most)
    for found in answers:
        require_finite(found.boxes)
        require_finite(found.score)
        if found.masks is not None:
            require_finite(found.masks)
    return answers


def _overlaps(sizes: tuple[tuple[float, ...], ...], ratios: tuple[float, ...]) -> tuple[int, ...]:
    """Pixels that tiles may share, the most first: as many as the largest anchor is long, and as for maps."""
    longest = max([max(ratio, 1 / ratio) for ratio in ratios], default=1.0)
    largest = max([size for level in sizes for size in level], default=0.0) * math.sqrt(longest)
    usual = [each for each in OVERLAPS if each >= LEAST_OVERLAP]
    return tuple(sorted({max(math.ceil(largest), *usual), *usual}, reverse=True))
