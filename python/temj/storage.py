"""The only place that writes files.

A file is written to a temporary name in its own folder, flushed to the disk and then renamed over the
target, so that at any moment either the old or the new file is there, whole. Tests make the n-th step
fail through the environment variable ``TEMJ_FAIL_AT`` (``"<n>:<ERRNO NAME>"``, e.g. ``"3:ENOSPC"``).
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from temj.errors import Refused, StorageError

_NO_FOLDER_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EACCES, errno.EPERM, errno.EBADF)
_steps = 0


def _step(path: Path) -> None:
    """Count one write, sync or rename; fail here if a test asked for it."""
    global _steps
    wanted = os.environ.get("TEMJ_FAIL_AT")
    if not wanted:
        return
    _steps += 1
    number, _, name = wanted.partition(":")
    if _steps == int(number):
        code = getattr(errno, name)
        raise OSError(code, os.strerror(code), str(path))


@contextlib.contextmanager
def writing(path: str | os.PathLike, *, overwrite: bool = True) -> Iterator[IO[bytes]]:
    """Open a binary file for writing that replaces ``path`` only when the block ends without error.

    Args:
        path: the target; its folder must exist.
        overwrite: whether an existing target may be replaced.

    Raises:
        Refused: the target exists and ``overwrite`` is false.
        StorageError: the disk is full, read-only, gone or otherwise fails; the old file is untouched.
    """
    path = Path(path)
    if not overwrite and path.exists():
        raise Refused("exists", where=path, remedy="Choose another name, or allow overwriting.")
    temporary = path.with_name(f".{_shortened(path.name)}.{secrets.token_hex(4)}.tmp-{os.getpid()}")
    try:
        _step(path)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            _step(path)
            os.fsync(file.fileno())
        _step(path)
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        raise _storage_error(error, path) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _shortened(name: str) -> str:
    """At most 120 bytes of a name, so that a temporary name made from it stays under the usual 255."""
    return name.encode("utf-8", "ignore")[:120].decode("utf-8", "ignore")


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable where the system can (not on Windows, some network drives, unreadable folders)."""
    if os.name == "nt":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        # The file is whole and in its place: a system that cannot sync folders is no reason to call it lost.
        if error.errno not in _NO_FOLDER_SYNC:
            raise


def _storage_error(error: OSError, path: Path) -> StorageError:
    """Say what the operating system's error means for the user."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        try:
            free = f"{shutil.disk_usage(path.parent).free / 1e6:.0f} MB free"
        except OSError:
            free = "an unknown amount free"
        return StorageError("full", where=path, found=free, remedy="Free some space and run again; nothing was lost.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StorageError(
            "read-only", where=path, found=error.strerror, remedy="Choose a folder that you may write to."
        )
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return StorageError(
            "no-folder", where=path.parent, found=error.strerror, remedy="Create the folder or choose another."
        )
    if error.errno in (errno.ENAMETOOLONG, errno.EINVAL):
        return StorageError("name", where=path, found=error.strerror, remedy="Use a shorter or plainer file name.")
    return StorageError(
        "failed",
        where=path,
        found=error.strerror or str(error),
        remedy="Check the disk or network drive and run again.",
    )


def write_bytes(path: str | os.PathLike, data: bytes, *, overwrite: bool = True) -> None:
    """Write ``data`` to ``path`` whole or not at all (see :func:`writing`)."""
    with writing(path, overwrite=overwrite) as file:
        file.write(data)


def write_text(path: str | os.PathLike, text: str, *, overwrite: bool = True) -> None:
    """Write ``text`` as UTF-8 with its line ends as they are."""
    write_bytes(path, text.encode("utf-8"), overwrite=overwrite)


def write_json(path: str | os.PathLike, value: object, *, overwrite: bool = True) -> None:
    """Write ``value`` as indented JSON (UTF-8, keys in the given order); NaN is not allowed."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n", overwrite=overwrite)


def make_folder(folder: str | os.PathLike) -> Path:
    """Create ``folder`` with its parents and prove that it can be written to; remove left-over temporary files.

    Raises:
        StorageError: it cannot be created or written to.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise StorageError(
            "not-a-folder", where=folder, remedy="A file of that name stands there; choose another folder."
        ) from error
    except OSError as error:
        raise _storage_error(error, folder) from error
    probe = folder / f".write-test-{secrets.token_hex(4)}"
    write_bytes(probe, b"")
    probe.unlink()
    for leftover in folder.glob(".*.tmp-*"):
        if not _alive(leftover.name.rpartition("-")[2]):
            with contextlib.suppress(OSError):  # another user's, in a folder that is shared
                leftover.unlink()
    return folder


def _alive(pid: str) -> bool:
    """Whether the process that made a temporary file still runs (another user's counts as running)."""
    if os.name == "nt":
        return True  # there os.kill(pid, 0) does not ask, it sends Ctrl-C
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (ValueError, OverflowError, OSError):
        return True
    return True
