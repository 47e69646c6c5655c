"""What Mask R-CNN learns is what is read from its answer: no shift, no loss of area."""

import numpy as np
import pytest
import torch

from temj.cores import make_core
from temj.cores.detection.detections import Detections
from temj.cores.detection.heads import mask_loss
from temj.cores.detection.proposals import Anchors
from temj.cores.detection.reading import mask_outlines
from temj.errors import BadModel
from temj.geometry import rasterise

SIDE = 28


def learned(mask: np.ndarray, box: np.ndarray) -> np.ndarray:
    """The mask on the grid of its box that has the least loss: found by its gradient, cell by cell."""
    logits = torch.zeros(1, 2, SIDE, SIDE, requires_grad=True)
    target = {"masks": torch.from_numpy(mask[None].astype(np.uint8))}
    boxes, one = [torch.from_numpy(box[None].astype(np.float32))], [torch.tensor([1])]
    mask_loss(logits, boxes, one, [torch.tensor([0])], [target]).backward()
    # d loss / d logit = (1/2 - wanted) / cells at a logit of 0
    return 0.5 - logits.grad[0, 1].numpy() * SIDE**2


@pytest.mark.parametrize("radius", [3, 5, 8, 12])
def test_a_disc_that_is_learned_is_read_in_its_place_and_size(radius):
    y, x = np.mgrid[:40, :40] + 0.5
    disc = np.hypot(x - 20, y - 20) < radius
    box = np.array([20 - radius, 20 - radius, 20 + radius, 20 + radius], float)
    found = Detections(box[None], np.zeros(1, np.int64), np.ones(1), learned(disc, box)[None].astype(np.float32))
    _, place = rasterise(mask_outlines(found), 40, 40).pixels(40)
    read = np.zeros(1600, bool)
    read[place] = True
    assert (read & disc.ravel()).sum() / (read | disc.ravel()).sum() > 0.97


def test_a_batch_without_objects_has_no_loss_of_masks():
    none = torch.zeros(0, 4)
    loss = mask_loss(
        torch.zeros(0, 2, SIDE, SIDE, requires_grad=True), [none], [torch.zeros(0, dtype=torch.long)],
        [torch.zeros(0, dtype=torch.long)], [{"masks": torch.zeros(0, 8, 8, dtype=torch.uint8)}],
    )  # fmt: skip
    assert loss.item() == 0


def test_anchors_have_the_sizes_that_were_asked_for():
    made = Anchors(((4.0, 5.0), (6.9, 9.0)), ((0.6, 1.0),) * 2, (4, 8)).cell_anchors
    sides = np.concatenate([level.numpy() for level in made])
    width, height = sides[:, 2] - sides[:, 0], sides[:, 3] - sides[:, 1]
    np.testing.assert_allclose(np.sqrt(width * height), [4, 5, 4, 5, 6.9, 9, 6.9, 9], rtol=1e-5)
    np.testing.assert_allclose(height / width, [0.6, 0.6, 1, 1] * 2, rtol=1e-5)


@pytest.mark.parametrize("name", ["boxes", "masks", "rotated"])
def test_an_encoder_that_answers_nan_is_no_empty_image(name):
    settings = {"classes": ["loop"], "encoder_depth": 3, "width": 16, "head": 32}
    core = make_core(name, settings)
    with torch.no_grad():
        next(core.network.encoder.parameters()).fill_(float("nan"))
    with pytest.raises(BadModel, match="nonfinite"):
        core.forward(torch.zeros(1, 1, 64, 64))
