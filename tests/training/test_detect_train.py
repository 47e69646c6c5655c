"""Trainings of detectors from the outside: cards, fields of view, start weights, resuming, images without objects."""

import json
import shutil
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import tifffile
import torch
import torchvision

from temj.cores import make_core
from temj.datasets import open_dataset
from temj.errors import BadDataset, BadModel, BadValue, Cancelled
from temj.models import open_model, starting
from temj.training import TrainingOptions, checkpoint, train
from temj.training.calibrating import calibrate_model
from temj.training.load import model_size, pictures
from temj.training.suited import suited

ENCODER = "tu-tf_mobilenetv3_small_minimal_100"
SETTINGS = {"encoder": ENCODER, "encoder_depth": 4, "width": 16, "head": 32, "proposals": 100}
TINY = {
    "steps": 6, "batch": 2, "crop": 64, "seed": 3, "threads": 1, "precision": "float32", "validations": 3,
    "checkpoint_seconds": 0.0, "settings": SETTINGS,
}  # fmt: skip
"""Options of a training of six steps."""


def options(**more) -> TrainingOptions:
    return TrainingOptions(**{**TINY, **more})


@pytest.fixture(scope="module")
def whole(discs, tmp_path_factory):
    """A detector of boxes that was trained in one go."""
    return train(open_dataset(discs), "boxes", tmp_path_factory.mktemp("whole") / "m", options())


def stop_at(step: int):
    asked = iter(range(10**6))
    return lambda: next(asked) >= step


def stored(model) -> bytes:
    return (model.folder / "weights.safetensors").read_bytes()


class TestCard:
    def test_it_has_the_anchors_and_says_them_in_nm(self, whole):
        settings = whole.card.core.settings
        assert len(settings["anchor_sizes"]) >= 1
        assert len(settings["aspect_ratios"]) >= 1
        (told,) = (note for note in whole.card.trained.notes if note.startswith("anchors"))
        sizes = sorted({size for level in settings["anchor_sizes"] for size in level})
        assert " ".join(f"{size / 2:.3g}" for size in sizes) + " nm" in told, "pixels are 0.5 nm"
        assert " ".join(f"{size:.3g}" for size in sizes) + " px" in told

    def test_it_has_average_precision(self, whole):
        assert whole.card.task == "object detection"
        assert {"AP50", "AP50:95", "object F1"} <= {metric.name for metric in whole.card.metrics}

    def test_the_stored_model_answers_as_the_card_says(self, whole):
        core = open_model(whole.folder).load_core("cpu")
        (found,) = core.forward(torch.zeros(1, 1, 64, 64), 0.0)
        assert found.boxes.shape[1] == 4
        assert core.settings.anchor_sizes == tuple(map(tuple, whole.card.core.settings["anchor_sizes"]))

    @pytest.mark.parametrize(
        "change", [{"core": "masks"}, {"width": 32}, {"anchor_sizes": [[4.0, 8.0, 16.0, 32.0]]}, {"norm": "group"}]
    )
    def test_weights_of_another_network_are_refused_with_the_differences(self, whole, tmp_path, change):
        shutil.copytree(whole.folder, tmp_path / "m")
        card = json.loads((tmp_path / "m" / "model.json").read_text())
        card["core"]["name"] = change.pop("core", "boxes")
        card["core"]["settings"] |= change
        (tmp_path / "m" / "model.json").write_text(json.dumps(card))
        with pytest.raises(BadModel, match=r"architecture.*differences"):
            open_model(tmp_path / "m").load_core("cpu")


