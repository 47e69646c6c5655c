"""``make demo`` without its set-up: what a newcomer sees first."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.java

FILES = (
    "316L_loops_RoiSet.zip", "316L_loops_Results.csv", "316L_loops_overlay.png", "316L_loops_labels.tif",
    "316L_loops_ellipses_RoiSet.zip", "Summary.csv", "run.json",
)  # fmt: skip


def run(tmp_path, **variables):
    environment = {name: value for name, value in os.environ.items() if name != "DISPLAY"} | variables
    command = [sys.executable, "-m", "temj.imagej.demo"]
    return subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL
    )


def check(told, tmp_path):
    assert told.returncode == 0, told.stdout + told.stderr
    assert "loops, number density" in told.stdout
    assert "nm (sd" in told.stdout
    for name in FILES:
        assert (tmp_path / "demo-output" / name).stat().st_size > 0
        assert name in told.stdout


def test_the_demo_runs_headless_and_again(tmp_path):
    check(run(tmp_path), tmp_path)
    check(run(tmp_path), tmp_path)


@pytest.mark.window
def test_the_demo_runs_in_windows_and_ends_where_nobody_sits_at_a_terminal(tmp_path, display):
    check(run(tmp_path, **display), tmp_path)
