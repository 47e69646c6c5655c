"""What every reader asks of a file before it looks inside."""

from __future__ import annotations

from pathlib import Path

from temj.errors import BadImage


def read_error(path: Path, error: OSError) -> BadImage:
    """What an operating-system error while reading ``path`` means for the user."""
    if isinstance(error, FileNotFoundError):
        return BadImage("missing", where=path, expected="a file", found="nothing there", remedy="Check the path.")
    if isinstance(error, IsADirectoryError):
        return folder_error(path)
    if isinstance(error, PermissionError):
        return BadImage(
            "no-permission", where=path, found=error.strerror, remedy="Give yourself the right to read the file."
        )
    return BadImage("unreadable", where=path, found=error.strerror or error, remedy="Check the disk or network drive.")


def folder_error(path: Path) -> BadImage:
    """The error for a folder where a file should be."""
    return BadImage("is-a-folder", where=path, expected="a file", found="a folder", remedy="Name a file in it.")


def first_bytes(path: Path, count: int = 16) -> bytes:
    """The first bytes of a file, which is proven to be readable and not empty by this.

    Raises:
        BadImage: missing, a folder, not readable, or 0 bytes long.
    """
    if path.is_dir():
        raise folder_error(path)
    try:
        with path.open("rb") as file:
            head = file.read(count)
    except OSError as error:
        raise read_error(path, error) from error
    if not head:
        raise BadImage("empty", where=path, found="0 bytes", remedy="The file was not copied or saved; fetch it again.")
    return head


def read_all(path: Path) -> bytes:
    """All bytes of a file (errors as in :func:`first_bytes`)."""
    first_bytes(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise read_error(path, error) from error


def not_an_image(path: Path, expected: str) -> BadImage:
    """The error for a file whose first bytes are not those of its format; it shows 16 of them."""
    return BadImage(
        "not-an-image",
        where=path,
        expected=expected,
        found=f"the first bytes {first_bytes(path, 16)!r}",
        remedy="The file is damaged, was not downloaded properly, or its name has the wrong extension.",
    )
