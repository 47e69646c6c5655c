"""Thousands of damaged files of the makers' formats: read whole or refused with our errors; no crash, no lost plane.

HDF5 is native code, so that the cases run in a process of its own with limits of memory and time.
"""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import mrcfile
import numpy as np
import pytest

HERE = Path(__file__).parent
HANG_SECONDS = 10
MOST_MEMORY = 500 << 20
STACK = np.arange(6 * 8 * 9, dtype=np.uint16).reshape(6, 8, 9)


def helper(name: str) -> object:
    spec = importlib.util.spec_from_file_location(f"{name}_fuzz", HERE / f"{name}.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def dm(folder: Path) -> None:
    """Both versions and byte orders, with calibration, settings, and a size that stands behind or before the pixels."""
    write = helper("write_dm")
    axes = ((1.5, 0.5, "nm"), (2.0, 0.6, "nm"), (0.0, 0.25, "s"))
    settings = (
        ("Microscope Info", [("Voltage", 200000.0), ("Illumination Mode", "TEM"), ("Stage", [("Alpha", 1.5)])]),
        ("DataBar", [("Acquisition Date", "8/27/2016"), ("Device Name", "camera")]),
    )
    for version in (3, 4):
        for little in (True, False):
            image = write.Image(STACK, axes, tags=settings, sizes_first=not little)
            data = write.Gatan((write.THUMBNAIL, image)).bytes(write.Writer(version, little))
            (folder / f"{'little' if little else 'big'}.dm{version}").write_bytes(data)


def ser(folder: Path) -> None:
    """Both versions."""
    write = helper("write_ser")
    for version in (0x0210, 0x0220):
        (folder / f"{version}.ser").write_bytes(write.Series(list(STACK), version=version).bytes())


def mrc(folder: Path) -> None:
    """Three modes, in both byte orders."""
    for kind in ("<i1", "<u2", ">f4"):
        with mrcfile.new(folder / f"{kind[1:]}.mrc") as file:
            file.set_data((STACK % 100).astype(kind))
            file.voxel_size = 2.0


def emd(folder: Path) -> None:
    """Velox and Berkeley, whole, in chunks and compressed."""
    write = helper("write_emd")
    write.velox(folder / "velox.emd", write.VeloxImage(STACK))
    write.velox(folder / "small.emd", write.VeloxImage(STACK, options={"compression": "gzip"}))
    axes = [("t", "s", np.arange(6)), ("y", "[n_m]", np.arange(8) * 0.5), ("x", "[n_m]", np.arange(9) * 0.5)]
    write.ncem(folder / "berkeley.emd", STACK, axes)


def run(folder: Path, count: int, seed: int) -> dict:
    command = [sys.executable, str(HERE / "fuzz_makers.py"), str(folder), str(count), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3000)
    last = (folder / "log.txt").read_text().splitlines()[-1:] if (folder / "log.txt").exists() else []
    assert done.returncode == 0, f"ended with {done.returncode} at the case {last}: {done.stderr[-2000:]}"
    told = json.loads((folder / "outcomes.json").read_text())
    assert told["faults"] == [], "\n".join(told["faults"][:20])
    assert told["slowest"] < HANG_SECONDS, told
    assert told["peak"] < MOST_MEMORY, told
    assert sum(told["outcomes"].values()) == count
    return told["outcomes"]


FORMATS = {
    dm: (2000, {"read", "BadImage/dm", "BadImage/truncated", "partial", "BadImage/not-an-image"}),
    ser: (600, {"read", "BadImage/ser", "BadImage/truncated", "partial", "BadImage/not-an-image"}),
    mrc: (600, {"read", "BadImage/mrc", "BadImage/truncated", "partial", "BadImage/not-an-image"}),
    emd: (600, {"read", "BadImage/emd", "BadImage/truncated", "BadImage/not-an-image"}),
}


@pytest.mark.parametrize("write", FORMATS, ids=lambda write: write.__name__)
def test_damaged_files(tmp_path: Path, write: object):
    count, expected = FORMATS[write]
    write(tmp_path)
    assert expected <= set(run(tmp_path, count, 0))


@pytest.mark.slow
@pytest.mark.parametrize("write", FORMATS, ids=lambda write: write.__name__)
def test_many_damaged_files(tmp_path: Path, write: object):
    write(tmp_path)
    run(tmp_path, 10_000, 100_000)
