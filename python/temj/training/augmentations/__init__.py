"""Augmentations: what may happen to a crop, by name, on torchvision's v2 transforms.

Each is a ``torchvision.transforms.v2.Transform`` of a sample::

    {"image": tv_tensors.Image (c, h, w) float32, prepared (mean 0, deviation 1),
     "class_map": ClassMap (h, w) or (k, h, w) uint8, "objects": ObjectNumbers (h, w) float32,
     "boxes": tv_tensors.BoundingBoxes, of any format, rotated too; "labels": (n,) tensor}

and moves image, masks, boxes and rotated boxes together; only the image must be there. The angle of a rotated box
(format CXCYWHR) turns counter-clockwise on the screen, as everywhere in TEMJ. All chance comes from torch's global
generator, which :class:`Pipeline` seeds for every crop.
"""

from temj.training.augmentations.base import ClassMap, ObjectNumbers
from temj.training.augmentations.pipeline import Applied, Pipeline
from temj.training.augmentations.settings import checked, effective, parse
from temj.training.augmentations.table import AUGMENTATIONS, COARSEST

__all__ = [
    "AUGMENTATIONS",
    "COARSEST",
    "Applied",
    "ClassMap",
    "ObjectNumbers",
    "Pipeline",
    "checked",
    "effective",
    "parse",
]