class TestSuited:
    def test_a_detector_has_defaults_of_its_own_and_what_is_given_stays(self, discs):
        data = open_dataset(discs)
        plain, semantic = suited(TrainingOptions(), "boxes", data), suited(TrainingOptions(), "semantic", data)
        assert (plain.batch, plain.crop) == (4, 256)
        assert (semantic.batch, semantic.crop) == (8, 192)
        given = suited(TrainingOptions(batch=8, crop=192), "masks", data)
        assert (given.batch, given.crop) == (8, 192)
        assert suited(plain, "boxes", data) == plain
        assert suited(TrainingOptions(optimizer="sgd"), "boxes", data).learning_rate is None

    @pytest.mark.parametrize(
        ("sizes", "expected"),
        [
            ("4nm,8nm,16nm", ((8.0, 16.0), (16.0, 32.0))),
            ("0.004um+8+0.016um", ((8.0, 16.0), (16.0, 32.0))),
            ("8px,16px,32px", ((8.0, 16.0), (16.0, 32.0))),
            ("8px,12px/16px,24px", ((8.0, 12.0), (16.0, 24.0))),
            ([8, 16, 32], ((8.0, 16.0), (16.0, 32.0))),
            (((6.0,), (9.0,)), ((6.0,), (9.0,))),
        ],
    )
    def test_sizes_of_anchors_in_nm_are_pixels_of_the_model(self, discs, sizes, expected):
        found = suited(options(settings={"anchor_sizes": sizes}), "boxes", open_dataset(discs))
        assert found.settings["anchor_sizes"] == expected

    def test_in_a_field_of_view_they_are_of_its_pixels(self, discs):
        asked = options(settings={"anchor_sizes": "16nm", "aspect_ratios": "0.1,1,10"}, field_of_view="128nm")
        found = suited(asked, "boxes", open_dataset(discs))
        assert found.settings == {"anchor_sizes": ((8.0,),), "aspect_ratios": (0.1, 1.0, 10.0)}

    @pytest.mark.parametrize(
        ("settings", "said"),
        [
            ({"anchor_sizes": "4nn"}, "a length above 0 such as 4nm"),
            ({"anchor_sizes": "0nm"}, "a length above 0 such as 4nm"),
            ({"anchor_sizes": "infpx"}, "a length above 0 such as 4nm"),
            ({"aspect_ratios": "1,two"}, "numbers such as 0.5,1,2"),
        ],
    )
    def test_what_is_no_length_is_told(self, discs, settings, said):
        with pytest.raises(BadValue, match=said):
            suited(options(settings=settings), "boxes", open_dataset(discs))

    def test_nm_without_a_pixel_size_are_refused(self, make_dataset, tmp_path):
        data = open_dataset(make_dataset(tmp_path / "d", pixel_size=None))
        with pytest.raises(BadValue, match=r"sizes in pixels.*pixel size is not known"):
            suited(options(settings={"anchor_sizes": "4nm"}), "boxes", data)


class TestFieldOfView:
    @pytest.mark.parametrize("core", ["boxes", "masks", "semantic"])
    def test_images_and_outlines_are_brought_to_its_pixel_size(self, discs, core):
        data, asked = open_dataset(discs), options(field_of_view=64.0)
        size = model_size(data, asked)
        assert size == 1.0
        made = make_core(core, {"classes": ("disc",), **({} if core == "semantic" else SETTINGS)})
        plain, coarse = (pictures(data, "train", made, size=value)[0] for value in (None, size))
        assert (plain.shape, coarse.shape) == ((128, 128), (64, 64))
        share = (plain.class_map == 1).mean(), (coarse.class_map == 1).mean()
        assert share[0] == pytest.approx(share[1], rel=0.1)
        if core != "semantic":
            np.testing.assert_allclose(coarse.instances.shapes.points, plain.instances.shapes.points / 2)

    def test_the_card_says_it_and_prediction_has_the_pixel_size(self, discs, tmp_path):
        asked = options(field_of_view="64nm")
        model = train(open_dataset(discs), "boxes", tmp_path / "m", asked)
        assert model.card.pixel_size.trained == 1.0
        assert model.card.input.field_of_view == 64.0
        assert any("fields of view of 64 nm are brought to 64 px: 1 nm/px" in each for each in model.card.trained.notes)
        again = calibrate_model(model, open_dataset(discs), tmp_path / "again")
        assert again.card.pixel_size == model.card.pixel_size
        assert again.card.thresholds == model.card.thresholds

    def test_it_is_refused_where_no_pixel_size_is_known(self, make_dataset, tmp_path):
        data = open_dataset(make_dataset(tmp_path / "d", pixel_size=None))
        for core, settings in (("boxes", SETTINGS), ("semantic", {"encoder": ENCODER})):
            with pytest.raises(BadDataset, match=r"no-pixel-size.*Give 'pixel_size' in dataset\.json"):
                train(data, core, tmp_path / "m", options(field_of_view=64.0, settings=settings))
        assert not (tmp_path / "m").exists()

    def test_it_does_not_go_with_whole_images_nor_far_below_the_pixels(self, discs):
        with pytest.raises(ValueError, match="not both"):
            options(field_of_view=64.0, input_size=64)
        with pytest.raises(ValueError, match="such as 400nm"):
            options(field_of_view="64px")
        with pytest.raises(BadValue, match=r"field-of-view.*at least 4 nm for a crop of 64 px"):
            suited(options(field_of_view=3.0), "boxes", open_dataset(discs))


