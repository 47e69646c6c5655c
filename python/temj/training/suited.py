"""The options of a training as they suit its core and its dataset: defaults of each core, lengths as pixels."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from temj.cores import DETECTORS, make_core
from temj.cores.detection.anchors import spread
from temj.data.lengths import PIXELS, parse_length
from temj.datasets import Dataset
from temj.errors import BadValue
from temj.models.starting import anchors_of
from temj.training.load import model_size
from temj.training.options import TrainingOptions

DEFAULTS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    dict.fromkeys(DETECTORS, MappingProxyType({"batch": 4, "crop": 256, "learning_rate": 1e-3}))
)
"""Core → options that are other than those of :class:`TrainingOptions` where the user gives none: a detector looks at
objects whole, so at larger and fewer crops."""
IN_WORDS = ("anchor_sizes", "aspect_ratios")
"""Settings of detectors that :func:`settings_in_pixels` takes as text too."""
_FINEST = 1 / 8
"""A field of view makes no pixels smaller than this share of those of the images: there is nothing more to see."""


def suited(options: TrainingOptions, core: str, dataset: Dataset) -> TrainingOptions:
    """The options with the defaults of a core where nothing is given, and with anchors in pixels of the model.

    A detector that starts from another has its anchors unless others are given.

    Asked again for what it gave, it changes nothing.

    Args:
        options: as given; ``settings`` may have ``anchor_sizes`` and ``aspect_ratios`` as :func:`settings_in_pixels`
            takes them.
        core: a name of :data:`temj.cores.CORES`.
        dataset: which knows the pixel size.

    Raises:
        BadValue: a length that is none, or one in nm where the pixel size is not known; a field of view that makes
            pixels much smaller than those of the images.
    """
    given = options.model_fields_set
    more = {name: value for name, value in DEFAULTS.get(core, {}).items() if name not in given}
    if "learning_rate" in more and (options.learning_rate is not None or options.optimizer != "adamw"):
        del more["learning_rate"]  # that of the table is AdamW's
    options = options.model_copy(update=more)
    size = model_size(dataset, options)
    own = dataset.pixel_size.nm
    if options.field_of_view and own and size < _FINEST * min(own):
        raise BadValue(
            "field-of-view", where="field_of_view",
            expected=f"at least {options.crop * min(own) * _FINEST:.4g} nm for a crop of {options.crop} px",
            found=f"{options.field_of_view:g} nm, whose pixels of {size:.3g} nm are far smaller than the images'",
            remedy="Choose a larger field of view or a smaller crop.",
        )  # fmt: skip
    settings = settings_in_pixels(options.settings, core, dataset.classes, size)
    if core in DETECTORS:
        settings = anchors_of(options.start, make_core(core, {**settings, "classes": dataset.classes})) | settings
    return options if settings == options.settings else options.model_copy(update={"settings": settings})


def settings_in_pixels(
    settings: Mapping[str, Any], core: str, classes: tuple[str, ...], pixel_size: float | None
) -> dict[str, Any]:
    """Settings of a core with anchors as :class:`temj.cores.detection.DetectionSettings` takes them.

    Args:
        settings: ``anchor_sizes`` may be text: lengths joined by ``,`` or ``+``, each with its unit or in nm, such as
            ``4nm,8nm,16nm`` or ``8px+16px``, or a flat list of numbers in pixels; they are shared out to the levels of
            the pyramid. ``/`` parts levels: ``8px,12px/16px,24px``. ``aspect_ratios`` may be text too: ``0.5,1,2``.
        core: whose settings they are.
        classes: of the dataset.
        pixel_size: of the model in nm, or None.

    Raises:
        BadValue: text that is no such list, or nm where there is no pixel size.
    """
    found = dict(settings)
    if core not in DETECTORS:
        return found
    if isinstance(found.get("aspect_ratios"), str):
        found["aspect_ratios"] = tuple(_ratio(word) for word in _words(found["aspect_ratios"]))
    sizes = found.get("anchor_sizes")
    if isinstance(sizes, int | float):
        sizes = (sizes,)
    if isinstance(sizes, str) and "/" in sizes:
        levels = [[_pixels(word, pixel_size) for word in _words(level)] for level in sizes.split("/")]
        found["anchor_sizes"] = tuple(tuple(sorted(_sound(level, sizes))) for level in levels)
    elif isinstance(sizes, str) or (sizes and all(isinstance(size, int | float | str) for size in sizes)):
        words = _words(sizes) if isinstance(sizes, str) else sizes
        flat = _sound([_pixels(word, pixel_size) if isinstance(word, str) else word for word in words], sizes)
        without = {name: value for name, value in found.items() if name != "anchor_sizes"}
        made = make_core(core, {**without, "classes": classes}).settings
        found["anchor_sizes"] = spread(flat, made)
    return found


def _sound(sizes: Sequence[float], given: object) -> list[float]:
    """The sizes, at least one, proved to be finite numbers above 0.

    Raises:
        BadValue: they are not.
    """
    wrong = [size for size in sizes if isinstance(size, bool) or not 0 < float(size) < math.inf]
    if wrong or not sizes:
        raise BadValue(
            "anchor-sizes", where="anchor_sizes", expected="sizes above 0, such as 4nm,8nm,16nm or 8px,16px",
            found=repr(given), remedy="Leave them out to have them from the data.",
        )  # fmt: skip
    return [float(size) for size in sizes]


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"\s*[,+]\s*", text.strip()) if word]


def _pixels(word: str, pixel_size: float | None) -> float:
    """A length in pixels of the model."""
    try:
        number, unit = parse_length(word)
    except ValueError as error:
        raise BadValue("anchor-sizes", where="anchor_sizes", expected=str(error), found=f"'{word}'") from None
    if unit == PIXELS:
        return number
    if pixel_size is None:
        raise BadValue(
            "anchor-sizes", where="anchor_sizes", expected="sizes in pixels, such as 8px,16px", found=f"'{word}'",
            remedy="The pixel size is not known: give pixels, or 'pixel_size' in dataset.json.",
        )  # fmt: skip
    return float(f"{number / pixel_size:.4g}")


def _ratio(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise BadValue(
            "aspect-ratios", where="aspect_ratios", expected="numbers such as 0.5,1,2", found=f"'{word}'"
        ) from None


def anchors_in_words(settings: Any, pixel_size: float | None) -> str:
    """What boxes a detector tries, for people: sizes in nm where the pixel size is known, and ratios."""
    sizes = sorted({size for level in settings.anchor_sizes for size in level})
    if not sizes:
        return ""
    pixels = f"{' '.join(f'{size:.3g}' for size in sizes)} px"
    nm = "" if pixel_size is None else f"{' '.join(f'{size * pixel_size:.3g}' for size in sizes)} nm = "
    ratios = " ".join(f"{ratio:.3g}" for ratio in settings.aspect_ratios)
    return f"anchors (square roots of the areas of the boxes that are tried): {nm}{pixels}; aspect ratios {ratios}"
