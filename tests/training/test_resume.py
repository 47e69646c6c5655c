import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
import torch

from temj.datasets import open_dataset
from temj.errors import BadModel, BadValue, Cancelled, Refused
from temj.training import TrainingOptions, checkpoint, train
from temj.training.interrupt import Interrupts
from temj.training.length import Pace
from temj.training.run import RunFolder
from temj.training.session import Session

SCRIPT = textwrap.dedent("""
    import json, sys, time
    from pathlib import Path
    from temj.datasets import open_dataset
    from temj.errors import TemjError
    from temj.training import TrainingOptions, train
    data, output, options, pause = sys.argv[1:]

    def progress(message, step, steps):
        print(step, flush=True)
        time.sleep(float(pause))

    try:
        train(open_dataset(data), "semantic", Path(output), TrainingOptions(**json.loads(options)), progress)
    except TemjError as error:
        print(error.message, file=sys.stderr)
        sys.exit(error.exit_code)
""")


def stored(model) -> bytes:
    return (model.folder / "weights.safetensors").read_bytes()


@pytest.fixture(scope="module")
def whole(discs, tmp_path_factory):
    """The model of a run that was never stopped."""
    from json import loads

    output = tmp_path_factory.mktemp("whole") / "m"
    return train(open_dataset(discs), "semantic", output, TrainingOptions(**loads(OPTIONS)))


OPTIONS = """{"epochs": 2, "batch": 2, "crop": 64, "seed": 3, "threads": 1, "precision": "float32", "validations": 4,
 "checkpoint_seconds": 0.0, "learning_rate": 5e-3, "settings": {"encoder": "tu-tf_mobilenetv3_small_minimal_100",
 "decoder_channels": [16, 8, 8, 8, 8]}}"""


def options(**more) -> TrainingOptions:
    from json import loads

    return TrainingOptions(**{**loads(OPTIONS), **more})


def stop_at(step: int):
    """A ``cancelled`` that says yes when the loop asks before step ``step``."""
    asked = iter(range(1000))
    return lambda: next(asked) >= step


@pytest.mark.parametrize("steps", [(0,), (7,), (2, 1, 5), (11,)])
def test_a_stopped_and_resumed_run_gives_the_same_model_bit_for_bit(discs, tmp_path, whole, steps):
    dataset, resume = open_dataset(discs), False
    for step in steps:
        with pytest.raises(Cancelled, match="--resume"):
            train(dataset, "semantic", tmp_path / "m", options(resume=resume), cancelled=stop_at(step))
        assert not (tmp_path / "m" / "model.json").exists()
        torch.rand(3), np.random.random()  # what others draw in between must not matter
        resume = True
    model = train(dataset, "semantic", tmp_path / "m", options(resume=True))
    assert stored(model) == stored(whole)
    assert (model.folder / "training_curve.csv").read_bytes() == (whole.folder / "training_curve.csv").read_bytes()
    assert model.card.model_dump(exclude={"name"}) == whole.card.model_dump(exclude={"name"})


def test_the_same_run_twice_gives_the_same_bytes(discs, tmp_path, whole):
    model = train(open_dataset(discs), "semantic", tmp_path / "m", options())
    assert stored(model) == stored(whole)
    assert stored(train(open_dataset(discs), "semantic", tmp_path / "n", options(seed=4))) != stored(whole)


def test_killed_at_any_moment_it_resumes_to_the_same_model(discs, tmp_path, whole):
    rng = np.random.default_rng(0)
    for number in range(2):
        output = tmp_path / str(number)
        arguments = [sys.executable, "-c", SCRIPT, str(discs), str(output), OPTIONS, "0.05"]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
            for _ in range(int(rng.integers(1, 11))):
                process.stdout.readline()
            time.sleep(float(rng.uniform(0, 0.1)))
            process.kill()
        assert process.returncode == -signal.SIGKILL
        assert stored(train(open_dataset(discs), "semantic", output, options(resume=True))) == stored(whole)
        assert not list(output.glob("**/.*.tmp-*"))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signals_write_a_checkpoint_and_say_how_to_go_on(discs, tmp_path, number, code):
    arguments = [sys.executable, "-c", SCRIPT, str(discs), str(tmp_path / "m"), OPTIONS, "0.05"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        for _ in range(4):
            process.stdout.readline()
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in errors
    assert "--resume" in errors
    assert checkpoint.load(tmp_path / "m" / "training" / "last.safetensors")[1]["step"] >= 4


def test_the_second_signal_acts_at_once():
    before = signal.getsignal(signal.SIGINT)
    with Interrupts() as interrupts:
        assert not interrupts.stopped()
        signal.raise_signal(signal.SIGINT)
        assert interrupts.stopped()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
    assert interrupts.error("here", "Go on.").exit_code == 130


def test_a_caller_that_hears_signals_itself_keeps_its_handlers():
    heard = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: heard.append(number))
    try:
        with Interrupts(lambda: len(heard) > 1) as interrupts:
            signal.raise_signal(signal.SIGTERM)
            assert not interrupts.stopped()
            signal.raise_signal(signal.SIGTERM)
            assert interrupts.stopped()
        assert heard == [signal.SIGTERM] * 2
    finally:
        signal.signal(signal.SIGTERM, before)


