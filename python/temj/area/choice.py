"""Which part of a micrograph counts: found by itself, or as its user says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from temj.area.find import DETECTORS, SAFE, find
from temj.area.parts import BY_USER, NEVER_WRITTEN, AreaFound, Part
from temj.area.rois import AREA, EXCLUDE, covered
from temj.data import Instances, Micrograph
from temj.errors import BadValue

CHOICES = {"auto": SAFE, "all": tuple(DETECTORS), "whole": ()}
"""How the analysed area is chosen → what is looked for: ``auto`` what can be no object, ``all`` also vacuum, holes and
saturated regions, ``whole`` nothing."""


def choose(micrograph: Micrograph, rois: Instances | None = None, how: str = "auto") -> AreaFound:
    """The analysed area of a micrograph.

    - What ``how`` looks for is left out.
    - ROIs named ``area`` replace that: their union counts, whatever was found in it.
    - ROIs named ``exclude`` are left out besides, always.

    So a user adds with ``exclude``, and takes back with ``area`` (or with ``whole`` and the ROIs that he keeps).

    Args:
        micrograph: an ``area`` that it has already is kept to, such as that of a file of which parts were never
            written.
        rois: those that :func:`temj.area.split_area_rois` gives (others are not looked at); None or empty for none.
        how: a key of :data:`CHOICES`.

    Raises:
        BadValue: another word.
    """
    if how not in CHOICES:
        raise BadValue("area", where="area", expected=f"{', '.join(CHOICES)} or a ROI set", found=repr(how))
    shape = micrograph.pixels.shape
    drawn = None if rois is None or not len(rois) else covered(rois, AREA, micrograph)
    excluded = None if rois is None or not len(rois) else covered(rois, EXCLUDE, micrograph)
    taken = np.zeros(shape, bool)
    parts: list[Part] = []

    def leave_out(kind: str, mask: np.ndarray | None) -> None:
        nonlocal taken
        if mask is not None:
            parts.append(Part(kind, mask & ~taken))
            taken = taken | mask

    own = NEVER_WRITTEN if micrograph.metadata.get("sparse") else BY_USER[0]
    leave_out(own, None if micrograph.area is None else ~micrograph.area)
    leave_out(BY_USER[1], None if drawn is None else ~drawn)
    leave_out(BY_USER[2], excluded)
    if drawn is None and CHOICES[how]:
        for part in find(micrograph, CHOICES[how]).parts:
            leave_out(part.kind, part.mask)
    return AreaFound.without(shape, parts)


def analysed(micrograph: Micrograph, rois: Instances | None = None, how: str = "auto") -> Micrograph:
    """The micrograph with its analysed area set (:func:`choose`), and a note where something is left out."""
    found = choose(micrograph, rois, how)
    if found.whole:
        return micrograph
    notes = (*micrograph.metadata.get("notes", ()), note(found))
    return replace(applied(micrograph, found), metadata={**micrograph.metadata, "notes": notes})


def applied(micrograph: Micrograph, found: AreaFound) -> Micrograph:
    """The micrograph with this analysed area."""
    return micrograph if found.whole else replace(micrograph, area=found.mask)


def note(found: AreaFound) -> str:
    """``analysed area 94.1 % of the image; left out: info bar (5.2 %), scale bar (0.7 %)``; "" for the whole.

    Where ROIs named ``area`` leave nothing, that is said.
    """
    if found.whole:
        return ""
    if any(part.kind == BY_USER[1] and part.mask.all() for part in found.parts):
        return "the area ROIs lie outside the image: nothing is analysed"
    parts = ", ".join(f"{part.kind} ({_percent(part)})" for part in found.parts)
    return f"analysed area {found.share:.4g} % of the image; left out: {parts}"


def _percent(part: Part) -> str:
    """Its share; pixels where that would be nothing."""
    if part.share < 0.01:
        return f"{np.count_nonzero(part.mask)} px"
    return f"{part.share:.2g} %" if part.share < 10 else f"{part.share:.0f} %"
