"""Made-up images with discs, judged."""

from types import SimpleNamespace

import numpy as np
import pytest

from temj.data import Instances, RoiType, Shape
from temj.evaluation.judging import Judged, Rules, judge, known_area

RULES = Rules(("loop", "dot"), {"loop": "major", "dot": "equivalent"})
SIDE = 200


def _discs(rows, names="loop") -> Instances:
    """Discs (x, y of the middle, diameter)."""
    shapes = [Shape(RoiType.OVAL, params=(x - d / 2, y - d / 2, d, d), subpixel=False) for x, y, d in rows]
    return Instances.of(shapes, class_name=names)


def _judged(true: Instances, found: Instances, rules: Rules = RULES, side: int = SIDE) -> Judged:
    return judge(found, true, known_area(true, side, side), rules)


def _scattered(seed: int, count: int = 20) -> Instances:
    """Discs of both classes on a jittered grid, so that none overlap; some are cut by the frame."""
    rng = np.random.default_rng(seed)
    places = rng.choice(64, count, replace=False)
    x, y = 25 * (places % 8) + rng.integers(6, 20, count), 25 * (places // 8) + rng.integers(6, 20, count)
    rows = zip(x.tolist(), y.tolist(), (2 * rng.integers(3, 8, count)).tolist(), strict=True)
    return _discs(rows, rng.choice(["loop", "dot"], count).tolist())


@pytest.fixture(scope="session")
def made() -> SimpleNamespace:
    return SimpleNamespace(rules=RULES, side=SIDE, discs=_discs, judged=_judged, scattered=_scattered)
