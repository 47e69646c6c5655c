"""Asking a loaded network about a whole micrograph: with a map or with objects, as it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from temj.cores.detection import Detector
from temj.data import Micrograph
from temj.inference import kept
from temj.inference.detecting import Detected, detect
from temj.inference.forward import run_network
from temj.inference.fusion import back, fused
from temj.inference.network import Network
from temj.inference.outside import mostly_inside, seen, silenced
from temj.inference.parts import clipped
from temj.inference.rescale import resample_all
from temj.inference.symmetry import View, mean_answer
from temj.inference.tiles import Tiling


@dataclass(frozen=True)
class Asked:
    """How a network is asked.

    Attributes:
        network: whose core.
        views: of the image; several for test-time augmentation.
        limit: pixels of the largest tile.
        floor: the lowest score that a detector looks at.
        report: called with the number of the view, and of the tiles done and in all.
        cancelled: polled before each batch of tiles.
    """

    network: Network
    views: tuple[View, ...]
    limit: int
    floor: float
    report: Callable[[int, int, int], object]
    cancelled: Callable[[], bool]


def ask(asked: Asked, micrograph: Micrograph, size: tuple[int, int]) -> kept.Answer:
    """The answer in the micrograph's own pixels, facts for ``info`` and notes.

    Args:
        asked: who, and how.
        micrograph: finite in its analysed area.
        size: (height, width) of the image that the network sees.
    """
    core = asked.network.core
    pixels = micrograph.of_detectors(core.channels.planes)
    image = core.prepare(seen(pixels, micrograph.area, size))
    return (_objects if isinstance(core, Detector) else _map)(asked, micrograph, image)


def _map(asked: Asked, micrograph: Micrograph, image: np.ndarray) -> kept.Answer:
    tilings, notes = [], []

    def answer_of(view: np.ndarray, number: int) -> np.ndarray:
        answer, tiling, remarks = run_network(
            asked.network, view, lambda done, count: asked.report(number, done, count), asked.cancelled, asked.limit
        )
        tilings.append(tiling)
        notes.extend(remarks)
        return answer

    answer = mean_answer(image, asked.views, answer_of)
    if answer.shape[1:] != micrograph.pixels.shape:
        answer = resample_all(answer, *micrograph.pixels.shape)
    answer = silenced(answer, micrograph)
    answer.setflags(write=False)
    return answer, _facts(tilings[0]), tuple(dict.fromkeys(notes))


def _objects(asked: Asked, micrograph: Micrograph, image: np.ndarray) -> kept.Answer:
    size, parts = image.shape[1:], []
    for number, view in enumerate(asked.views):
        parts.append(_of_view(asked, view.of(image), number))
    found = [back(part.found, view, *size) for part, view in zip(parts, asked.views, strict=True)]
    whole = fused(found, asked.network.core.settings.nms == "agnostic", asked.floor)
    height, width = micrograph.pixels.shape
    if (height, width) != size:
        whole = clipped(whole.scaled(width / size[1], height / size[0]), width, height)
    whole = mostly_inside(whole, micrograph)
    # a mean is complete only from where each of its parts is
    facts = {"floor": asked.floor, "complete_from": max(part.complete for part in parts)}
    return whole, _facts(parts[0].tiling) | facts, tuple(dict.fromkeys(note for part in parts for note in part.notes))


def _of_view(asked: Asked, image: np.ndarray, number: int) -> Detected:
    return detect(
        asked.network, image, lambda done, count: asked.report(number, done, count), asked.cancelled, asked.floor,
        limit=asked.limit,
    )  # fmt: skip


def _facts(tiling: Tiling) -> dict[str, object]:
    tiles = {"width": tiling.tile_width, "height": tiling.tile_height, "overlap": max(tiling.overlap)}
    return {"tiles": {"number": len(tiling), **tiles}}
