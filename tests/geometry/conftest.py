"""Rotated boxes for tests, and their overlap by Shapely."""

from types import SimpleNamespace

import numpy as np
import pytest
import shapely

from temj.geometry.rotated import corners


def random_boxes(rng: np.random.Generator, count: int, field: float = 100.0) -> np.ndarray:
    """(count, 5) centre x and y, length, width (not sorted), angle in degrees (of any turn)."""
    place, sides = rng.uniform(0, field, (count, 2)), rng.uniform(1, 60, (count, 2))
    return np.column_stack([place, sides, rng.uniform(-400, 400, count)])


def shapely_iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """IoU of each of n pairs."""
    one, other = shapely.polygons(corners(first)), shapely.polygons(corners(second))
    both = shapely.area(shapely.intersection(one, other))
    return both / (shapely.area(one) + shapely.area(other) - both)


@pytest.fixture(scope="session")
def rods() -> SimpleNamespace:
    """The functions of this file."""
    return SimpleNamespace(random_boxes=random_boxes, shapely_iou=shapely_iou)
