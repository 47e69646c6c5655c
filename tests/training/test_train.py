import csv
import io

import numpy as np
import pytest
import torch

from temj.data import Micrograph
from temj.datasets import open_dataset
from temj.errors import BadDataset, BadValue, Refused, ResourceError
from temj.inference import predict
from temj.models import open_model, self_test
from temj.models.card import PixelSize
from temj.training import TrainingOptions, train
from temj.training.augmentations import effective
from temj.training.job import Job
from temj.training.load import trained_size
from temj.training.report import _pixel_size
from temj.training.trainer import Trainer


@pytest.fixture(scope="module")
def trained(discs, tmp_path_factory):
    """A model that was trained for a minute's fraction, its messages, and the random state before and after."""
    messages, output = [], tmp_path_factory.mktemp("models") / "discs"
    options = TrainingOptions(
        epochs=30, batch=4, crop=64, seed=1, threads=1, precision="float32", learning_rate=1e-2, validations=5,
        augmentation={"scale": {"factor": (0.8, 1.25)}}, command="temj train …",
        settings={"encoder": "tu-tf_mobilenetv3_small_minimal_100"},
    )  # fmt: skip
    before = torch.get_rng_state()
    model = train(open_dataset(discs), "semantic", output, options, lambda *message: messages.append(message))
    assert torch.equal(before, torch.get_rng_state())
    return model, messages


class TestModel:
    def test_the_folder_is_a_model_that_passes_its_own_test(self, trained):
        model, _ = trained
        opened = open_model(model.folder)
        opened.verify()
        assert self_test(opened, "cpu").passed
        assert not (model.folder / "training").exists()

    def test_it_finds_what_it_learned(self, trained, discs):
        model, _ = trained
        dataset = open_dataset(discs)
        (item,) = dataset.subset("validation")
        found = predict(dataset.micrograph(item), model, device="cpu")
        true = dataset.instances(item)
        assert len(found) == pytest.approx(len(true), abs=2)
        metrics = {(m.name, m.data): m.value for m in model.card.metrics}
        assert metrics["IoU", "validation images at own pixel size, threshold 'auto'"] > 0.7
        assert metrics["IoU", "validation images at 2 x the pixel size, threshold 'auto'"] > 0.5
        assert metrics["PR-AUC", "validation images at own pixel size"] > 0.8
        assert metrics["ROC-AUC", "validation images at own pixel size"] > 0.95

    def test_the_card_says_what_it_is(self, trained):
        card = trained[0].card
        assert card.class_names == ("disc",)
        assert card.pixel_size.trained == 0.5
        assert card.pixel_size.min == pytest.approx(0.4)
        assert card.pixel_size.max == pytest.approx(1.5)
        assert set(card.thresholds) == {"auto", "area", "count"}
        assert card.default_threshold == "auto"
        assert card.data[0].licence == "MIT"
        assert card.data[0].split == {"train": ("0", "1", "2"), "validation": ("3",)}
        assert card.trained.seed == 1
        assert card.trained.augmentation["scale"] == {"probability": 1.0, "factor": [0.8, 1.25]}
        assert card.trained.augmentation["inversion"] == {"probability": 0.0}
        assert card.input.channels == ("gray",)
        assert card.class_map == {"1": "disc"}
        assert "of 90" in card.calibration["weights"]
        assert {"torch", "temj", "numpy"} <= set(card.trained.versions)
        assert all(metric.definition for metric in card.metrics)

    def test_training_and_validation_stand_side_by_side(self, trained):
        card = trained[0].card
        named = {(m.name, m.data) for m in card.metrics}
        for name in ("IoU", "object F1", "area error", "count error", "diameter error"):
            for images in ("training images", "validation images"):
                assert (name, f"{images} at own pixel size, threshold 'auto'") in named
        assert "against validation" in card.trained.notes[-1]

    def test_the_card_says_what_each_threshold_does_to_quantities(self, trained):
        model = trained[0]
        for name, threshold in model.card.thresholds.items():
            facts = model.card.calibration[name]
            assert set(facts["bias"]) == {"area", "count", "diameter"}
            assert facts["judged_on"] == "the one image that it was chosen on"
            assert facts["definition"]
            assert 0.05 <= threshold <= 0.95
        rows = list(csv.DictReader(io.StringIO((model.folder / "threshold_curve.csv").read_text())))
        assert {"threshold", "object F1", "area error (%)", "count error (%)", "diameter error (%)"} <= set(rows[0])
        assert len(rows) == 19

    def test_the_curve_is_there(self, trained):
        model, _ = trained
        rows = list(csv.DictReader(io.StringIO((model.folder / "training_curve.csv").read_text())))
        assert [int(row["epoch"]) for row in rows] == [6, 12, 18, 24, 30]
        assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
        assert all(0 <= float(row[name]) <= 1 for row in rows for name in ("iou", "iou_2x"))
        assert (model.folder / "training_curve.png").read_bytes().startswith(b"\x89PNG")

    def test_progress_has_loss_iou_and_time_left(self, trained):
        _, messages = trained
        steps = [current for _, current, _ in messages[:-1]]
        assert steps == list(range(1, messages[0][2] + 1))
        assert "loss" in messages[0][0]
        assert "validation IoU" in messages[-2][0]
        assert "left" in messages[-2][0]


