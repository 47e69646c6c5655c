"""The command line as a process: what a shell sees."""

import subprocess
import sys
from pathlib import Path

import pytest

from temj import __version__, cli, commands


def temj(*words: object, **options: object) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "temj", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, **options)


def test_help_names_every_command() -> None:
    told = temj("--help")
    assert told.returncode == 0
    for name, (_, summary) in commands.COMMANDS.items():
        assert name in told.stdout
        assert summary in told.stdout
    assert temj().returncode == 2


def test_version() -> None:
    assert temj("--version").stdout == f"temj {__version__}\n"


def test_an_unknown_command_names_the_nearest() -> None:
    told = temj("predct")
    assert told.returncode == 2
    assert "Did you mean 'predict'?" in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["predict", "none.tif", "--output", "out"], "missing"),
        (["predict", "--output", "out"], "IMAGE"),
        (["predict", "a.tif", "--output", "out", "--treshold", "0.5"], "--treshold"),
        (["predict", "a.tif", "--device", "gpu"], "invalid choice"),
        (["measure", "a.tif"], "rois"),
        (["train", "none", "--output", "out", "--epochs", "0"], "epochs"),
    ],
)
def test_a_users_mistake_is_a_sentence_and_exit_code_2(words: list[str], says: str, tmp_path: Path) -> None:
    told = temj(*words, cwd=tmp_path)
    assert told.returncode == 2
    assert says in told.stderr
    assert "Traceback" not in told.stderr
    assert not list(tmp_path.iterdir())


def test_options_not_given_are_left_to_the_declaration() -> None:
    parsed = vars(cli.parser(commands.command("predict")).parse_args(["a.tif", "--output", "o", "--ellipses"]))
    assert parsed == {"images": ["a.tif"], "output": "o", "ellipses": True}


def test_the_first_signal_asks_the_second_stops(capsys: pytest.CaptureFixture) -> None:
    import os
    import signal

    stop = cli.Stop()
    before = signal.getsignal(signal.SIGTERM)
    with stop.listening():
        assert not stop()
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop()
        assert stop.exit_code == 143
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGTERM) == before
    assert "Stopping in order" in capsys.readouterr().err
