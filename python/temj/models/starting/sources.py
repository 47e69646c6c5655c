"""What a text such as ``imagenet``, ``encoder.pth`` or ``loops`` asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from temj.errors import BadModel, BadValue
from temj.models.folder import Model, open_model
from temj.models.starting.download import require_https

Kind = Literal["random", "imagenet", "url", "file", "model"]

_HEX = re.compile(r"[0-9a-f]{64}")
_SUFFIXES = (".safetensors", ".pth", ".pt", ".tar", ".bin", ".ckpt")


@dataclass(frozen=True)
class Source:
    """A start as it was asked for.

    Attributes:
        kind: of it.
        text: the address, path or name, without the sha256.
        sha256: that was given behind ``#sha256=``, or None.
    """

    kind: Kind
    text: str
    sha256: str | None = None

    @property
    def name(self) -> str:
        """The part that may stand in a card: no folder, no query, no user name."""
        if self.kind == "url":
            parts = urlsplit(self.text)
            return f"https://{parts.hostname}{parts.path}"
        return Path(self.text).name or self.text


def read_source(start: str) -> Source:
    """Tell the kinds of start apart; nothing is opened.

    ``random``, ``imagenet``, an address, a file that exists or has the name of one, else a TEMJ model. All but random
    and a model may end with ``#sha256=`` and 64 hexadecimal digits.

    Raises:
        BadValue: ``sha256``: not that; or an address without it.
        Refused: ``url``: another scheme than https.
    """
    text, mark, digits = start.partition("#sha256=")
    sha256 = digits.strip().lower() if mark else None
    if sha256 is not None and not _HEX.fullmatch(sha256):
        raise BadValue(
            "sha256", where=start, expected="64 hexadecimal digits behind #sha256=", found=f"{len(sha256)} characters",
            remedy="Give the full sha256 of the file.",
        )  # fmt: skip
    kind = _kind(text)
    if kind == "url":
        require_https(text)
        if sha256 is None:
            raise BadValue(
                "sha256",
                where=text,
                expected="the sha256 of the file behind its address: https://...#sha256=<64 hexadecimal digits>",
                found="none",
                remedy="Take it from where the file is published. Where it is not (as for MicroNet): fetch the file "
                "once, look at 'sha256sum FILE' (Windows: certutil -hashfile FILE SHA256), give FILE or that number.",
            )
    if sha256 is not None and kind in ("random", "model"):
        raise BadValue(
            "sha256", where=start, expected="an address or a file before #sha256=", found=f"'{text}'",
            remedy="Leave it out: the card of a model holds the sha256 of its files.",
        )  # fmt: skip
    return Source(kind, text, sha256)


def _kind(text: str) -> Kind:
    if text in ("random", "imagenet"):
        return text
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", text):
        return "url"
    path = Path(text).expanduser()
    if path.is_file() or (path.suffix.lower() in _SUFFIXES and not path.is_dir()):
        return "file"
    return "model"


def open_start(name: str) -> Model:
    """The model that a start names.

    Raises:
        BadValue: ``start``: no such model; says what else a start can be.
        BadModel, Refused: it cannot be used.
    """
    try:
        return open_model(name if len(Path(name).expanduser().parts) == 1 else Path(name))
    except (BadValue, BadModel) as error:
        if error.problem not in ("unknown-model", "missing") or Path(name).expanduser().exists():
            raise
        raise BadValue(
            "start",
            where=name,
            expected=f"random, imagenet, a file or https address of weights, or a model ({error.expected})",
            found="nothing of this name",
            remedy=error.remedy,
        ) from None
