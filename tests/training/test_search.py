"""A search, with trainings that are played: who is tried, dropped, kept, and how it goes on after a stop."""

import csv
import io
import json
import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from temj.cli import main
from temj.cores import make_core
from temj.data import Calibration, Micrograph
from temj.datasets import open_dataset
from temj.errors import BadValue, Cancelled, MissingSoftware, Refused, ResourceError
from temj.models import Card, open_model, write_model
from temj.models.card import Metric
from temj.models.copying import copy_model
from temj.training.live import Update
from temj.training.search import Objective, Plan, read_space, search
from temj.training.search import running as module
from temj.training.search.study import Study
from temj.training.search.trials import Trial

TINY = {"encoder": "tu-tf_mobilenetv3_small_minimal_100", "decoder_channels": [16, 8, 8, 8, 8]}


@pytest.fixture(scope="session")
def base(tmp_path_factory):
    """A model that was never trained."""
    torch.manual_seed(0)
    core = make_core("semantic", TINY | {"classes": ["disc"]})
    card = Card.model_validate({
        "name": "base", "task": "semantic segmentation", "description": "",
        "core": {"name": "semantic", "settings": core.settings.model_dump(mode="json")},
        "classes": [{"name": "disc"}], "thresholds": {"auto": 0.5}, "default_threshold": "auto",
    })  # fmt: skip
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64)).astype(np.uint8)
    sample = Micrograph(pixels, Calibration(0.5, 0.5, "nm"), "sample")
    return write_model(tmp_path_factory.mktemp("base") / "base", card, core.network.state_dict(), sample)


class Played:
    """Stands for :func:`temj.training.train`: a training whose object F1 follows from its settings."""

    def __init__(self, base):
        self.base, self.calls, self.stop_at = base, [], None

    def __call__(self, dataset, core, folder, options, progress, cancelled, on_update=None):
        self.calls.append((folder.name, options))
        if options.crop == 64:
            raise ResourceError("memory", where="cpu", found="not enough")
        if options.crop == 96:
            raise RuntimeError("shapes differ")
        quality = 1 - abs(math.log10(options.learning_rate or 2e-3) + 3) / 2
        checkpoint = folder / "training" / "last.safetensors"
        checkpoint.parent.mkdir(parents=True, exist_ok=True)
        first = int(checkpoint.read_text()) if options.resume else 0
        for step in range(first + 1, 21):
            checkpoint.write_text(str(step))
            (folder / "training" / "training_curve.csv").write_text("step\n")
            if (folder.name, step) == self.stop_at or cancelled():
                raise Cancelled()
            progress("learning", step, 20)
            update = Update(step, 20, step / 20, 1, 0.5, 1e-3, {"object F1": quality * step / 20}, validated=True)
            if on_update:
                on_update(update)
        checkpoint.unlink()
        (folder / "training" / "training_curve.csv").unlink()
        (folder / "training").rmdir() if not any((folder / "training").iterdir()) else None
        data = "validation images at own pixel size, threshold 'auto'"
        metrics = (
            Metric(name="object F1", value=quality, data=data),
            Metric(name="object F1", value=0.9, data="training images at own pixel size, threshold 'auto'"),
            Metric(name="object F1", value=0.1, data="validation images at 2 x the pixel size, threshold 'auto'"),
        )
        return copy_model(
            self.base, folder, self.base.card.model_copy(update={"name": folder.name, "metrics": metrics})
        )


@pytest.fixture(autouse=True)
def _undrawn(monkeypatch, request):
    """Pictures take most of the time of a trial that is only played."""
    if "picture" not in request.node.name:
        monkeypatch.setattr("temj.plots.trials_plot", lambda *_: b"")


@pytest.fixture
def played(base, monkeypatch):
    found = Played(base)
    monkeypatch.setattr(module, "train", found)
    return found


@pytest.fixture
def data(discs):
    return open_dataset(discs)


def plan(*words: str, **more) -> Plan:
    return Plan(read_space(words or ("learning_rate=1e-5..1e-1:log", "batch=2..8"), "semantic", ("disc",)), **more)


def table(folder) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((folder / "trials.csv").read_text())))


def known(found) -> list:
    return [replace(trial, seconds=0.0) for trial in found.trials]


