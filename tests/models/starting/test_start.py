"""Every kind of start, as a training asks for it."""

import hashlib
import io
import json
import os

import pytest
import segmentation_models_pytorch as smp
import timm
import torch
import torchvision
from safetensors.torch import save as safetensors

from temj.errors import BadModel, BadValue, Refused, Unreachable
from temj.models import starting
from temj.models.starting import cache
from temj.models.starting.imagenet import offer

MOBILE = {"encoder": "mobilenet_v2"}
"""The smallest encoder that is one of segmentation-models-pytorch itself and of torchvision."""


def filled(network: torch.nn.Module, seed: int = 7) -> dict[str, torch.Tensor]:
    """The state of a network with numbers that nobody else has."""
    generator = torch.Generator().manual_seed(seed)
    state = network.state_dict()
    return {
        name: torch.randn(value.shape, generator=generator) if value.is_floating_point() else value + 3
        for name, value in state.items()
    }


def saved(value: object) -> bytes:
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


@pytest.fixture(scope="module")
def classifier() -> dict[str, torch.Tensor]:
    """What MicroNet publishes of a network: torchvision's names, 54 classes, three channels."""
    return filled(torchvision.models.mobilenet_v2(num_classes=54))


def equal(network: torch.nn.Module, name: str, value: torch.Tensor) -> bool:
    return torch.equal(network.state_dict()[name], value)


class TestRandom:
    def test_nothing_is_built_or_said(self, new_core):
        core = new_core()
        start = starting.prepare("random", core)
        assert (start.facts, start.notes, start.state) == ({"start": "random"}, (), None)
        assert "network" not in vars(core)
        before = {name: value.clone() for name, value in core.network.state_dict().items()}
        starting.apply(start, core.network)
        assert all(equal(core.network, name, value) for name, value in before.items())


