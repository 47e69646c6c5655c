"""``temj imagej``: exit codes, macros and their argument, the window's life."""

import os
import signal
import subprocess
import sys
import time

import pytest

from temj import commands
from temj.errors import BadValue
from temj.imagej.macros import read_macro

pytestmark = pytest.mark.java


def temj(*words, **environment):
    env = {**os.environ, **environment}
    command = [sys.executable, "-m", "temj", "imagej", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, env=env, check=False)


@pytest.fixture
def macro(tmp_path):
    def write(text, name="a b.ijm"):
        (tmp_path / name).write_text(text, "utf-8")
        return tmp_path / name

    return write


def test_a_macro_with_its_argument(macro):
    text = 'newImage("m", "8-bit", 64, 64, 1);\nrun("Invert");\nreturn getArgument()+" "+getValue("Mean");'
    done = temj("--headless", "--macro", macro(text), "an argument")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "an argument 0"


def test_a_failing_macro_gives_3_and_says_why(macro):
    text = 'newImage("m", "8-bit", 64, 64, 1);\nrun("TEMJ Predict...", "modle=x");\nprint("AFTER");'
    done = temj("--headless", "--macro", macro(text))
    assert done.returncode == 3
    assert "Did you mean 'model'?" in done.stdout
    assert "AFTER\n" not in done.stdout


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"headless": True}, "a macro to run"),
        ({"macro": ["a.ijm", "b", "c"]}, "a file and one argument"),
        ({"macro": ["no-such.ijm"]}, "no-such.ijm"),
        ({"macro": "a.py"}, ".ijm or .txt"),
        ({"fiji": "/a", "endpoint": "2.17.0"}, "one of the two"),
    ],
)
def test_what_is_refused_before_anything_starts(parameters, words):
    with pytest.raises(BadValue, match=words.replace(".", r"\.")):
        commands.run("imagej", parameters)


def test_a_macro_in_another_encoding_is_refused(tmp_path):
    (tmp_path / "a.ijm").write_bytes(b'print("\xb5");')
    with pytest.raises(BadValue, match="UTF-8"):
        read_macro(tmp_path / "a.ijm")


@pytest.mark.window
def test_the_command_ends_when_imagej_is_closed(macro, display):
    done = temj("--macro", macro('newImage("m", "8-bit", 64, 64, 1); close(); run("Quit");'), **display)
    assert done.returncode == 0, done.stderr


@pytest.mark.window
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal")
def test_ctrl_c_ends_the_window(macro, display, tmp_path):
    ready = tmp_path / "ready"
    path = macro(f'File.saveString("yes", "{ready.as_posix()}");')
    command = [sys.executable, "-m", "temj", "imagej", "--macro", str(path)]
    with subprocess.Popen(command, env={**os.environ, **display}, start_new_session=True) as process:
        try:
            end = time.monotonic() + 120
            while not ready.exists() and time.monotonic() < end:
                time.sleep(0.1)
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 130
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
