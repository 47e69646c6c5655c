"""The last answers of networks, so that another threshold costs no pass through the network.

A few, up to so many bytes in all; the oldest goes first. An answer is found again by the pixels it was given to (and
the analysed area), the model's weights, the size at which the network saw them, views, tiles and device.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np

from temj.data import Micrograph
from temj.models import Model

if TYPE_CHECKING:
    from temj.cores.detection import Detections

BYTES = 512 * 2**20
"""Most memory that is held; an answer that is larger than this is not kept at all."""
MOST = 16

Answer = tuple["np.ndarray | Detections", dict[str, Any], tuple[str, ...]]
"""float32 (r, h, w) on the micrograph's own pixels, read-only, or detections in them; facts for ``info``; notes."""

_answers: OrderedDict[str, Answer] = OrderedDict()
_lock = threading.Lock()


def key(micrograph: Micrograph, model: Model, size: tuple[int, int], how: tuple[object, ...]) -> str:
    """What an answer is found again by.

    Args:
        micrograph: its pixels, analysed area and other detectors count, not its name or place.
        model: its weights and the settings of its core count.
        size: (height, width) of the image that the network sees.
        how: what else decides about the answer.
    """
    digest = hashlib.sha256(repr((model.sha256, model.card.core.model_dump_json(), size, how)).encode())
    for array in (micrograph.pixels, micrograph.area, micrograph.others):
        if array is not None:
            digest.update(repr((array.shape, array.dtype.str)).encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def get(name: str) -> Answer | None:
    """The answer of this key, which is now the newest; None where it is not kept."""
    with _lock:
        if name not in _answers:
            return None
        _answers.move_to_end(name)
        return _answers[name]


def put(name: str, answer: np.ndarray | Detections, facts: dict[str, Any], notes: tuple[str, ...]) -> None:
    """Keep an answer; older ones go where there are too many."""
    if answer.nbytes > BYTES:
        return
    with _lock:
        _answers[name] = (answer, facts, notes)
        _answers.move_to_end(name)
        while len(_answers) > MOST or sum(kept[0].nbytes for kept in _answers.values()) > BYTES:
            _answers.popitem(last=False)


def clear() -> None:
    """Forget all answers, such as to give memory back."""
    with _lock:
        _answers.clear()
