"""What a model answers about a micrograph, before any threshold; and the objects read from it with one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from temj.cores import DETECTORS, Predictor
from temj.cores.detection import Detections
from temj.data import Instances, Micrograph, Shapes
from temj.errors import BadValue
from temj.geometry import in_reading_order
from temj.inference import by_class, kept, memory
from temj.inference.asking import Asked, ask
from temj.inference.candidates import limited, surest
from temj.inference.checks import NOTHING_TO_FIND, finite, grey_notes
from temj.inference.detecting import FLOOR
from temj.inference.forward import TILE_PIXELS
from temj.inference.network import ready
from temj.inference.rescale import Scale, plan_scale
from temj.inference.symmetry import AS_IT_IS, told, views
from temj.models import Model, choose_device
from temj.models.card import Card

Progress = Callable[[str, int, int], None]
CROWDED = 0.15
"""Objects for each proposal from which on some may be missed: several proposals fall on each object (measured with
discs of known truth: at 0.12 all but 1 % are found, at 0.25 9 % are missed, and more of them where there are more)."""


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
        floor: the lowest score that a detector looks at; None for 0.05, or a lower threshold where one is known.
            Its objects cannot be read with a threshold below it.
        outline: what the objects of a detector of boxes look like (:mod:`temj.inference.outlines`): ``auto``, ``box``
            or ``ellipse``. Only :func:`temj.inference.predict` heeds it: what is read from an answer are the boxes.
    """

    tta: bool = False
    input_size: int | None = None
    device: str = "auto"
    fill: bool = False
    keep: bool = False
    floor: float | None = None
    outline: str = "auto"

    def looking_down_to(self, threshold: float) -> How:
        """The same with a floor that allows this threshold, unless a floor was given."""
        return self if self.floor is not None else replace(self, floor=min(FLOOR, threshold))


@dataclass(frozen=True, eq=False)
class Raw:
    """What a model answered about a micrograph, on the micrograph's own pixels.

    Attributes:
        answer: float32 (r, h, w), read-only: the probabilities of the k classes, then what else the core needs; 0
            outside the analysed area. Of a detector its candidates, without those that lie mostly outside that area.
        model: whose answer.
        core: reads it; None where there was nothing to find.
        scale: how the micrograph was brought to the network.
        position: of the micrograph in its film.
        info: JSON values, as in ``info`` of the instances but for the threshold.
        shape: height and width of the micrograph.
    """

    answer: np.ndarray | Detections
    model: Model
    core: Predictor | None
    scale: Scale
    position: tuple[int, int, int]
    info: dict[str, Any]
    shape: tuple[int, int] = (0, 0)

    @property
    def probabilities(self) -> np.ndarray:
        """float32 (k, h, w) in 0..1, in the order of the card's classes.

        Of a detector the score map: the highest score of the candidates of a class that cover a pixel.
        """
        if isinstance(self.answer, Detections):
            return self.core.score_map(self.answer, self.shape)
        return self.answer[: len(self.model.card.classes)]

    @property
    def floor(self) -> float:
        """The lowest threshold that objects can be read with: the lowest score that a detector looked at, else 0."""
        return float(self.info.get("floor", 0.0))


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
        return Raw(nothing, model, None, scale, micrograph.position, info, whole.pixels.shape)
    chosen = views(model.card.symmetry) if how.tta else (AS_IT_IS,)
    limit = _tile_limit(whole, scale, model.card, choose_device(how.device), len(chosen))
    network = ready(model, how.device)
    floor = FLOOR if how.floor is None else how.floor
    key = ""
    if how.keep:
        about = (chosen, limit, network.device, *((floor,) if model.card.core.name in DETECTORS else ()))
        key = kept.key(whole, model, (scale.height, scale.width), about)
    found = kept.get(key) if key else None
    if found is None:
        asked = Asked(network, chosen, limit, floor, _reporter(progress, len(chosen)), cancelled or _never)
        found = ask(asked, whole, (scale.height, scale.width))
        if key:
            kept.put(key, *found)
    answer, facts, remarks = found
    info |= facts | {"device": network.device, "dtype": network.dtype, "views": len(chosen)}
    tta = (told(chosen),) if how.tta else ()
    info |= {"notes": [*scale.notes, *notes, *tta, *network.notes, *remarks]}
    return Raw(answer, model, network.core, scale, micrograph.position, info, whole.pixels.shape)


def _never() -> bool:
    return False


def read(raw: Raw, threshold: float | str | None = None) -> Instances:
    """The objects in an answer; costs no pass through the network.

    Args:
        raw: of :func:`raw`.
        threshold: None or ``auto`` for the model's default, the name of one of its thresholds, or a number 0..1.

    Returns:
        As :func:`temj.inference.predict`.

    Raises:
        BadValue: an unknown threshold, or one below the lowest score that a detector was asked to look at.
    """
    card = raw.model.card
    number, name = card.threshold(threshold)
    info = raw.info | {"threshold": number, "threshold_name": name}
    if raw.core is None:
        return Instances(Shapes.of([]), info=info)
    if isinstance(raw.answer, Detections):
        answer, remarks = _candidates(raw, number)
    else:
        answer, remarks = limited(raw.answer, len(card.classes), number)
    limits = card.class_thresholds.get(name, {})
    if limits:
        info["class_thresholds"] = dict(limits)
        remarks = [by_class.in_words(name, limits), *remarks]
    found = by_class.decoded(lambda level: raw.core.decode(answer, level, raw.scale.linear), number, limits)
    groups = {name: number for number, name in enumerate(card.class_names, start=1)}
    group = [groups.get(name, 0) for name in found.class_name]
    info["notes"] = [*info["notes"], *remarks]
    return in_reading_order(replace(found, group=group, position=raw.position, info=info))


def _candidates(raw: Raw, threshold: float) -> tuple[Detections, list[str]]:
    """The candidates above a threshold, and notes where that is not all there may be.

    Raises:
        BadValue: candidates with such scores were not looked at.
    """
    if threshold < raw.floor:
        raise BadValue(
            "threshold", where="threshold", expected=f"at least {raw.floor:g}, the lowest score that was looked at",
            found=f"{threshold:g}", remedy="Ask the model again with that floor (How(floor=...)), or use predict.",
        )  # fmt: skip
    found, notes = surest(raw.answer.above(threshold))
    complete = float(raw.info["complete_from"])
    if threshold < complete:
        notes.append(
            f"WARNING: too many objects: a pass of the network found as many as it may, and there may be more with "
            f"scores from {threshold:g} to {complete:.3g}; check the threshold, the pixel size and whether this model "
            "fits the image"
        )
    looked_at = _proposals(raw)
    if len(found) > CROWDED * looked_at:
        notes.append(
            f"WARNING: crowded: {len(found)} objects were found at the {looked_at} places that the network looks at "
            f"closely in this image; where more than {CROWDED:.0%} of the places are objects, some objects get no "
            "place and are missed, so that count and density may be too low. Check the overlay; predict smaller parts "
            "of the image, or train the model with more places (--proposals)"
        )
    return found, notes


def _proposals(raw: Raw) -> int:
    """How many boxes were looked at closely in one view of the image, at most."""
    from temj.cores.detection.network import PROPOSALS_FOR

    tiles = raw.info["tiles"]
    times = max(1.0, tiles["width"] * tiles["height"] / PROPOSALS_FOR)
    return tiles["number"] * round(raw.core.settings.proposals * times)


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
        **({"edge": model.card.edges} if model.card.edges else {}),
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
