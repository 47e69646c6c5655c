"""What a model answers about a micrograph, before any threshold; and the objects read from it with one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from temj.cores import Predictor
from temj.data import Instances, Micrograph, Shapes
from temj.geometry import in_reading_order
from temj.inference import kept, memory
from temj.inference.candidates import limited
from temj.inference.checks import NOTHING_TO_FIND, finite, grey_notes
from temj.inference.forward import TILE_PIXELS, run_network
from temj.inference.network import Network, ready
from temj.inference.outside import seen, silenced
from temj.inference.rescale import Scale, plan_scale, resample_all
from temj.inference.symmetry import AS_IT_IS, View, mean_answer, told, views
from temj.models import Model, choose_device
from temj.models.card import Card

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class How:
    """How a model is asked; what decides about its answer besides micrograph and model.

    Attributes:
        tta: whether the mean over all views is taken that the model's task allows (:mod:`temj.inference.symmetry`).
        input_size: longer side in pixels to which a field is brought where image or model has no pixel size; None for
            what the card says (:func:`temj.inference.rescale.plan_scale`).
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        fill: whether pixels that are NaN or infinite take the median of the others; else they are refused.
        keep: whether the answer is kept for the next call (:mod:`temj.inference.kept`), such as one with another
            threshold only.
    """

    tta: bool = False
    input_size: int | None = None
    device: str = "auto"
    fill: bool = False
    keep: bool = False


@dataclass(frozen=True, eq=False)
class Raw:
    """What a model answered about a micrograph, on the micrograph's own pixels.

    Attributes:
        answer: float32 (r, h, w), read-only: the probabilities of the k classes, then what else the core needs; 0
            outside the analysed area.
        model: whose answer.
        core: reads it; None where there was nothing to find.
        scale: how the micrograph was brought to the network.
        position: of the micrograph in its film.
        info: JSON values, as in ``info`` of the instances but for the threshold.
    """

    answer: np.ndarray
    model: Model
    core: Predictor | None
    scale: Scale
    position: tuple[int, int, int]
    info: dict[str, Any]

    @property
    def probabilities(self) -> np.ndarray:
        """float32 (k, h, w) in 0..1, in the order of the card's classes."""
        return self.answer[: len(self.model.card.classes)]


