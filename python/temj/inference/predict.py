"""From a micrograph or film and a model, or several, to instances."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from temj.cores import Channels
from temj.data import Film, Instances, Micrograph
from temj.data.detectors import together
from temj.data.notes import merged_notes
from temj.geometry import in_reading_order
from temj.inference.answers import How, Progress, Raw, raw, read
from temj.inference.outlines import check_outline, ellipses_of_planes, outlined
from temj.inference.several import merged
from temj.models import Model

Models = Model | Sequence[Model]


def predict(
    micrograph: Micrograph,
    model: Models,
    *,
    threshold: float | str | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    **how: Any,
) -> Instances:
    """Find the objects of one micrograph: :func:`temj.inference.read` of :func:`temj.inference.raw`, and of a detector
    of boxes the ellipses in them (:mod:`temj.inference.outlines`).

    Rescaled to the model's pixel size where both are known, normalised as a whole, cut into tiles where it is large,
    and the probabilities brought back to the micrograph's own pixels before objects are read from them. What lies
    outside the micrograph's ``area`` has no influence on the normalisation; no object is found there, and objects that
    reach it end at its border.

    Args:
        micrograph: any grey-value image.
        model: as from :func:`temj.models.open_model`; or several, whose objects are put together
            (:func:`temj.inference.several.merged`).
        threshold: None or ``auto`` for the model's default, the name of one of its thresholds, or a number 0..1.
        progress: called with (message, tiles done, tiles in all).
        cancelled: polled before each batch of tiles.
        how: the fields of :class:`temj.inference.How`.

    Returns:
        The objects in the micrograph's pixels, by y, then x, named ``<class>-<0001>``; group is the 1-based number of
        the class in the card; position is the micrograph's. ``info`` (JSON values): model, model_sha256, threshold,
        threshold_name, pixel_size and trained_pixel_size ([width, height] and number, nm, or None), factor [x, y],
        input_size (px or None), views (of test-time augmentation), tiles {number, width, height, overlap}, device,
        dtype, diameter and colours by class, notes; of a detector also floor and complete_from (scores), outline and
        ellipses (:func:`temj.inference.outlines.outlined`).

    Raises:
        BadImage: ``nonfinite`` pixels.
        BadValue: an unknown threshold, outline or device.
        BadModel, MissingSoftware, ResourceError, Cancelled: as they say.
    """
    return plane(micrograph, model, threshold, How(**how), progress, cancelled).instances


@dataclass(frozen=True, eq=False)
class Plane:
    """One micrograph, what each model answered about it, and the objects read from that."""

    micrograph: Micrograph
    raws: tuple[Raw, ...]
    instances: Instances


def plane(
    micrograph: Micrograph,
    model: Models,
    threshold: float | str | None,
    how: How,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Plane:
    """As :func:`predict`, with the answers."""
    models = _several(model)
    check_outline(models, how.outline)
    numbers = [each.card.threshold(threshold)[0] for each in models]  # wrong ones are said before the work
    raws = tuple(
        raw(
            micrograph, each, how.looking_down_to(lowest), progress=_part(progress, "", number, len(models)),
            cancelled=cancelled,
        )
        for number, (each, lowest) in enumerate(zip(models, numbers, strict=True))
    )  # fmt: skip
    found = [
        outlined(read(answer, threshold), micrograph, each.card, how.outline)
        for answer, each in zip(raws, models, strict=True)
    ]
    return Plane(micrograph, raws, merged(found, [each.card for each in models]))


def predict_film(
    film: Film,
    model: Models,
    *,
    threshold: float | str | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    **how: Any,
) -> Instances:
    """Find the objects of every plane of a film, one plane in memory at a time.

    Arguments and errors as in :func:`predict`.

    Where the model takes the images of several detectors, the channels of the film are those, and the objects are on
    the first one (:func:`as_model_sees`).

    Returns:
        All objects, by plane, then y, then x, and numbered in that order over the whole film; ``info`` as in
        :func:`predict`, of the first plane, with the notes and the ``ellipses`` of all.
    """
    film = as_model_sees(film, model)
    parts = planes(film, model, threshold, How(**how), progress, cancelled)
    return film_instances(film, [part.instances for part in parts])


def planes(
    film: Film,
    model: Models,
    threshold: float | str | None,
    how: How,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Iterator[Plane]:
    """The planes of a film as :func:`as_model_sees` gives it, each predicted when it is asked for."""
    for number, micrograph in enumerate(film):
        message = f"Predicting plane {number + 1} of {len(film)}"
        yield plane(micrograph, model, threshold, how, _part(progress, message, number, len(film)), cancelled)


def film_instances(film: Film, parts: Sequence[Instances]) -> Instances:
    """The objects of all planes of a film as one: in order, numbered, with the notes of all."""
    numbers = [film.plane_number(index) for index in range(len(film))]
    notes = merged_notes([part.info["notes"] for part in parts], numbers)
    ellipses = ellipses_of_planes([part.info for part in parts])
    return in_reading_order(Instances.concatenate(parts, info={**parts[0].info, **ellipses, "notes": notes}))


def as_model_sees(film: Film, model: Models) -> Film:
    """A film whose channels are put together where a model takes the images of several detectors; else itself."""
    recipes = [each.card.core.setting("channels", 1) for each in _several(model)]
    wanted = any(isinstance(recipe, str) and Channels.of(recipe).planes > 1 for recipe in recipes)
    return together(film) if wanted else film


def _several(model: Models) -> tuple[Model, ...]:
    return (model,) if isinstance(model, Model) else tuple(model)


def _part(progress: Progress | None, message: str, number: int, count: int) -> Progress | None:
    """Progress of one of ``count`` parts as a part of the progress of all; ``message`` in place of its own."""
    if progress is None or count == 1:
        return progress

    def report(own: str, current: int, maximum: int) -> None:
        progress(message or own, number * maximum + current, count * maximum)

    return report
