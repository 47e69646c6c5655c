"""Networks of detectors: shapes, settings that change them, batches without objects, limits that do not bite."""

import contextlib
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from temj.cores import Truth, make_core
from temj.cores.detection.heads import suppressed
from temj.cores.detection.proposals import unknown
from temj.cores.detection.settings import DetectionSettings
from temj.cores.detection.targets import Target, tensors
from temj.data import Instances, RoiType, Shape
from temj.errors import BadValue
from temj.geometry.rotated import of_upright, soft_nms

TINY = {
    "classes": ("ring", "dot"), "encoder": "tu-tf_mobilenetv3_small_minimal_100", "encoder_depth": 4, "width": 16,
    "head": 32,
}  # fmt: skip


def core_of(name: str = "boxes", **more):
    torch.manual_seed(0)
    return make_core(name, TINY | more)


def image(count: int = 1, side: int = 64, inputs: int = 1) -> torch.Tensor:
    return torch.randn(count, inputs, side, side, generator=torch.Generator().manual_seed(1))


def truth_of(boxes: list[tuple[float, float, float, float]], side: int = 64) -> Truth:
    shapes = [Shape(RoiType.POLYGON, [(x, y), (u, y), (u, v), (x, v)]) for x, y, u, v in boxes]
    class_map = np.zeros((side, side), np.uint8)
    for x, y, u, v in boxes:
        class_map[int(y) : int(v), int(x) : int(u)] = 1
    return Truth(class_map, instances=Instances.of(shapes, class_name="ring"))


def loss_of(core, truths: list[Truth], images: torch.Tensor | None = None) -> torch.Tensor:
    core.network.train()
    torch.manual_seed(0)
    images = image(len(truths)) if images is None else images
    return core.losses(images, [core.target(truth) for truth in truths], contextlib.nullcontext)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("boxes", {}),
        ("masks", {"norm": "group"}),
        ("boxes", {"finest": 2, "nms": "agnostic"}),
        ("masks", {"pyramid": False, "nms": "soft"}),
        ("boxes", {"channels": "gray+clahe+gaussian"}),
    ],
)
def test_what_comes_out_are_boxes_inside_the_image_the_surest_first(name, more):
    core = core_of(name, **more)
    for found in core.forward(image(2, 64, len(core.channels.names)), 0.01):
        assert len(found)
        assert found.boxes.shape == (len(found), 4)
        assert ((found.boxes >= 0) & (found.boxes <= 64)).all()
        assert (found.boxes[:, 2:] > found.boxes[:, :2]).all()
        assert (np.diff(found.score) <= 0).all()
        assert ((found.score >= 0.01) & (found.score <= 1)).all()
        assert set(found.label) <= {0, 1}
        if name == "masks":
            assert found.masks.shape == (len(found), 28, 28)
            assert ((found.masks >= 0) & (found.masks <= 1)).all()
        else:
            assert found.masks is None


def test_more_than_a_hundred_objects_come_out_and_the_limit_is_that_of_the_settings():
    seen = image(1, 128)
    (all_of_them,) = core_of(nms_iou=1.0).forward(seen, 0.0)
    assert len(all_of_them) > 1000
    (some,) = core_of(nms_iou=1.0, max_objects=150).forward(seen, 0.0)
    assert len(some) == 150
    np.testing.assert_array_equal(some.boxes, all_of_them.boxes[:150])
    (few,) = core_of(nms_iou=1.0, max_objects=150).forward(seen, 0.0, most=7)
    assert len(few) == 7


@pytest.mark.parametrize("name", ["boxes", "masks"])
def test_a_batch_without_any_object_trains(name):
    core = core_of(name)
    loss = loss_of(core, [truth_of([]), truth_of([])])
    loss.backward()
    assert torch.isfinite(loss)
    gradients = [weight.grad for weight in core.network.parameters() if weight.grad is not None]
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
    assert sum(float(gradient.abs().sum()) for gradient in gradients) > 0


def test_one_crop_is_learned_and_its_objects_are_found():
    boxes = [(8.0, 8.0, 24.0, 22.0), (36.0, 30.0, 52.0, 46.0)]
    core = core_of("masks", anchor_sizes=((8.0, 16.0),), aspect_ratios=(1.0,), proposals=60)
    truth, seen = truth_of(boxes), image(1) * 0.1
    for x, y, u, v in boxes:
        seen[0, 0, int(y) : int(v), int(x) : int(u)] -= 2
    optimizer = torch.optim.AdamW(core.network.parameters(), 5e-3)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = loss_of(core, [truth, truth], torch.cat([seen, seen]))
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.4 * losses[0]
    core.network.train()  # with the statistics of this batch: the running means come later than the weights
    with torch.no_grad():
        for _ in range(20):
            core.network.encoder(torch.cat([seen, seen]))
    core.network.eval()
    found = core.forward(seen, 0.3)[0].take(np.arange(2))
    order = found.boxes[:, 0].argsort()
    np.testing.assert_allclose(found.boxes[order], boxes, atol=2.5)
    assert (found.masks.mean((1, 2)) > 0.6).all()


def test_the_same_seed_gives_the_same_loss():
    values = [float(loss_of(core_of(), [truth_of([(8, 8, 20, 20)])] * 2).detach()) for _ in range(2)]
    assert values[0] == values[1]


