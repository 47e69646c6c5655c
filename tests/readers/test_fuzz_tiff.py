"""Thousands of damaged TIFFs, PNGs and JPEGs: read whole or refused with our errors; no crash, no hang, no lost page.

Codecs are native code, so that the cases run in a process of its own with limits of memory and time.
"""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from temj.data import Film, Micrograph

HERE = Path(__file__).parent
_spec = importlib.util.spec_from_file_location("tiff_samples", HERE / "tiff_samples.py")
samples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(samples)
_spec = importlib.util.spec_from_file_location("fuzz_images", HERE / "fuzz_images.py")
judge = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(judge)

HANG_SECONDS = 10
MOST_MEMORY = 1 << 30


def run(folder: Path, files: dict[str, bytes], count: int, seed: int) -> dict:
    for name, data in files.items():
        (folder / name).write_bytes(data)
    command = [sys.executable, str(HERE / "fuzz_images.py"), str(folder), str(count), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800)
    last = (folder / "log.txt").read_text().splitlines()[-1:] if (folder / "log.txt").exists() else []
    assert done.returncode == 0, f"ended with {done.returncode} at the case {last}: {done.stderr[-2000:]}"
    told = json.loads((folder / "outcomes.json").read_text())
    assert told["faults"] == [], "\n".join(told["faults"][:20])
    assert told["slowest"] < HANG_SECONDS, told
    assert told["peak"] < MOST_MEMORY, told
    assert sum(told["outcomes"].values()) == count
    return told["outcomes"]


@pytest.mark.parametrize(("planes", "said", "fault"), [(2, 1, False), (1, 1, True), (1, 2, True), (2, 0, True)])
def test_the_judge_counts_the_pages_that_a_note_names(tmp_path: Path, monkeypatch, planes: int, said: int, fault: bool):
    """Three pages, one of them marked: a reader that loses one more is found out whatever its note says."""
    data = samples.thumbnail()
    (tmp_path / "a.tif").write_bytes(data)
    note = (f"{said} pages that are thumbnails, masks or smaller copies are left out: page 2 (32 x 24)",) * bool(said)
    lost = Film("a.tif", (1, planes, 1), lambda _: Micrograph(samples.GREY, metadata={"notes": note}))
    monkeypatch.setattr(judge.readers, "open_film", lambda *_, **__: lost)
    assert judge.outcome(tmp_path / "a.tif", data, partial=False).startswith("FAULT") == fault


def tiffs() -> dict[str, bytes]:
    return {f"{name}.tif": data for name, data in samples.tiff_files().items()}


def test_damaged_tiffs(tmp_path: Path):
    outcomes = run(tmp_path, tiffs(), 2000, 0)
    assert {"read", "BadImage/truncated", "BadImage/corrupt", "BadImage/not-an-image"} <= set(outcomes)


def test_damaged_pictures(tmp_path: Path):
    outcomes = run(tmp_path, samples.picture_files(), 480, 0)
    assert {"BadImage/truncated", "BadImage/corrupt", "BadImage/not-an-image"} <= set(outcomes)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [100_000, 200_000])
def test_many_damaged_tiffs(tmp_path: Path, seed: int):
    run(tmp_path, tiffs(), 10_000, seed)


@pytest.mark.slow
def test_many_damaged_pictures(tmp_path: Path):
    run(tmp_path, samples.picture_files(), 2_000, 100_000)
