"""MetaMorph's STK (and MetaSeries XML): calibration of the UIC tags, read by tifffile."""

from __future__ import annotations

from xml.etree import ElementTree

import tifffile

from temj.data import Acquisition
from temj.readers.vendors import Told
from temj.readers.vendors.text import number

UIC1, UIC4 = 33628, 33631


def tell(page: tifffile.TiffPage) -> Told | None:
    """What the tags or the description say; None where the file is not MetaMorph's."""
    if page.is_stk:
        facts: dict[str, object] = {}
        for code in (UIC1, UIC4):
            value = page.tags.valueof(code)
            facts.update(value if isinstance(value, dict) else {})
        size = number(facts.get("XCalibration")), number(facts.get("YCalibration"))
        used = facts.get("SpatialCalibration") and None not in size
        return Told("MetaMorph tag XCalibration", size if used else None, str(facts.get("CalibrationUnits", "")))
    if not (page.description or "").startswith("<MetaData>"):
        return None
    found = {node.get("id"): node.get("value") for node in ElementTree.fromstring(page.description).iter("prop")}
    size = number(found.get("spatial-calibration-x")), number(found.get("spatial-calibration-y"))
    used = found.get("spatial-calibration-state") == "on" and None not in size
    unit = found.get("spatial-calibration-units") or ""
    acquisition = Acquisition(date=_date(found.get("acquisition-time-local")))
    return Told("MetaMorph text spatial-calibration-x", size if used else None, unit, acquisition)


def _date(text: str | None) -> str | None:
    """``20090903 09:01:37.687`` in ISO 8601."""
    if not text or len(text) < 17 or not text[:8].isdigit():
        return None
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}T{text[9:17]}"
