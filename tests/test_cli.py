"""The command line as a process: what a shell sees."""

import signal
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
        (["predict", "a.tif", "--output", "out", "--treshold", "0.5"], "Did you mean '--threshold'"),
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


def test_sigterm_ends_a_prediction_in_order_and_it_can_be_resumed(tmp_path: Path) -> None:
    import shutil
    import time

    from temj import resources

    source = resources.folder("samples") / "loops" / "images" / "04.png"
    for number in range(40):
        shutil.copy(source, tmp_path / f"{number:02d}.png")
    command = [sys.executable, "-m", "temj", "predict", str(tmp_path), "--pixel-size", "0.39", "--output", "out"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as running:
        deadline = time.monotonic() + 200
        while not list((tmp_path / "out").glob("*_labels.tif")) and time.monotonic() < deadline:
            time.sleep(0.05)
        running.send_signal(signal.SIGTERM)
        _, errors = running.communicate(timeout=100)
    assert running.returncode == 143, errors
    assert "Traceback" not in errors
    done = sorted(path.name for path in (tmp_path / "out").glob("*_Results.csv"))
    assert 0 < len(done) < 40
    for path in sorted(tmp_path.glob("*.png"))[len(done) + 1 :]:
        path.unlink()
    told = temj(*command[3:], "--resume", cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert len(list((tmp_path / "out").glob("*_Results.csv"))) == len(done) + 1
    assert len((tmp_path / "out" / "Summary.csv").read_text().splitlines()) == len(done) + 2


def test_a_disk_that_fails_is_exit_code_4_and_leaves_no_litter(tmp_path: Path) -> None:
    import os

    from temj import resources

    image = resources.folder("samples") / "loops" / "images" / "04.png"
    told = temj("predict", image, "--output", "out", cwd=tmp_path, env={**os.environ, "TEMJ_FAIL_AT": "8:ENOSPC"})
    assert told.returncode == 4
    assert "StorageError/full" in told.stderr
    assert "MB free" in told.stderr
    assert not list((tmp_path / "out").glob(".*"))


def test_a_log_tells_of_every_piece_of_work(capsys: pytest.CaptureFixture) -> None:
    """The bytes of a download before the steps of a training: each has its tenths."""
    log = cli._Log()
    for done in range(1, 101):
        log("downloading", done, 100)
    for step in range(1, 21):
        log("training", step, 20)
    told = capsys.readouterr().err.splitlines()
    assert [line for line in told if "downloading" in line] == [f"{10 * n} %: downloading" for n in range(1, 11)]
    assert [line for line in told if "training" in line] == [f"{10 * n} %: training" for n in range(1, 11)]


def test_the_second_signal_ends_it_in_words_also_where_a_library_turns_it_into_an_error(monkeypatch, capsys) -> None:
    """An import of a compiled module that is interrupted raises ImportError from KeyboardInterrupt."""

    def interrupted(_name, _words, stop):
        with stop.listening():
            signal.raise_signal(signal.SIGINT)
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt as error:
                raise ImportError("initialization failed") from error

    monkeypatch.setattr(cli, "_run", interrupted)
    assert cli.main(["doctor"]) == 128 + signal.SIGINT
    assert "Stopped at once." in capsys.readouterr().err
