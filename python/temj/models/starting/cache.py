"""Files of weights that are here already: in TEMJ's own cache, or in those of the libraries."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from temj import storage
from temj.errors import BadModel, Refused
from temj.models.starting.download import MOST_BYTES, Progress, Wanted, download

_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Held:
    """A file in memory.

    Attributes:
        data: its bytes.
        sha256: of them, computed here.
        proof: what the sha256 was compared with, in words; "" for nothing.
        path: where it was read.
    """

    data: bytes = field(repr=False)
    sha256: str
    proof: str
    path: Path


def folder() -> Path:
    """Where fetched weights are kept: ``$TEMJ_CACHE/weights``, else in the user's cache folder."""
    import platformdirs

    chosen = os.environ.get("TEMJ_CACHE")
    return Path(chosen).expanduser() / "weights" if chosen else platformdirs.user_cache_path("temj", False) / "weights"


def _user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()


def torch_hub_file(name: str) -> Path:
    """Where torch.hub keeps a file of this name (``TORCH_HOME``)."""
    home = os.environ.get("TORCH_HOME") or _user_cache() / "torch"
    return Path(home).expanduser() / "hub" / "checkpoints" / name


def hugging_face_file(repository: str, revision: str, name: str) -> Path:
    """Where huggingface_hub keeps a file (``HF_HUB_CACHE``, ``HF_HOME``); a branch is followed to its commit."""
    home = Path(os.environ.get("HF_HOME") or _user_cache() / "huggingface").expanduser()
    place = (
        Path(os.environ.get("HF_HUB_CACHE") or home / "hub").expanduser() / f"models--{repository.replace('/', '--')}"
    )
    branch = place / "refs" / revision
    commit = branch.read_text("utf-8").strip() if branch.is_file() else revision
    return place / "snapshots" / commit / name


def read(path: Path, expected: str | None, proof: str) -> Held:
    """A file, whole in memory.

    Args:
        path: of the file.
        expected: its sha256, or None where nobody knows.
        proof: who says so.

    Raises:
        BadModel: ``missing``, ``sha256``.
        Refused: ``too-big``.
    """
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= MOST_BYTES else b""
    except OSError as error:
        raise BadModel(
            "missing", where=path, expected="a file of weights", found=error.strerror, remedy="Check the path."
        ) from None
    if size > MOST_BYTES:
        raise Refused(
            "too-big", where=path, expected=f"at most {MOST_BYTES / 1e9:.1f} GB", found=f"{size / 1e9:.1f} GB",
            remedy="This is no file of an encoder's weights; check the path.",
        )  # fmt: skip
    found = hashlib.sha256(data).hexdigest()
    if expected is not None and found != expected:
        raise BadModel(
            "sha256",
            where=path,
            expected=f"sha256 {expected} ({proof})",
            found=found,
            remedy="It is damaged or another file: delete it, and it is fetched anew, or name the right one.",
        )
    return Held(data, found, proof if expected is not None else "", path)


def obtain(
    wanted: Wanted,
    elsewhere: Path,
    progress: Progress,
    cancelled: Callable[[], bool] | None = None,
) -> Held:
    """A file from TEMJ's cache, else from a library's, else from the net into TEMJ's cache.

    A file that was put into the cache by hand, with no sha256 known for it, is taken; ``proof`` is empty then.

    Args:
        wanted: the file; ``target`` is its place in TEMJ's cache.
        elsewhere: its place in a library's cache.
        progress: told while it is fetched.
        cancelled: polled meanwhile.

    Raises:
        TemjError: as :func:`read` and :func:`temj.models.starting.download.download` say.
    """
    held = _here(wanted) or _of_library(elsewhere, wanted.sha256)
    if held is not None:
        return held
    import filelock

    storage.make_folder(wanted.target.parent)
    with filelock.FileLock(f"{wanted.target}.lock"):  # processes of one training fetch it once
        held = _here(wanted)
        if held is not None:
            return held
        found = download(wanted, progress, cancelled)
        storage.write_text(_note(wanted.target), f"{found}  {wanted.target.name}\n")
    return _here(wanted) or read(wanted.target, found, "the server")


def _here(wanted: Wanted) -> Held | None:
    """The file of TEMJ's own cache; its sha256 is that of the user, or the one noted beside it when it was fetched."""
    if not wanted.target.is_file():
        return None
    if wanted.sha256 is not None:
        return read(wanted.target, wanted.sha256, "as given")
    note = _note(wanted.target)
    words = note.read_text("utf-8", "replace").lower().split() if note.is_file() else []
    known = words[0] if words and _HEX.fullmatch(words[0]) else None
    return read(wanted.target, known, f"noted in {note.name}")


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _of_library(path: Path, expected: str | None) -> Held | None:
    """The file of a library's cache, where it is the one that is wanted."""
    if not path.is_file():
        return None
    # huggingface_hub names a stored file by its sha256.
    stored = path.resolve().name
    named = stored if _HEX.fullmatch(stored) else None
    if expected is None:
        return read(path, named, "its name in the cache of huggingface_hub")
    held = read(path, None, "")
    return Held(held.data, held.sha256, "as given", path) if held.sha256 == expected else None