class TestOutcome:
    def test_the_best_trial_becomes_the_model(self, played, data, tmp_path):
        messages = []
        out = tmp_path / "s"
        found = search(data, "semantic", out, plan(number=6, drop="no"), lambda *m: messages.append(m))
        rows = table(out)
        assert [row["Trial"] for row in rows] == list("123456")
        assert {row["State"] for row in rows} == {"finished"}
        values = [float(row["object F1"]) for row in rows]
        for row, value in zip(rows, values, strict=True):
            assert value == pytest.approx(1 - abs(math.log10(float(row["learning_rate"])) + 3) / 2, abs=1e-5)
            assert 2 <= int(row["batch"]) <= 8
        assert found.best.value == pytest.approx(max(values), abs=1e-5)
        model = open_model(out / "model")
        model.verify()
        assert model.card.name == "s"
        assert f"trial {found.best.number} of a random search" in model.card.calibration["search"]
        assert "tuned on the validation images" in model.card.calibration["search"]
        assert model.card.metrics[0].value == pytest.approx(max(values), abs=1e-5)
        done = [current for _, current, _ in messages]
        assert done == sorted(done)
        assert messages[0][0] == "trial 1 of 6: learning"

    def test_of_other_trials_the_curve_stays(self, played, data, tmp_path):
        search(data, "semantic", tmp_path / "s", plan(number=2, drop="no"))
        left = [path.name for path in (tmp_path / "s" / "trials").rglob("*") if path.is_file()]
        assert not [name for name in left if name not in ("training_curve.csv", "training_curve.png")]

    def test_a_picture_of_the_trials(self, played, data, tmp_path):
        search(data, "semantic", tmp_path / "s", plan(number=3))
        picture = cv2.imread(str(tmp_path / "s" / "trials.png"))
        assert picture.shape[1] > 1000
        assert picture.min() < 50

    def test_a_trial_that_fails_is_told_and_the_rest_goes_on(self, played, data, tmp_path):
        grid = plan("crop=64,96,128", "learning_rate=1e-3,1e-4", method="grid", number=100)
        found = search(data, "semantic", tmp_path / "s", grid)
        rows = table(tmp_path / "s")
        states = {(row["crop"], row["State"]) for row in rows}
        assert states == {("64", "failed"), ("96", "failed"), ("128", "finished")}
        assert {row["Reason"] for row in rows if row["crop"] == "96"} == {"RuntimeError: shapes differ"}
        assert all("ResourceError/memory" in row["Reason"] for row in rows if row["crop"] == "64")
        assert found.best.settings == {"crop": 128, "learning_rate": 1e-3}

    def test_where_all_fail_the_first_reason_is_told(self, played, data, tmp_path):
        with pytest.raises(BadValue, match="2 that failed; the first: ResourceError/memory"):
            search(data, "semantic", tmp_path / "s", plan("crop=64", "batch=2,4", method="grid"))

    def test_errors_are_made_small(self, played, data, tmp_path, monkeypatch):
        objective = Objective("count_error")
        card = played.base.card.model_copy(
            update={
                "metrics": tuple(
                    Metric(name="count error", value=value, data=f"validation images at own pixel size, class {name}")
                    for name, value in (("a", -0.3), ("b", 0.1))
                )
            }
        )
        assert objective.of_card(card) == pytest.approx(0.2)
        assert objective.better(0.1, 0.2)
        assert objective.of_update({"IoU": 0.7}) == -0.7
        assert Objective("object_f1").of_update({"IoU": 0.7}) == 0

    def test_the_best_settings_are_trained_anew(self, played, data, tmp_path):
        found = search(data, "semantic", tmp_path / "s", plan(number=3, base={"epochs": 2}, final={"epochs": 50}))
        name, options = played.calls[-1]
        assert name == "model"
        assert options.epochs == 50
        assert options.learning_rate == found.best.settings["learning_rate"]
        assert [options.epochs for _, options in played.calls[:-1]] == [2, 2, 2]
        assert found.model.card.name == "s"
        assert not (tmp_path / "s" / "model" / "training").exists()

    @pytest.mark.parametrize("kept", [True, False])
    @pytest.mark.parametrize("moment", ["begun", "trained", "copied", "saved"])
    def test_a_final_training_that_was_killed_is_taken_up(self, base, data, tmp_path, monkeypatch, moment, kept):
        """Whenever it is killed: what was trained is not trained again, and nothing sticks.

        ``kept``: as with folds, a finished ``folds.json`` stays in the folder.
        """

        class Killed(BaseException):
            """No error that anything would catch."""

        class Trainer(Played):
            def __call__(self, dataset, core, folder, options, *rest):
                if folder.name == "model" and moment == "begun" and not options.resume and not self.calls_of_final:
                    self.calls_of_final += 1
                    raise Killed
                assert not (options.resume and not (folder / "training" / "last.safetensors").exists()), "nothing there"
                model = super().__call__(dataset, core, folder, options, *rest)
                if folder.name == "model":
                    self.calls_of_final += 1
                    if kept:
                        (folder / "folds").mkdir(exist_ok=True)
                        (folder / "folds" / "folds.json").write_text(json.dumps({"format": 1, "state": "finished"}))
                return model

            calls_of_final = 0

        trainer = Trainer(base)
        monkeypatch.setattr(module, "train", trainer)
        asked = plan(number=2, base={"epochs": 2}, final={"epochs": 50})
        copy, save = module.copy_model, module._Search._save

        def copying(model, folder, card):
            if trainer.calls_of_final and moment == "trained":
                raise Killed
            copied = copy(model, folder, card)
            if trainer.calls_of_final and moment == "copied":
                raise Killed
            return copied

        def saving(run):
            save(run)
            if trainer.calls_of_final and moment == "saved":
                raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(module, "copy_model", copying)
            patch.setattr(module._Search, "_save", saving)
            with pytest.raises(Killed):
                search(data, "semantic", tmp_path / "s", asked)
        found = search(data, "semantic", tmp_path / "s", replace(asked, base={"epochs": 2, "resume": True}))
        assert trainer.calls_of_final == (2 if moment == "begun" else 1)
        assert [options.epochs for name, options in trainer.calls if name == "model"] == [50]
        assert found.model.card.name == "s"
        assert f"trial {found.best.number} of" in found.model.card.calibration["search"]
        assert not (tmp_path / "s" / "model" / "training").exists()