class TestGroupNorm:
    def test_no_batch_norm_is_left_and_activations_stay(self):
        plain, grouped = core_of().network, core_of(norm="group").network
        assert not [part for part in grouped.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
        kinds = [
            sorted(type(part).__name__ for part in network.modules() if isinstance(part, nn.ReLU | nn.Hardswish))
            for network in (plain, grouped)
        ]
        assert kinds[0] == kinds[1]

    def test_an_answer_does_not_depend_on_the_other_images_of_the_batch(self):
        network = core_of(norm="group").network.train()
        stages = network.encoder(torch.cat([image(), 5 * image(1) + 3]))
        for alone, beside in zip(network.encoder(image()), stages, strict=True):
            torch.testing.assert_close(alone[0], beside[0], rtol=1e-3, atol=1e-4)


class TestEncoders:
    @pytest.mark.parametrize(
        ("more", "stages", "levels"),
        [
            ({"encoder": "vgg16", "pyramid": False}, (64, 128, 256, 512, 512), [4]),
            ({"encoder": "resnet50", "encoder_depth": 5}, (1, 64, 256, 512, 1024, 2048), [16, 8, 4, 2, 1]),
            ({"encoder": "resnext101_32x8d", "encoder_depth": 5}, (1, 64, 256, 512, 1024, 2048), [16, 8, 4, 2, 1]),
        ],
    )
    def test_those_of_the_papers_are_built(self, more, stages, levels):
        """VGG-16 without a pyramid is looked at where an image is a sixteenth as wide, as the first Faster R-CNN."""
        core = make_core("masks", TINY | {"anchor_sizes": ((8.0,),) * len(levels), "aspect_ratios": (1.0,)} | more)
        with torch.device("meta"):
            found = core.network.encoder(torch.zeros(1, 1, 64, 64))
            pyramid = core.network.neck(found)
        assert tuple(stage.shape[1] for stage in found) == stages
        assert [level.shape[-1] for level in pyramid.values()] == levels
        norms = [part for part in core.network.modules() if isinstance(part, nn.BatchNorm2d)]
        assert bool(norms) == (more["encoder"] != "vgg16")

    def test_stages_that_a_lower_depth_has_no_use_for_are_not_stored(self):
        names = {name.split(".")[1] for name in core_of(encoder="resnet18").network.state_dict() if "encoder" in name}
        assert names == {"conv1", "bn1", "layer1", "layer2", "layer3"}

    def test_an_encoder_that_does_not_fit_is_a_sentence(self):
        with pytest.raises(BadValue, match="unknown-encoder"):
            core_of(encoder="resnet17").network  # noqa: B018


class TestUnknown:
    def test_boxes_mostly_there_are_no_background(self):
        hidden = np.zeros((64, 64), bool)
        hidden[:, 32:] = True
        target = tensors(Target(np.zeros((0, 4), np.float32), np.zeros(0, np.int64), None, hidden), "cpu")
        boxes = torch.tensor([[40.0, 10, 60, 30], [0, 0, 20, 20], [20, 0, 40, 10], [30, 0, 40, 10], [-9, -9, -3, -3]])
        assert unknown(boxes, target).tolist() == [True, False, False, True, False]

    def test_a_crop_of_nothing_but_unknown_teaches_nothing_and_is_finite(self):
        core, truth = core_of(), truth_of([])
        truth.class_map[:] = 255
        loss = loss_of(core, [truth, truth])
        loss.backward()
        assert float(loss.detach()) == 0
        total = sum(float(w.grad.abs().sum()) for w in core.network.parameters() if w.grad is not None)
        assert total == 0


class TestSuppression:
    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 0, 11, 10], [0, 1, 10, 11], [30, 30, 40, 40]])
    score, label = torch.tensor([0.9, 0.8, 0.7, 0.6]), torch.tensor([1, 1, 2, 1])

    def kept(self, nms: str) -> tuple[list[int], torch.Tensor]:
        settings = DetectionSettings(classes=("a", "b"), nms=nms)
        index, score = suppressed(self.boxes, self.score, self.label, settings, 0.05)
        return index.tolist(), score

    def test_within_a_class(self):
        assert self.kept("class")[0] == [0, 2, 3]

    def test_of_any_class(self):
        assert self.kept("agnostic")[0] == [0, 3]

    def test_soft_scores_are_those_of_the_loop_over_rotated_boxes(self):
        index, score = self.kept("soft")
        expected = soft_nms(
            of_upright(self.boxes.double().numpy()), self.score.double().numpy(), sigma=0.5, floor=0.05,
            groups=self.label.numpy(),
        )  # fmt: skip
        assert index == expected[0].tolist()
        np.testing.assert_allclose(score, expected[1], rtol=1e-6)
        assert score[index.index(0)] == pytest.approx(0.9)
        assert float(score[index.index(1)]) < 0.4, "it overlaps one of its class that is surer"
        assert score[index.index(2)] == pytest.approx(0.7), "of another class"


def test_building_and_asking_warn_of_nothing():
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert len(core_of("masks").forward(image(), 0.5)) == 1
    assert [str(warning.message) for warning in said] == []
