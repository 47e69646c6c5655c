"""The ellipse of each detected box: watershed, fit, edge; the box's own ellipse where that fails."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from temj.data import UNCALIBRATED, Calibration, Instances, Micrograph
from temj.measurement.defect import ellipses as geometry
from temj.measurement.defect.crops import box_rows, cut
from temj.measurement.defect.edges import edges_of
from temj.measurement.defect.refining import Refined, refine
from temj.measurement.defect.same import distinct
from temj.measurement.defect.settings import DefectSettings
from temj.measurement.defect.watershed import AT_RIM, COVERS, boundary_ellipse, sign_of

OUTSIDE = "box outside the image or under 3 pixels"
OFF_CENTRE = "centre of the fit outside the box"
TOO_LARGE = "fit larger than the limit"
TOO_SMALL = "fit smaller than the limit"
_MOST_GROWN = 2.0
"""The outer edge of a Gaussian spot is 1.8 times as wide as its half maximum; more is something else beside it."""
_AGAIN = 2
"""A box that is too tight, so that the region reaches the rim of the crop, is tried again with so many times the
margin."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """What came of n boxes.

    Attributes:
        ellipses: (n, 5) float64 as in :mod:`temj.measurement.defect.ellipses`, in pixels; of a box whose fit failed
            the ellipse that fits in it.
        reason: (n,) str, why the fit failed; "" where it held.
        clear: (n,) bool, whether the edge was found in the profiles; else the ellipse is that of the watershed, or
            of the box.
        ring: (n,) bool, whether its contrast falls again inside.
        sign: (n,) 1 for bright objects, -1 for dark ones.
    """

    ellipses: np.ndarray
    reason: np.ndarray
    clear: np.ndarray
    ring: np.ndarray
    sign: np.ndarray


def ellipses_of_boxes(
    micrograph: Micrograph | np.ndarray, boxes: Instances, settings: DefectSettings | None = None
) -> Instances:
    """Fit an ellipse to the defect in each box (module B of a detector).

    Args:
        micrograph: the image, or its pixels (h, w).
        boxes: RECT or ROTATED_RECT shapes in pixels of the image.
        settings: how.

    Returns:
        The same objects in the same order (class, score, name, position …) with ELLIPSE shapes, without those that
        ``settings.same`` leaves out. ``info`` has that of the boxes and ``edge``: class → which edge the ellipses
        follow; ``kept``: indices of the boxes that the objects are of; of these objects ``fallback``: indices of those
        whose ellipse is only the one that fits in the box, ``fallback_reasons``: reason → how many, ``edge_unclear``:
        indices of those whose edge could not be measured, so that the ellipse is that of the watershed; and notes about
        all that.

    Raises:
        BadValue: a shape that is no box, a box without size or with numbers that are not finite, or a margin in nm
            for an image without pixel size.
    """
    settings = settings or DefectSettings()
    pixels, calibration = _pixels_of(micrograph)
    edge = edges_of(boxes.class_name, settings.edge)
    wanted = np.array([edge[name] for name in boxes.class_name], object)
    fitted = fit_boxes(pixels, boxes, settings, wanted, calibration)
    found = boxes.with_columns(shapes=geometry.to_shapes(fitted.ellipses))
    if settings.same is None:
        return found.with_columns(info=_info(fitted, np.full(len(boxes), True), boxes, wanted))
    kept = distinct(found, fitted.reason == "", settings.same)
    return found.take(kept).with_columns(info=_info(fitted, kept, boxes, wanted))


def fit_boxes(
    pixels: np.ndarray, boxes: Instances, settings: DefectSettings, edge: np.ndarray, calibration: Calibration
) -> Fitted:
    """The same as arrays; ``edge`` (n,) says which edge the ellipse of each object follows."""
    box = box_rows(boxes.shapes)
    finite = np.isfinite(pixels)
    if not finite.all():
        pixels = np.where(finite, pixels, np.median(pixels[finite]) if finite.any() else 0.0)
    pixels = np.ascontiguousarray(pixels, np.float32)
    ellipses, sign, reason = _rough(pixels, box, settings, calibration)
    _judge(reason, ellipses, box, settings)
    return _refined(pixels, box, (ellipses, sign, reason), edge, settings)


def _rough(
    pixels: np.ndarray, box: np.ndarray, settings: DefectSettings, calibration: Calibration
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The ellipses of the watershed, the signs of the contrast, and why there is none, "" where there is one."""
    sign, reason = np.full(len(box), -1.0), np.full(len(box), OUTSIDE, object)
    fitted, places = {}, {}
    margins = settings.margins(box[:, 2:4], calibration)
    todo = np.arange(len(box))
    for times in (1, _AGAIN):
        crops = cut(pixels, box[todo], times * margins[todo], settings.smoothing)
        for index, crop in zip(todo.tolist(), crops, strict=True):
            if crop is None:
                continue
            sign[index] = sign_of(crop, settings.polarity)
            found = boundary_ellipse(crop, sign[index])
            reason[index] = found if isinstance(found, str) else ""
            if not reason[index]:
                fitted[index], places[index] = found, (*crop.corner, crop.factor)
        todo = todo[np.isin(reason[todo].astype(str), (AT_RIM, COVERS))]
    ellipses, there = np.full((len(box), 5), np.nan), list(fitted)
    rows, place = geometry.from_cv2(list(fitted.values())), np.array(list(places.values())).reshape(-1, 3)
    rows[:, :4] /= place[:, 2:]
    rows[:, :2] += place[:, :2]
    ellipses[there] = rows
    return ellipses, sign, reason


