"""Gatan DigitalMicrograph's own export to TIFF: private tags 65003 to 65025.

Units of x and y are texts (65003, 65004), origins (65006, 65007) and sizes of a pixel (65009, 65010) are doubles;
RosettaSciIO's guide names the same numbers.
"""

from __future__ import annotations

import tifffile

from temj.readers.vendors import Told
from temj.readers.vendors.text import number

UNIT_X, UNIT_Y, SIZE_X, SIZE_Y, QUANTITY = 65003, 65004, 65009, 65010, 65022
_TEXT = 2


def tell(page: tifffile.TiffPage) -> Told | None:
    """What the tags say; None where there are none. Other programs use these numbers too: the unit must be a text."""
    tag = page.tags.get(UNIT_X)
    if tag is None or tag.dtype != _TEXT or SIZE_X not in page.tags:
        return None
    units = [_text(page, code) for code in (UNIT_X, UNIT_Y)]
    size = tuple(number(page.tags.valueof(code)) for code in (SIZE_X, SIZE_Y))
    if units[1] and units[1] != units[0]:
        note = f"Gatan's tags have two units, '{units[0]}' for x and '{units[1]}' for y: pixel size not used"
        return Told("Gatan tag 65009", notes=(note,))
    facts = {"intensity": _text(page, QUANTITY)} if _text(page, QUANTITY) else {}
    return Told("Gatan tag 65009", None if None in size else size, units[0], text=facts)


def _text(page: tifffile.TiffPage, code: int) -> str:
    value = page.tags.valueof(code)
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    return value.strip("\0 ") if isinstance(value, str) else ""
