"""Micrographs of discs with their annotation, as classical methods are fitted to them."""

import numpy as np
import pytest

from temj.cores import Truth


def discs(seed: int, bright: bool = False, side: int = 112, count: int = 5) -> tuple[np.ndarray, Truth]:
    """Discs of radius 5 .. 8 that do not touch, on an uneven background with noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    mask, taken = np.zeros((side, side), bool), []
    while len(taken) < count:
        cy, cx, radius = *rng.uniform(12, side - 12, 2), rng.uniform(5, 8)
        if all(np.hypot(cy - other[0], cx - other[1]) > radius + other[2] + 4 for other in taken):
            taken.append((cy, cx, radius))
            mask |= (y - cy) ** 2 + (x - cx) ** 2 < radius**2
    image = 130 + 0.15 * x + rng.normal(0, 6, mask.shape) + (45 if bright else -45) * mask
    return image.clip(0, 255).astype(np.uint8), Truth(mask.astype(np.uint8))


@pytest.fixture
def make_discs():
    """:func:`discs`."""
    return discs


def f1_of(core, image: np.ndarray, truth: Truth, threshold: float = 0.5) -> float:
    """Object F1 of what a core finds in an image."""
    import torch

    from temj.evaluation.agreement import compare_objects, components
    from temj.evaluation.objects import Objects

    raw = core.forward(torch.from_numpy(core.prepare(image))[None])[0].numpy()
    found = Objects.of_shapes(core.decode(raw, threshold).shapes, *truth.class_map.shape)
    return compare_objects(found, Objects.of_labels(components(truth.class_map == 1))).metrics()["object F1"]


@pytest.fixture
def object_f1():
    """:func:`f1_of`."""
    return f1_of
