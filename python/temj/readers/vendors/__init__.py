"""What the makers of microscopes write beside the pixels, in tags of their own or in a text file of the same name.

Each module has ``tell(source) -> Told | None``: what it found, or None where the file is not of that maker.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import tifffile

from temj.data import Acquisition
from temj.registry import load

TIFF_MAKERS = {
    "FEI/Thermo": "temj.readers.vendors.fei:tell",
    "Zeiss": "temj.readers.vendors.zeiss:tell",
    "Gatan": "temj.readers.vendors.gatan:tell",
    "TVIPS": "temj.readers.vendors.tvips:tell",
    "Olympus": "temj.readers.vendors.olympus:tell",
    "JEOL": "temj.readers.vendors.jeol:tell",
    "Tescan": "temj.readers.vendors.tescan:tell",
    "MetaMorph": "temj.readers.vendors.metamorph:tell",
}
"""Maker → function of a TIFF page that gives :class:`Told` or None."""
SIDE_CARS = {
    "JEOL": "temj.readers.vendors.jeol:tell_side_car",
    "Hitachi": "temj.readers.vendors.hitachi:tell_side_car",
    "Tescan": "temj.readers.vendors.tescan:tell_side_car",
}
"""Maker → function of an image's path and size that looks for a text file beside it."""


@dataclass(frozen=True)
class Told:
    """What one source says about a micrograph.

    Attributes:
        source: where it stands, e.g. ``"FEI tag PixelWidth"``.
        size: width and height of a pixel in ``unit``, not checked yet; None where it says nothing.
        unit: as the file has it.
        acquisition: settings of the microscope.
        notes: what the user must know.
        text: everything else, JSON values, for ``metadata["maker"]``.
    """

    source: str
    size: tuple[float, float] | None = None
    unit: str = "m"
    acquisition: Acquisition = field(default_factory=Acquisition)
    notes: tuple[str, ...] = ()
    text: dict[str, object] = field(default_factory=dict)


def ask_tags(page: tifffile.TiffPage) -> list[Told]:
    """What the tags of all makers in a TIFF page say; a tag that cannot be read is a note, never a lost image."""
    return _ask(TIFF_MAKERS, "tags", page)


def ask_side_cars(path: Path, size: tuple[int, int]) -> list[Told]:
    """What text files beside an image of (height, width) pixels say."""
    return _ask(SIDE_CARS, "text file", path, size)


def _ask(makers: dict[str, str], what: str, *arguments: object) -> list[Told]:
    found = []
    for maker, target in makers.items():
        function: Callable[..., Told | None] = load(target)
        try:
            told = function(*arguments)
        except Exception as error:
            # Optional text of many programs and versions: whatever is wrong with it, the pixels are still good.
            text = str(error) or type(error).__name__
            told = Told(maker, notes=(f"the {what} of {maker} cannot be read and is not used ({text[:100]})",))
        if told is not None:
            found.append(told)
    return found
