"""K folds: who judges whom, the table, the ensemble, and going on after a stop."""

import csv
import io
import json
import statistics

import numpy as np
import pytest
import torch

from temj.cli import main
from temj.datasets import open_dataset
from temj.errors import BadDataset, BadValue, Cancelled, Refused
from temj.evaluation.agreement import Agreement
from temj.geometry import paint
from temj.models import open_model, self_test
from temj.training import TrainingOptions, train
from temj.training.fold_table import METRICS, Rows, fold_metrics, fold_table
from temj.training.folds import fold_splits

TINY = {
    "batch": 2, "crop": 64, "seed": 3, "threads": 1, "precision": "float32", "learning_rate": 1e-2, "epochs": 4,
    "validations": 1, "checkpoint_seconds": 0.0, "folds": 2,
    "settings": {"encoder": "tu-tf_mobilenetv3_small_minimal_100", "decoder_channels": [16, 8, 8, 8, 8]},
}  # fmt: skip


def options_of(**more) -> TrainingOptions:
    return TrainingOptions(**{**TINY, **more})


@pytest.fixture(scope="module")
def trained(six, tmp_path_factory):
    """A model of two folds, with the messages and updates."""
    messages, updates = [], []
    output = tmp_path_factory.mktemp("models") / "both"
    model = train(
        open_dataset(six), "semantic", output, options_of(), lambda *message: messages.append(message),
        on_update=updates.append,
    )  # fmt: skip
    return model, messages, updates


def rows_in(folder) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((folder / "folds.csv").read_text())))


class TestSplits:
    def test_each_image_validates_once_and_the_test_is_left_alone(self, six):
        splits = fold_splits(open_dataset(six), 3, seed=1)
        judged = [stem for split in splits for stem in split.validation]
        assert sorted(judged) == ["0", "1", "2", "3", "4"]
        for split in splits:
            assert set(split.train) | set(split.validation) == {"0", "1", "2", "3", "4"}
            assert not set(split.train) & set(split.validation)
            assert split.test == ("5",)
        assert splits == fold_splits(open_dataset(six), 3, seed=1)

    def test_groups_stay_together(self, make_dataset, tmp_path):
        groups = {"0": "a", "1": "b", "2": "a", "3": "b", "4": "c"}
        folder = make_dataset(tmp_path / "data", count=5, groups=groups)
        for split in fold_splits(open_dataset(folder), 3, seed=0):
            of_group = [{groups[stem] for stem in part} for part in (split.train, split.validation)]
            assert not of_group[0] & of_group[1]

    def test_folds_of_the_dataset_are_used(self, make_dataset, tmp_path):
        folder = make_dataset(tmp_path / "data", folds=[["0", "2"], ["1", "3"]])
        splits = fold_splits(open_dataset(folder), 2, seed=0)
        assert [split.validation for split in splits] == [("0", "2"), ("1", "3")]
        assert splits[0].train == ("1", "3")
        with pytest.raises(BadValue, match=r"the 2 folds that stand there, found 3.*--folds 2"):
            fold_splits(open_dataset(folder), 3, seed=0)

    def test_more_folds_than_images_are_refused(self, six):
        with pytest.raises(BadDataset, match="at least 7"):
            fold_splits(open_dataset(six), 7, seed=0)


class TestTable:
    def rows(self) -> list[Rows]:
        rng = np.random.default_rng(0)
        return [Rows(4, 0.5 + number / 10, rng.random((2, len(METRICS)))) for number in range(3)]

    def test_mean_and_sd_are_those_of_the_folds(self):
        rows = self.rows()
        table = fold_table(rows, ("pore", "crack"))
        assert list(table["Fold"]) == ["1"] * 3 + ["2"] * 3 + ["3"] * 3 + ["mean"] * 3 + ["sd"] * 3
        assert list(table["Class"][:3]) == ["pore", "crack", "mean"]
        for place, name in enumerate(METRICS):
            cracks = [row.values[1, place] for row in rows]
            both = [row.values[:, place].mean() for row in rows]
            np.testing.assert_allclose(table[name][10], statistics.mean(cracks))
            np.testing.assert_allclose(table[name][13], statistics.stdev(cracks))
            np.testing.assert_allclose(table[name][[2, 5, 8]], both)
            np.testing.assert_allclose(table[name][11], statistics.mean(both))
            np.testing.assert_allclose(table[name][14], statistics.stdev(both))
        np.testing.assert_allclose(table["Threshold"][9], 0.6)

    def test_what_is_not_known_in_a_fold_is_left_out(self):
        rows = self.rows()
        place = list(METRICS).index("object F1")
        rows[1].values[0, place] = np.nan
        table = fold_table(rows, ("pore", "crack"))
        known = [rows[0].values[0, place], rows[2].values[0, place]]
        np.testing.assert_allclose(table["object F1"][9], statistics.mean(known))
        np.testing.assert_allclose(table["object F1"][12], statistics.stdev(known))
        np.testing.assert_allclose(table["object F1"][5], rows[1].values[1, place])

    def test_rows_for_a_card_say_sd_and_class(self):
        rows = fold_metrics(fold_table(self.rows(), ("pore", "crack")), 3)
        assert len(rows) == 3 * len(METRICS)
        assert {row["name"] for row in rows} == set(METRICS.values())
        crack = next(row for row in rows if "class crack" in row["data"])
        assert crack["data"].startswith("mean of 3 folds (sd 0.")
        assert all(row["definition"] for row in rows)