class TestLength:
    def test_steps_are_a_length(self, discs, tmp_path):
        said = []
        with pytest.raises(Cancelled):
            train(
                open_dataset(discs), "boxes", tmp_path / "m", options(steps=7, schedule="step:3"),
                lambda *told: said.append(told), stop_at(2),
            )  # fmt: skip
        _, state = checkpoint.load(tmp_path / "m" / "training" / "last.safetensors")
        assert state["length"]["steps"] == 7

    def test_the_shortest_holds(self, discs, tmp_path):
        with pytest.raises(Cancelled):
            train(open_dataset(discs), "boxes", tmp_path / "m", options(epochs=50, steps=4), cancelled=stop_at(1))
        assert checkpoint.load(tmp_path / "m" / "training" / "last.safetensors")[1]["length"]["steps"] == 4


SCRIPT = textwrap.dedent("""
    import json, sys, time
    from pathlib import Path
    from temj.datasets import open_dataset
    from temj.training import TrainingOptions, train
    data, output, options = sys.argv[1:]

    def progress(message, step, steps):
        print(step, flush=True)
        time.sleep(0.3)

    train(open_dataset(data), "boxes", Path(output), TrainingOptions(**json.loads(options)), progress)
""")


class TestResuming:
    def test_killed_it_is_resumed_to_the_same_weights(self, discs, whole, tmp_path):
        output = tmp_path / "m"
        with subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(discs), str(output), json.dumps(TINY)], stdout=subprocess.PIPE, text=True
        ) as running:
            for line in running.stdout:
                if line.strip() == "3":
                    break
            running.send_signal(signal.SIGKILL)
        assert 0 < checkpoint.load(output / "training" / "last.safetensors")[1]["step"] < 6
        again = train(open_dataset(discs), "boxes", output, options(resume=True))
        assert stored(again) == stored(whole)

    def test_other_anchors_are_not_resumed(self, discs, tmp_path):
        with pytest.raises(Cancelled):
            train(open_dataset(discs), "boxes", tmp_path / "m", options(), cancelled=stop_at(2))
        other = options(resume=True, settings={**SETTINGS, "anchor_sizes": "9px"})
        with pytest.raises(BadValue, match=r"resume-differs.*anchor_sizes"):
            train(open_dataset(discs), "boxes", tmp_path / "m", other)


