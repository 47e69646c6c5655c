"""Average precision equals that of pycocotools without its limit on objects; and what each figure means, by hand."""

import contextlib
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from temj.data import RoiType, Shape, Shapes
from temj.errors import BadValue
from temj.evaluation.objects import Objects, intersections
from temj.evaluation.overlapping import box_overlaps
from temj.evaluation.precision import IOUS, Ranked
from temj.geometry.overlap import Overlaps

SIDE = 96
ONE = np.array([0])


def random_boxes(rng: np.random.Generator, count: int, whole: bool) -> np.ndarray:
    """(n, 4) x, y, width, height, crowded."""
    corner, size = rng.uniform(0, SIDE - 24, (count, 2)), rng.uniform(3, 22, (count, 2))
    boxes = np.concatenate([corner, size], axis=1)
    return np.rint(boxes) if whole else boxes


def disturbed(rng: np.random.Generator, boxes: np.ndarray, extra: int, whole: bool) -> np.ndarray:
    """Some of the boxes moved a little, and others that are nowhere."""
    kept = boxes[rng.random(len(boxes)) < 0.8]
    moved = kept + rng.normal(0, 1.2, kept.shape)
    moved[:, 2:] = np.maximum(moved[:, 2:], 2)
    moved = np.concatenate([moved, random_boxes(rng, extra, whole)])
    moved[:, :2] = np.clip(moved[:, :2], 0, SIDE - 1)
    return np.maximum(np.rint(moved), [0, 0, 1, 1]) if whole else moved


def rectangles(boxes: np.ndarray) -> Shapes:
    return Shapes.of(Shape(RoiType.RECT, params=tuple(box)) for box in boxes.tolist())


def mask_of(box: np.ndarray) -> np.ndarray:
    """A disc-like piece of a whole-numbered box."""
    x, y, width, height = box.astype(int)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[y : y + height, x : x + width] = 1
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return mask & (((columns - x) * (rows - y)) % 7 != 3).astype(np.uint8)


def coco_ap(scene: list, kind: str, limits: tuple[float, float] | None = None) -> np.ndarray:
    """(t,) by pycocotools, all images together, of any number of objects.

    Args:
        scene: for each image (annotated, found, scores); boxes, or masks for "segm".
        limits: areas of the objects that are looked at.
    """
    truth = {"images": [], "annotations": [], "categories": [{"id": 1}]}
    guesses = []

    def entry(image: int, thing: np.ndarray) -> dict:
        if kind == "bbox":
            return {"image_id": image, "category_id": 1, "bbox": thing.tolist(), "area": float(thing[2] * thing[3])}
        rle = coco_mask.encode(np.asfortranarray(thing))
        return {"image_id": image, "category_id": 1, "segmentation": rle, "area": float(thing.sum())}

    for image, (true, found, scores) in enumerate(scene, 1):
        truth["images"].append({"id": image, "width": SIDE, "height": SIDE})
        truth["annotations"] += [entry(image, one) | {"iscrowd": 0} for one in true]
        guesses += [entry(image, one) | {"score": float(s)} for one, s in zip(found, scores, strict=True)]
    for number, one in enumerate(truth["annotations"], 1):
        one["id"] = number
    with contextlib.redirect_stdout(io.StringIO()):
        known = COCO()
        known.dataset = truth
        known.createIndex()
        judge = COCOeval(known, known.loadRes(guesses), kind)
        judge.params.maxDets, judge.params.iouThrs = [10**6], np.array(IOUS)
        judge.params.areaRng, judge.params.areaRngLbl = [[0, 1e10] if limits is None else list(limits)], ["all"]
        judge.evaluate()
        judge.accumulate()
    precision = judge.eval["precision"][:, :, 0, 0, 0]
    return np.where((precision > -1).all(axis=1), precision.mean(axis=1), np.nan)


def areas(things: np.ndarray, kind: str) -> np.ndarray:
    return things[:, 2] * things[:, 3] if kind == "bbox" else things.sum(axis=(1, 2))


def own_ap(scene: list, kind: str, limits: tuple[float, float] | None = None) -> np.ndarray:
    parts = []
    for true, found, scores in scene:
        if kind == "bbox":
            pairs = box_overlaps(rectangles(found), rectangles(true), "boxes")
        else:
            pairs = intersections(*(pixels(masks) for masks in (found, true)))
        low, high = limits or (0, np.inf)
        outside = [(areas(side, kind) < low) | (areas(side, kind) > high) for side in (found, true)]
        parts.append(Ranked.of(pairs, scores, len(true), ignored=outside[0], true_ignored=outside[1]))
    return Ranked.total(parts).ap()


def pixels(masks: np.ndarray) -> Objects:
    owner, place = np.nonzero(masks.reshape(len(masks), -1))
    return Objects(owner, place, len(masks), (SIDE, SIDE))