class TestDropping:
    def test_below_the_median_of_the_others(self, played, data, tmp_path):
        found = search(data, "semantic", tmp_path / "s", plan(number=16))
        dropped = [trial for trial in found.trials if trial.state == "dropped"]
        assert dropped
        for trial in dropped:
            assert trial.number > 5
            assert max(trial.reached) >= 2
            tenth = max(trial.reached)
            before = [t for t in found.trials[: trial.number - 1] if t.state == "finished"]
            assert max(trial.reached.values()) < np.median([t.reached[tenth] for t in before])
            assert "behind the others" in trial.reason
        rows = table(tmp_path / "s")
        assert {row["State"] for row in rows} == {"finished", "dropped"}

    def test_halving(self, played, data, tmp_path):
        found = search(data, "semantic", tmp_path / "s", plan(number=8, drop="halving"))
        dropped = [trial for trial in found.trials if trial.state == "dropped"]
        assert dropped
        assert {max(trial.reached) for trial in dropped} <= {2, 4, 8}

    def test_none(self, played, data, tmp_path):
        found = search(data, "semantic", tmp_path / "s", plan(number=8, drop="no"))
        assert {trial.state for trial in found.trials} == {"finished"}


class TestGoingOn:
    @pytest.mark.parametrize("drop", ["median", "halving"])
    def test_a_stopped_search_goes_on_as_if_it_had_not_been(self, base, data, tmp_path, monkeypatch, drop):
        asked = plan(number=9, drop=drop)
        monkeypatch.setattr(module, "train", Played(base))
        whole = search(data, "semantic", tmp_path / "whole", asked)
        out, going = tmp_path / "s", asked
        for number in (2, 6):
            trainer = Played(base)
            trainer.stop_at = (f"{number:03d}", 1)  # before it can be dropped
            monkeypatch.setattr(module, "train", trainer)
            with pytest.raises(Cancelled, match="--resume"):
                search(data, "semantic", out, going)
            assert table(out)[-1]["State"] == "finished" or number == 6
            going = replace(asked, base={"resume": True})
        trainer = Played(base)
        monkeypatch.setattr(module, "train", trainer)
        found = search(data, "semantic", out, going)
        assert trainer.calls[0][0] == "006"
        assert trainer.calls[0][1].resume
        assert known(found) == known(whole)
        assert found.model.card.metrics == whole.model.card.metrics

    def test_more_trials_may_follow(self, played, data, tmp_path):
        few, many = plan(number=3), plan(number=7)
        search(data, "semantic", tmp_path / "s", few)
        found = search(data, "semantic", tmp_path / "s", replace(many, base={"resume": True}))
        assert len(played.calls) == 7
        played.calls.clear()
        assert known(search(data, "semantic", tmp_path / "t", many)) == known(found)

    def test_a_model_that_was_written_before_the_record_is_not_trained_again(self, played, data, tmp_path, monkeypatch):
        with monkeypatch.context() as patch:
            patch.setattr(module, "copy_model", lambda *_: (_ for _ in ()).throw(Cancelled()))
            with pytest.raises(Cancelled):
                search(data, "semantic", tmp_path / "s", plan(number=1))
        monkeypatch.setattr(module, "train", lambda *_: pytest.fail("trained again"))
        found = search(data, "semantic", tmp_path / "s", plan(number=1, base={"resume": True}))
        assert found.best.number == 1

    def test_another_search_is_not_resumed(self, played, data, tmp_path):
        search(data, "semantic", tmp_path / "s", plan(number=1))
        with pytest.raises(Refused, match="--resume"):
            search(data, "semantic", tmp_path / "s", plan(number=1))
        with pytest.raises(BadValue, match="seed: was 0, now 1"):
            search(data, "semantic", tmp_path / "s", plan(number=1, seed=1, base={"resume": True}))
        with pytest.raises(BadValue, match="an unfinished search"):
            search(data, "semantic", tmp_path / "other", plan(number=1, base={"resume": True}))
        (tmp_path / "s" / "search.json").write_text("{}")
        with pytest.raises(BadValue, match="--overwrite"):
            search(data, "semantic", tmp_path / "s", plan(number=1, base={"resume": True}))
        assert search(data, "semantic", tmp_path / "s", plan(number=1, base={"overwrite": True})).best.number == 1


