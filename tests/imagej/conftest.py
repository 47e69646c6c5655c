"""ImageJ runs in processes of their own (there is one Java a process, for good); they print what they saw as JSON."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).with_name("scripts")


def run_script(name, *arguments, timeout=240, **environment):
    """Run a script; gives its facts. Fails if it does not end by itself with code 0."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1", **environment}
    env.pop("DISPLAY", None) if "DISPLAY" not in environment else None
    command = [sys.executable, str(SCRIPTS / f"{name}.py"), *map(str, arguments)]
    with subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as process:
        try:
            output, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            pytest.fail(f"{name} did not end within {timeout} s:\n{output[-4000:]}")
    lines = [line for line in output.splitlines() if line.startswith("FACTS ")]
    assert process.returncode == 0, f"{name} ended with {process.returncode}:\n{output[-6000:]}"
    assert lines, output[-4000:]
    return json.loads(lines[-1].removeprefix("FACTS ")) | {"output": output}


@pytest.fixture(scope="session")
def script():
    """:func:`run_script`."""
    return run_script


@pytest.fixture(scope="session")
def display():
    """Environment variables with which ImageJ has windows: an X server of our own, else the display that is there."""
    if shutil.which("Xvfb") is None:
        if os.environ.get("TEMJ_REQUIRE_WINDOWS"):
            pytest.fail("the window tests must run here and Xvfb is missing")
        if not os.environ.get("DISPLAY"):
            pytest.skip("windows need an X server: install Xvfb")
        yield {"DISPLAY": os.environ["DISPLAY"]}
        return
    reading, writing = os.pipe()
    with subprocess.Popen(
        ["Xvfb", "-screen", "0", "1280x900x24", "-displayfd", str(writing), "-nolisten", "tcp"],
        pass_fds=[writing],
        stderr=subprocess.DEVNULL,
    ) as server:
        os.close(writing)
        with os.fdopen(reading) as pipe:
            number = pipe.readline().strip()
        assert number, "Xvfb gave no display"
        yield {"DISPLAY": f":{number}"}
        server.terminate()
        deadline = time.monotonic() + 10
        while server.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        server.kill()