def raw(
    micrograph: Micrograph,
    model: Model,
    how: How = How(),
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Raw:
    """Ask a model: rescale, normalise as a whole, cut into tiles where it is large, run, blend, bring back.

    What lies outside the micrograph's ``area`` has no influence on the normalisation, and the answer there is 0.

    Args:
        micrograph: any grey-value image.
        model: as from :func:`temj.models.open_model`.
        how: see :class:`How`.
        progress: called with (message, tiles done, tiles in all).
        cancelled: polled before each batch of tiles.

    Raises:
        BadImage: ``nonfinite`` pixels.
        BadValue: an unknown device.
        BadModel, MissingSoftware, ResourceError, Cancelled: as they say.
    """
    whole, filled = finite(micrograph, how.fill)
    notes = [*filled, *grey_notes(whole, model.card)]
    scale = plan_scale(whole, model.card, how.input_size)
    info = _info(model, scale)
    if NOTHING_TO_FIND & {*notes}:
        info |= {"device": choose_device(how.device), "notes": [*scale.notes, *notes]}
        nothing = np.broadcast_to(np.float32(0), (len(model.card.classes), *whole.pixels.shape))
        return Raw(nothing, model, None, scale, micrograph.position, info)
    chosen = views(model.card.symmetry) if how.tta else (AS_IT_IS,)
    limit = _tile_limit(whole, scale, model.card, choose_device(how.device), len(chosen))
    network = ready(model, how.device)
    key = kept.key(whole, model, (scale.height, scale.width), (chosen, limit, network.device)) if how.keep else ""
    found = kept.get(key) if key else None
    if found is None:
        report = _reporter(progress, len(chosen))
        found = _ask(whole, scale, network, chosen, limit, report, cancelled or (lambda: False))
        if key:
            kept.put(key, *found)
    answer, facts, remarks = found
    info |= facts | {"device": network.device, "dtype": network.dtype, "views": len(chosen)}
    tta = (told(chosen),) if how.tta else ()
    info |= {"notes": [*scale.notes, *notes, *tta, *network.notes, *remarks]}
    return Raw(answer, model, network.core, scale, micrograph.position, info)


def read(raw: Raw, threshold: float | str | None = None) -> Instances:
    """The objects in an answer; costs no pass through the network.

    Args:
        raw: of :func:`raw`.
        threshold: None or ``auto`` for the model's default, the name of one of its thresholds, or a number 0..1.

    Returns:
        As :func:`temj.inference.predict`.

    Raises:
        BadValue: an unknown threshold.
    """
    card = raw.model.card
    number, name = card.threshold(threshold)
    info = raw.info | {"threshold": number, "threshold_name": name}
    if raw.core is None:
        return Instances(Shapes.of([]), info=info)
    answer, remarks = limited(raw.answer, len(card.classes), number)
    found = raw.core.decode(answer, number, raw.scale.linear)
    groups = {name: number for number, name in enumerate(card.class_names, start=1)}
    group = [groups.get(name, 0) for name in found.class_name]
    info["notes"] = [*info["notes"], *remarks]
    return in_reading_order(replace(found, group=group, position=raw.position, info=info))


def _ask(
    micrograph: Micrograph,
    scale: Scale,
    network: Network,
    chosen: tuple[View, ...],
    limit: int,
    report: Callable[[int, int, int], object],
    cancelled: Callable[[], bool],
) -> kept.Answer:
    """The answer float32 (r, h, w) on the micrograph's own pixels, facts for ``info`` and notes."""
    pixels, size = micrograph.of_detectors(network.core.channels.planes), (scale.height, scale.width)
    image = network.core.prepare(seen(pixels, micrograph.area, size))
    tilings, notes = [], []

    def answer_of(view: np.ndarray, number: int) -> np.ndarray:
        answer, tiling, remarks = run_network(
            network, view, lambda done, count: report(number, done, count), cancelled, limit
        )
        tilings.append(tiling)
        notes.extend(remarks)
        return answer

    answer = mean_answer(image, chosen, answer_of)
    if size != micrograph.pixels.shape:
        answer = resample_all(answer, *micrograph.pixels.shape)
    answer = silenced(answer, micrograph)
    answer.setflags(write=False)
    tiling = tilings[0]
    facts = {
        "tiles": {
            "number": len(tiling),
            "width": tiling.tile_width,
            "height": tiling.tile_height,
            "overlap": max(tiling.overlap),
        }
    }
    return answer, facts, tuple(dict.fromkeys(notes))


def _reporter(progress: Progress | None, count: int) -> Callable[[int, int, int], object]:
    """Reports the tiles of one of ``count`` views as a part of all."""

    def report(view: int, done: int, tiles: int) -> None:
        if progress is not None:
            progress("Predicting", view * tiles + done, count * tiles)

    return report


def _info(model: Model, scale: Scale) -> dict[str, Any]:
    return {
        "model": model.card.name,
        "model_sha256": model.sha256,
        "pixel_size": None if scale.pixel_size is None else list(scale.pixel_size),
        "trained_pixel_size": scale.trained,
        "factor": list(scale.factor),
        "input_size": scale.input_size,
        "views": 1,
        "tiles": {"number": 0, "width": 0, "height": 0, "overlap": 0},
        "device": "",
        "dtype": "",
        "diameter": dict(model.card.diameters),
        "colours": dict(model.card.colours),
    }


def _tile_limit(micrograph: Micrograph, scale: Scale, card: Card, device: str, count: int) -> int:
    """Pixels of the largest tile that device and free memory allow.

    Raises:
        ResourceError: not even small tiles fit into the memory.
    """
    own, seen_pixels, classes = micrograph.pixels.size, scale.height * scale.width, len(card.classes)
    limit = TILE_PIXELS[device]
    if device == "cpu":
        limit = memory.fitting_tile(own, seen_pixels, limit, classes, count)
    tile = min(seen_pixels, limit) if device == "cpu" else 0
    size = f"{scale.width} x {scale.height} pixels at the model's pixel size"
    memory.require(memory.estimate(own, seen_pixels, tile, classes, count), micrograph.name, size)
    return limit
