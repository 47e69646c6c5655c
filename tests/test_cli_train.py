"""``temj train`` as a process: signals, resuming, and mistakes in its options."""

import csv
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile

import temj
from temj.cli import main
from temj.errors import BadValue
from temj.training import checkpoint

ENCODER = "tu-tf_mobilenetv3_small_minimal_100"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three images of dark discs on noise to train on, and one to validate."""
    folder, rng = tmp_path_factory.mktemp("data") / "discs", np.random.default_rng(0)
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for number in range(4):
        mask = np.zeros((192, 192), np.uint8)
        for _ in range(8):
            cv2.circle(mask, rng.integers(12, 180, 2).tolist(), 7, 1, -1)
        image = rng.normal(140, 12, mask.shape) - 60 * mask
        tifffile.imwrite(folder / "images" / f"{number}.tif", image.clip(0, 255).astype(np.uint8))
        tifffile.imwrite(folder / "masks" / f"{number}.tif", mask)
    split = {"train": ["0", "1", "2"], "validation": ["3"]}
    facts = {"format": 1, "classes": ["disc"], "pixel_size": 0.5, "licence": "MIT", "split": split}
    (folder / "dataset.json").write_text(json.dumps(facts))
    return folder


def start(data: Path, output: Path, *more: str, epochs: int = 24) -> subprocess.Popen:
    """A training that is long enough to be stopped."""
    words = ["--epochs", str(epochs), "--threads", "1", "--device", "cpu", "--encoder", ENCODER, *more]
    command = [sys.executable, "-m", "temj", "train", str(data), "--output", str(output), *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(path: Path, running: subprocess.Popen) -> None:
    """Until a file is there; at most ten minutes, for machines that do other things too."""
    deadline = time.monotonic() + 600
    while not path.exists():
        assert running.poll() is None, running.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_sigterm_ends_a_training_in_order_and_it_is_resumed_to_its_end(data: Path, tmp_path: Path) -> None:
    output = tmp_path / "model"
    last = output / "training" / "last.safetensors"
    with start(data, output) as running:
        wait_for(last.with_name("best.safetensors"), running)
        running.send_signal(signal.SIGTERM)
        _, errors = running.communicate(timeout=60)
    assert running.returncode == 143, errors
    assert "Stopping in order" in errors
    assert "--resume" in errors
    assert "Traceback" not in errors
    assert 0 < checkpoint.load(last)[1]["step"] < 24
    assert not (output / "model.json").exists()

    with start(data, output, "--resume") as running:
        _, errors = running.communicate(timeout=120)
    assert running.returncode == 0, errors
    assert "Traceback" not in errors
    assert (output / "model.json").exists()
    assert (output / "run.json").exists()
    assert not last.exists()


def test_the_second_ctrl_c_ends_a_training_at_once_and_its_checkpoint_is_whole(data: Path, tmp_path: Path) -> None:
    training = tmp_path / "model" / "training"
    with start(data, tmp_path / "model") as running:
        wait_for(training / "best.safetensors", running)
        running.send_signal(signal.SIGINT)
        while "Stopping in order" not in (told := running.stderr.readline()):
            assert told, "it ended without a word"
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=60)
    assert running.returncode == 130, errors
    assert "Stopped at once" in errors
    assert "Traceback" not in errors
    assert checkpoint.load(training / "last.safetensors")[1]["step"] < 24
    assert not list(training.glob(".*"))


def test_killed_within_its_minutes_it_is_resumed_to_the_same_weights(data: Path, tmp_path: Path) -> None:
    """``--minutes`` is a number of steps once the run has begun: the clock has no say in what comes out."""
    first, second = tmp_path / "first", tmp_path / "second"
    words = ("--minutes", "0.2", "--seed", "3")
    with start(data, first, *words, epochs=2) as running:
        wait_for(first / "training" / "last.safetensors", running)
        running.kill()
    assert running.returncode == -signal.SIGKILL
    shutil.copytree(first, second)
    steps = []
    for output, delay in ((first, False), (second, True)):
        if delay:  # as if the machine had become slow in between
            time.sleep(1)
        with start(data, output, *words, "--resume", epochs=2) as running:
            _, errors = running.communicate(timeout=300)
        assert running.returncode == 0, errors
        assert not (output / "training").exists()
        steps.append(list(csv.DictReader((output / "training_curve.csv").read_text().splitlines()))[-1]["step"])
    assert steps[0] == steps[1]
    assert (first / "weights.safetensors").read_bytes() == (second / "weights.safetensors").read_bytes()


def _without(folder: Path) -> None:
    for number in (1, 2, 3):
        (folder / "images" / f"{number}.tif").unlink()
        (folder / "masks" / f"{number}.tif").unlink()


def _changed(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        tifffile.imwrite(folder / name, change(tifffile.imread(folder / name)))

    return apply


def _with_nan(pixels: np.ndarray) -> np.ndarray:
    pixels = pixels.astype(np.float32)
    pixels[3, 3] = np.nan
    return pixels


@pytest.mark.parametrize(
    ("wrong", "words", "says"),
    [
        (None, ["--encoder", "resnet17"], "unknown-encoder: --encoder.*found 'resnet17'.*Did you mean resnet18"),
        (None, ["--architecture", "Unett"], "architecture.*one of: Unet.*found 'Unett'.*Did you mean 'Unet'"),
        (None, ["--augmentation", "scael=0.5"], "Did you mean 'scale'"),
        (_without, [], "one image only.*Label at least one more"),
        (_changed("masks/0.tif", lambda mask: mask * 7), [], "masks/0.tif.*values 0 to 1.*found 7"),
        (_changed("masks/1.tif", lambda mask: mask[:100]), [], "192 x 100 pixels, its image 1.tif 192 x 192"),
        (_changed("images/2.tif", _with_nan), [], "images/2.tif.*NaN or infinite.*Remove NaNs"),
        ("ring", [], "class 'ring' has no example in the training images.*take the class out"),
    ],
)
def test_wrong_input_is_told_before_the_first_epoch(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], wrong: Any, words: list[str], says: str
) -> None:
    folder = tmp_path / "data"
    shutil.copytree(data, folder)
    if wrong == "ring":
        facts = json.loads((folder / "dataset.json").read_text()) | {"classes": ["disc", "ring"]}
        (folder / "dataset.json").write_text(json.dumps(facts))
    elif wrong:
        wrong(folder)
    command = ["train", str(folder), "--output", str(tmp_path / "model"), "--epochs", "1", "--encoder", ENCODER, *words]
    assert main(command) == 2
    errors = capsys.readouterr().err
    assert re.search(says, errors, re.DOTALL), errors
    assert "Traceback" not in errors
    assert not (tmp_path / "model").exists()


def test_all_of_an_image_ignored_is_told(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "data"
    shutil.copytree(data, folder)
    facts = json.loads((folder / "dataset.json").read_text()) | {"classes": ["disc", "ring"]}
    (folder / "dataset.json").write_text(json.dumps(facts))
    _changed("masks/0.tif", lambda mask: mask * np.where(np.arange(192) < 96, 1, 2).astype(np.uint8))(folder)
    _changed("masks/1.tif", lambda mask: np.full_like(mask, 255))(folder)
    command = ["train", str(folder), "--output", str(tmp_path / "model"), "--epochs", "1", "--encoder", ENCODER]
    assert main(command) == 2
    errors = capsys.readouterr().err
    assert re.search("masks.1.tif.*has no labelled pixel.*Label it, or leave it out", errors, re.DOTALL), errors
    assert not (tmp_path / "model").exists()


def test_resume_and_overwrite_together_are_a_sentence(data: Path, tmp_path: Path) -> None:
    with start(data, tmp_path / "model", "--resume", "--overwrite") as running:
        _, errors = running.communicate(timeout=60)
    assert running.returncode == 2
    assert "either resume or overwrite, not both" in errors
    assert "Traceback" not in errors
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"epoch": 3}, "unknown-option: epoch\\..*Did you mean 'epochs'"),
        ({"epochs": 0}, "epochs. Expected a whole number of at least 1, found 0"),
        ({"augmentation": ["scale.factor=2..1"]}, "actor must be two numbers 0.05 <= low <= high <= 20"),
        ({"settings": 3}, "settings. Expected a valid dictionary, found 3"),
    ],
)
def test_a_wrong_option_in_python_is_a_bad_value(data: Path, tmp_path: Path, options: dict, says: str) -> None:
    with pytest.raises(BadValue, match=says):
        temj.train(data, tmp_path / "model", **options)
    assert not (tmp_path / "model").exists()