def scene_of(seed: int, kind: str) -> list:
    """Three images; one with more than the 100 objects that COCO looks at."""
    rng, made = np.random.default_rng(seed), []
    for count in (6, 15, 170 if kind == "bbox" else 110):
        true = random_boxes(rng, count, kind == "segm")
        found = disturbed(rng, true, count // 3, kind == "segm")
        scores = rng.random(len(found)).round(2)
        if kind == "segm":
            true, found = (np.array([mask_of(box) for box in boxes]) for boxes in (true, found))
        made.append((true, found, scores))
    return made


@pytest.mark.parametrize("kind", ["bbox", "segm"])
@pytest.mark.parametrize("seed", range(4))
def test_it_equals_pycocotools(kind: str, seed: int) -> None:
    scene = scene_of(seed, kind)
    own = own_ap(scene, kind)
    assert own == pytest.approx(coco_ap(scene, kind), abs=1e-6)
    assert 0 <= own[-1] < own[4] < own[0] < 1


def test_rotated_boxes_without_rotation_give_the_same() -> None:
    """The scheme is one for all kinds of objects: here boxes as rotated ones, against pycocotools."""
    scene = scene_of(3, "bbox")
    parts = [
        Ranked.of(box_overlaps(rectangles(found), rectangles(true), "rotated"), scores, len(true))
        for true, found, scores in scene
    ]
    assert Ranked.total(parts).ap() == pytest.approx(coco_ap(scene, "bbox"), abs=1e-6)


@pytest.mark.parametrize("kind", ["bbox", "segm"])
@pytest.mark.parametrize("limits", [(0, 80), (80, 200), (200, 1e9), (1e6, 1e9)])
def test_sizes_equal_pycocotools(kind: str, limits: tuple[float, float]) -> None:
    scene = scene_of(7, kind)
    assert own_ap(scene, kind, limits) == pytest.approx(coco_ap(scene, kind, limits), abs=1e-6, nan_ok=True)


def test_an_image_without_annotated_objects_only_adds_false_ones() -> None:
    scene = scene_of(1, "bbox")
    empty = (np.zeros((0, 4)), scene[0][1], scene[0][2])
    assert own_ap([*scene, empty], "bbox") == pytest.approx(coco_ap([*scene, empty], "bbox"), abs=1e-6)
    assert own_ap([*scene, empty], "bbox")[0] < own_ap(scene, "bbox")[0]


def pairs_of(*rows: tuple[int, int, float]) -> Overlaps:
    first, second, iou = zip(*rows, strict=True)
    return Overlaps(np.array(first), np.array(second), np.array(iou))


def test_by_hand() -> None:
    """Right, wrong, right of two annotated ones: precision 1 up to recall 1/2, then 2/3."""
    got = Ranked.of(pairs_of((0, 0, 0.9), (2, 1, 0.6)), np.array([0.9, 0.8, 0.7]), 2).ap()
    assert got[0] == pytest.approx((51 * 1 + 50 * 2 / 3) / 101)
    assert got[IOUS.index(0.65)] == pytest.approx(51 / 101)
    assert got[-1] == 0


def test_an_ignored_object_neither_helps_nor_harms() -> None:
    found = pairs_of((0, 0, 0.9), (1, 1, 0.9))
    score, ignored = np.array([0.5, 0.9]), np.array([False, True])
    with_it = Ranked.of(found, score, 2, true_ignored=ignored)
    assert with_it.ap()[0] == 1
    assert with_it.best_f1()[0] == 1
    assert with_it.true == 1
    without = Ranked.of(found, score, 2)
    assert without.true == 2
    lonely = Ranked.of(pairs_of((0, 0, 0.9)), score, 1, ignored=np.array([False, True]))
    assert lonely.ap()[0] == 1, "a detection of another size without a partner is no error"
    assert Ranked.of(pairs_of((0, 0, 0.9)), score, 1).ap()[0] == pytest.approx(0.5)


def test_nothing_annotated_and_nothing_found() -> None:
    nothing = Overlaps(np.zeros(0, int), np.zeros(0, int), np.zeros(0))
    assert np.isnan(Ranked.of(nothing, np.array([0.5]), 0).ap()).all()
    assert (Ranked.of(nothing, np.zeros(0), 3).ap() == 0).all()


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_what_is_known_of_average_precision(seed: int) -> None:
    rng = np.random.default_rng(seed)
    true = random_boxes(rng, 12, False)
    found = disturbed(rng, true, 6, False)
    scores = rng.random(len(found))
    pairs = box_overlaps(rectangles(found), rectangles(true), "boxes")
    ranked = Ranked.of(pairs, scores, len(true))
    ap = ranked.ap()
    assert ((ap >= 0) & (ap <= 1)).all()
    assert Ranked.of(pairs, scores**3, len(true)).ap() == pytest.approx(ap), "only the order of scores matters"
    # a false detection that is less sure than all others changes nothing
    one = ((0, 0), (0, 1))
    counts = np.pad(ranked.counts, one, constant_values=True)
    more = Ranked(np.append(scores, -1), np.pad(ranked.right, one), 12, counts)
    assert more.ap() == pytest.approx(ap)
    best, threshold = ranked.best_f1()
    kept = scores > threshold
    right = ranked.right[0, kept].sum()
    assert best == pytest.approx(2 * right / (kept.sum() + 12))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_box_that_is_no_box_is_refused_in_words(wrong: float) -> None:
    boxes = Shapes.of([Shape(RoiType.RECT, params=(1, 2, wrong, 4))])
    with pytest.raises(BadValue, match="finite"):
        box_overlaps(boxes, boxes, "boxes")