class TestBeforeTheStart:
    def test_nothing_is_replaced_unasked(self, trained, discs, tiny):
        with pytest.raises(Refused, match="--overwrite"):
            train(open_dataset(discs), "semantic", trained[0].folder, TrainingOptions(**tiny))
        trained[0].verify()

    def test_an_unsound_dataset_is_refused(self, make_dataset, tmp_path, tiny):
        folder = make_dataset(tmp_path / "data")
        (folder / "masks" / "0.tif").unlink()
        (folder / "images" / "1.tif").write_bytes(b"")
        with pytest.raises(BadDataset, match="2 problems"):
            train(open_dataset(folder), "semantic", tmp_path / "m", TrainingOptions(**tiny))
        assert not (tmp_path / "m").exists()

    def test_validation_images_are_needed(self, make_dataset, tmp_path, tiny):
        folder = make_dataset(tmp_path / "data", split={"train": ["0", "1", "2", "3"]})
        with pytest.raises(BadDataset, match="no images for validation"):
            train(open_dataset(folder), "semantic", tmp_path / "m", TrainingOptions(**tiny))

    @pytest.mark.parametrize(
        ("wrong", "told"),
        [
            ({"settings": {"encoder": "resnet17"}}, "unknown-encoder: resnet17"),
            ({"settings": {"x": 1}}, r"core\.settings\.x\. Expected a setting of it"),
            ({"crop": 65}, "crop.*a multiple of 32, found 65"),
        ],
    )
    def test_wrong_settings_leave_no_folder(self, discs, tmp_path, tiny, wrong, told):
        with pytest.raises(BadValue, match=told):
            train(open_dataset(discs), "semantic", tmp_path / "m", TrainingOptions(**{**tiny, **wrong}))
        assert not (tmp_path / "m").exists()

    @pytest.mark.parametrize(
        "wrong", [{"epochs": 0}, {"batch": -1}, {"augmentation": 1}, {"learning_rat": 1}, {"ema": 1}]
    )
    def test_options_have_limits(self, wrong):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            TrainingOptions(**wrong)


class TestPrecautions:
    def test_steps_with_nan_change_nothing_and_too_many_stop_the_run(self, discs, tmp_path, tiny, monkeypatch):
        from temj.cores.semantic import Semantic

        real, calls = Semantic.loss, []

        def loss(self, logits, target):
            calls.append(1)
            return real(self, logits, target) * (float("nan") if len(calls) in (3, 4) else 1)

        monkeypatch.setattr(Semantic, "loss", loss)
        model = train(open_dataset(discs), "semantic", tmp_path / "m", TrainingOptions(**tiny))
        rows = list(csv.DictReader(io.StringIO((model.folder / "training_curve.csv").read_text())))
        assert rows[-1]["skipped"] == "2"
        calls.clear()
        with pytest.raises(BadValue, match="diverged"):
            train(open_dataset(discs), "semantic", tmp_path / "n", TrainingOptions(**{**tiny, "bad_steps": 1}))
        assert not (tmp_path / "n" / "model.json").exists()

    def test_weights_that_are_not_finite_are_never_stored(self, discs, tmp_path, tiny, monkeypatch):
        from temj.training import checkpoint

        real = Trainer.advance

        def advance(self):
            value = real(self)
            if self.step == 4:
                next(self._network.parameters()).data.fill_(float("nan"))
            return value

        monkeypatch.setattr(Trainer, "advance", advance)
        with pytest.raises(BadValue, match="diverged"):
            train(open_dataset(discs), "semantic", tmp_path / "m", TrainingOptions(**tiny))
        for file in (tmp_path / "m" / "training").glob("*.safetensors"):
            assert all(torch.isfinite(tensor).all() for tensor in checkpoint.load(file)[0].values())

    def test_an_exhausted_memory_is_said_in_words(self, discs, tmp_path, tiny, monkeypatch):
        def advance(_self):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

        monkeypatch.setattr(Trainer, "advance", advance)
        with pytest.raises(ResourceError, match="smaller batch"):
            train(open_dataset(discs), "semantic", tmp_path / "m", TrainingOptions(**tiny))

    def test_minutes_that_buy_next_to_nothing_say_so(self, discs, tmp_path, tiny, caplog):
        seen = []
        options = TrainingOptions(**{**tiny, "epochs": 3, "minutes": 1e-6})
        model = train(
            open_dataset(discs), "semantic", tmp_path / "m", options, lambda _m, now, end: seen.append((now, end))
        )
        assert seen[1:] == [(1, 1), (1, 1)]  # the least there is: one step, and writing the model
        assert "1e-06 minutes buy only 1 step (0.17 epochs)" in caplog.text
        assert "buy only 1 step" in model.card.trained.notes[0]

    def test_patience_stops_a_run_that_gains_nothing(self, discs, tmp_path, tiny):
        seen = []
        options = TrainingOptions(**{**tiny, "epochs": 40, "validations": 40, "patience": 2, "learning_rate": 1e-12})
        train(open_dataset(discs), "semantic", tmp_path / "m", options, lambda _m, now, end: seen.append((now, end)))
        assert seen[-2][0] < seen[-2][1]

    def test_a_crop_of_ignored_pixels_does_no_harm(self, make_dataset, tmp_path, tiny):
        import tifffile

        folder = make_dataset(tmp_path / "data")
        for number in (0, 1):
            mask = np.full((128, 128), 255, np.uint8)
            mask[:20, :20] = 0
            mask[5:9, 5:9] = 1
            tifffile.imwrite(folder / "masks" / f"{number}.tif", mask)
        dataset = open_dataset(folder)
        model = train(dataset, "semantic", tmp_path / "m", TrainingOptions(**{**tiny, "epochs": 1}))
        assert model.card.class_names == ("disc",)


