"""Published trainings by name: options and settings of the core in which they differ from what is usual here.

One more is one line of :data:`RECIPES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from temj import registry
from temj.errors import BadValue
from temj.training.options import TrainingOptions


@dataclass(frozen=True)
class Published:
    """A training after a paper.

    Attributes:
        source: where, and what is told there; the other values are those usual for such a network, chosen here.
        cores: for which it is; the first one is the published one.
        values: options of a training, and settings of the core, by name.
    """

    source: str
    cores: tuple[str, ...]
    values: Mapping[str, Any]


RECIPES = {
    "shen2021": Published(
        "Shen et al., Comput. Mater. Sci. 2021: Faster R-CNN with VGG-16 on gray, CLAHE and Gaussian, images of "
        "1024 px, SGD from 1e-4, a tenth of the rate every 20,000 of 90,000 steps",
        ("boxes",),
        {
            "encoder": "vgg16", "encoder_depth": 4, "pyramid": False, "width": 512, "head": 4096,
            "channels": "gray+clahe+gaussian", "optimizer": "sgd", "learning_rate": 1e-4, "weight_decay": 5e-4,
            "schedule": "step:20000", "steps": 90_000, "batch": 1, "crop": 1024, "object_share": 0.0, "ema": 0.0,
        },
    ),
    "salvador2026": Published(
        "Salvador et al., Micron 201, 2026, 103927: Mask R-CNN with ResNet-50 and FPN, fields of view of 400 nm, "
        "anchors of 8 to 256 px, aspect ratios of 0.1 to 10, up to 512 objects",
        ("masks", "boxes"),
        {
            "encoder": "resnet50", "encoder_depth": 5, "width": 256, "head": 1024,
            "anchor_sizes": "8px,16px,32px,64px,128px,256px", "aspect_ratios": "0.1,0.2,0.5,1,2,5,10",
            "max_objects": 512, "field_of_view": 400.0, "crop": 512, "batch": 2,
        },
    ),
}  # fmt: skip
"""Name → what it sets; what stands in none of them is as in any training here."""


def with_recipe(name: str, core: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of :class:`TrainingOptions` of a recipe, with what was given in their place.

    Args:
        name: a line of :data:`RECIPES`.
        core: what is trained.
        given: fields of :class:`TrainingOptions` that win, ``settings`` one by one.

    Raises:
        BadValue: an unknown recipe (with the nearest one), or one of another core.
    """
    if name not in RECIPES:
        raise registry.unknown("recipe", name, RECIPES)
    found = RECIPES[name]
    if core not in found.cores:
        raise BadValue(
            "recipe", where=f"recipe {name}", expected=f"the core {' or '.join(found.cores)}, which it is of",
            found=f"'{core}'", remedy=f"Give --core {found.cores[0]}, or leave the recipe out.",
        )  # fmt: skip
    options = {key: value for key, value in found.values.items() if key in TrainingOptions.model_fields}
    settings = {key: value for key, value in found.values.items() if key not in options}
    return options | dict(given) | {"settings": settings | dict(given.get("settings", {}))}