class TestFile:
    @pytest.mark.parametrize("name", ["mobilenet_v2_pretrained_microscopynet_v1.0.pth.tar", "e.pt", "noextension"])
    def test_an_encoder(self, tmp_path, new_core, classifier, name):
        data = saved({"state_dict": {f"module.{key}": value for key, value in classifier.items()}, "epoch": 90})
        (tmp_path / name).write_bytes(data)
        core = new_core(**MOBILE, channels="gray:3")
        decoder = core.network.state_dict()["decoder.blocks.0.conv1.0.weight"].clone()
        start = starting.prepare(str(tmp_path / name), core)
        starting.apply(start, core.network)
        assert equal(core.network, "encoder.features.18.1.running_var", classifier["features.18.1.running_var"])
        assert equal(core.network, "encoder.features.0.0.weight", classifier["features.0.0.weight"])
        assert equal(core.network, "decoder.blocks.0.conv1.0.weight", decoder)
        assert start.facts["start"] == "file"
        assert start.facts["source"] == name  # no folder: a card goes to other people
        assert start.facts["sha256"] == hashlib.sha256(data).hexdigest()
        assert start.facts["loaded"] == 260
        assert "260 tensors of the encoder" in start.notes[0]
        assert start.notes[1].endswith(
            "2 without a place in the network (module.classifier.1.weight, module.classifier.1.bias)"
        )
        json.dumps(start.facts)

    def test_gray_images_get_the_sum_of_its_channels(self, tmp_path, new_core, classifier):
        (tmp_path / "e.safetensors").write_bytes(safetensors(classifier))
        core = new_core(**MOBILE)
        start = starting.prepare(str(tmp_path / "e.safetensors"), core)
        starting.apply(start, core.network)
        assert equal(
            core.network, "encoder.features.0.0.weight", classifier["features.0.0.weight"].sum(1, keepdim=True)
        )
        assert "the first layer was made for 3 channels: added up to one" in start.notes

    def test_the_same_weights_in_every_process(self, tmp_path, new_core, classifier):
        (tmp_path / "e.pth").write_bytes(saved(classifier))
        cores = [new_core(**MOBILE), new_core(**MOBILE)]
        for core in cores:
            starting.apply(starting.prepare(str(tmp_path / "e.pth"), core), core.network)
        first, second = (core.network.encoder.state_dict() for core in cores)
        assert all(torch.equal(first[name], second[name]) for name in first)

    def test_of_another_encoder_it_is_refused_with_the_first_ten_differences(self, tmp_path, new_core):
        narrow = torchvision.models.mobilenet_v2(width_mult=0.5)
        (tmp_path / "e.pth").write_bytes(saved(narrow.state_dict()))
        with pytest.raises(BadModel) as caught:
            starting.prepare(str(tmp_path / "e.pth"), new_core(**MOBILE))
        message = str(caught.value)
        assert "BadModel/architecture" in message
        assert "weights of the encoder mobilenet_v2" in message
        assert "encoder.features.0.0.weight is 16x3x3x3, the network has 32x1x3x3" in message
        assert message.count("the network has") == 10
        assert "of another shape" in message
        assert "more" in message
        assert "--encoder" in message

    def test_half_of_resnet50_fits_resnet18_and_is_refused_all_the_same(self, new_core):
        from temj.models.starting import start

        with torch.device("meta"):
            core, state = new_core(encoder="resnet18"), torchvision.models.resnet50().state_dict()
            found = start._fit(core, state, ("encoder.",))
        assert len(found.state) > 50
        with pytest.raises(BadModel, match="weights of the encoder resnet18"):
            start._require_enough(found, core, "e.pth", whole_encoder=False)

    def test_where_nothing_fits_it_is_refused(self, tmp_path, new_core):
        (tmp_path / "e.pth").write_bytes(saved({"something": torch.zeros(3)}))
        with pytest.raises(BadModel, match=r"0 of its 260 tensors.*1 without a place in the network \(something\)"):
            starting.prepare(str(tmp_path / "e.pth"), new_core(**MOBILE))

    def test_numbers_that_are_not_finite_are_refused(self, tmp_path, new_core, classifier):
        state = classifier | {"features.1.conv.1.weight": torch.full((16, 32, 1, 1), torch.nan)}
        (tmp_path / "e.pth").write_bytes(saved(state))
        with pytest.raises(BadModel, match=r"nonfinite.*encoder\.features\.1\.conv\.1\.weight"):
            starting.prepare(str(tmp_path / "e.pth"), new_core(**MOBILE))

    def test_its_sha256_may_be_given(self, tmp_path, new_core, classifier):
        data = saved(classifier)
        (tmp_path / "e.pth").write_bytes(data)
        sha256 = hashlib.sha256(data).hexdigest()
        start = starting.prepare(f"{tmp_path}/e.pth#sha256={sha256.upper()}", new_core(**MOBILE))
        assert start.facts["proof"] == "as given"
        with pytest.raises(BadModel, match="sha256"):
            starting.prepare(f"{tmp_path}/e.pth#sha256={'0' * 64}", new_core(**MOBILE))
        with pytest.raises(BadValue, match="64 hexadecimal digits"):
            starting.prepare(f"{tmp_path}/e.pth#sha256={sha256[:8]}", new_core(**MOBILE))

    def test_one_that_is_not_there(self, tmp_path, new_core):
        with pytest.raises(BadModel, match="missing"):
            starting.prepare(str(tmp_path / "e.pth"), new_core())


