import contextlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from temj.cores import Truth, make_core
from temj.cores.detection import Detections, Detector
from temj.cores.detection.rotated.heads import suppressed
from temj.data import Instances, RoiType
from temj.evaluation.precision import Ranked
from temj.geometry import rotated
from temj.geometry.moving import as_polygons
from temj.synthetic import make

TINY = {
    "classes": ["rod"], "encoder": "tu-tf_mobilenetv3_small_minimal_100", "encoder_depth": 3, "finest": 4, "width": 16,
    "head": 64, "anchor_sizes": ((16.0,),), "aspect_ratios": (0.3,), "proposals": 200,
}  # fmt: skip


def truth_of(boxes: np.ndarray, side: int = 64, names: list[str] | str = "rod", **planes) -> Truth:
    shapes = as_polygons(rotated.shapes_of(np.asarray(boxes, float)))
    class_map = planes.get("class_map", np.zeros((side, side), np.uint8))
    return Truth(class_map, None, Instances(shapes, class_name=names))


def rods(count: int, side: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    sides = np.column_stack([rng.uniform(24, 34, count), rng.uniform(7, 10, count)])
    return np.column_stack([rng.uniform(0.2 * side, 0.8 * side, (count, 2)), sides, rng.uniform(0, 180, count)])


def drawn(boxes: np.ndarray, side: int = 64) -> np.ndarray:
    """Bright rods on dark ground, brighter where they cross."""
    y, x = np.mgrid[:side, :side] + 0.5
    image = np.random.default_rng(1).normal(0, 0.1, (side, side))
    for cx, cy, length, width, angle in boxes:
        cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
        along, across = (x - cx) * cos - (y - cy) * sin, (x - cx) * sin + (y - cy) * cos
        image += (np.abs(along) < length / 2) & (np.abs(across) < width / 2)
    return image.astype(np.float32)


def made(**other) -> Detector:
    torch.manual_seed(0)
    core = make_core("rotated", {**TINY, **other})
    assert isinstance(core.network, torch.nn.Module)
    return core


BOX = st.tuples(
    st.floats(0, 64), st.floats(0, 64), st.floats(8, 40), st.floats(3, 8), st.floats(0, 180, exclude_max=True)
)


@settings(max_examples=60, deadline=None)
@given(st.lists(BOX, max_size=8))
def test_what_is_encoded_is_decoded(boxes):
    core = make_core("rotated", TINY)
    truth = truth_of(np.array(boxes).reshape(-1, 5))
    answer = core.encode(truth)
    assert answer.boxes.shape == (len(answer), 5)
    found = core.decode(answer, 0.5)
    assert (found.score == 1).all()
    assert (found.shapes.roi_type == RoiType.ROTATED_RECT).all()
    own, kept = rotated.canonical(np.array(boxes).reshape(-1, 5)), rotated.of_shapes(found.shapes)
    one, other = rotated.corners(own)[:, None, :, None], rotated.corners(kept)[None, :, None]
    # corner by corner the same place; the smallest rectangle around points is OpenCV's, in 32 bits
    same = (np.linalg.norm(one - other, axis=-1).min(-1) < 1e-6 * 64).all(-1)
    assert same.any(0).all()
    # only those may be missing of which the crop shows too little
    whole = ((own[:, :2] > 24) & (own[:, :2] < 40)).all(1)
    assert same[whole].any(1).all()


def test_of_what_the_edge_cuts_the_whole_box_is_learned():
    core, boxes = make_core("rotated", TINY), np.array([[60.0, 30, 30, 8, 10], [72, 50, 30, 8, 0], [30, 20, 30, 8, 0]])
    target = core.target(truth_of(boxes))
    np.testing.assert_allclose(target.boxes, boxes[[0, 2]], atol=1e-4)
    assert target.labels.tolist() == [1, 1]
    # of the second the crop shows too little: nobody could tell what it is
    assert target.unknown[50, 60]
    assert not target.unknown[20, 30]


def test_a_line_is_learned_as_a_thin_box():
    core = make_core("rotated", TINY)
    target = core.target(truth_of([[30, 30, 30, 0.5, 20]]))
    assert target.boxes.shape == (1, 5)
    assert target.boxes[0, 3] == 1


def test_outlines_become_their_smallest_boxes():
    core, boxes = make_core("rotated", TINY), rods(5, 64)
    shapes = core.at_best(truth_of(boxes)).instances.shapes
    assert (shapes.roi_type == RoiType.ROTATED_RECT).all()
    pairs = core.overlaps(shapes, rotated.shapes_of(boxes))
    same = pairs.where(pairs.first == pairs.second)
    np.testing.assert_allclose(same.iou, 1, atol=1e-5)
    np.testing.assert_allclose(core.sides_of(shapes), rotated.canonical(boxes)[:, 2:4], atol=1e-4)
    fitted = core.fitted_to([truth_of(boxes)])
    assert fitted == {"anchor_sizes": ((16.0,),), "aspect_ratios": (0.3,)}


def learning(core: Detector, images: np.ndarray, truths: list[Truth], steps: int, rate: float = 3e-3) -> list[float]:
    """Losses of so many steps of Adam on one batch."""
    network, batch = core.network.train(), torch.from_numpy(images)[:, None]
    optimizer = torch.optim.Adam(network.parameters(), rate)
    losses = []
    for _ in range(steps):
        loss = core.losses(batch, [core.target(truth) for truth in truths], contextlib.nullcontext)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        losses.append(float(loss.detach()))
    network.eval()
    return losses


def test_every_weight_learns():
    core, boxes = made(), rods(4, 64)
    core.network.train()
    batch = torch.from_numpy(np.stack([drawn(boxes), drawn(boxes[:0])]))[:, None]
    wanted = [core.target(truth) for truth in (truth_of(boxes), truth_of(np.zeros((0, 5))))]
    loss = core.losses(batch, wanted, contextlib.nullcontext)
    assert loss.dtype == torch.float32
    loss.backward()
    grads = {name: weight.grad for name, weight in core.network.named_parameters()}
    # stages of encoder and pyramid that are coarser than the anchors have nothing to learn
    own = [grad for name, grad in grads.items() if name.startswith(("rpn.", "heads."))]
    assert len(own) > 10
    assert all(grad is not None and grad.abs().sum() > 0 and torch.isfinite(grad).all() for grad in own)
    first = next(grad for name, grad in grads.items() if name.startswith("encoder."))
    assert first.abs().sum() > 0


def test_mixed_precision_computes_places_in_float32():
    core, boxes = made(), rods(4, 64)
    core.network.train()
    batch = torch.from_numpy(drawn(boxes))[None, None]

    def computing():
        return torch.autocast("cpu", torch.bfloat16)

    loss = core.losses(batch, [core.target(truth_of(boxes))], computing)
    assert loss.dtype == torch.float32
    loss.backward()
    core.network.eval()
    with computing():
        found = core.forward(batch, 0.0)[0]
    assert len(found)
    assert found.boxes.dtype == np.float64


@pytest.mark.parametrize("pyramid", [True, False])
def test_it_learns_the_rods_of_a_crop(pyramid):
    boxes = np.array([[24.0, 26, 34, 8, 30], [27, 27, 32, 8, 120], [44, 44, 30, 9, 75]])
    # without a pyramid the last stage looks at places 8 pixels apart
    core = made(pyramid=pyramid)
    image, truth = drawn(boxes), truth_of(boxes)
    losses = learning(core, np.stack([image] * 2), [truth] * 2, 60)
    assert np.mean(losses[-5:]) < 0.4 * np.mean(losses[:5])
    # running statistics of so few steps lag behind
    for part in core.network.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.reset_running_stats()
            part.momentum = None
    core.network.train()
    with torch.no_grad():
        core.losses(torch.from_numpy(np.stack([image] * 2))[:, None], [core.target(truth)] * 2, contextlib.nullcontext)
    core.network.eval()
    found = core.forward(torch.from_numpy(image)[None, None], 0.3)[0]
    pairs = rotated.rotated_iou(found.boxes, rotated.canonical(boxes))
    assert Ranked.of(pairs, found.score, 3).ap()[0] > 0.9
    assert (np.diff(found.score) <= 0).all()
    assert ((found.boxes[:, 4] >= 0) & (found.boxes[:, 4] < 180)).all()
    levels = core.score_map(found, (64, 64))
    assert levels.shape == (1, 64, 64)
    assert levels[0, 26, 24] == found.score.max() or levels[0, 26, 24] > 0.3


def test_the_same_seed_gives_the_same_weights():
    boxes = rods(4, 64)

    def trained() -> dict[str, torch.Tensor]:
        core = made()
        learning(core, drawn(boxes)[None].repeat(2, 0), [truth_of(boxes)] * 2, 2)
        return core.network.state_dict()

    first, second = trained(), trained()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_weights_are_stored_and_loaded():
    core, other = made(), make_core("rotated", TINY)
    torch.manual_seed(5)
    other.network.load_state_dict(core.network.state_dict())
    batch = torch.from_numpy(drawn(rods(4, 64)))[None, None]
    one, two = core.forward(batch, 0.0)[0], other.forward(batch, 0.0)[0]
    assert len(one) > 10
    assert np.array_equal(one.boxes, two.boxes)
    assert np.array_equal(one.score, two.score)
    # anchors are settings, not weights
    assert not [name for name in core.network.state_dict() if "shapes" in name]


def test_floor_and_most():
    core, batch = made(), torch.from_numpy(drawn(rods(4, 64)))[None, None]
    every = core.forward(batch, 0.0)[0]
    middle = float(np.median(every.score))
    above = core.forward(batch, middle)[0]
    assert 0 < len(above) < len(every)
    assert (above.score >= middle - 1e-6).all()
    assert len(core.forward(batch, 0.0, most=3)[0]) == 3


def test_proposals_that_are_not_finite_are_no_objects():
    core, batch = made(), torch.zeros(1, 1, 64, 64)
    with torch.no_grad():
        core.network.rpn.head.inner.deltas.weight.fill_(float("nan"))
    assert len(core.forward(batch, 0.0)[0]) == 0
    core.network.train()
    loss = core.losses(batch.repeat(2, 1, 1, 1), [core.target(truth_of(rods(2, 64)))] * 2, contextlib.nullcontext)
    assert torch.isnan(loss)


def test_no_background_where_nobody_knows():
    core, boxes = made(), rods(3, 64)
    core.network.train()
    unknown = np.full((64, 64), 255, np.uint8)
    batch = torch.from_numpy(drawn(boxes))[None, None].repeat(2, 1, 1, 1)
    nothing = core.target(truth_of(np.zeros((0, 5)), class_map=unknown))
    torch.manual_seed(0)
    assert float(core.losses(batch, [nothing] * 2, contextlib.nullcontext).detach()) == 0
    known = core.target(truth_of(np.zeros((0, 5))))
    assert float(core.losses(batch, [known] * 2, contextlib.nullcontext).detach()) > 0


def test_crossing_rods_stay_two_and_doubles_become_one():
    boxes = torch.tensor([[30.0, 30, 40, 8, 0], [30, 30, 40, 8, 90], [30.5, 30, 40, 8, 2], [30, 30, 40, 8, 1]])
    score, label = torch.tensor([0.9, 0.8, 0.7, 0.6]), torch.tensor([1, 1, 1, 2])
    core = make_core("rotated", {**TINY, "classes": ["rod", "other"]})
    of = {nms: core.settings.model_copy(update={"nms": nms}) for nms in ("class", "agnostic", "soft")}
    assert suppressed(boxes, score, label, of["class"], 0.05)[0].tolist() == [0, 1, 3]
    assert suppressed(boxes, score, label, of["agnostic"], 0.05)[0].tolist() == [0, 1]
    kept, new = suppressed(boxes, score, label, of["soft"], 0.05)
    assert kept.tolist() == [0, 1, 3, 2]
    assert new[-1] < 0.7 * np.exp(-0.5)


def test_classes_are_told_apart_by_name():
    core = make_core("rotated", {**TINY, "classes": ["rod", "other"]})
    truth = truth_of(rods(3, 64), names=["other", "rod", "other"])
    assert core.target(truth).labels.tolist() == [2, 1, 2]
    assert core.decode(core.encode(truth), 0.5).class_name.tolist() == ["other", "rod", "other"]


def test_nothing_is_a_normal_answer():
    core = make_core("rotated", TINY)
    assert len(core.decode(Detections.none(5), 0.5)) == 0
    assert core.score_map(Detections.none(5), (8, 8)).max() == 0
    assert len(core.shapes_in(Detections.none(5))) == 0


def test_synthetic_rods_come_back():
    found = make("nanorods", seed=3, size=128)
    core = make_core("rotated", {**TINY, "classes": ["nanorod"]})
    shapes = as_polygons(found.instances.shapes)
    truth = Truth(np.zeros((128, 128), np.uint8), None, found.instances.with_columns(shapes=shapes))
    answer = core.encode(truth)
    pairs = rotated.rotated_iou(answer.boxes, rotated.of_shapes(found.instances.shapes))
    best = np.zeros(len(answer))
    np.maximum.at(best, pairs.first, pairs.iou)
    assert len(answer)
    np.testing.assert_allclose(best, 1, atol=1e-5)