def _refined(
    pixels: np.ndarray, box: np.ndarray, rough: tuple[np.ndarray, ...], edge: np.ndarray, settings: DefectSettings
) -> Fitted:
    """The rough ellipses brought to their edges; what fails, or is absurd then, falls back."""
    ellipses, sign, reason = rough
    held = np.flatnonzero(reason == "")
    better: Refined = refine(pixels, ellipses[held], sign[held], edge[held])
    absurd = np.full(len(held), "", object)
    _judge(absurd, better.half, box[held], settings)
    grown = (better.wanted[:, 2:4] > _MOST_GROWN * better.half[:, 2:4]).any(axis=1)
    clear = better.clear & (absurd == "") & ~grown
    ellipses = np.where((reason == "")[:, None], ellipses, _inscribed(box))
    ellipses[held[clear]] = better.wanted[clear]
    columns = np.zeros((2, len(box)), bool)
    columns[0, held], columns[1, held] = clear, clear & better.edges.ring
    return Fitted(ellipses, reason, *columns, sign)


def _judge(reason: np.ndarray, ellipses: np.ndarray, box: np.ndarray, settings: DefectSettings) -> None:
    """Write the reason why a fit is absurd; those with a reason keep it."""
    offset = ellipses[:, :2] - box[:, :2]
    cos, sin = np.cos(box[:, 4]), np.sin(box[:, 4])
    place = np.stack([offset[:, 0] * cos + offset[:, 1] * sin, offset[:, 1] * cos - offset[:, 0] * sin], axis=1)
    half = box[:, 2:4] / 2
    extent = geometry.half_extents(ellipses, box[:, 4])
    for problem, wrong in (
        (OFF_CENTRE, np.abs(place) > half),
        (TOO_LARGE, extent > settings.largest * half),
        (TOO_SMALL, extent < settings.smallest * half),
    ):
        reason[(reason == "") & wrong.any(axis=1)] = problem


def _inscribed(box: np.ndarray) -> np.ndarray:
    """The ellipses that fit in boxes."""
    x, y, length, width, turn = box.T
    return geometry.ordered(np.stack([x, y, length / 2, width / 2, turn], axis=1))


def _pixels_of(micrograph: Micrograph | np.ndarray) -> tuple[np.ndarray, Calibration]:
    if isinstance(micrograph, Micrograph):
        return micrograph.pixels, micrograph.calibration
    return np.asarray(micrograph), UNCALIBRATED


def _info(fitted: Fitted, kept: np.ndarray, boxes: Instances, edge: np.ndarray) -> dict[str, object]:
    """What ``info`` says of the objects that stay."""
    reason, clear, ring = fitted.reason[kept], fitted.clear[kept], fitted.ring[kept]
    failed = reason != ""
    unclear = ~failed & ~clear
    reasons = dict(Counter(reason[failed].tolist()).most_common())
    flat = clear & ~ring & np.isin(edge[kept], ("middle", "inner"))
    told = _notes(np.count_nonzero(kept), np.count_nonzero(~kept), reasons, *map(np.count_nonzero, (unclear, flat)))
    return {
        **boxes.info,
        "edge": {**boxes.info.get("edge", {}), **dict(zip(boxes.class_name.tolist(), edge.tolist(), strict=True))},
        "kept": np.flatnonzero(kept).tolist(),
        "fallback": np.flatnonzero(failed).tolist(),
        "fallback_reasons": reasons,
        "edge_unclear": np.flatnonzero(unclear).tolist(),
        "notes": (*boxes.info.get("notes", ()), *told),
    }


def _notes(count: int, same: int, reasons: dict[str, int], unclear: int, flat: int) -> list[str]:
    """In words, what the user must know of ``count`` objects."""
    failed = sum(reasons.values())
    told = ", ".join(f"{reason}: {number}" for reason, number in reasons.items())
    notes = (
        (same, f"{same} of {count + same} boxes are left out: their ellipse is that of another box of the same class "
               "with a higher score, so that one object would count twice"),
        (failed, f"ellipses of {failed} of {count} boxes could not be fitted ({told}): they have the ellipse that "
                 "fits in the box"),
        (unclear, f"the edge of {unclear} of {count} objects is unclear in its profiles: they have the ellipse of the "
                  "watershed"),
        (flat, f"{flat} of {count} objects are no rings: instead of the middle or inner edge they have the half "
               "maximum"),
    )  # fmt: skip
    return [note for number, note in notes if number]
