import ast
import errno
import itertools
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from temj import storage
from temj.errors import Refused, StorageError


def fail_at(monkeypatch: pytest.MonkeyPatch, step: int, error: str) -> None:
    monkeypatch.setattr(storage, "_steps", 0)
    monkeypatch.setenv("TEMJ_FAIL_AT", f"{step}:{error}")


@pytest.mark.parametrize("error", ["ENOSPC", "EIO", "EACCES", "EROFS"])
def test_a_fault_at_any_step_leaves_the_old_file_or_the_new_one_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    target = tmp_path / "Results.csv"
    target.write_bytes(b"old")
    for step in itertools.count(1):
        fail_at(monkeypatch, step, error)
        try:
            storage.write_bytes(target, b"new")
        except StorageError:
            assert target.read_bytes() == b"old"
            assert [path.name for path in tmp_path.iterdir()] == ["Results.csv"]
        else:
            break
    assert step == 4, "open, sync and rename can each fail"
    assert target.read_bytes() == b"new"


def test_the_message_of_a_full_disk_says_how_much_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_at(monkeypatch, 2, "ENOSPC")
    with pytest.raises(StorageError, match=r"StorageError/full: .*MB free.*run again") as told:
        storage.write_bytes(tmp_path / "a", b"x")
    assert told.value.exit_code == 4


def test_an_error_inside_the_block_writes_nothing(tmp_path: Path) -> None:
    def breaks() -> None:
        with storage.writing(tmp_path / "a") as file:
            file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        breaks()
    assert not list(tmp_path.iterdir())


def test_an_existing_file_is_refused_where_it_may_not_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(Refused, match="exists"):
        storage.write_bytes(tmp_path / "a", b"new", overwrite=False)
    assert (tmp_path / "a").read_bytes() == b"old"


def test_json_keeps_order_and_letters_and_refuses_nan(tmp_path: Path) -> None:
    storage.write_json(tmp_path / "a.json", {"µ": 1, "a": [1.5, None]})
    assert (tmp_path / "a.json").read_text("utf-8").startswith('{\n  "µ": 1')
    assert json.loads((tmp_path / "a.json").read_text("utf-8")) == {"µ": 1, "a": [1.5, None]}
    with pytest.raises(ValueError, match="JSON"):
        storage.write_json(tmp_path / "b.json", {"a": float("nan")})
    assert not (tmp_path / "b.json").exists()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no-folder"):
        storage.write_bytes(tmp_path / "none" / "a", b"")


def test_make_folder_proves_that_it_can_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = storage.make_folder(tmp_path / "a b" / "ü")
    assert made.is_dir()
    assert not list(made.iterdir())
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="not-a-folder"):
        storage.make_folder(tmp_path / "file")
    fail_at(monkeypatch, 1, "EROFS")
    with pytest.raises(StorageError, match="read-only"):
        storage.make_folder(tmp_path / "c")


def test_leftovers_of_dead_processes_go_those_of_living_ones_stay(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    dead, alive = tmp_path / f".a.1234.tmp-{ended.pid}", tmp_path / f".a.1234.tmp-{os.getpid()}"
    dead.write_bytes(b"")
    alive.write_bytes(b"")
    storage.make_folder(tmp_path)
    assert not dead.exists()
    assert alive.exists()


def test_a_leftover_without_a_usable_process_number_stays(tmp_path: Path) -> None:
    leftovers = [tmp_path / f".a.1234.tmp-{10**30}", tmp_path / ".a.1234.tmp-x"]
    for leftover in leftovers:
        leftover.write_bytes(b"")
    storage.make_folder(tmp_path)
    assert all(leftover.exists() for leftover in leftovers)


def test_on_windows_nobody_is_asked_whether_he_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage.os, "kill", lambda *_: pytest.fail("there this sends Ctrl-C"))
    with monkeypatch.context() as windows:
        windows.setattr(storage.os, "name", "nt")
        alive = storage._alive("1234")
    assert alive