class TestStart:
    def core(self, data, start: str, name: str = "boxes", **more):
        asked = suited(options(start=start, settings={**SETTINGS, **more}), name, data)
        return make_core(name, {**asked.settings, "classes": data.classes})

    def test_the_encoder_of_a_segmentation_model_is_taken(self, first, discs):
        core = self.core(open_dataset(discs), str(first.folder))
        start = starting.prepare(str(first.folder), core)
        starting.apply(start, core.network)
        theirs, mine = first.load_core("cpu").network.encoder.state_dict(), core.network.encoder.state_dict()
        assert mine.keys() <= theirs.keys()
        assert all(torch.equal(mine[name], theirs[name]) for name in mine)
        assert any(
            "only its encoder is taken: it is a Unet, the new model a detector of boxes" in n for n in start.notes
        )

    def test_stages_that_the_depth_does_not_have_are_no_error(self, discs, tmp_path):
        from safetensors.torch import save_file

        state = torchvision.models.resnet18(num_classes=2).state_dict()
        save_file(state, tmp_path / "encoder.safetensors")
        core = self.core(open_dataset(discs), "random", encoder="resnet18")
        mine = {name for name in core.network.state_dict() if name.startswith("encoder.")}
        unused = {name for name in state if f"encoder.{name}" not in mine}
        assert unused == {name for name in state if name.startswith(("layer4.", "fc."))}
        start = starting.prepare(str(tmp_path / "encoder.safetensors"), core)
        assert mine - set(start.state) <= {name for name in mine if name.endswith("num_batches_tracked")}
        starting.apply(start, core.network)
        assert torch.equal(core.network.encoder.layer3[0].conv1.weight, state["layer3.0.conv1.weight"])

    def test_a_detector_is_taken_whole_with_its_anchors(self, whole, discs):
        core = self.core(open_dataset(discs), str(whole.folder))
        assert core.settings.anchor_sizes == tuple(map(tuple, whole.card.core.settings["anchor_sizes"]))
        start = starting.prepare(str(whole.folder), core)
        starting.apply(start, core.network)
        theirs = whole.load_core("cpu").network.state_dict()
        assert all(torch.equal(theirs[name], value) for name, value in core.network.state_dict().items())

    def test_with_other_classes_the_last_layer_begins_anew_and_it_is_said(self, whole, discs, make_dataset, tmp_path):
        data = open_dataset(make_dataset(tmp_path / "d", classes=["disc", "ring"]))
        core = self.core(data, str(whole.folder))
        start = starting.prepare(str(whole.folder), core)
        assert not [name for name in start.state if name.startswith("heads.box_predictor.")]
        assert "heads.box_head.fc6.weight" in start.state
        assert any(
            "last layer begins anew: the model tells disc, the new one disc, ring" in note for note in start.notes
        )

    def test_masks_begin_with_all_that_a_detector_of_boxes_has(self, whole, discs):
        core = self.core(open_dataset(discs), str(whole.folder), "masks")
        start = starting.prepare(str(whole.folder), core)
        begun = {name.partition(".")[0] for name in start.state}
        assert begun == {"encoder", "neck", "rpn", "heads"}
        assert not [name for name in start.state if name.startswith("heads.mask")]

    def test_other_anchors_begin_the_search_for_boxes_anew(self, whole, discs):
        core = self.core(open_dataset(discs), str(whole.folder), anchor_sizes=((4.0, 6.0, 8.0, 10.0, 12.0),))
        start = starting.prepare(str(whole.folder), core)
        assert any("of another shape" in note and "rpn.head" in note for note in start.notes)
        starting.apply(start, core.network)

    def test_a_training_goes_on_from_a_detector(self, whole, discs, tmp_path):
        asked = options(start=str(whole.folder), learning_rate=1e-9, steps=1, ema=0.0)
        model = train(open_dataset(discs), "boxes", tmp_path / "m", asked)
        assert model.card.core.settings["anchor_sizes"] == whole.card.core.settings["anchor_sizes"]
        assert model.card.trained.start["loaded"] == model.card.trained.start["of"]


class TestImagesWithoutObjects:
    def test_they_train_and_validate(self, make_dataset, tmp_path):
        split = {"train": ["0", "1", "2"], "validation": ["3", "4"]}
        folder = make_dataset(tmp_path / "d", count=5, side=64, empty=["1", "2", "4"], split=split)
        for number in (1, 2, 4):
            tifffile.imwrite(folder / "masks" / f"{number}.tif", np.zeros((64, 64), np.uint8))
        model = train(open_dataset(folder), "masks", tmp_path / "m", options())
        assert np.isfinite([metric.value for metric in model.card.metrics]).all()

    def test_an_image_of_nothing_but_ignore_is_refused(self, make_dataset, tmp_path):
        folder = make_dataset(tmp_path / "d")
        tifffile.imwrite(folder / "masks" / "1.tif", np.full((128, 128), 255, np.uint8))
        description = json.loads((folder / "dataset.json").read_text())
        (folder / "dataset.json").write_text(json.dumps({**description, "ignore_value": 255}))
        with pytest.raises(BadDataset, match="ignore"):
            train(open_dataset(folder), "boxes", tmp_path / "m", options())
        assert not (tmp_path / "m").exists()
