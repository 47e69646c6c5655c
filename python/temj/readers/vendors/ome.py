"""OME-XML: the microscope's settings of the first image. Its pixel size is read with its planes."""

from __future__ import annotations

from xml.etree import ElementTree

from temj.data import Acquisition
from temj.readers.tiff_text import SECONDS, number
from temj.readers.vendors import Told


def tell(root: ElementTree.Element) -> Told:
    """What the XML says about how the first image was taken."""
    image = root.find("{*}Image")
    plane = root.find("{*}Image/{*}Pixels/{*}Plane")
    detector, objective = root.find("{*}Instrument/{*}Detector"), root.find("{*}Instrument/{*}Objective")
    microscope = root.find("{*}Instrument/{*}Microscope")
    taken = image.find("{*}AcquisitionDate") if image is not None else None
    exposure = number(plane.get("ExposureTime")) if plane is not None else 0.0
    factor = SECONDS.get((plane.get("ExposureTimeUnit") or "s").lower(), 0.0) if plane is not None else 0.0
    acquisition = Acquisition(
        microscope=_joined(microscope, "Manufacturer", "Model"),
        magnification=number(objective.get("NominalMagnification")) or None if objective is not None else None,
        exposure_s=exposure * factor or None,
        detector=_joined(detector, "Manufacturer", "Model"),
        date=(taken.text or "").strip()[:19] or None if taken is not None else None,
    )
    return Told("OME's text", acquisition=acquisition)


def _joined(element: ElementTree.Element | None, *names: str) -> str | None:
    texts = [element.get(name) for name in names] if element is not None else []
    return " ".join(text for text in texts if text) or None
