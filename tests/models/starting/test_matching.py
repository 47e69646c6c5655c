"""Names of other programs, input channels, what is reported: against segmentation-models-pytorch's own reading."""

import pytest
import segmentation_models_pytorch as smp
import torch
import torchvision
from segmentation_models_pytorch.encoders._utils import patch_first_conv

from temj.models.starting.matching import _plain, fit_channels, match


def unet(channels: int = 3, classes: int = 1) -> torch.nn.Module:
    """A network without numbers: names and shapes are all that is looked at."""
    with torch.device("meta"):
        return smp.Unet("resnet18", encoder_weights=None, in_channels=channels, classes=classes)


@pytest.fixture(scope="module")
def published() -> dict:
    """A state dict as torchvision and MicroNet publish them: a classifier of ResNet-18 for three channels."""
    torch.manual_seed(5)
    network = torchvision.models.resnet18(num_classes=54)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return network.state_dict()


PLACES = ("", "encoder.")


@pytest.mark.parametrize("prefix", ["", "module.", "model.", "module.encoder.", "encoder.", "a.b.c."])
def test_an_encoder_is_found_behind_every_prefix(published, prefix):
    reference = smp.encoders.get_encoder("resnet18", weights=None)
    reference.load_state_dict(dict(published))  # the library's own way
    found = match({prefix + name: value for name, value in published.items()}, unet().state_dict(), PLACES, 3)
    assert found.place == "encoder."
    assert found.missing == found.differing == ()
    assert found.unused == (f"{prefix}fc.weight", f"{prefix}fc.bias")
    expected = reference.state_dict()
    assert found.state.keys() == {f"encoder.{name}" for name in expected}
    assert all(torch.equal(found.state[f"encoder.{name}"], value) for name, value in expected.items())


@pytest.mark.parametrize("channels", [1, 2, 4, 5])
def test_input_channels_as_the_library_fits_them(published, channels):
    reference = smp.encoders.get_encoder("resnet18", in_channels=3, weights=None)
    reference.load_state_dict(dict(published))
    patch_first_conv(reference, channels, pretrained=True)
    found = match(published, unet(channels).state_dict(), PLACES, channels)
    assert torch.equal(found.state["encoder.conv1.weight"], reference.state_dict()["conv1.weight"])
    assert found.channels == (3, channels)


def test_a_gray_image_gives_what_three_equal_channels_gave():
    generator = torch.Generator().manual_seed(1)
    kernel = torch.randn(8, 3, 3, 3, generator=generator)
    image = torch.randn(1, 1, 20, 20, generator=generator)
    before = torch.nn.functional.conv2d(image.expand(1, 3, 20, 20), kernel)
    one = torch.nn.functional.conv2d(image, fit_channels(kernel, 1))
    back = torch.nn.functional.conv2d(image.expand(1, 3, 20, 20), fit_channels(fit_channels(kernel, 1), 3))
    torch.testing.assert_close(one, before)
    torch.testing.assert_close(back, before)


def test_lists_are_written_in_several_ways():
    assert _plain("features.module.norm.1.weight") == _plain("features.norm1.weight")
    assert _plain("stages_0.blocks.1") == _plain("stages.0.blocks.1")
    assert _plain("layer1.0.conv1") != _plain("layer10.conv1")
    assert _plain("layer11.0") != _plain("layer1.10")


@pytest.mark.parametrize("name", ["densenet121", "mobilenet_v2"])
def test_old_names_of_a_family(name):
    """torchvision's published DenseNets say ``norm.1`` where today's code says ``norm1``."""
    import re

    with torch.device("meta"):
        encoder, classifier = smp.encoders.get_encoder(name, weights=None), getattr(torchvision.models, name)()
    published = {
        "module." + re.sub(r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2", key): value
        for key, value in classifier.state_dict().items()
    }
    found = match(published, {f"encoder.{key}": v for key, v in encoder.state_dict().items()}, PLACES, 3)
    assert len(found.state) == len(encoder.state_dict())
    assert all("classifier" in key for key in found.unused)


def test_a_whole_network_is_taken_whole_and_its_differences_are_told():
    source = unet(classes=3).state_dict()
    found = match(source, unet(classes=1).state_dict(), PLACES, 3)
    assert found.place == ""
    assert found.differing == (
        "segmentation_head.0.weight is 3x16x3x3, the network has 1x16x3x3",
        "segmentation_head.0.bias is 3, the network has 1",
    )
    assert len(found.state) == len(source) - 2


def test_numbers_of_another_type_are_brought_to_that_of_the_network_or_refused(published):
    halves = {name: value.half() if value.is_floating_point() else value for name, value in published.items()}
    found = match(halves, unet().state_dict(), PLACES, 3)
    assert found.state["encoder.conv1.weight"].dtype == torch.float32
    integers = published | {"conv1.weight": published["conv1.weight"].to(torch.int8)}
    assert match(integers, unet().state_dict(), PLACES, 3).differing == (
        "encoder.conv1.weight is int8, the network has float32",
    )


def test_nothing_fits_nothing():
    found = match({"a": torch.zeros(1), "b.c": torch.zeros(2, 3)}, unet().state_dict(), PLACES, 3)
    assert not found.state
    assert found.unused == ("a", "b.c")
