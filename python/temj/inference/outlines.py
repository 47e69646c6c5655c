"""What the objects of a detector of boxes look like: the boxes, or the ellipses of the defects in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from temj.cores.detection.settings import DetectionSettings
from temj.cores.settings import settings_of
from temj.data import Instances, Micrograph, RoiType, Shapes
from temj.errors import BadValue
from temj.geometry import in_reading_order
from temj.inference.detecting import same_from
from temj.models import Model
from temj.models.card import Card

OUTLINES = ("auto", "box", "ellipse")
USUAL = {"boxes": "ellipse", "rotated": "box"}
"""core → what ``auto`` means; other cores answer with outlines of their own."""


def check_outline(models: Sequence[Model], outline: str) -> None:
    """Prove that an outline can be had of at least one of the models.

    Raises:
        BadValue: there is no such outline, or none of the models answers with boxes.
    """
    if outline not in OUTLINES:
        raise BadValue("outline", where="outline", expected=", ".join(OUTLINES), found=repr(outline))
    if outline == "auto" or any(model.card.core.name in USUAL for model in models):
        return
    found = ", ".join(f"{model.card.name} (core {model.card.core.name})" for model in models)
    raise BadValue(
        "outline", where="outline", expected=f"auto, or a model that answers with boxes (core {' or '.join(USUAL)})",
        found=f"{outline} for {found}",
        remedy="Leave it out: this model gives outlines of its own. Option ellipses fits ellipses to them.",
    )  # fmt: skip


def outlined(found: Instances, micrograph: Micrograph, card: Card, outline: str) -> Instances:
    """The objects of one model as they are wanted.

    Ellipses are those of :func:`temj.measurement.defect.ellipses_of_boxes`, along the edge that the card says for the
    class. An object whose ellipse could not be fitted has the one that fits in its box, as an OVAL instead of an
    ELLIPSE, so that it can be told wherever it goes (in a rotated box it is an ELLIPSE all the same).

    Args:
        found: as :func:`temj.inference.read` gives them.
        micrograph: in which they were found.
        card: of the model.
        outline: one of :data:`OUTLINES`.

    Returns:
        The same objects, numbered anew in reading order; ``info`` has ``outline`` (``box`` or ``ellipse``) and of
        ellipses ``ellipses``: their ``number``, and of how many boxes the ellipse was that of another box with a higher
        score (``same``: left out, :mod:`temj.measurement.defect.same`, from the core's own IoU on), could not be fitted
        (``fallback``, ``fallback_reasons``) or has no clear edge (``edge_unclear``).
    """
    usual = USUAL.get(card.core.name)
    wanted = usual if outline == "auto" else outline
    if usual is None or not len(found):
        return found
    if wanted == "box":
        return found.with_columns(info={**found.info, "outline": "box"})
    from temj.measurement.defect import DefectSettings, ellipses_of_boxes

    same = same_from(settings_of(DetectionSettings, card.core.settings, card.core.name))
    fitted = ellipses_of_boxes(micrograph, found, DefectSettings(edge=card.edges, same=max(same, _LEAST)))
    kept = np.array(fitted.info["kept"], np.int64)
    failed = np.array(fitted.info["fallback"], np.int64)
    info: dict[str, Any] = {key: value for key, value in fitted.info.items() if key not in _LISTS}
    info["outline"] = "ellipse"
    info["ellipses"] = {
        "number": len(fitted),
        "same": len(found) - len(fitted),
        "fallback": len(failed),
        "fallback_reasons": dict(fitted.info["fallback_reasons"]),
        "edge_unclear": len(fitted.info["edge_unclear"]),
    }
    info["notes"] = list(fitted.info["notes"])
    shapes = _with_ovals(fitted.shapes, found.shapes.take(kept), failed)
    return in_reading_order(fitted.with_columns(shapes=shapes, info=info))


def ellipses_of_planes(infos: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """``ellipses`` of the ``info`` of all planes of a film: the sums; empty where no plane has them."""
    parts = [info["ellipses"] for info in infos if "ellipses" in info]
    if not parts:
        return {}
    reasons = sum((Counter(part["fallback_reasons"]) for part in parts), Counter())
    counts = {name: sum(part[name] for part in parts) for name in ("number", "same", "fallback", "edge_unclear")}
    return {"ellipses": counts | {"fallback_reasons": dict(reasons.most_common())}}


_LEAST = 1e-6
"""Ellipses that overlap at all are one object, where boxes that do so are."""
_LISTS = ("kept", "fallback", "fallback_reasons", "edge_unclear")
"""Lists of numbers of objects, which are numbered anew afterwards."""


def _with_ovals(ellipses: Shapes, boxes: Shapes, failed: np.ndarray) -> Shapes:
    """The ellipses, but for those that failed in upright boxes, which are the ovals in these boxes."""
    failed = failed[boxes.roi_type[failed] == RoiType.RECT]
    kinds, params = ellipses.roi_type.copy(), ellipses.params.copy()
    kinds[failed] = RoiType.OVAL
    params[failed, :4], params[failed, 4] = boxes.params[failed, :4], np.nan
    return replace(ellipses, roi_type=kinds, params=params)
