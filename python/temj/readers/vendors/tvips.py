"""TVIPS EM-MENU: the TemData structure of tag 37706 (tifffile reads it; lengths in nm, voltage in V, times in ms)."""

from __future__ import annotations

import tifffile

from temj.data import Acquisition
from temj.readers.vendors import Told
from temj.readers.vendors.text import number, positive

TAG = 37706
_DIFFRACTION = 3


def tell(page: tifffile.TiffPage) -> Told | None:
    """What the tag says; None where there is none or it is of version 1, which has no pixel size of the sample."""
    facts = page.tags.valueof(TAG)
    if not isinstance(facts, dict) or "PixelSizeX" not in facts:
        return None
    diffraction = facts.get("TemMode") == _DIFFRACTION
    stage = facts.get("TemStagePosition") or [None] * 5
    magnification = positive(facts.get("TemMagnification"))
    acquisition = Acquisition(
        microscope=facts.get("TemType") or None,
        mode="diffraction" if diffraction else "TEM",
        voltage_kV=positive(facts.get("TemHighTension"), 1e-3),
        magnification=None if diffraction else magnification,
        camera_length_mm=magnification if diffraction else None,
        exposure_s=positive(facts.get("ExposureTime"), 1e-3),
        tilt_alpha_deg=number(stage[3]),
        tilt_beta_deg=number(stage[4]),
        binning=int(facts["BinningX"]) if positive(facts.get("BinningX")) else None,
        detector=facts.get("CameraType") or None,
    )
    size = positive(facts["PixelSizeX"]), positive(facts.get("PixelSizeY"))
    if diffraction:
        note = "this is a diffraction pattern (TVIPS tag): its pixel size is not a length and is not used"
        return Told("TVIPS tag PixelSizeX", None, "nm", acquisition, (note,))
    return Told("TVIPS tag PixelSizeX", None if None in size else size, "nm", acquisition)