class TestUrl:
    URL = "https://nasa.example/models/mobilenet_v2_pretrained_microscopynet_v1.0.pth.tar"

    def test_it_is_fetched_once(self, server, caches, new_core, classifier):
        data = saved(classifier)
        sha256 = server.put(self.URL.removeprefix("https://"), data)
        told, wish = [], f"{self.URL}#sha256={sha256}"
        for _ in range(2):
            start = starting.prepare(wish, new_core(**MOBILE), lambda *args: told.append(args))
        assert len(server.asked) == 1
        assert told[-1][1:] == (len(data), len(data))
        assert start.facts["source"] == self.URL
        assert start.facts["sha256"] == sha256
        assert start.facts["proof"] == "as given"
        name = f"{sha256[:12]}-mobilenet_v2_pretrained_microscopynet_v1.0.pth.tar"
        assert (caches / name).read_bytes() == data

    def test_its_sha256_is_asked_for_before_anything_is_fetched(self, server, new_core):
        with pytest.raises(BadValue, match=r"#sha256=.*sha256sum FILE"):
            starting.prepare(self.URL, new_core())
        assert server.asked == []

    def test_plain_http_is_refused(self, server, new_core):
        with pytest.raises(Refused, match="https://"):
            starting.prepare(f"http://nasa.example/e.pth#sha256={'0' * 64}", new_core())

    def test_a_query_stays_out_of_the_card(self, server, new_core, classifier):
        sha256 = server.put("nasa.example/e.pth?token=secret", saved(classifier))
        start = starting.prepare(f"https://nasa.example/e.pth?token=secret#sha256={sha256}", new_core(**MOBILE))
        assert "secret" not in json.dumps(start.facts) + "".join(start.notes)

    def test_what_torch_hub_has_is_taken_if_it_is_the_right_file(self, new_core, classifier):
        data = saved(classifier)
        file = cache.torch_hub_file(self.URL.rpartition("/")[2])
        file.parent.mkdir(parents=True)
        file.write_bytes(data)
        wish = f"{self.URL}#sha256={hashlib.sha256(data).hexdigest()}"
        assert starting.prepare(wish, new_core(**MOBILE)).facts["proof"] == "as given"
        file.write_bytes(data[:-1])
        with pytest.raises(Unreachable):
            starting.prepare(wish, new_core(**MOBILE))


