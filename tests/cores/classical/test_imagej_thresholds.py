"""Every threshold method of ImageJ's name gives the level of the real ImageJ 1.54p."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from temj import resources
from temj.cores.classical.imagej_thresholds import IMAGEJ, imagej_threshold

pytestmark = pytest.mark.java


def histograms() -> list[np.ndarray]:
    """Of the sample micrographs, of mixtures of normal distributions, sparse, lopsided and degenerate ones."""
    rng = np.random.default_rng(5)
    images = sorted((resources.folder("samples") / "loops" / "images").glob("*.png"))
    found = [np.bincount(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE).ravel(), minlength=256) for path in images]
    for _ in range(150):
        parts = [
            rng.normal(rng.uniform(0, 255), rng.uniform(1, 60), int(rng.integers(10, 20_000)))
            for _ in range(rng.integers(1, 5))
        ]
        found.append(np.bincount(np.concatenate(parts).clip(0, 255).astype(int), minlength=256))
    found += [rng.integers(0, 1000, 256) for _ in range(20)]
    found += [rng.integers(0, 2, 256) * rng.integers(0, 300, 256) for _ in range(20)]
    found += [np.bincount(rng.integers(0, 256, count), minlength=256) for count in (2, 3, 5, 10, 40) for _ in range(6)]
    found += [np.bincount([40] * 30 + [200] * 12, minlength=256), np.bincount([0] * 9 + [255] * 4, minlength=256)]
    found += [np.bincount([level] * 7, minlength=256) for level in (0, 1, 100, 254, 255)]
    return found


@pytest.fixture(scope="module")
def given() -> list[np.ndarray]:
    return histograms()


@pytest.fixture(scope="module")
def imagej(given, tmp_path_factory) -> dict[str, list[int | None]]:
    folder = tmp_path_factory.mktemp("thresholds")
    (folder / "given.json").write_text(json.dumps([histogram.tolist() for histogram in given]))
    script = Path(__file__).with_name("imagej_thresholds.py")
    command = [sys.executable, str(script), str(folder / "given.json"), str(folder / "seen.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((folder / "seen.json").read_text())


def test_the_names_are_those_of_imagej(imagej):
    assert set(imagej) == set(IMAGEJ)


@pytest.mark.parametrize("method", IMAGEJ)
def test_levels_are_those_of_imagej(method, given, imagej):
    compared = 0
    for histogram, theirs in zip(given, imagej[method], strict=True):
        ours = imagej_threshold(method, histogram)
        assert 0 <= ours <= 255
        if theirs is not None and theirs >= 0:  # ImageJ fails, or says -2147483648 (Otsu), for an image that is all 0
            assert ours == theirs, f"{np.count_nonzero(histogram)} levels, {histogram.sum():.0f} pixels"
            compared += 1
    assert compared >= len(given) - 1


def test_an_empty_histogram_has_a_level_too():
    assert {imagej_threshold(method, np.zeros(256)) for method in IMAGEJ} == {0}
