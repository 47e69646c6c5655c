"""One micrograph: pixels, scale, name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from temj.data.calibration import UNCALIBRATED, Calibration
from temj.errors import BadImage

PIXEL_TYPES = (np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32))


@dataclass(frozen=True, eq=False)
class Micrograph:
    """A grey-value image with its scale. Immutable.

    Attributes:
        pixels: (height, width), uint8, uint16 or float32, read-only. Pixel (0, 0) covers x, y in [0, 1).
        calibration: size of a pixel; :data:`UNCALIBRATED` where it is not known.
        name: the file name with its extension, or the image's title in ImageJ; first part of the Label column.
        position: 1-based (channel, slice, frame) in the film or stack it came from; (0, 0, 0) for a single image.
        slice_label: ImageJ's label of the slice, or "".
        metadata: what else the file said, JSON values only. Keys with a meaning everywhere: ``notes`` (texts for the
            user), ``acquisition`` (:meth:`temj.data.Acquisition.known`), ``pixel_size_source`` (where the pixel size
            came from, e.g. ``"FEI tag PixelWidth"``, ``"given by the user"``).
        area: (height, width) bool, read-only: the analysed area, True where the image counts; None where all of it
            does. What is outside (info bar, scale bar, vacuum, dead pixels) is in no training, result or density.
        others: (n, height, width), read-only: the same place as n further detectors saw it, for models that take
            several (:func:`temj.data.detectors.together`); None where there are none. Only ``pixels`` are measured.
    """

    pixels: np.ndarray
    calibration: Calibration = UNCALIBRATED
    name: str = "micrograph"
    position: tuple[int, int, int] = (0, 0, 0)
    slice_label: str = ""
    metadata: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    area: np.ndarray | None = None
    others: np.ndarray | None = None

    def __post_init__(self) -> None:
        pixels = np.asarray(self.pixels)
        if pixels.ndim != 2 or pixels.dtype not in PIXEL_TYPES or 0 in pixels.shape:
            raise BadImage(
                "pixels",
                where=self.name,
                expected="a grey-value image of height x width, 8-bit, 16-bit or 32-bit float",
                found=f"{'x'.join(map(str, pixels.shape))} {pixels.dtype}",
                remedy="Convert it (in ImageJ: Image > Type) or open one slice of it.",
            )
        pixels = np.ascontiguousarray(pixels).view()
        pixels.setflags(write=False)
        object.__setattr__(self, "pixels", pixels)
        if self.area is not None:
            object.__setattr__(self, "area", self._checked_area())
        if self.others is not None:
            object.__setattr__(self, "others", self._checked_others())

    def _checked_others(self) -> np.ndarray:
        """The images of the other detectors, read-only."""
        others = np.asarray(self.others)
        if others.shape[1:] != self.pixels.shape or others.dtype not in PIXEL_TYPES:
            raise BadImage(
                "detectors",
                where=self.name,
                expected=f"images of {self.height} x {self.width} of all detectors",
                found=f"{'x'.join(map(str, others.shape))} {others.dtype}",
            )
        others = np.ascontiguousarray(others).view()
        others.setflags(write=False)
        return others

    def _checked_area(self) -> np.ndarray | None:
        """The analysed area as a read-only mask; None where it is the whole image."""
        area = np.asarray(self.area)
        if area.shape != self.pixels.shape or area.dtype != bool:
            raise BadImage(
                "area",
                where=self.name,
                expected=f"a bool mask of {self.height} x {self.width} for the analysed area",
                found=f"{'x'.join(map(str, area.shape))} {area.dtype}",
            )
        if area.all():
            return None
        area = np.ascontiguousarray(area).view()
        area.setflags(write=False)
        return area

    @property
    def height(self) -> int:
        """Rows of pixels."""
        return self.pixels.shape[0]

    @property
    def width(self) -> int:
        """Columns of pixels."""
        return self.pixels.shape[1]

    def of_detectors(self, count: int) -> np.ndarray:
        """The images of ``count`` detectors: (height, width) of one, which is ``pixels``; else (count, height, width).

        Raises:
            BadImage: ``channels``: it has another number of detectors, and more than one is asked for.
        """
        if count == 1:
            return self.pixels
        have = 1 if self.others is None else 1 + len(self.others)
        if have != count:
            raise BadImage(
                "channels",
                where=self.name,
                expected=f"the images of {count} detectors, as channels of one file",
                found=f"{have} channel{'s' if have > 1 else ''}",
                remedy="Give a file with as many channels (in ImageJ: Image > Color > Merge Channels).",
            )
        return np.concatenate([self.pixels[None], self.others])

    @property
    def area_pixels(self) -> int:
        """Number of pixels of the analysed area."""
        return self.pixels.size if self.area is None else int(np.count_nonzero(self.area))

    def with_pixel_size(self, wanted: Calibration) -> Micrograph:
        """The same micrograph at the scale that its user gave; the origin stays.

        ``metadata["notes"]`` says so where this differs by more than 2 % from what the micrograph said itself.
        """
        own = self.calibration
        notes = tuple(self.metadata.get("notes", ()))
        if own.known and wanted.known and any(abs(a / b - 1) > 0.02 for a, b in zip(own.nm, wanted.nm, strict=True)):
            notes += (f"pixel size {wanted.size_text} given by the user instead of the file's {own.size_text}",)
        calibration = replace(wanted, x_origin=own.x_origin, y_origin=own.y_origin)
        return replace(self, calibration=calibration, metadata={**self.metadata, "notes": notes})
