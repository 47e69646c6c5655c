"""Flips, rotation, zoom, elastic deformation and folding: parts of one single resampling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from temj.opencv import opencv
from temj.training.augmentations.base import Augmentation, Range, chance, uniform
from temj.training.augmentations.maps import IDENTITY, Map, Place

cv2 = opencv()

EXACT = 0.3
"""Share of crops whose pixels are pixels of the image: only mirrored and turned by quarter turns."""


class Geometric(Augmentation):
    """Moves image, masks, boxes and points together; by itself around the middle of the image."""

    _transformed_types = (tv_tensors.Image, tv_tensors.Mask, tv_tensors.BoundingBoxes, tv_tensors.KeyPoints)

    def part(self, shape: tuple[int, int]) -> Map:
        """Draw its map for a crop of (height, width)."""
        del shape
        return IDENTITY

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The place that the whole image comes from."""
        height, width = shape = tuple(v2.functional.get_size(flat_inputs[0]))
        return {"place": Place(self.part(shape), np.array([width / 2, height / 2]), shape)}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One input, resampled or moved."""
        return moved(inpt, params["place"])


class FlipHorizontal(Geometric):
    """Left and right exchanged."""

    def part(self, _shape: tuple[int, int]) -> Map:
        """See :class:`Geometric`."""
        return Map(np.diag([-1.0, 1.0]))


class FlipVertical(Geometric):
    """Top and bottom exchanged."""

    def part(self, _shape: tuple[int, int]) -> Map:
        """See :class:`Geometric`."""
        return Map(np.diag([1.0, -1.0]))


class Rotation(Geometric):
    """Turned by an angle, counter-clockwise on the screen."""

    often: ClassVar[float] = 1.0
    ranges: ClassVar = {"angle": Range(-180, 180, -180, 180, "degrees")}

    def part(self, _shape: tuple[int, int]) -> Map:
        """See :class:`Geometric`."""
        return self.turn(self.draw("angle"))

    def quarter(self) -> Map:
        """Turned by the multiple of 90 degrees next to the angle, where those are allowed; else not at all."""
        low, high = self.limits["angle"]
        angle = 90.0 * round(self.draw("angle") / 90)
        self.drawn["angle"] = angle if low <= -90 and high >= 90 else 0.0
        return self.turn(self.drawn["angle"])

    @staticmethod
    def turn(degrees: float) -> Map:
        """The map of a rotation; exact for quarter turns."""
        cos, sin = (math.cos(math.radians(degrees)), math.sin(math.radians(degrees)))
        if degrees % 90 == 0:
            cos, sin = round(cos), round(sin)
        return Map(np.array([[cos, -sin], [sin, cos]], float))


class Scale(Geometric):
    """Larger (above 1) or smaller, as if taken at a smaller or larger pixel size."""

    often: ClassVar[float] = 1.0
    ranges: ClassVar = {"factor": Range(0.7, 1.4, 0.05, 20, "times the size", ratio=True)}

    def part(self, _shape: tuple[int, int]) -> Map:
        """See :class:`Geometric`."""
        return Map(np.eye(2) / self.draw("factor"))


class Elastic(Geometric):
    """Bent smoothly and at random: nodes of a grid are moved, and what is between them follows."""

    often: ClassVar[float] = 0.1
    ranges: ClassVar = {
        "strain": Range(0.02, 0.08, 0, 0.15, "deviation of a node's shift, in cells"),
        "cell": Range(32, 96, 8, 1000, "pixels between two nodes"),
    }

    def part(self, shape: tuple[int, int]) -> Map:
        """See :class:`Geometric`."""
        cell, strain = self.draw("cell"), self.draw("strain")
        nodes = [max(round(side / cell), 1) + 3 for side in shape]
        # Within two deviations, so that nothing is ever folded over.
        field = torch.randn(*nodes, 2).clamp_(-2, 2).numpy() * np.float32(strain * cell)
        whole = cv2.resize(field, [round(count * cell) for count in nodes[::-1]], interpolation=cv2.INTER_CUBIC)
        top, left = ((have - want) // 2 for have, want in zip(whole.shape, shape, strict=False))
        return Map(np.eye(2), np.ascontiguousarray(whole[top : top + shape[0], left : left + shape[1]]))


class Folding(Geometric):
    """Rows or columns shifted along a sine, as foils buckle and stages drift (Salvador et al. 2026)."""

    often: ClassVar[float] = 0.0
    ranges: ClassVar = {
        "amplitude": Range(0.005, 0.02, 0, 0.03, "sides of the crop"),
        "wavelength": Range(0.5, 2.0, 0.4, 10, "sides of the crop"),
    }

    def part(self, shape: tuple[int, int]) -> Map:
        """See :class:`Geometric`."""
        axis = int(chance() < 0.5)
        side = shape[axis]
        wave = 2 * math.pi / (self.draw("wavelength") * side)
        sine = np.sin(wave * np.arange(side) + uniform(0, 2 * math.pi)) * (self.draw("amplitude") * side)
        shift = np.zeros((*shape, 2), np.float32)
        # along x by the row, or along y by the column
        shift[..., axis] = sine[:, None] if axis == 0 else sine[None, :]
        return Map(np.eye(2), shift)


class Warp(Geometric):
    """A crop that is mirrored, turned, zoomed and bent in one single resampling: each further one would blur the noise.

    Where the sample has points (``tv_tensors.KeyPoints``), the first one is the centre of the crop; else the middle of
    the image is.

    Args:
        size: side of the crop, pixels.
        parts: what may happen, each with its probability.
        exact: share of crops that keep pixels of the image as they are (only where a zoom of 1 is allowed).
    """

    def __init__(self, size: int, parts: Sequence[Geometric] = (), exact: float = EXACT):
        super().__init__(1.0)
        self.size, self.parts, self.exact = size, tuple(parts), exact
        self.happened: tuple[Geometric, ...] = ()

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Centre and map of the crop."""
        height, width = v2.functional.get_size(flat_inputs[0])
        points = next((entry for entry in flat_inputs if isinstance(entry, tv_tensors.KeyPoints)), None)
        centre = (
            np.array([width / 2, height / 2])
            if points is None
            else points.as_subclass(torch.Tensor)[0].numpy().astype(float)
        )
        shape = (self.size, self.size)
        happening = [part for part in self.parts if part.happens()]
        if chance() < self.exact and self._zoom_of_one():
            # whole and half pixels, so that pixels of the crop fall onto pixels of the image
            centre = np.floor(centre - 0.5) + (self.size - 1) / 2 % 1 + 0.5
            happening = [part for part in happening if isinstance(part, FlipHorizontal | FlipVertical | Rotation)]
            maps = [part.quarter() if isinstance(part, Rotation) else part.part(shape) for part in happening]
        else:
            maps = [part.part(shape) for part in happening]
        self.happened = tuple(happening)
        whole = IDENTITY
        for each in maps:
            whole = each.after(whole)
        return {"place": Place(whole, centre, shape)}

    def _zoom_of_one(self) -> bool:
        zooms = [part.limits["factor"] for part in self.parts if isinstance(part, Scale) and part.probability]
        return all(low <= 1 <= high for low, high in zooms)


