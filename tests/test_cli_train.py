"""``temj train`` as a process: signals, resuming, and mistakes in its options."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

import temj
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


def start(data: Path, output: Path, *more: str) -> subprocess.Popen:
    """A training that is long enough to be stopped."""
    words = ["--epochs", "24", "--threads", "1", "--device", "cpu", "--encoder", ENCODER, *more]
    command = [sys.executable, "-m", "temj", "train", str(data), "--output", str(output), *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(path: Path, running: subprocess.Popen) -> None:
    """Until a file is there; at most two minutes."""
    deadline = time.monotonic() + 120
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
        ({"epochs": 0}, "epochs. Expected greater than or equal to 1, found 0"),
        ({"augmentation": ["scale.factor=2..1"]}, "actor must be two numbers 0.05 <= low <= high <= 20"),
        ({"settings": 3}, "settings. Expected a valid dictionary, found 3"),
    ],
)
def test_a_wrong_option_in_python_is_a_bad_value(data: Path, tmp_path: Path, options: dict, says: str) -> None:
    with pytest.raises(BadValue, match=says):
        temj.train(data, tmp_path / "model", **options)
    assert not (tmp_path / "model").exists()
