"""A core so small that its answer can be computed by hand: a convolution of one layer, objects as boxes."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import torch
from pydantic import BaseModel, ConfigDict

from temj.cores import Channels
from temj.data import Instances, RoiType, Shape
from temj.errors import BadValue


class Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: tuple[str, ...]
    kernel: int = 1
    stride: int = 8


class Pixelwise:
    """sigmoid(convolution) of the normalised image, a channel a class."""

    def __init__(self, settings: Mapping[str, Any]):
        try:
            self.settings = Settings.model_validate(dict(settings))
        except ValueError as error:
            raise BadValue("core-setting", where="core.settings", found=str(error)) from None

    @property
    def classes(self) -> tuple[str, ...]:
        return self.settings.classes

    @property
    def stride(self) -> int:
        return self.settings.stride

    @functools.cached_property
    def network(self) -> torch.nn.Module:
        kernel = self.settings.kernel
        return torch.nn.Conv2d(1, len(self.classes), kernel, padding=kernel // 2, padding_mode="zeros")

    channels = Channels("gray")

    def prepare(self, pixels: np.ndarray) -> np.ndarray:
        known = np.isfinite(pixels)
        if not known.all():
            return np.where(known, (pixels - pixels[known].mean()) / pixels[known].std(), 0).astype(np.float32)[None]
        deviation = float(pixels.std())
        return ((pixels - pixels.mean(dtype=np.float64)) / (deviation or 1)).astype(np.float32)[None]

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        assert batch.shape[-1] % self.stride == batch.shape[-2] % self.stride == 0
        with torch.inference_mode():
            return self.network(batch).float().sigmoid()

    def decode(self, raw: np.ndarray, threshold: float, scale: float = 1.0) -> Instances:
        parts = []
        for number, name in enumerate(self.classes):
            _, _, stats, _ = cv2.connectedComponentsWithStats((raw[number] > threshold).astype(np.uint8))
            boxes = [Shape(RoiType.RECT, params=(x, y, w, h, 0), subpixel=False) for x, y, w, h, _ in stats[1:]]
            parts.append(Instances.of(boxes, class_name=name, score=0.75))
        return Instances.concatenate(parts)