class TestModel:
    def test_it_is_the_mean_of_the_folds_networks(self, trained):
        model, _, _ = trained
        opened = open_model(model.folder)
        opened.verify()
        assert self_test(opened, "cpu").passed
        assert (opened.card.core.name, opened.card.core.settings["members"]) == ("ensemble", 2)
        batch = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 1, 64, 64)).astype(np.float32))
        each = [open_model(model.folder / "folds" / fold).load_core("cpu").forward(batch).numpy() for fold in "12"]
        assert np.abs(each[0] - each[1]).max() > 1e-3
        np.testing.assert_allclose(opened.load_core("cpu").forward(batch).numpy(), np.mean(each, 0), atol=1e-6)

    def test_each_fold_is_judged_on_images_that_it_did_not_see(self, trained, six):
        """The figures of folds.csv, computed anew from the folds' model folders and the masks."""
        model, _, _ = trained
        dataset = open_dataset(six)
        split = model.card.data[0].split
        assert sorted(split["fold 1"] + split["fold 2"]) == ["0", "1", "2", "3", "4"]
        for row in rows_in(model.folder)[:2]:
            member = open_model(model.folder / "folds" / row["Fold"])
            judged = split[f"fold {row['Fold']}"]
            assert set(member.card.data[0].split["train"]) == set(split["train"]) - set(judged)
            core, total, found_pixels, true_pixels = member.load_core("cpu"), 0, 0, 0
            for item in dataset.items:
                if item.stem not in judged:
                    continue
                image = core.prepare(dataset.micrograph(item).pixels)
                raw = core.forward(torch.from_numpy(image)[None])[0].numpy()
                found = core.decode(raw, float(row["Threshold"]))
                labels, _ = paint(found.shapes, found.score, 64, 64)
                truth = dataset.class_map_of(item) == 1
                total += np.count_nonzero((labels > 0) & truth)
                found_pixels += np.count_nonzero(labels)
                true_pixels += np.count_nonzero(truth)
            assert true_pixels > 0
            assert float(row["pixel recall"]) == pytest.approx(total / true_pixels, rel=1e-4)
            expected = total / (found_pixels + true_pixels - total)
            assert float(row["IoU"]) == pytest.approx(expected, rel=1e-4)

    def test_the_card_has_mean_and_sd_and_thresholds_of_out_of_fold_answers(self, trained):
        card = trained[0].card
        assert set(card.thresholds) == {"auto", "area", "count"}
        assert card.calibration["auto"]["judged_on"].startswith("5 images")
        rows = rows_in(trained[0].folder)
        mean = next(row for row in rows if row["Fold"] == "mean")
        told = next(metric for metric in card.metrics if metric.name == "IoU" and metric.data.startswith("mean of 2"))
        assert told.value == pytest.approx(float(mean["IoU"]), abs=1e-4)
        assert any(metric.data.startswith("out-of-fold images at own pixel size") for metric in card.metrics)
        assert any(note.startswith("fold 2: training IoU") for note in card.trained.notes)
        assert any("ensemble of 2 networks" in note for note in card.trained.notes)
        assert any("mean answer of the ensemble is smoother" in note for note in card.trained.notes)
        told = {metric.name: metric.value for metric in reversed(card.metrics) if metric.data.startswith("mean of 2")}
        assert float(mean["area error (%)"]) == pytest.approx(100 * told["area error"], rel=1e-3)

    def test_unequal_lengths_of_the_folds_are_told(self, trained, six, tmp_path):
        from temj.models.copying import copy_model
        from temj.training.fold_model import Fold, _unequal

        model, part = trained[0], open_dataset(six)
        first = open_model(model.folder / "folds" / "1")
        longer = copy_model(first, tmp_path / "longer", first.card, {"training_curve.csv": b"step,loss\n4,1\n9000,1\n"})
        steps = list(csv.DictReader(io.StringIO(first.read("training_curve.csv").decode())))[-1]["step"]
        assert _unequal([Fold(1, part, first), Fold(2, part, first)]) == []
        (note,) = _unequal([Fold(1, part, first), Fold(2, part, longer)])
        assert f"different numbers of steps ({steps}, 9000)" in note
        assert [open_model(trained[0].folder / "folds" / fold).card.trained.seed for fold in "12"] == [3, 4]

    def test_progress_and_updates_run_over_all_folds(self, trained):
        _, messages, updates = trained
        assert messages[0][0].startswith("fold 1 of 2: ")
        done = [current for _, current, _ in messages]
        assert done == sorted(done)
        assert messages[-1][1] == messages[-1][2]
        shares = [update.step / update.steps for update in updates]
        assert shares == sorted(set(shares))
        assert (shares[0], shares[-1]) == (1 / updates[0].steps, 1.0)
        assert updates[-1].epoch == pytest.approx(updates[-1].epochs)


