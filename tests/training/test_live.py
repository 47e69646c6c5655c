import csv
import dataclasses
import io
import json
import math
import sys

import pytest

from temj.datasets import open_dataset
from temj.errors import MissingSoftware
from temj.models import open_model
from temj.training import TrainingOptions, train
from temj.training.live import Live, Update

UPDATE = Update(
    step=30, steps=90, epoch=10.0, epochs=30.0, loss=0.51234, learning_rate=1e-3,
    metrics={"IoU": 0.5, "IoU at 2 x the pixel size": 0.25, "object F1": 0.75, "threshold": 0.4},
    best=0.5, seconds_left=65.0, picture="m/training/validation.png", validated=True,
)  # fmt: skip
ROWS = [{"step": 30, "epoch": 10.0, "loss": 0.5, "learning_rate": 1e-3, "iou": 0.25, "object_f1": None, "skipped": 0}]


class TestUpdate:
    def test_it_is_frozen_and_goes_through_json(self):
        with pytest.raises(dataclasses.FrozenInstanceError):
            UPDATE.step = 3
        assert Update(**json.loads(json.dumps(UPDATE.as_json(), allow_nan=False))) == UPDATE

    def test_what_is_not_known_is_null(self):
        update = dataclasses.replace(UPDATE, metrics={"object F1": math.nan}, loss=None, seconds_left=math.inf)
        told = json.loads(json.dumps(update.as_json(), allow_nan=False))
        assert told["metrics"] == {"object F1": None}
        assert told["loss"] is told["seconds_left"] is None

    def test_the_message_is_what_the_terminal_shows(self):
        assert UPDATE.message == (
            "epoch 10 of 30, loss 0.512, validation IoU 0.375 (best 0.500), object F1 0.750, 65 s left"
        )
        short = Update(1, 7, 1 / 6, 7 / 6, None, 1e-3, seconds_left=180)
        assert short.message == "epoch 0.17 of 1.2, 3 min left"


class TestLive:
    def test_terminal_and_callback_are_told_the_same(self, tmp_path):
        told, updates = [], []
        Live(tmp_path, lambda *message: told.append(message), updates.append).tell(UPDATE)
        assert told == [(UPDATE.message, 30, 90)]
        assert updates == [UPDATE]

    def test_files_are_new_at_every_validation_but_drawing_takes_a_small_share(self, tmp_path, monkeypatch):
        clock = iter([0.0, 10.0, 100.0, 101.0, 102.0])
        monkeypatch.setattr("temj.training.live.time.monotonic", lambda: next(clock))
        live = Live(tmp_path, print)
        live.show(ROWS, b"first")
        assert live.picture.read_bytes() == b"first"
        (row,) = csv.DictReader(io.StringIO((tmp_path / "training_curve.csv").read_text()))
        assert row["object_f1"] == ""
        assert not (tmp_path / "training_curve.png").exists()  # 10 s are too short for 0.5 s of drawing
        live.show(ROWS, b"second")
        assert (tmp_path / "training_curve.png").read_bytes().startswith(b"\x89PNG")
        (tmp_path / "training_curve.png").unlink()
        live.show(ROWS * 2, b"third")
        assert live.picture.read_bytes() == b"third"
        assert not (tmp_path / "training_curve.png").exists()  # it took a second just now
        assert len((tmp_path / "training_curve.csv").read_text().splitlines()) == 3


class Stop(Exception):
    """Of a caller that has seen enough."""


def test_a_run_tells_every_step_and_can_be_ended_and_watched(discs, tmp_path, tiny):
    updates, folder = [], tmp_path / "m" / "training"

    def look(update: Update) -> None:
        updates.append(update)
        if update.validated:
            assert folder.joinpath("validation.png").read_bytes().startswith(b"\x89PNG")
            rows = list(csv.DictReader(io.StringIO(folder.joinpath("training_curve.csv").read_text())))
            assert int(rows[-1]["step"]) == update.step
            assert float(rows[-1]["iou"]) == pytest.approx(update.metrics["IoU"], rel=1e-5)
            assert update.picture == str(folder / "validation.png")
        if update.step == 9 and len(updates) == 9:
            raise Stop

    options = TrainingOptions(**tiny, tensorboard=True)
    with pytest.raises(Stop):
        train(open_dataset(discs), "semantic", tmp_path / "m", options, on_update=look)
    assert [update.step for update in updates] == list(range(1, 10))
    assert [update.step for update in updates if update.validated] == [6]
    assert updates[-1].metrics == updates[5].metrics
    resumed = options.model_copy(update={"resume": True})
    model = train(open_dataset(discs), "semantic", tmp_path / "m", resumed, on_update=look)
    assert updates[-1].step == updates[-1].steps == 12
    assert updates[-1].epoch == 2
    assert not folder.exists()
    files = {f"{stem}_curve.{ending}" for stem in ("training", "threshold") for ending in ("csv", "png")}
    assert files | {"validation.png"} <= {*open_model(model.folder).card.files}
    open_model(model.folder).verify()

    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path / "m" / "tensorboard"))
    events.Reload()
    shown = {event.step: event.value for event in events.Scalars("validation/IoU")}
    assert shown == {u.step: pytest.approx(u.metrics["IoU"]) for u in updates if u.validated}


def test_a_missing_tensorboard_is_told_before_anything_is_made(discs, tmp_path, tiny, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(MissingSoftware, match="pip install tensorboard"):
        train(open_dataset(discs), "semantic", tmp_path / "m", TrainingOptions(**tiny, tensorboard=True))
    assert not (tmp_path / "m").exists()
