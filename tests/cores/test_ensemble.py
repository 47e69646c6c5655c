"""An ensemble answers the mean of its members, as a model folder like any other."""

import numpy as np
import pytest
import torch

from temj.cores import make_core
from temj.cores.ensemble import joined, joined_weights
from temj.data import Calibration, Micrograph
from temj.errors import BadModel, BadValue
from temj.inference import predict
from temj.inference.network import fold_batch_norm, load_folded
from temj.models import Card, open_model, self_test, write_model

INNER = {
    "classes": ["disc"], "encoder": "tu-tf_mobilenetv3_small_minimal_100", "decoder_channels": [16, 8, 8, 8, 8],
}  # fmt: skip


def members(count: int = 3, **settings) -> list:
    """Cores whose networks are as after a training: weights and running statistics differ."""
    made = []
    for seed in range(count):
        torch.manual_seed(seed)
        core = make_core("semantic", INNER | settings)
        with torch.no_grad():
            for name, buffer in core.network.named_buffers():
                if name.endswith("running_var"):
                    buffer.copy_(torch.rand_like(buffer) + 0.5)
                elif name.endswith("running_mean"):
                    buffer.copy_(torch.randn_like(buffer) * 0.1)
        made.append(core)
    return made


def ensemble_of(cores: list):
    settings = joined("semantic", [core.settings.model_dump(mode="json") for core in cores])
    made = make_core("ensemble", settings)
    made.network.load_state_dict(joined_weights([core.network.state_dict() for core in cores]))
    return made


def image(seed: int = 0, side: int = 64) -> np.ndarray:
    return np.random.default_rng(seed).normal(120, 20, (side, side)).astype(np.float32)


def batch_norms(network: torch.nn.Module) -> int:
    return sum(isinstance(layer, torch.nn.BatchNorm2d) for layer in network.modules())


def batch() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(1).normal(size=(2, 1, 64, 64)).astype(np.float32))


def test_it_answers_the_mean_of_its_members():
    cores = members()
    found = ensemble_of(cores).forward(batch())
    each = np.stack([core.forward(batch()).numpy() for core in cores])
    assert np.abs(each[0] - each[1]).max() > 0.01
    np.testing.assert_allclose(found.numpy(), each.mean(axis=0), atol=1e-6)


def test_the_rest_is_that_of_the_inner_core():
    cores = members(2)
    made = ensemble_of(cores)
    assert (made.classes, made.stride, made.channels) == (cores[0].classes, cores[0].stride, cores[0].channels)
    assert made.wants_objects == cores[0].wants_objects
    np.testing.assert_array_equal(made.prepare(image()), cores[0].prepare(image()))
    raw = np.zeros((1, 64, 64), np.float32)
    raw[0, 10:30, 10:30] = 0.9
    assert len(made.decode(raw, 0.5)) == len(cores[0].decode(raw, 0.5)) == 1
    with pytest.raises(AttributeError):
        made.no_such_thing  # noqa: B018


def test_names_of_weights_begin_with_the_number_of_the_member():
    made = ensemble_of(members(2))
    inner = set(make_core("semantic", INNER).network.state_dict())
    assert set(made.network.state_dict()) == {f"{number}.{name}" for number in (0, 1) for name in inner}


def test_batch_norm_is_folded_in_every_member():
    made = ensemble_of(members(2, encoder="resnet18"))  # torch cannot follow the code of timm's encoders
    before = made.forward(batch())
    assert batch_norms(made.network) > 40
    made.network = fold_batch_norm(made.network)
    assert batch_norms(made.network) == 0
    np.testing.assert_allclose(made.forward(batch()).numpy(), before.numpy(), atol=1e-4)


def test_settings_in_which_members_differ_are_kept_apart():
    weighted = [{**INNER, "class_weights": [0.5, weight]} for weight in (1.5, 1.6)]
    settings = joined("semantic", weighted)
    assert settings["own"] == [{"class_weights": [0.5, 1.5]}, {"class_weights": [0.5, 1.6]}]
    assert "class_weights" not in settings["settings"]
    made = make_core("ensemble", settings)
    assert [member.settings.class_weights for member in made.members] == [(0.5, 1.5), (0.5, 1.6)]
    assert joined("semantic", [INNER, INNER])["own"] == []


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"core": "ensemble", "members": 2}, "whose mean can be taken"),
        ({"core": "semantic", "members": 0, "settings": INNER}, r"members\. Expected a whole number .*1.*, found 0"),
        ({"core": "semantic", "members": 2, "settings": INNER, "own": [{}]}, "each of the 2 members"),
        ({"core": "semantic", "members": 2, "settings": INNER, "own": [{}, {"classes": ["rod"]}]}, "equal classes"),
        ({"core": "semantics", "members": 1, "settings": INNER}, "Did you mean 'semantic'"),
        ({"core": "semantic", "members": 1, "settings": INNER, "size": 3}, r"size\. Expected a setting of it: core"),
    ],
)
def test_wrong_settings_are_told(settings, told):
    with pytest.raises(BadValue, match=told):
        make_core("ensemble", settings)


@pytest.fixture
def model(tmp_path):
    cores = members(2)
    made = ensemble_of(cores)
    card = Card.model_validate({
        "name": "pair", "task": "semantic segmentation", "description": "",
        "core": {"name": "ensemble", "settings": made.settings.model_dump(mode="json")},
        "classes": [{"name": "disc"}], "pixel_size": {"trained": 0.5, "min": 0.3, "max": 1.0},
    })  # fmt: skip
    sample = Micrograph(image(3, 128), Calibration(0.5, 0.5, "nm"), "sample")
    return write_model(tmp_path / "pair", card, made.network.state_dict(), sample)


def test_a_model_folder_holds_all_members_and_passes_its_own_test(model):
    opened = open_model(model.folder)
    opened.verify()
    assert self_test(opened, "cpu").passed
    one = sum(tensor.numel() for tensor in make_core("semantic", INNER).network.state_dict().values())
    assert sum(tensor.numel() for tensor in opened.load_core("cpu").network.state_dict().values()) == 2 * one
    folded = load_folded(opened, "cpu")
    assert not any(weight.requires_grad for weight in folded.network.parameters())


def test_it_predicts(model):
    found = predict(Micrograph(image(5, 96), Calibration(0.5, 0.5, "nm"), "x"), model, device="cpu", threshold=0.5)
    assert found.info["model"] == "pair"


def test_missing_weights_of_a_member_are_told(model):
    from temj.models.weights import fill

    core = ensemble_of(members(2))
    state = {name: tensor for name, tensor in core.network.state_dict().items() if not name.startswith("1.")}
    with pytest.raises(BadModel, match=r"1\.decoder.* is missing"):
        fill(core, state, model.folder)


def test_a_card_with_other_classes_than_its_members_is_refused(model):
    values = model.card.model_dump()
    values["classes"] = [{"name": "rod"}]
    with pytest.raises(ValueError, match="are not the card's classes"):
        Card.model_validate(values)
