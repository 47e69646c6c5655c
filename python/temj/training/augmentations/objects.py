"""Objects put elsewhere, and parts hidden."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from temj.opencv import opencv
from temj.training.augmentations.base import Augmentation, ClassMap, ObjectNumbers, Range

cv2 = opencv()

IGNORE = 255
_MARGIN = 12
"""How far around an object, in pixels, its surroundings (strain contrast, fringes) go with it, fading out."""
_RING = 4
_TRIES = 12


@dataclass(frozen=True)
class Copy:
    """One object that is repeated.

    Attributes:
        rows, columns: of the part of the crop around it, with a margin.
        mask: its pixels in that part.
        weight: float32, how much of the part is taken over: 1 on the object, fading around it.
        down, right: how far it is moved, pixels.
        lift: (c,) grey value added, so that its surroundings fit those of its new place.
    """

    rows: slice
    columns: slice
    mask: np.ndarray
    weight: np.ndarray
    down: int
    right: int
    lift: np.ndarray

    @property
    def target(self) -> tuple[slice, slice]:
        """Where it goes."""
        rows, columns = self.rows, self.columns
        return (
            slice(rows.start + self.down, rows.stop + self.down),
            slice(columns.start + self.right, columns.stop + self.right),
        )


class CopyPaste(Augmentation):
    """Objects copied to places where none is, brought to the grey level there, with a soft edge.

    An object is a connected part of the class map. Boxes (of any format) whose middle lies on it are copied with it,
    and so are their entries in ``labels``; instance masks (n, h, w) under ``masks`` likewise.
    """

    often: ClassVar[float] = 0.0
    ranges: ClassVar = {"number": Range(1, 3, 1, 50, "objects")}

    def forward(self, *inputs: Any) -> Any:
        """A sample (a dict) with copies; as it is where there is nothing to copy or no room."""
        (sample,) = inputs
        sample = dict(sample)
        wanted, done = round(self.draw("number")), 0
        for _ in range(wanted if "class_map" in sample else 0):
            copy = choose(sample["image"].numpy(), _flat(sample["class_map"].numpy()))
            if copy is not None:
                sample, done = sample | _pasted(sample, copy), done + 1
        self.drawn["number"] = done
        return sample


def _flat(class_map: np.ndarray) -> np.ndarray:
    """(h, w): a class map as it is; of planes (k, h, w) the largest number at each pixel."""
    return class_map if class_map.ndim == 2 else class_map.max(0)


def choose(image: np.ndarray, class_map: np.ndarray) -> Copy | None:
    """Draw an object of a crop and a free place for it; None where there is none."""
    objects = ((class_map > 0) & (class_map < IGNORE)).astype(np.uint8)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(objects, connectivity=8)
    height, width = class_map.shape
    left, top, right, bottom = boxes[:, 0], boxes[:, 1], boxes[:, :1].sum(1) + boxes[:, 2], boxes[:, 1] + boxes[:, 3]
    inside = (left >= _MARGIN) & (top >= _MARGIN) & (right <= width - _MARGIN) & (bottom <= height - _MARGIN)
    small = (boxes[:, 2] < width / 2) & (boxes[:, 3] < height / 2) & (boxes[:, 4] >= 9)
    chosen = np.flatnonzero(inside & small)
    chosen = chosen[chosen > 0]
    if not len(chosen) or count < 2:
        return None
    number = int(chosen[torch.randint(len(chosen), ()).item()])
    rows = slice(int(top[number]) - _MARGIN, int(bottom[number]) + _MARGIN)
    columns = slice(int(left[number]) - _MARGIN, int(right[number]) + _MARGIN)
    mask = labels[rows, columns] == number
    distance = cv2.distanceTransform(1 - mask.astype(np.uint8), cv2.DIST_L2, 5)
    taken, around = distance < _MARGIN, (distance < _MARGIN) & (distance >= _MARGIN - _RING)
    if np.any(taken & ~mask & (class_map[rows, columns] != 0)):
        return None  # something else would come with it
    for _ in range(_TRIES):
        down = torch.randint(height - mask.shape[0] + 1, ()).item() - rows.start
        aside = torch.randint(width - mask.shape[1] + 1, ()).item() - columns.start
        place = np.s_[rows.start + down : rows.stop + down, columns.start + aside : columns.stop + aside]
        if not np.any(taken & (class_map[place] != 0)):
            lift = [float(np.median(plane[place][around]) - np.median(plane[rows, columns][around])) for plane in image]
            weight = 0.5 - 0.5 * np.cos(np.pi * np.clip((_MARGIN - distance) / (_MARGIN - 1), 0, 1), dtype=np.float32)
            return Copy(rows, columns, mask, weight, down, aside, np.array(lift, np.float32))
    return None


def _pasted(sample: dict[str, Any], copy: Copy) -> dict[str, Any]:
    """What of a sample is new with a copy in it."""
    image, class_map = sample["image"].numpy().copy(), sample["class_map"].numpy().copy()
    part, target = np.s_[copy.rows, copy.columns], copy.target
    new = image[:, *part] + copy.lift[:, None, None]
    image[:, *target] += copy.weight * (new - image[:, *target])
    class_map[..., *target][..., copy.mask] = class_map[..., *part][..., copy.mask]
    found = {
        "image": tv_tensors.wrap(torch.from_numpy(image), like=sample["image"]),
        "class_map": tv_tensors.wrap(torch.from_numpy(class_map), like=sample["class_map"]),
    }
    if "objects" in sample:
        objects = sample["objects"].numpy().copy()
        # a piece of the class map may be several objects that touch
        objects[target][copy.mask] = objects[part][copy.mask] + objects.max() + 1
        found["objects"] = tv_tensors.wrap(torch.from_numpy(objects), like=sample["objects"])
    if "boxes" in sample:
        found |= _with_boxes(sample, copy)
    return found


def _with_boxes(sample: dict[str, Any], copy: Copy) -> dict[str, Any]:
    """Boxes, labels and instance masks with those of the copied object at the end."""
    boxes = sample["boxes"]
    rotated = tv_tensors.is_rotated_bounding_format(boxes.format)
    kind = tv_tensors.BoundingBoxFormat.CXCYWHR if rotated else tv_tensors.BoundingBoxFormat.CXCYWH
    middles = functional.convert_bounding_box_format(boxes.as_subclass(torch.Tensor).clone(), boxes.format, kind)
    x = np.floor(middles[:, 0].numpy()).astype(int) - copy.columns.start
    y = np.floor(middles[:, 1].numpy()).astype(int) - copy.rows.start
    within = (x >= 0) & (y >= 0) & (x < copy.mask.shape[1]) & (y < copy.mask.shape[0])
    mine = [index for index in np.flatnonzero(within) if copy.mask[y[index], x[index]]]
    added = middles[mine]
    added[:, 0] += copy.right
    added[:, 1] += copy.down
    added = functional.convert_bounding_box_format(added, kind, boxes.format)
    found = {"boxes": tv_tensors.wrap(torch.cat([boxes.as_subclass(torch.Tensor), added]), like=boxes)}
    if "labels" in sample:
        found["labels"] = torch.cat([sample["labels"], sample["labels"][mine]])
    if "masks" in sample:
        masks = sample["masks"].as_subclass(torch.Tensor)
        more = torch.roll(masks[mine], (copy.down, copy.right), dims=(-2, -1))
        found["masks"] = tv_tensors.wrap(torch.cat([masks, more]), like=sample["masks"])
    return found


class CutOut(Augmentation):
    """A rectangle at the mean grey value (torchvision's RandomErasing), in which nobody can tell what is there."""

    _transformed_types = (tv_tensors.Image, tv_tensors.Mask)
    often: ClassVar[float] = 0.0
    ranges: ClassVar = {
        "area": Range(0.005, 0.04, 0.0001, 0.5, "of the crop"),
        "aspect": Range(0.4, 2.5, 0.1, 10, "height / width", ratio=True),
    }

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Where."""
        hole = v2.RandomErasing(p=1, scale=self.limits["area"], ratio=self.limits["aspect"], value=0)
        return hole.make_params(flat_inputs)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The image becomes 0 there, a class map ``ignore``; instance masks stay."""
        if isinstance(inpt, tv_tensors.Mask):
            if isinstance(inpt, ObjectNumbers) or (inpt.ndim > 2 and not isinstance(inpt, ClassMap)):
                return inpt
            cut = inpt.as_subclass(torch.Tensor).clone()
            cut[..., params["i"] : params["i"] + params["h"], params["j"] : params["j"] + params["w"]] = IGNORE
            return tv_tensors.wrap(cut, like=inpt)
        return self._call_kernel(functional.erase, inpt, **params)
