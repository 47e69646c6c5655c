"""Olympus Soft Imaging (iTEM, analySIS): the structure of tag 33560 or the INI text of 33471, read by tifffile.

Pixel sizes are in metres.
"""

from __future__ import annotations

import tifffile

from temj.data import Acquisition
from temj.readers.vendors import Told
from temj.readers.vendors.text import positive

TAGS = (33560, 33471)


def tell(page: tifffile.TiffPage) -> Told | None:
    """What the tags say, the binary one first; None where there is none."""
    facts: dict[str, object] = {}
    for code in reversed(TAGS):
        value = page.tags.valueof(code)
        facts.update(value if isinstance(value, dict) else {})
    if not facts:
        return None
    taken = facts.get("datetime")
    acquisition = Acquisition(
        magnification=positive(facts.get("magnification")),
        detector=str(facts.get("cameraname") or "") or None,
        date=taken.isoformat(timespec="seconds") if hasattr(taken, "isoformat") else None,
    )
    size = positive(facts.get("pixelsizex")), positive(facts.get("pixelsizey"))
    return Told("Olympus SIS tag pixelsizex", None if None in size else size, "m", acquisition)
