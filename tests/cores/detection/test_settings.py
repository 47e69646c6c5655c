"""Settings of a detector: what is wrong is told in words; a card can rebuild them."""

import pytest

from temj.cores import CORES, DETECTORS, make_core
from temj.cores.detection import Boxes, DetectionSettings, Masks
from temj.errors import BadValue


def test_the_detectors_are_cores_and_importing_them_imports_no_torch():
    assert set(DETECTORS) <= set(CORES)
    assert isinstance(make_core("boxes", {"classes": ["loop"]}), Boxes)
    assert isinstance(make_core("masks", {"classes": ["loop"]}), Masks)


def test_a_card_can_rebuild_them():
    first = Masks({"classes": ["a", "b"], "anchor_sizes": [[4, 8], [16, 32]], "aspect_ratios": [0.5, 1, 2]}).settings
    assert Masks(first.model_dump(mode="json")).settings == first


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"encodr": "resnet18"}, r"encodr.*Did you mean 'encoder'\?"),
        ({"nms": "clas"}, r"one of: class, agnostic, soft, found 'clas'\. Did you mean 'class'\?"),
        ({"norm": "layer"}, r"one of: batch, group"),
        ({"finest": 3}, r"one of: 2, 4, 8"),
        ({"nms_iou": 1.5}, r"nms_iou.*a number from 0 to 1, found 1.5"),
        ({"max_objects": 0}, r"max_objects.*a whole number from 1 to 100,000, found 0"),
        ({"anchor_sizes": [[4, 8], [16]]}, r"equally many sizes"),
        ({"anchor_sizes": [[-4, 8]]}, r"anchor_sizes, value 1.*a number above 0"),
        ({"anchor_sizes": [[float("nan")]]}, r"anchor_sizes.*finite"),
        ({"anchor_sizes": [[4]] * 6}, r"at most 5 levels"),
        ({"pyramid": False, "anchor_sizes": [[4], [8]]}, r"at most 1 levels"),
        ({"aspect_ratios": [0]}, r"aspect_ratios, value 1.*a number above 0"),
        ({"classes": []}, r"classes"),
        ({"classes": ["a", "a"]}, r"different"),
        ({"channels": "grau"}, r"channels"),
        ({"encoder_depth": 6}, r"encoder_depth"),
    ],
)
def test_what_is_wrong_is_told(wrong, said):
    with pytest.raises(BadValue, match=said) as caught:
        Boxes({"classes": ["loop"], **wrong})
    assert caught.value.message.startswith("BadValue/core-setting: core.settings")


def test_an_unknown_encoder_is_told_before_any_data_are_read():
    with pytest.raises(BadValue, match=r"resnet17.*Did you mean resnet18"):
        Boxes({"classes": ["loop"], "encoder": "resnet17"}).check()


@pytest.mark.parametrize(
    ("settings", "strides"),
    [
        ({}, (4, 8, 16, 32, 64)),
        ({"encoder_depth": 4}, (4, 8, 16, 32)),
        ({"encoder_depth": 4, "finest": 2}, (2, 4, 8, 16, 32)),
        ({"anchor_sizes": ((8.0,), (16.0,))}, (4, 8)),
        ({"encoder_depth": 4, "pyramid": False}, (16,)),
    ],
)
def test_levels_are_those_that_anchors_are_at(settings, strides):
    assert DetectionSettings(classes=("loop",), **settings).strides == strides