class TestImageNet:
    @pytest.fixture
    def weights(self):
        """The state of an encoder for three channels, as Hugging Face has it."""
        return filled(smp.encoders.get_encoder("mobilenet_v2", weights=None))

    def hub(self, server, data: bytes) -> str:
        """Serve it as Hugging Face does; gives its sha256."""
        sha256 = server.put("cdn.example/blob", data)
        address = offer("mobilenet_v2").url.removeprefix("https://")
        server.put(address, b"", 302, Location="https://cdn.example/blob", X_Linked_ETag=f'"{sha256}"')
        return sha256

    def test_it_is_fetched_proved_and_noted(self, server, caches, new_core, weights):
        sha256 = self.hub(server, safetensors(weights))
        core = new_core(**MOBILE)
        start = starting.prepare("imagenet", core)
        starting.apply(start, core.network)
        assert equal(core.network, "encoder.features.1.conv.1.weight", weights["features.1.conv.1.weight"])
        assert start.facts["sha256"] == sha256
        assert start.facts["source"] == "smp-hub/mobilenet_v2.imagenet@e67aa804e17f"
        (file,) = caches.glob("*.safetensors")
        assert (caches / f"{file.name}.sha256").read_text() == f"{sha256}  {file.name}\n"
        again = starting.prepare("imagenet", new_core(**MOBILE))
        assert again.facts == start.facts | {"proof": f"noted in {file.name}.sha256"}
        assert len(server.asked) == 2

    def test_a_cache_that_was_damaged_is_told(self, server, caches, new_core, weights):
        self.hub(server, safetensors(weights))
        starting.prepare("imagenet", new_core(**MOBILE))
        (file,) = caches.glob("*.safetensors")
        data = bytearray(file.read_bytes())
        data[-5] ^= 1
        file.write_bytes(bytes(data))
        with pytest.raises(BadModel, match=r"sha256.*delete it"):
            starting.prepare("imagenet", new_core(**MOBILE))

    def test_without_net_it_says_which_file_from_where_and_where_to_put_it(self, caches, new_core, weights):
        with pytest.raises(Unreachable) as caught:
            starting.prepare("imagenet", new_core(**MOBILE))
        message = str(caught.value)
        assert offer("mobilenet_v2").url in message
        target = caches / offer("mobilenet_v2").name
        assert str(target) in message
        assert "--start FILE" in message
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(safetensors(weights))
        start = starting.prepare("imagenet", new_core(**MOBILE))
        assert "compared with nothing" in start.notes[0]
        assert start.facts["proof"] == ""
        assert start.facts["sha256"] == hashlib.sha256(safetensors(weights)).hexdigest()

    def test_what_huggingface_hub_has_is_taken(self, new_core, weights):
        data = safetensors(weights)
        found = offer("mobilenet_v2")
        file = cache.hugging_face_file(found.repository, found.revision, found.file)
        blobs = file.parents[2] / "blobs"
        sha256 = hashlib.sha256(data).hexdigest()
        for folder in (blobs, file.parent):
            folder.mkdir(parents=True)
        (blobs / sha256).write_bytes(data)
        file.symlink_to(os.path.relpath(blobs / sha256, file.parent))
        from huggingface_hub import try_to_load_from_cache

        home = os.environ["HF_HOME"] + "/hub"
        assert try_to_load_from_cache(found.repository, found.file, home, found.revision) == str(file)
        start = starting.prepare("imagenet", new_core(**MOBILE))
        assert start.facts["sha256"] == sha256
        assert start.facts["proof"].startswith("its name")
        (blobs / sha256).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        with pytest.raises(BadModel, match="sha256"):
            starting.prepare("imagenet", new_core(**MOBILE))

    def test_of_timm_too(self, new_core, caches):
        core = new_core()  # an encoder of timm
        state = filled(timm.create_model("tf_mobilenetv3_small_minimal_100"))
        found = offer(core.settings.encoder)
        assert found.url.endswith("timm/tf_mobilenetv3_small_minimal_100.in1k/resolve/main/model.safetensors")
        caches.mkdir(parents=True)
        (caches / found.name).write_bytes(safetensors(state))
        starting.apply(starting.prepare("imagenet", core), core.network)
        assert equal(core.network, "encoder.model.conv_stem.weight", state["conv_stem.weight"].sum(1, keepdim=True))
        assert equal(core.network, "encoder.model.bn1.running_mean", state["bn1.running_mean"])

    def test_an_encoder_that_is_not_whole_is_refused(self, caches, new_core, weights):
        caches.mkdir(parents=True)
        del weights["features.18.1.running_var"]
        (caches / offer("mobilenet_v2").name).write_bytes(safetensors(weights))
        with pytest.raises(
            BadModel, match=r"259 of its 260.*1 not in the file \(encoder\.features\.18\.1\.running_var\)"
        ):
            starting.prepare("imagenet", new_core(**MOBILE))

    def test_an_encoder_without_offer(self, new_core):
        with pytest.raises(BadValue, match="no-imagenet: resnext101_32x32d"):
            offer("resnext101_32x32d")
        with pytest.raises(BadValue, match="no-imagenet"):
            offer("tu-no_such_model")

    def test_an_unknown_encoder_is_told_before_anything_is_fetched(self, server, new_core):
        with pytest.raises(BadValue, match=r"unknown-encoder: resnet19.*Did you mean resnet18"):
            starting.prepare("imagenet", new_core(encoder="resnet19"))
        assert server.asked == []