class TestGoingOn:
    def test_a_stopped_run_goes_on_and_gives_the_same_weights(self, trained, six, tmp_path):
        data, asked = open_dataset(six), options_of()
        seen: list[str] = []

        def stop() -> bool:
            return any(message.startswith("fold 2") for message in seen)

        stopped = tmp_path / "stopped"
        with pytest.raises(Cancelled, match="--resume"):
            train(data, "semantic", stopped, asked, lambda message, *_: seen.append(message), stop)
        assert not (stopped / "model.json").exists()
        first = (stopped / "folds" / "1" / "model.json").stat().st_mtime_ns
        with pytest.raises(Refused, match="--resume"):
            train(data, "semantic", stopped, asked)
        with pytest.raises(BadValue, match=r"parameters\.batch: was 2, now 4"):
            train(data, "semantic", stopped, asked.model_copy(update={"batch": 4, "resume": True}))
        messages: list[str] = []
        again = train(
            data, "semantic", stopped, asked.model_copy(update={"resume": True}), lambda text, *_: messages.append(text)
        )
        assert not any(message.startswith("fold 1") for message in messages)
        assert (stopped / "folds" / "1" / "model.json").stat().st_mtime_ns == first
        assert again.sha256 == trained[0].sha256
        with pytest.raises(BadValue, match="a finished model"):
            train(data, "semantic", stopped, asked.model_copy(update={"resume": True}))

    def test_other_images_are_no_resume(self, make_dataset, tmp_path):
        folder = make_dataset(tmp_path / "data", side=64)
        asked = options_of()
        with pytest.raises(Cancelled):
            train(open_dataset(folder), "semantic", tmp_path / "m", asked, cancelled=lambda: True)
        mask = folder / "masks" / "0.tif"
        mask.write_bytes((folder / "masks" / "1.tif").read_bytes())
        with pytest.raises(BadValue, match=r"data\.0"):
            train(open_dataset(folder), "semantic", tmp_path / "m", asked.model_copy(update={"resume": True}))

    def test_a_run_without_folds_is_not_resumed_with_them(self, six, tmp_path):
        with pytest.raises(BadValue, match="nothing-to-resume"):
            train(open_dataset(six), "semantic", tmp_path / "no", options_of(resume=True))
        assert not (tmp_path / "no").exists()

    def test_several_processes_are_refused(self, six, tmp_path, monkeypatch):
        monkeypatch.setenv("WORLD_SIZE", "2")
        with pytest.raises(BadValue, match="without torchrun"):
            train(open_dataset(six), "semantic", tmp_path / "m", options_of())


def test_the_best_fold_alone(trained, six, tmp_path):
    """Written from the folds that are there: nothing is trained again."""
    from temj.training.fold_model import Fold, write_fold_model

    model, _, _ = trained
    dataset = open_dataset(six)
    asked = TrainingOptions(folds=2, members="best", threads=1, precision="float32")
    folds = [
        Fold(number, dataset.with_split(split), open_model(model.folder / "folds" / str(number)))
        for number, split in enumerate(fold_splits(dataset, 2, seed=3), start=1)
    ]
    best = write_fold_model(tmp_path / "best", dataset, folds, asked)
    scores = [float(row["object F1"] or -1) for row in rows_in(tmp_path / "best")[:2]]
    chosen = folds[int(np.argmax(scores))]
    assert best.sha256 == chosen.model.sha256
    opened = open_model(tmp_path / "best")
    opened.verify()
    assert opened.card.name == "best"
    assert opened.card.core.name == "semantic"
    assert any(f"fold {chosen.number}, the best of 2" in note for note in opened.card.trained.notes)
    assert json.loads((tmp_path / "best" / "model.json").read_text())["files"]["folds.csv"]


def test_agreement_of_nothing_is_no_number():
    rows = [Rows(1, 0.5, np.full((1, len(METRICS)), np.nan))] * 2
    assert Agreement().metrics()["object F1"] != Agreement().metrics()["object F1"]
    assert fold_metrics(fold_table(rows, ("disc",)), 2) == []


def test_the_command_prints_the_table(trained, six, tmp_path, capsys, monkeypatch):
    """``temj train --folds`` on a training that is done."""
    monkeypatch.setattr("temj.workflows.train.run_training", lambda *_args, **_more: trained[0])
    assert main(["train", str(six), "--folds", "2", "--output", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    rows = [line.split() for line in told.splitlines() if line.split()[:2] in (["1", "disc"], ["mean", "disc"])]
    known = rows_in(trained[0].folder)
    assert [row[:4] for row in rows] == [
        [row["Fold"], "disc", row["Images"], f"{float(row['Threshold']):.3f}"] for row in (known[0], known[2])
    ]
    assert "(sd: n - 1)" in told
    assert "area error (%)" in told
    assert "ensemble of 2 networks" in told