def moved(inpt: Any, place: Place) -> Any:
    """An image (Lanczos), mask (nearest pixel), boxes of any format, or points, as the crop shows them.

    Boxes are not cut off at the edge of the crop.
    """
    plain = inpt.as_subclass(torch.Tensor)  # what is done with a tv_tensor takes several times as long
    if isinstance(inpt, tv_tensors.Image | tv_tensors.Mask):
        array = plain.numpy()
        planes = place.sample(array.reshape(-1, *array.shape[-2:]), isinstance(inpt, tv_tensors.Mask))
        return tv_tensors.wrap(torch.from_numpy(planes.reshape(*array.shape[:-2], *place.shape)), like=inpt)
    if isinstance(inpt, tv_tensors.KeyPoints):
        points = place.move(plain.double().numpy().reshape(-1, 2)).reshape(inpt.shape)
        return tv_tensors.KeyPoints(torch.from_numpy(points).to(inpt.dtype), canvas_size=place.shape)
    rotated = tv_tensors.is_rotated_bounding_format(inpt.format)
    kind = tv_tensors.BoundingBoxFormat.CXCYWHR if rotated else tv_tensors.BoundingBoxFormat.XYXY
    boxes = functional.convert_bounding_box_format(plain.double(), inpt.format, kind).numpy()
    data = torch.from_numpy((place.move_rotated if rotated else place.move_boxes)(boxes))
    data = functional.convert_bounding_box_format(data, kind, inpt.format).to(inpt.dtype)
    return tv_tensors.BoundingBoxes(data, format=inpt.format, canvas_size=place.shape, clamping_mode=inpt.clamping_mode)