class TestRefusals:
    @pytest.fixture
    def stopped(self, discs, tmp_path):
        with pytest.raises(Cancelled):
            train(open_dataset(discs), "semantic", tmp_path / "m", options(), cancelled=stop_at(3))
        return tmp_path / "m"

    def test_a_mistyped_path_never_starts_from_zero(self, discs, tmp_path):
        with pytest.raises(BadValue, match="nothing-to-resume"):
            train(open_dataset(discs), "semantic", tmp_path / "typo", options(resume=True))
        assert not (tmp_path / "typo").exists()

    def test_a_finished_model_is_not_resumed(self, discs, whole):
        with pytest.raises(
            BadValue, match=r"found a finished model\. It is finished.*another folder, or .*--overwrite"
        ):
            train(open_dataset(discs), "semantic", whole.folder, options(resume=True))

    @pytest.mark.parametrize(("file", "resumable"), [("model.json", False), ("training/last.safetensors", True)])
    def test_resume_is_only_offered_where_it_helps(self, tmp_path, file, resumable):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_bytes(b"")
        with pytest.raises(Refused) as caught:
            RunFolder(tmp_path).check(False, False)
        assert ("--resume" in caught.value.remedy) == resumable
        assert "--overwrite" in caught.value.remedy

    def test_other_parameters_are_listed(self, discs, stopped):
        changed = options(resume=True, learning_rate=1e-3, seed=9, settings={"encoder": "resnet18"})
        with pytest.raises(BadValue) as caught:
            train(open_dataset(discs), "semantic", stopped, changed)
        for words in ("learning_rate: was 0.005, now 0.001", "seed: was 3, now 9", "encoder"):
            assert words in caught.value.message

    def test_other_data_and_classes_are_listed(self, discs, stopped, tmp_path, make_dataset):
        other = make_dataset(tmp_path / "data", classes=["ring"])
        with pytest.raises(BadValue) as caught:
            train(open_dataset(other), "semantic", stopped, options(resume=True))
        assert "core.settings.classes" in caught.value.message
        assert "data.train/0.tif" in caught.value.message

    def test_after_a_refusal_it_can_still_be_resumed(self, discs, stopped, whole):
        with pytest.raises(BadValue, match=r"resume-differs.*parameters\.seed: was \d, now 9"):
            train(open_dataset(discs), "semantic", stopped, options(resume=True, seed=9))
        assert stored(train(open_dataset(discs), "semantic", stopped, options(resume=True))) == stored(whole)

    def test_a_damaged_checkpoint_is_said_to_be_so(self, discs, stopped):
        path = stopped / "training" / "last.safetensors"
        path.write_bytes(path.read_bytes()[:-5])
        with pytest.raises(BadModel, match="checkpoint"):
            train(open_dataset(discs), "semantic", stopped, options(resume=True))

    def test_a_stopped_run_is_not_replaced_unasked(self, discs, stopped, whole):
        from temj.errors import Refused

        with pytest.raises(Refused, match="unfinished"):
            train(open_dataset(discs), "semantic", stopped, options())
        model = train(open_dataset(discs), "semantic", stopped, options(overwrite=True))
        assert stored(model) == stored(whole)


def test_minutes_are_measured_once(discs, tmp_path, monkeypatch):
    monkeypatch.setattr(Session, "_pace", lambda *_: Pace(600.0, 1.0, 0.0, 0.1, 0.0))
    minutes = {"epochs": None, "minutes": 100}
    with pytest.raises(Cancelled):
        train(open_dataset(discs), "semantic", tmp_path / "m", options(**minutes), cancelled=stop_at(4))
    monkeypatch.setattr(Session, "_pace", lambda *_: pytest.fail("measured again"))
    seen = []
    resumed = options(**minutes, resume=True)
    train(open_dataset(discs), "semantic", tmp_path / "m", resumed, lambda _m, now, end: seen.append((now, end)))
    assert seen[0] == (5, seen[-1][1])
    assert seen[-1][1] == 9  # of 600 s each: a number of steps, not of epochs
