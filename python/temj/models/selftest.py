"""A model's sample with the answer it must give: does the network compute the same here?"""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from temj.cores.detection import Detections, Detector
from temj.errors import BadModel
from temj.models.card import EXPECTED, SAMPLE

if TYPE_CHECKING:
    from temj.cores.base import Predictor
    from temj.models.folder import Model

DType = Literal["float32", "bfloat16"]
STEPS = 65535
"""Probabilities 0..1 are stored as uint16 0..65535."""

TOLERANCE: dict[str, float] = {"float32": 1e-3, "bfloat16": 0.05}
"""Largest difference of a probability that passes, by the arithmetic of the network."""

MISMATCHES = {"float32": 500, "bfloat16": 2000}
"""Largest number of pixels in a million that may change sides of the default threshold."""

DETECTIONS = 10
"""A detection that is there or not makes all of its pixels change sides: so many times as many may, and of the
differences of the scores the mean counts instead of the largest."""


@dataclass(frozen=True)
class SelfTest:
    """How far the answer here is from the stored one.

    Attributes:
        device, dtype: where and in which arithmetic the network ran.
        difference: largest difference of a probability; of a detector the mean difference of the scores at a pixel.
        mismatches: pixels in a million on the other side of the default threshold.
        passed: both are within :data:`TOLERANCE` and :data:`MISMATCHES`.
    """

    device: str
    dtype: DType
    difference: float
    mismatches: float
    passed: bool

    def __str__(self) -> str:
        verdict = "passed" if self.passed else "FAILED"
        return (
            f"self-test {verdict} on {self.device} in {self.dtype}: difference {self.difference:.2g}, "
            f"{self.mismatches:.0f} of a million pixels change sides"
        )


def self_test(model: Model, device: str = "auto", dtype: DType = "float32") -> SelfTest:
    """Run the model's sample and compare with the stored answer.

    Raises:
        BadModel: the model is damaged.
    """
    return compare(model, model.load_core(device), dtype)


def compare(model: Model, core: Predictor, dtype: DType = "float32") -> SelfTest:
    """:func:`self_test` with a core that is loaded already."""
    expected = np.atleast_3d(_read(model, EXPECTED).T).T.astype(np.float32) / STEPS
    found = answer(core, _read(model, SAMPLE), dtype)
    if found.shape != expected.shape:
        raise BadModel(
            "self-test",
            where=model.folder / EXPECTED,
            expected=f"{found.shape} probabilities",
            found=f"{expected.shape}",
            remedy="Copy the model again.",
        )
    threshold, _ = model.card.threshold()
    difference = float(np.abs(found - expected).max())
    mismatches = 1e6 * float(np.mean((found > threshold) != (expected > threshold)))
    passed = difference <= TOLERANCE[dtype] and mismatches <= MISMATCHES[dtype]
    if isinstance(core, Detector):
        difference = float(np.abs(found - expected).mean())
        passed = difference <= TOLERANCE[dtype] and mismatches <= DETECTIONS * MISMATCHES[dtype]
    device = next(core.network.parameters()).device.type
    return SelfTest(device, dtype, difference, mismatches, passed)


def answer(core: Predictor, pixels: np.ndarray, dtype: DType = "float32") -> np.ndarray:
    """Probabilities float32 (k, h, w) of an image whose sides are multiples of the core's stride.

    Of a detector the highest score of what covers a pixel.
    """
    return as_map(core, asked(core, pixels, dtype), pixels.shape[-2:])


def asked(core: Predictor, pixels: np.ndarray, dtype: DType = "float32") -> np.ndarray | Detections:
    """What a core answers to an image, for :meth:`temj.cores.Predictor.decode`."""
    import torch

    device = next(core.network.parameters()).device
    with torch.inference_mode(), arithmetic(device.type, dtype):
        found = core.forward(torch.from_numpy(core.prepare(pixels))[None].to(device))[0]
    return found if isinstance(core, Detector) else found.float().cpu().numpy()


def as_map(core: Predictor, found: np.ndarray | Detections, shape: tuple[int, int]) -> np.ndarray:
    """float32 (r, h, w), what was answered at each pixel."""
    return core.score_map(found, shape) if isinstance(core, Detector) else found


def arithmetic(device: str, dtype: DType) -> contextlib.AbstractContextManager:
    """The context in which a network computes in ``dtype``: autocast for bfloat16, nothing for float32."""
    import torch

    return contextlib.nullcontext() if dtype == "float32" else torch.autocast(device, torch.bfloat16)


def encode_answer(probabilities: np.ndarray) -> bytes:
    """Probabilities (k, h, w) as a losslessly packed 16-bit TIFF, in steps of 1/65535."""
    import tifffile

    steps = np.rint(np.clip(probabilities, 0, 1) * STEPS).astype(np.uint16)
    file = io.BytesIO()
    tifffile.imwrite(file, steps, photometric="minisblack", compression="zlib", metadata=None)
    return file.getvalue()


def _read(model: Model, name: str) -> np.ndarray:
    """The pixels of the sample or the expected answer, hashed before they are parsed."""
    import tifffile

    return tifffile.imread(io.BytesIO(model.read(name)))