class TestStudy:
    def settings(self, number: int, seed: int = 0, method: str = "random", words=("learning_rate=1e-5..1e-1:log",)):
        space = read_space(words, "semantic", ("disc",))
        study, found = Study(space, method, seed, "no", higher=True), []

        def work(draw):
            found.append(draw.settings)
            return Trial(draw.number, draw.settings, "finished", 0.5)

        for place in range(1, number + 1):
            study.run(place, work)
        return found

    def test_a_grid_has_every_combination_once(self):
        found = self.settings(6, method="grid", words=("crop=128,192,256", "batch=2,4"))
        assert sorted((one["crop"], one["batch"]) for one in found) == [
            (crop, batch) for crop in (128, 192, 256) for batch in (2, 4)
        ]
        assert plan("crop=128,192,256", "batch=2,4", method="grid", number=100).trials == 6

    def test_a_range_is_no_grid(self):
        with pytest.raises(BadValue, match="--method random"):
            _ = plan("batch=2..8", method="grid").trials

    def test_random_settings_fill_the_range_and_follow_the_seed(self):
        rates = [math.log10(one["learning_rate"]) for one in self.settings(200)]
        assert -5 <= min(rates) < -4.8
        assert -1.2 < max(rates) <= -1
        assert np.mean(rates) == pytest.approx(-3, abs=0.25)
        assert self.settings(3) == self.settings(3) != self.settings(3, seed=1)

    def test_without_the_library_there_is_a_sentence(self, data, tmp_path, monkeypatch):
        monkeypatch.setitem(__import__("sys").modules, "optuna", None)
        with pytest.raises(MissingSoftware, match=r"pip install 'temj\[search\]'"):
            search(data, "semantic", tmp_path / "s", plan(number=1))
        assert not (tmp_path / "s").exists()


class TestCommand:
    """``temj search`` with played trainings."""

    def run(self, discs, out, *words: str) -> int:
        return main(["search", str(discs), "--output", str(out), "--space", *words])

    def test_the_table_has_the_best_first_and_the_record_repeats_it(self, played, discs, tmp_path, capsys):
        out = tmp_path / "tuned"
        words = ("crop=64,128", "learning_rate=1e-3,1e-2", "--method", "grid", "--epochs", "3", "--drop", "no")
        assert self.run(discs, out, *words) == 3
        told = capsys.readouterr().out
        assert told.splitlines()[0].split()[:4] == ["Trial", "State", "object", "F1"]
        assert "finished  1 " in told.splitlines()[1]
        assert "Best settings: crop=128 learning_rate=0.001" in told
        assert "4 trials: 2 finished, 2 failed" in told
        assert "tuned on the validation images" in told
        assert "ResourceError/memory" in told
        assert {options.epochs for _, options in played.calls} == {3}
        run = json.loads((out / "run.json").read_text())
        assert run["best"]["settings"] == {"crop": 128, "learning_rate": 1e-3}
        assert "temj search" in run["command_line"]
        assert "--method grid" in run["command_line"]
        assert self.run(discs, out, *words) == 2
        assert "--resume" in capsys.readouterr().err

    def test_the_last_training_has_its_own_length(self, played, discs, tmp_path):
        assert self.run(discs, tmp_path / "t", "batch=2,4", "--trials", "2", "--final", "epochs=50") == 0
        assert played.calls[-1][1].epochs == 50

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (["learning_rat=1e-4..1e-2"], "Did you mean 'learning_rate'"),
            (["batch=2..8", "--method", "grid"], "--method random"),
            (["batch=2,4", "--final", "epochs=10,20"], "one value"),
            (["batch=2,4", "--folds", "9"], "at least 9"),
        ],
    )
    def test_mistakes_are_sentences(self, played, discs, tmp_path, capsys, words, told):
        assert self.run(discs, tmp_path / "s", *words) == 2
        assert told in capsys.readouterr().err