class TestModel:
    @pytest.fixture
    def other(self, tmp_path, sample, new_card, new_core, monkeypatch):
        """A model ``discs`` on the search path, and its state."""
        from temj.models import write_model

        core = new_core()
        state = filled(core.network)
        for name, value in state.items():
            if value.is_floating_point():
                state[name] = (value.abs() + 0.5 if "running_var" in name else value * 0.1).half().float()
        card = new_card(name="discs", core={"name": "semantic", "settings": core.settings.model_dump(mode="json")},
                        classes=[{"name": "disc"}])  # fmt: skip
        model = write_model(tmp_path / "models" / "discs", card, state, sample)
        monkeypatch.setenv("TEMJ_MODELS", str(tmp_path / "models"))
        return model, state

    def test_of_the_same_kind_all_is_taken(self, other, new_core):
        model, state = other
        for name in ("discs", str(model.folder), model.folder):
            core = new_core()
            start = starting.prepare(str(name), core)
            starting.apply(start, core.network)
            assert all(equal(core.network, key, value) for key, value in state.items())
        assert start.facts == {
            "start": "model", "source": "discs", "sha256": model.sha256, "proof": "its card",
            "loaded": start.facts["of"], "of": start.facts["of"],
        }  # fmt: skip
        assert len(start.notes) == 1

    def test_another_number_of_classes_has_a_new_last_layer(self, other, new_core):
        core = new_core(classes=["disc", "rod"])
        head = core.network.state_dict()["segmentation_head.0.weight"].clone()
        start = starting.prepare("discs", core)
        starting.apply(start, core.network)
        assert equal(core.network, "segmentation_head.0.weight", head)
        assert equal(core.network, "decoder.blocks.0.conv1.0.weight", other[1]["decoder.blocks.0.conv1.0.weight"])
        assert start.notes[1] == "the last layer begins anew: the model tells disc, the new one background, disc, rod"
        assert start.facts["loaded"] == start.facts["of"] - 2

    def test_a_class_of_another_name_keeps_it_and_says_so(self, other, new_core):
        core = new_core(classes=["ball"])
        start = starting.prepare("discs", core)
        starting.apply(start, core.network)
        assert equal(core.network, "segmentation_head.0.weight", other[1]["segmentation_head.0.weight"])
        assert "disc → ball" in start.notes[1]

    def test_another_meaning_of_equal_shapes_is_not_taken_over(self, other, new_core, tmp_path):
        from temj.models.starting import words

        before = new_core(classes=["disc", "rod"], mode="multilabel")
        turned = new_core(classes=["rod", "disc"], mode="multilabel")
        deep = new_core(classes=["disc"], instances="distance")
        assert before.network.segmentation_head[0].weight.shape == deep.network.segmentation_head[0].weight.shape
        assert words.why_new_head(before, before) == ""
        assert words.why_new_head(before, turned) == "the model tells disc, rod, the new one rod, disc"
        assert words.why_new_head(before, deep) == "the model tells disc, rod, the new one disc, distance"

    def test_of_another_architecture_only_the_encoder_is_taken(self, other, new_core):
        core = new_core(architecture="FPN", channels="gray:3")
        start = starting.prepare("discs", core)
        starting.apply(start, core.network)
        state = other[1]
        assert equal(core.network, "encoder.model.bn1.weight", state["encoder.model.bn1.weight"])
        stem = state["encoder.model.conv_stem.weight"]
        assert torch.allclose(
            core.network.state_dict()["encoder.model.conv_stem.weight"], stem.expand(-1, 3, -1, -1) / 3
        )
        assert "only its encoder is taken: it is a Unet, the new model a FPN" in start.notes
        assert "the first layer was made for 1 channel: taken in turn for 3, times 1/3" in start.notes

    def test_of_another_encoder_it_is_refused(self, other, new_core):
        with pytest.raises(BadModel, match="weights of the encoder mobilenet_v2"):
            starting.prepare("discs", new_core(**MOBILE))

    def test_a_damaged_one_is_refused(self, other, new_core):
        file = other[0].folder / "weights.safetensors"
        data = bytearray(file.read_bytes())
        data[-1] ^= 1
        file.write_bytes(bytes(data))
        with pytest.raises(BadModel, match="sha256"):
            starting.prepare("discs", new_core())

    def test_an_unknown_name_says_what_a_start_can_be(self, other, new_core):
        with pytest.raises(BadValue, match=r"random, imagenet, a file or https address.*discs.*Did you mean 'discs'"):
            starting.prepare("disks", new_core())

    def test_a_sha256_behind_a_model_is_told_to_be_needless(self, other, new_core):
        with pytest.raises(BadValue, match="the card of a model"):
            starting.prepare(f"discs#sha256={'0' * 64}", new_core())

    def test_a_core_without_encoder(self, other, sample):
        from temj.cores import make_core

        with pytest.raises(BadValue, match="no-encoder: Conv2d"):
            starting.prepare("discs", make_core("pixelwise", {"classes": ["disc"]}))


def test_a_resumed_run_needs_no_file():
    facts = {"start": "file", "source": "gone.pth", "sha256": "0" * 64}
    start = starting.of_run(facts)
    assert start.facts == facts
    network = torch.nn.Linear(1, 1)
    before = network.weight.clone()
    starting.apply(start, network)
    assert torch.equal(network.weight, before)
    assert starting.of_run(None).facts == {"start": "random"}
