"""From a micrograph and a model to instances."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from temj.cores import Channels
from temj.data import Film, Instances, Micrograph, Shapes
from temj.data.detectors import together
from temj.data.notes import merged_notes
from temj.geometry import in_reading_order
from temj.inference import memory
from temj.inference.checks import NOTHING_TO_FIND, finite, grey_notes
from temj.inference.forward import TILE_PIXELS, run_network
from temj.inference.network import Network, ready
from temj.inference.outside import seen, silenced
from temj.inference.rescale import Scale, plan_scale, resample
from temj.inference.tiles import Tiling
from temj.models import Model, choose_device
from temj.models.card import Card

Progress = Callable[[str, int, int], None]


def predict(
    micrograph: Micrograph,
    model: Model,
    *,
    threshold: float | str | None = None,
    device: str = "auto",
    fill: bool = False,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Instances:
    """Find the objects of one micrograph.

    Rescaled to the model's pixel size where both are known, normalised as a whole, cut into tiles where it is large,
    and the probabilities brought back to the micrograph's own pixels before objects are read from them. What lies
    outside the micrograph's ``area`` has no influence on the normalisation; no object is found there, and objects that
    reach it end at its border.

    Args:
        micrograph: any grey-value image.
        model: as from :func:`temj.models.open_model`.
        threshold: None or ``auto`` for the model's default, the name of one of its thresholds, or a number 0..1.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        fill: whether pixels that are NaN or infinite take the median of the others; else they are refused.
        progress: called with (message, tiles done, tiles in all).
        cancelled: polled before each batch of tiles.

    Returns:
        The objects in the micrograph's pixels, by y, then x, named ``<class>-<0001>``; group is the 1-based number of
        the class in the card; position is the micrograph's. ``info`` (JSON values): model, model_sha256, threshold,
        threshold_name, pixel_size and trained_pixel_size ([width, height] and number, nm, or None), factor [x, y],
        tiles {number, width, height, overlap}, device, dtype, diameter and colours by class, notes.

    Raises:
        BadImage: ``nonfinite`` pixels.
        BadValue: an unknown threshold or device.
        BadModel, MissingSoftware, ResourceError, Cancelled: as they say.
    """
    number, threshold_name = model.card.threshold(threshold)
    micrograph, filled = finite(micrograph, fill)
    notes = [*filled, *grey_notes(micrograph, model.card)]
    scale = plan_scale(micrograph, model.card)
    info = _info(model, number, threshold_name, scale)
    if NOTHING_TO_FIND & {*notes}:
        info |= {"device": choose_device(device), "notes": [*scale.notes, *notes]}
        return Instances(Shapes.of([]), info=info)
    _require_memory(micrograph, scale, model.card, choose_device(device))
    network = ready(model, device)
    raw, tiling, remarks = _probabilities(
        micrograph,
        scale,
        network,
        lambda done, count: progress and progress("Predicting", done, count),
        cancelled or (lambda: False),
    )
    found = network.core.decode(raw, number)
    info |= {"tiles": _tiles(tiling), "device": network.device, "dtype": network.dtype}
    info |= {"notes": [*scale.notes, *notes, *network.notes, *remarks]}
    return _finished(found, micrograph, model.card, info)


def predict_film(
    film: Film,
    model: Model,
    *,
    threshold: float | str | None = None,
    device: str = "auto",
    fill: bool = False,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Instances:
    """Find the objects of every plane of a film, one plane in memory at a time.

    Arguments and errors as in :func:`predict`.

    Where the model takes the images of several detectors, the channels of the film are those, and the objects are on
    the first one (:func:`as_model_sees`).

    Returns:
        All objects, by plane, then y, then x, and numbered in that order over the whole film; ``info`` as in
        :func:`predict`, of the first plane, with the notes of all.
    """
    film = as_model_sees(film, model)
    parts = [
        predict(
            micrograph,
            model,
            threshold=threshold,
            device=device,
            fill=fill,
            progress=_part(progress, number, len(film)),
            cancelled=cancelled,
        )
        for number, micrograph in enumerate(film)
    ]
    numbers = [film.plane_number(index) for index in range(len(film))]
    notes = merged_notes([part.info["notes"] for part in parts], numbers)
    return in_reading_order(Instances.concatenate(parts, info={**parts[0].info, "notes": notes}))


def as_model_sees(film: Film, model: Model) -> Film:
    """A film whose channels are put together where the model takes the images of several detectors; else itself."""
    recipe = model.card.core.settings.get("channels", 1)
    return together(film) if isinstance(recipe, str) and Channels.of(recipe).planes > 1 else film


def _probabilities(
    micrograph: Micrograph,
    scale: Scale,
    network: Network,
    report: Callable[[int, int], object],
    cancelled: Callable[[], bool],
) -> tuple[np.ndarray, Tiling, tuple[str, ...]]:
    """Probabilities float32 (k, height, width) on the micrograph's own pixels, the tiling and notes."""
    pixels, size = micrograph.of_detectors(network.core.channels.planes), (scale.height, scale.width)
    pixels = seen(pixels, micrograph.area, size)
    raw, tiling, notes = run_network(network, network.core.prepare(pixels), report, cancelled)
    if size != micrograph.pixels.shape:
        raw = np.stack([resample(layer, *micrograph.pixels.shape) for layer in raw])
    return silenced(raw, micrograph), tiling, notes


def _finished(found: Instances, micrograph: Micrograph, card: Card, info: dict[str, Any]) -> Instances:
    """With group, position and info, in reading order and named."""
    groups = {name: number for number, name in enumerate(card.class_names, start=1)}
    group = [groups.get(name, 0) for name in found.class_name]
    return in_reading_order(replace(found, group=group, position=micrograph.position, info=info))


def _info(model: Model, threshold: float, threshold_name: str, scale: Scale) -> dict[str, Any]:
    return {
        "model": model.card.name,
        "model_sha256": model.sha256,
        "threshold": threshold,
        "threshold_name": threshold_name,
        "pixel_size": None if scale.pixel_size is None else list(scale.pixel_size),
        "trained_pixel_size": scale.trained,
        "factor": list(scale.factor),
        "tiles": {"number": 0, "width": 0, "height": 0, "overlap": 0},
        "device": "",
        "dtype": "",
        "diameter": dict(model.card.diameters),
        "colours": dict(model.card.colours),
    }


def _tiles(tiling: Tiling) -> dict[str, int]:
    return {
        "number": len(tiling),
        "width": tiling.tile_width,
        "height": tiling.tile_height,
        "overlap": max(tiling.overlap),
    }


def _require_memory(micrograph: Micrograph, scale: Scale, card: Card, device: str) -> None:
    seen = scale.height * scale.width
    tile = min(seen, TILE_PIXELS[device]) if device == "cpu" else 0
    needed = memory.estimate(micrograph.pixels.size, seen, tile, len(card.classes))
    memory.require(needed, micrograph.name, f"{scale.width} x {scale.height} pixels at the model's pixel size")


def _part(progress: Progress | None, number: int, count: int) -> Progress | None:
    """Progress of one plane as a part of the progress of all."""
    if progress is None or count == 1:
        return progress

    def report(_message: str, current: int, maximum: int) -> None:
        progress(f"Predicting plane {number + 1} of {count}", number * maximum + current, count * maximum)

    return report