class TestFromTheDataset:
    def job(self, folder, tiny, **options) -> Job:
        return Job(open_dataset(folder), "semantic", TrainingOptions(**{**tiny, **options}))

    def test_images_of_another_pixel_size_are_brought_to_that_of_the_dataset(self, make_dataset, tmp_path, tiny):
        import tifffile

        folder = make_dataset(tmp_path / "data")
        pixels = tifffile.imread(folder / "images" / "0.tif")
        tifffile.imwrite(folder / "images" / "0.tif", pixels, imagej=True, resolution=(1, 1), metadata={"unit": "nm"})
        first, second, *_ = self.job(folder, tiny)._pictures["train"]
        assert first.image.shape == (1, 256, 256)
        assert first.class_map.shape == (256, 256)
        assert first.pixels.dtype == np.uint8
        assert second.image.shape == (1, 128, 128)

    def test_channels_are_seen_alike_in_training_self_test_and_prediction(self, make_dataset, tmp_path, tiny):
        settings = tiny["settings"] | {"channels": "gray+clahe+gaussian"}
        options = TrainingOptions(**{**tiny, "epochs": 1, "settings": settings})
        dataset = open_dataset(make_dataset(tmp_path / "data"))
        model = open_model(train(dataset, "semantic", tmp_path / "m", options).folder)
        assert model.card.core.settings["channels"] == "gray+clahe+gaussian"
        assert model.card.input.channels == ("gray", "clahe", "gaussian")
        assert self_test(model, "cpu").passed
        assert predict(dataset.micrograph(dataset.items[0]), model, device="cpu").info["device"] == "cpu"

    def test_several_classes_are_weighted(self, make_dataset, tmp_path, tiny):
        import tifffile

        folder = make_dataset(tmp_path / "data", classes=["disc", {"name": "dot", "diameter": "major"}])
        for number in range(4):
            mask = tifffile.imread(folder / "masks" / f"{number}.tif")
            mask[3:7, 3:7] = 2
            tifffile.imwrite(folder / "masks" / f"{number}.tif", mask)
        dataset = open_dataset(folder)
        model = train(dataset, "semantic", tmp_path / "m", TrainingOptions(**tiny))
        weights = model.card.core.settings["class_weights"]
        assert weights[0] < weights[1] < weights[2]
        assert model.card.diameters == {"disc": "equivalent", "dot": "major"}
        found = predict(dataset.micrograph(dataset.items[0]), model, threshold=0.05, device="cpu")
        assert set(found.class_name) <= {"disc", "dot"}

    @pytest.mark.parametrize(
        ("scale", "coarse", "limits"),
        [((0.7, 1.4), 0.4, (0.273, 1.17)), ((1, 1), 0, (0.390625, 0.391)), ((1.2, 2), 0, (0.390625, 0.781))],
    )
    def test_the_range_of_pixel_sizes_is_what_the_crops_imitate(self, make_dataset, tmp_path, scale, coarse, limits):
        folder = make_dataset(tmp_path / "data", pixel_size=0.390625)
        dataset = open_dataset(folder)
        augmentation = effective(dataset, {"scale": {"factor": scale}, "coarser": coarse})
        found = PixelSize(**_pixel_size(trained_size(dataset.pixel_size), augmentation))
        assert (found.min, found.max) == limits

    def test_an_unknown_pixel_size_makes_a_model_without_one(self, make_dataset, tmp_path, tiny):
        folder = make_dataset(tmp_path / "data", pixel_size=None)
        model = train(open_dataset(folder), "semantic", tmp_path / "m", TrainingOptions(**{**tiny, "epochs": 1}))
        assert model.card.pixel_size is None
        assert not any("2 x" in metric.data for metric in model.card.metrics)  # there is no twice of what is unknown
        predict(Micrograph(np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)), model, device="cpu")
