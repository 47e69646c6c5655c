"""Running a network over a whole image, tile by tile, within the memory there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from temj.errors import BadModel, Cancelled, ResourceError
from temj.inference.network import Network
from temj.inference.tiles import OVERLAPS, Tiling, plan
from temj.models.selftest import arithmetic

if TYPE_CHECKING:
    import torch

TILE_PIXELS = {"cpu": 2176 * 2176, "cuda": 2176 * 2176, "mps": 1280 * 1024}
"""Largest tile. On the CPU 2048² in one piece takes 8 % more time a pixel than 1056² (measured), which is less than
what an overlap without seams costs; with 2176² an image of 4096² has four tiles."""
BATCH_PIXELS = {"cpu": 0, "cuda": 8 * 2048 * 2048, "mps": 0}
"""Tiles are put together up to this many pixels; on the CPU one after the other is fastest."""
SMALLEST_TILE = 128 * 128

Found = TypeVar("Found")
Report = Callable[[int, int], object]
Answer = tuple[np.ndarray, Tiling, tuple[str, ...]]


def run_network(
    network: Network,
    image: np.ndarray,
    report: Report,
    cancelled: Callable[[], bool],
    limit: int | None = None,
) -> Answer:
    """Probabilities of an image; where the memory does not suffice, with half the batch, then with smaller tiles.

    Args:
        network: the core and where it runs.
        image: float32 (c, h, w), prepared.
        report: called with the numbers of tiles done and in all, before each batch and at the end.
        cancelled: polled before each batch.
        limit: largest tile in pixels; None for what the device takes.

    Returns:
        float32 (k, h, w), the tiling used and notes.

    Raises:
        Cancelled: the user stopped it.
        ResourceError: even the smallest tiles do not fit.
        BadModel: ``nonfinite``: the network answered NaN.
    """

    def blended(tiling: Tiling, batch: int) -> np.ndarray:
        tiles = batches(network, tiling, tiling.pad(image), batch, report, cancelled)
        return tiling.blend(answer for batch_of in tiles for answer in _answers(network, batch_of))

    return within_memory(network, image, blended, report, limit)


def within_memory(
    network: Network,
    image: np.ndarray,
    attempt: Callable[[Tiling, int], Found],
    report: Report,
    limit: int | None = None,
    overlaps: tuple[int, ...] = OVERLAPS,
) -> tuple[Found, Tiling, tuple[str, ...]]:
    """What ``attempt`` gives for a tiling and a number of tiles that are computed together.

    Where it runs out of memory, it is tried again with half as many, then with smaller tiles.

    Args:
        network: the core and where it runs.
        image: (c, h, w).
        attempt: called until it succeeds.
        report: called with the number of tiles, twice, at the end.
        limit: largest tile in pixels; None for what the device takes.
        overlaps: as for :func:`temj.inference.tiles.plan`.

    Returns:
        Its answer, the tiling used and notes.

    Raises:
        ResourceError: even the smallest tiles do not fit.
    """
    limit, notes = limit or TILE_PIXELS[network.device], ()
    tiling = plan(*image.shape[1:], network.core.stride, limit, overlaps)
    batch = max(1, BATCH_PIXELS[network.device] // (tiling.tile_height * tiling.tile_width))
    while True:
        try:
            found = attempt(tiling, batch)
            break
        except (RuntimeError, MemoryError) as error:
            if not _out_of_memory(error):
                raise
        if batch > 1:
            batch //= 2
        else:
            limit //= 2
            tiling = _smaller(tiling, network, limit, overlaps)
        notes = (f"out of memory on {network.device}: used tiles of {tiling.tile_width} x {tiling.tile_height}",)
    report(len(tiling), len(tiling))
    return found, tiling, notes


def _smaller(tiling: Tiling, network: Network, limit: int, overlaps: tuple[int, ...]) -> Tiling:
    """The tiling of the next smaller limit that is different.

    Raises:
        ResourceError: there is none.
    """
    smaller = tiling
    while smaller == tiling and limit >= SMALLEST_TILE:
        smaller = plan(tiling.height, tiling.width, network.core.stride, limit, overlaps)
        limit //= 2
    if smaller == tiling:
        raise ResourceError(
            "memory",
            where=network.device,
            expected=f"memory for a tile of {tiling.tile_width} x {tiling.tile_height} pixels",
            found="not enough",
            remedy="Close other programs that use this device, or use device=cpu.",
        )
    return smaller


def batches(
    network: Network, tiling: Tiling, padded: np.ndarray, batch: int, report: Report, cancelled: Callable[[], bool]
) -> Iterator[torch.Tensor]:
    """The tiles (n, c, tile height, tile width) on the network's device, so many together, in the order of the places.

    Raises:
        Cancelled: the user stopped it.
    """
    import torch

    places = tiling.places
    for first in range(0, len(places), batch):
        if cancelled():
            raise Cancelled()
        report(first, len(places))
        tiles = np.stack([tiling.cut(padded, *place) for place in places[first : first + batch]])
        yield torch.from_numpy(tiles).to(network.device, memory_format=torch.channels_last)


def _answers(network: Network, tiles: torch.Tensor) -> np.ndarray:
    """The network's answers (n, k, tile height, tile width)."""
    import torch

    with torch.inference_mode(), arithmetic(network.device, network.dtype):
        answers = network.core.forward(tiles).float().cpu().numpy()
    require_finite(answers)
    return answers


def require_finite(answers: np.ndarray) -> None:
    """Refuse what a network answered where a number in it is not finite.

    Raises:
        BadModel: ``nonfinite``.
    """
    if not np.isfinite(answers.sum()):
        raise BadModel(
            "nonfinite",
            expected="probabilities",
            found="NaN or infinity in the network's answer",
            remedy="Try device=cpu; if it stays, the model is not fit for this micrograph.",
        )


def _out_of_memory(error: Exception) -> bool:
    """Whether torch or numpy ran out of memory (on the CPU torch says so only in words)."""
    import torch

    words = ("out of memory", "not enough memory", "can't allocate memory")
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(word in str(error).lower() for word in words)
