"""The core ``threshold``: a global or local threshold of the smoothed and flattened micrograph."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field, field_validator

from temj.cores.base import Truth
from temj.cores.classical.base import Classical, OneClass, Step, planes_of, reading, require_annotated, silent
from temj.cores.classical.fields import FlatField, flat_field
from temj.cores.classical.methods import LOCAL, as_dark, global_threshold, known_method, local_threshold
from temj.cores.semantic.decode import told_apart

if TYPE_CHECKING:
    import torch

STEEPNESS = 2.0
"""Of the logistic function: probability 0.73 is half a standard deviation of the image beyond the threshold."""
_NOWHERE = -20.0
"""Margin where there is certainly nothing: outside the analysed area, in an image without contrast."""


class ThresholdSettings(OneClass):
    """What a threshold is; a value that is not given (``auto``, None) is chosen by the fit.

    Attributes:
        method: a name of :mod:`temj.cores.classical.methods`.
        polarity: whether objects are ``dark`` or ``bright``.
        blur: deviation in pixels of the Gaussian that smooths the image first; 0: none.
        background: deviation in pixels of the Gaussian whose result is subtracted first; 0: none.
        window: side in pixels of the neighbourhood, odd; local methods only.
        offset: k of local methods: how far below (dark) or above (bright) the local mean
            (:func:`temj.cores.classical.methods.local_threshold`).
    """

    method: str = "auto"
    polarity: Literal["auto", "dark", "bright"] = "auto"
    blur: Annotated[float, Field(ge=0, le=100)] | None = None
    background: Annotated[float, Field(ge=0, le=5000)] | None = None
    window: Annotated[int, Field(ge=3, le=5001)] | None = None
    offset: Annotated[float, Field(ge=-10, le=10)] | None = None

    @field_validator("method")
    @classmethod
    def _known(cls, method: str) -> str:
        return method if method == "auto" else known_method(method)

    @field_validator("window")
    @classmethod
    def _odd(cls, window: int | None) -> int | None:
        if window is not None and window % 2 == 0:
            raise ValueError("an odd number of pixels")
        return window

    @property
    def bright(self) -> bool:
        """Whether objects are bright."""
        return self.polarity == "bright"


class Threshold(Classical):
    """One class by a threshold.

    The probability is a logistic function of how far a pixel is beyond the threshold, in standard deviations of the
    image: 0.5 is the method's own threshold, and the ``threshold`` of a prediction moves it.
    """

    Settings = ThresholdSettings
    name = "threshold"

    @functools.cached_property
    def network(self) -> torch.nn.Module:
        """One number, the steepness of the logistic function."""
        return _logistic()

    def prepare(self, pixels: np.ndarray) -> np.ndarray:
        """How far each pixel is beyond the threshold of the whole micrograph, in its standard deviations.

        Args:
            pixels: (h, w) of a whole micrograph, any real dtype, not finite outside the analysed area.

        Returns:
            float32 (1, h, w), positive in objects.
        """
        plane = planes_of(pixels, self.name)
        return margin(flat_field(plane, self.settings.blur or 0, self.settings.background or 0), self.settings)[None]

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Margins (n, 1, h, w) → probabilities float32 (n, 1, h, w)."""
        import torch

        with torch.inference_mode():
            return self.network(batch)

    def labels(
        self, probability: np.ndarray, threshold: float, settings: ThresholdSettings, scale: float = 1.0
    ) -> np.ndarray:
        """Labels 1 .. n, int32, of the objects in a probability (h, w), read with some settings."""
        return told_apart(probability > threshold, probability, None, reading(settings), scale)

    def refinements(self, settings: ThresholdSettings, areas: np.ndarray) -> Iterator[ThresholdSettings]:
        """Settings of reading that the fit tries, for annotated objects of these areas (sorted)."""
        if settings.min_pixels is not None:
            yield settings
            return
        smallest = float(np.quantile(areas, 0.05))
        for least in dict.fromkeys((0, round(smallest / 2), round(smallest))):
            yield settings.model_copy(update={"min_pixels": least})

    def fit(self, images: Sequence[np.ndarray], truths: Sequence[Truth], seed: int = 0, step: Step = silent) -> None:
        """Choose what the settings leave open by the best agreement with annotated images.

        Args:
            images: (h, w) each, as :meth:`prepare` takes them.
            truths: what is annotated in each.
            seed: which images are taken where there are many.
            step: called in between; it may raise to stop.

        Raises:
            BadValue: nothing is annotated.
        """
        from temj.cores.classical.search import search

        require_annotated(truths, self.classes)
        self.settings = search(self, images, truths, seed, step)


def margin(field: FlatField, settings: ThresholdSettings) -> np.ndarray:
    """How far each pixel is beyond the threshold towards the objects, in standard deviations: float32 (h, w)."""
    nowhere = np.full(field.values.shape, _NOWHERE, np.float32)
    if not field.spread:
        return nowhere
    method = "otsu" if settings.method == "auto" else settings.method
    if method in LOCAL:
        values = as_dark(field, settings.bright, method)
        spread = float(values[field.known].std(dtype=np.float64))
        centre, slope = local_threshold(method, values, _window(field, settings), spread)
        found = (centre - np.float32(settings.offset or 0) * slope - values) / np.float32(spread)
    else:
        level = global_threshold(method, field, settings.bright)
        if level is None:
            return nowhere
        found = (field.values - np.float32(level)) / np.float32(field.spread if settings.bright else -field.spread)
    return np.clip(np.where(field.known, found, _NOWHERE), _NOWHERE, -_NOWHERE).astype(np.float32)


def _window(field: FlatField, settings: ThresholdSettings) -> int:
    """The side of the neighbourhood, odd; the longer side of a smaller image, which is then all of it."""
    most = max(field.values.shape) | 1
    return min(settings.window or 51, most)


def _logistic() -> torch.nn.Module:
    import torch

    class Logistic(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.steepness = torch.nn.Parameter(torch.tensor(STEEPNESS), requires_grad=False)

        def forward(self, margins: torch.Tensor) -> torch.Tensor:
            return (margins.float() * self.steepness).sigmoid()

    return Logistic().eval()
