"""The overlay picture: a micrograph with the outlines of its objects, a legend and a scale bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from temj.data import Instances, Micrograph
from temj.opencv import opencv
from temj.plots.bar import bar
from temj.plots.colours import Rgb, class_colours, second_colour
from temj.plots.outside import hatch, legend
from temj.plots.paths import Path, extremes, paths
from temj.plots.text import Writer

_ENLARGED = ((256, 4), (1024, 2))
"""(longest side in pixels up to which, how many times) an image is enlarged, so that lines do not hide objects."""
_LONGEST = 4096
_BOLD_FROM = 900
_CROWDED = 0.03
"""Length of all outlines for the area of the picture (in pixels) from which on lines are thin."""
_SUB_PIXEL_BITS = 4
_FARTHEST = 1e6
_PERCENTILES = (0.1, 99.9)
_SAMPLED = 2**19
_NUMBERED_UP_TO = 250
_COMPRESSION = 1
_CAPTION = (200, 200, 200)


def overlay(
    micrograph: Micrograph,
    instances: Instances,
    colours: Mapping[str, str],
    ellipses: Instances | None = None,
    caption: str = "",
    numbered: bool = True,
) -> np.ndarray:
    """Draw the objects on their micrograph.

    The grey values between the 0.1 and 99.9 % percentiles fill the range of the screen. Small images are enlarged
    2 or 4 times, and those beyond 4096 pixels made smaller. Objects carry their number (from 1, the row of the
    Results) where there is room. Legend and scale bar stand in a bar below the image and hide nothing. What the
    micrograph's analysed area leaves out is dimmed and hatched, and its grey values do not stretch the range.

    Args:
        micrograph: the image.
        instances: its objects.
        colours: ``#rrggbb`` of each class; all of them are in the legend, also those without objects.
        ellipses: drawn thin in a second colour.
        caption: stands in the legend, such as which plane of a film this is.
        numbered: whether objects carry their number.

    Returns:
        (h', w', 3) uint8, red, green, blue.
    """
    scale = picture_scale(micrograph.width, micrograph.height)
    picture = enlarged(display(micrograph.pixels, micrograph.area), scale)
    if micrograph.area is not None:
        hatch(picture, micrograph.area)
    used = class_colours(instances.class_name.tolist(), colours)
    found = paths(instances.shapes)
    bold = _thickness(found, scale, picture)
    for name, colour in used.items():
        own = [path for path in found if instances.class_name[path.owner] == name]
        draw(picture, own, scale, colour, bold)
    second = second_colour(used.values())
    if ellipses is not None:
        draw(picture, paths(ellipses.shapes), scale, second, 1)
    writer = Writer(picture.shape[1])
    if numbered and len(instances) <= _NUMBERED_UP_TO:
        tints = [used[name] for name in instances.class_name]
        writer.numbers(picture, extremes(found, len(instances)) * scale, tints)
    entries = [(f"{name or 'objects'}: {np.count_nonzero(instances.class_name == name)}", used[name]) for name in used]
    if ellipses is not None:
        entries.append(("fitted ellipses", second))
    if micrograph.area is not None:
        entries.append(legend(micrograph.area))
    if caption:
        entries.append((caption, _CAPTION))
    return np.concatenate([picture, bar(picture.shape[1], entries, micrograph, scale, writer)])


def png_bytes(rgb: np.ndarray) -> bytes:
    """A picture (h, w, 3) uint8 as a PNG file."""
    cv2 = opencv()
    options = [cv2.IMWRITE_PNG_COMPRESSION, _COMPRESSION]
    if hasattr(cv2, "IMWRITE_PNG_FILTER"):  # one filter for all rows takes half the time; OpenCV before 4.11 tries five
        options += [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_SUB]
    done, data = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise ValueError(f"not a picture: {rgb.shape} {rgb.dtype}")
    return data.tobytes()


def picture_scale(width: int, height: int) -> float:
    """Pixels of the picture for each pixel of the image."""
    longest = max(width, height)
    for limit, times in _ENLARGED:
        if longest <= limit:
            return float(times)
    return min(1.0, _LONGEST / longest)


def display(pixels: np.ndarray, area: np.ndarray | None = None) -> np.ndarray:
    """Grey values (h, w) of any type as uint8 for the screen; NaN is black, a constant image mid-grey.

    The range is that of the pixels in ``area`` (bool (h, w); None for all).
    """
    low, high = _range(pixels, area)
    if not high > low:
        return np.full(pixels.shape, 128, np.uint8)
    if pixels.dtype.kind == "f":
        grey = (np.nan_to_num(pixels, nan=low, posinf=high, neginf=low) - low) * (255.0 / (high - low))
        return np.clip(np.rint(grey), 0, 255).astype(np.uint8)
    values = np.arange(np.iinfo(pixels.dtype).max + 1, dtype=float)
    return np.clip(np.rint((values - low) * (255.0 / (high - low))), 0, 255).astype(np.uint8)[pixels]


def _range(pixels: np.ndarray, area: np.ndarray | None = None) -> tuple[float, float]:
    """The two percentiles, of a regular sample of a large image."""
    step = max(1, int(np.sqrt(pixels.size / _SAMPLED)))
    sample = pixels[::step, ::step]
    if area is not None:
        sample = sample[area[::step, ::step]]
    sample = sample[np.isfinite(sample)] if sample.dtype.kind == "f" else sample
    if not sample.size:
        return 0.0, 0.0
    low, high = np.percentile(sample, _PERCENTILES)
    # an image that is constant but for a few pixels has its whole range there
    return (float(low), float(high)) if high > low else (float(sample.min()), float(sample.max()))


def enlarged(grey: np.ndarray, scale: float) -> np.ndarray:
    """The grey picture (h, w) uint8 at the scale, as RGB."""
    cv2 = opencv()
    if scale != 1:
        size = [max(1, round(side * scale)) for side in grey.shape[::-1]]
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    return cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)


def _thickness(found: list[Path], scale: float, picture: np.ndarray) -> int:
    """2 in a picture that is large and not crowded, else 1."""
    drawn = sum(float(np.abs(np.diff(path.points, axis=0)).sum()) for path in found) * scale
    crowded = drawn > _CROWDED * picture.shape[0] * picture.shape[1]
    return 2 if max(picture.shape) >= _BOLD_FROM and not crowded else 1


def draw(picture: np.ndarray, found: Sequence[Path], scale: float, colour: Rgb, thickness: int) -> None:
    """Draw paths into the picture; the corner (0, 0) of the image lies half a pixel before its first pixel's centre."""
    cv2 = opencv()
    for closed in (True, False):
        points = _corners([path for path in found if path.closed == closed], scale)
        cv2.polylines(picture, points, closed, colour, thickness, cv2.LINE_AA, _SUB_PIXEL_BITS)


def fill(picture: np.ndarray, found: Sequence[Path], scale: float, colour: Rgb) -> None:
    """Fill the closed paths, object by object: what lies in a hole stays."""
    cv2 = opencv()
    for owner in sorted({path.owner for path in found if path.closed}):
        own = [path for path in found if path.closed and path.owner == owner]
        cv2.fillPoly(picture, _corners(own, scale), colour, cv2.LINE_8, _SUB_PIXEL_BITS)


def _corners(found: Sequence[Path], scale: float) -> list[np.ndarray]:
    """Points of paths in the picture, in OpenCV's fixed point numbers."""
    lines = [np.clip(path.points * scale, -_FARTHEST, _FARTHEST) - 0.5 for path in found]
    return [np.rint(line * 2**_SUB_PIXEL_BITS).astype(np.int32) for line in lines]
