"""Running a detector over a whole image."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from temj.cores.detection import Detections
from temj.errors import Cancelled
from temj.inference.network import Network
from temj.models.selftest import arithmetic

FLOOR = 0.05
"""Scores below this are not looked at, unless a lower one is asked for."""


def run_detector(
    network: Network,
    image: np.ndarray,
    report: Callable[[int, int], object],
    cancelled: Callable[[], bool],
    floor: float = FLOOR,
    most: int | None = None,
) -> Detections:
    """What is found in an image, in its pixels.

    Args:
        network: with a :class:`temj.cores.detection.Detector`.
        image: float32 (c, h, w), prepared.
        report: called with the numbers of tiles done and in all.
        cancelled: polled before each tile.
        floor: the lowest score that is looked at.
        most: objects that are looked for in one pass, the surest; None for as many as the core's settings say.

    Raises:
        Cancelled: the user stopped it.
    """
    import torch

    if cancelled():
        raise Cancelled()
    report(0, 1)
    stride = network.core.stride
    below, right = (-side % stride for side in image.shape[1:])
    padded = np.pad(image, ((0, 0), (0, below), (0, right)), mode="symmetric")
    tensor = torch.from_numpy(padded)[None].to(network.device, memory_format=torch.channels_last)
    with torch.inference_mode(), arithmetic(network.device, network.dtype):
        found = network.core.forward(tensor, floor, most)[0]
    report(1, 1)
    height, width = image.shape[1:]
    box = found.upright()
    middle = (box[:, :2] + box[:, 2:]) / 2
    return found.take((middle[:, 0] < width) & (middle[:, 1] < height))