@pytest.mark.parametrize("error", ["EINVAL", "ENOTSUP", "EACCES", "EPERM", "EBADF"])
@pytest.mark.parametrize("call", ["open", "fsync"])
def test_a_folder_that_cannot_be_synced_does_not_lose_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, error: str
) -> None:
    refuse_for_folders(monkeypatch, call, error)
    storage.write_bytes(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"


def test_a_folder_that_fails_is_still_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_for_folders(monkeypatch, "fsync", "EIO")
    with pytest.raises(StorageError, match="failed"):
        storage.write_bytes(tmp_path / "a", b"new")


def refuse_for_folders(monkeypatch: pytest.MonkeyPatch, call: str, error: str) -> None:
    """Let ``os.open`` or ``os.fsync`` fail for folders only, as some network drives do."""
    real = getattr(os, call)

    def refuse(target: object, *more: object) -> object:
        if os.path.isdir(target):
            raise OSError(getattr(errno, error), error)
        return real(target, *more)

    monkeypatch.setattr(storage.os, call, refuse)


@pytest.mark.parametrize("letter", ["a", "ü", "膜", "🔬"])
def test_the_longest_name_of_any_script_can_be_written(tmp_path: Path, letter: str) -> None:
    target = tmp_path / (letter * (255 // len(letter.encode())))
    with storage.writing(target) as file:
        (temporary,) = [path.name for path in tmp_path.iterdir()]
        assert len(temporary.encode()) < 160
        assert temporary[1:].startswith(letter * 30)
        file.write(b"x")
    assert target.read_bytes() == b"x"
    assert storage._shortened("x" + "🔬" * 40) == "x" + "🔬" * 29


def test_sigkill_at_any_moment_leaves_a_whole_file(tmp_path: Path) -> None:
    target = tmp_path / "weights"
    script = (
        "import sys; from temj import storage; k = 0\n"
        "while True:\n    k += 1; storage.write_bytes(sys.argv[1], bytes([k % 256]) * 2_000_000); print(k, flush=True)"
    )
    for wait in range(1, 6):
        writer = subprocess.Popen([sys.executable, "-c", script, str(target)], stdout=subprocess.PIPE)
        for _ in range(wait):
            writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        data = target.read_bytes()
        assert len(data) == 2_000_000
        assert len(set(data)) == 1


FORBIDDEN = ("write_text", "write_bytes", "imwrite", "savez", "savetxt", "savefig", "save_file", "tofile")
"""Names of methods that write to (or remove) a path in the libraries we use."""


def writes(path: Path) -> list[str]:
    """Calls in a source file that write past temj.storage; writing into a buffer in memory is none."""
    found = []
    for call in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(call, ast.Call):
            continue
        text = ast.unparse(call)
        name = text.partition("(")[0]
        opens = name == "open" and any(mode in text for mode in ("'w", "'a", "'x", "'r+"))
        method = isinstance(call.func, ast.Attribute) and (
            call.func.attr in FORBIDDEN or name in ("torch.save", "np.save")
        )
        owner = name.rpartition(".")[0]
        target = ast.unparse(call.args[0]) if call.args else ""
        into_memory = target in ("buffer", "file", "picture") or target.startswith("tifffile.FileHandle(file,")
        if opens or (method and owner not in ("storage", "temj.storage") and not into_memory):
            found.append(f"{path.name}:{call.lineno} {text[:60]}")
    return found


def test_only_storage_writes_files() -> None:
    package = Path(storage.__file__).parent
    assert not [line for path in package.rglob("*.py") if path.name != "storage.py" for line in writes(path)]


def test_the_lint_sees_what_it_should(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        "open(p, 'w')\ncv2.imwrite(p, a)\nPath(p).write_text('')\ntorch.save(a, p)\nstorage.write_text(p, '')\n"
        "figure.savefig(buffer)\nopen(p, 'rb')\n"
    )
    assert [line.split()[0] for line in writes(tmp_path / "a.py")] == ["a.py:1", "a.py:2", "a.py:3", "a.py:4"]
