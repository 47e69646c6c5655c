"""ImagePlus <-> Micrograph."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from temj.data import Calibration, Micrograph
from temj.data.calibration import NM_PER_UNIT, canonical_unit, round_size
from temj.imagej.java import J

_SIGNED = {8: np.int8, 16: np.int16, 32: np.float32}
_UNSIGNED = {8: np.uint8, 16: np.uint16, 32: np.float32}
_COLOUR = 24
_NO_UNIT = ("", "pixel", "pixels")


def to_micrograph(image: Any) -> Micrograph:
    """The current plane of an ImagePlus, copied.

    Colour becomes 8-bit by ImageJ's own conversion; pixels with a calibration of grey values (signed 16-bit
    among them) become their calibrated values as 32-bit float. What was done stands in ``metadata["notes"]``.
    """
    notes: list[str] = []
    pixels = _grey(image, notes)
    stack = image.getStackSize() > 1
    return Micrograph(
        pixels,
        calibration_of(image, notes),
        str(image.getTitle()),
        position_of(image) if stack else (0, 0, 0),
        str(image.getStack().getSliceLabel(image.getCurrentSlice()) or "") if stack else "",
        {"notes": notes} if notes else {},
    )


def position_of(image: Any) -> tuple[int, int, int]:
    """1-based channel, slice and frame of the current plane of a stack."""
    # getC, getZ and getT are not kept up to date in a stack that is no hyperstack
    channel, plane, frame = image.convertIndexToPosition(image.getCurrentSlice())
    return int(channel), int(plane), int(frame)


def calibration_of(image: Any, notes: list[str]) -> Calibration:
    """The image's pixel size (9 significant digits), unit and origin; notes say what is not used of it."""
    found = image.getCalibration()
    origin = float(found.xOrigin), float(found.yOrigin)
    if found.getInvertY():
        notes.append("the image's y axis points upwards (invert Y of ImageJ); positions here count downwards")
    text = str(found.getUnit() or "")
    unit, unit_of_y = canonical_unit(text), canonical_unit(str(found.getYUnit() or "")) or canonical_unit(text)
    if unit is None:
        if text not in _NO_UNIT:
            notes.append(f"the unit '{text}' is no length that is known here: pixel size not used")
        return Calibration(x_origin=origin[0], y_origin=origin[1])
    factor = NM_PER_UNIT[unit_of_y] / NM_PER_UNIT[unit] if unit_of_y != unit else 1.0
    return Calibration(
        round_size(float(found.pixelWidth)), round_size(float(found.pixelHeight) * factor), unit, *origin
    )


def _grey(image: Any, notes: list[str]) -> np.ndarray:
    """The current plane as uint8, uint16 or float32 (height, width)."""
    plane, kind = image.getProcessor(), image.getBitDepth()
    if kind == _COLOUR or image.getType() == J.ImagePlus.COLOR_256:
        colour = plane.convertToRGB()
        if not colour.isGrayscale():
            notes.append("colour image: grey values by ImageJ's own conversion to 8-bit")
        return _array(colour.convertToByte(False))
    calibration = image.getCalibration()
    if calibration.calibrated():
        if not calibration.isSigned16Bit():
            notes.append("grey values are the calibrated ones (Analyze > Calibrate), as 32-bit float")
        plane = plane.duplicate()
        plane.setCalibrationTable(calibration.getCTable())
        plane = plane.convertToFloat()
    return _array(plane)


def _array(plane: Any) -> np.ndarray:
    """A copy of an ImageProcessor's pixels, (height, width)."""
    depth = int(plane.getBitDepth())
    with memoryview(plane.getPixels()) as values:
        flat = np.frombuffer(values, _SIGNED[depth]).view(_UNSIGNED[depth]).copy()
    return flat.reshape(plane.getHeight(), plane.getWidth())


def origin_of(image: Any) -> dict[str, Any]:
    """Where an image came from, as metadata of its micrograph.

    Returns:
        ``file``: path of the file it was opened from, unless it has another size now (a duplicate of a part has its
        file's name too); ``changed``: whether it was changed since; ``dimensions``: [channels, slices, frames].
    """
    told: dict[str, Any] = {"dimensions": [int(number) for number in image.getDimensions()[2:]]}
    info = image.getOriginalFileInfo()
    if info is None or not info.fileName or not info.directory or info.width not in (0, image.getWidth()):
        return told
    file = Path(str(info.directory)) / str(info.fileName)
    if info.height not in (0, image.getHeight()) or not file.is_file():
        return told
    return told | {"file": str(file), "changed": bool(image.changes)}


def to_image(micrograph: Micrograph) -> Any:
    """An ImagePlus with these pixels, scale, title; not shown."""
    image = J.ImagePlus(micrograph.name, _processor(micrograph))
    _calibrate(image, micrograph.calibration)
    return image


def to_stack(planes: Sequence[Micrograph], dimensions: tuple[int, int, int], interval: float | None = None) -> Any:
    """An ImagePlus of several planes with the scale and title of the first; not shown.

    Args:
        planes: in ImageJ's stack order (channel fastest, then slice, then frame), all of one size and pixel type.
        dimensions: (channels, slices, frames); their product is the number of planes.
        interval: seconds from frame to frame, where it is known.
    """
    stack = J.ImageStack(planes[0].width, planes[0].height)
    for plane in planes:
        stack.addSlice(plane.slice_label or None, _processor(plane))
    image = J.ImagePlus(planes[0].name, stack)
    image.setDimensions(*dimensions)
    image.setOpenAsHyperStack(len(planes) > 1)
    low, high = min(float(plane.pixels.min()) for plane in planes), max(float(plane.pixels.max()) for plane in planes)
    image.setDisplayRange(low, high)
    _calibrate(image, planes[0].calibration)
    if interval is not None:
        image.getCalibration().frameInterval = interval
        image.getCalibration().setTimeUnit("sec")
    return image


def _processor(micrograph: Micrograph) -> Any:
    """The pixels as an ImageProcessor that shows all of their range."""
    import jpype

    kinds = {
        "uint8": (J.ByteProcessor, jpype.JByte, np.int8),
        "uint16": (J.ShortProcessor, jpype.JShort, np.int16),
        "float32": (J.FloatProcessor, jpype.JFloat, np.float32),
    }
    processor, element, dtype = kinds[micrograph.pixels.dtype.name]
    pixels = jpype.JArray(element)(micrograph.pixels.size)
    pixels[:] = micrograph.pixels.reshape(-1).view(dtype)
    made = processor(micrograph.width, micrograph.height)
    made.setPixels(pixels)
    made.resetMinAndMax()
    return made


def _calibrate(image: Any, given: Calibration) -> None:
    scale = image.getCalibration()
    scale.pixelWidth, scale.pixelHeight = given.width, given.height
    scale.xOrigin, scale.yOrigin = given.x_origin, given.y_origin
    scale.setUnit(given.unit)
