"""Fetching one file over https: no retries, redirects looked at, a limit of size, proved by its full sha256."""

from __future__ import annotations

import hashlib
import http.client
import ipaddress
import os
import re
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from temj import storage
from temj.errors import BadModel, Cancelled, Refused, Unreachable

Progress = Callable[[str, int, int], None]

MOST_BYTES = 2 * 1024**3
_SECONDS = 20
_HOPS = 5
_CHUNK = 1 << 20
_HEX = re.compile(r"[0-9a-f]{64}")
_OFFLINE = ("TEMJ_OFFLINE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")


@dataclass(frozen=True)
class Wanted:
    """A file on the net.

    Attributes:
        label: what it is, for people.
        url: where it is.
        target: the file to write; its folder is made.
        sha256: what it must be; None: what the server says of it in the header ``X-Linked-ETag``, as Hugging Face
            does of the files that it stores.
        by_hand: what to do without net, a full sentence.
    """

    label: str
    url: str
    target: Path
    sha256: str | None
    by_hand: str


def download(wanted: Wanted, progress: Progress, cancelled: Callable[[], bool] | None = None) -> str:
    """Fetch a file; it is in its place whole and proved, or not at all.

    Args:
        wanted: which.
        progress: called with (message, bytes so far, bytes in all).
        cancelled: polled; true ends it.

    Returns:
        Its sha256.

    Raises:
        Unreachable: ``offline``, ``refused`` (HTTP status), ``cut-off``.
        Refused: ``url`` (no https, or a redirect that leads away from it or into a private net), ``too-big``.
        BadModel: ``sha256`` (other bytes, a web page), ``no-sha256``.
        Cancelled: by ``cancelled``.
        StorageError: the disk.
    """
    off = [name for name in _OFFLINE if os.environ.get(name, "").upper() in ("1", "ON", "YES", "TRUE")]
    if off:
        raise _unreachable(wanted, "offline", f"{off[0]} is set, so nothing is fetched")
    response, linked = _open(wanted)
    with response:
        expected = wanted.sha256 or (linked if _HEX.fullmatch(linked) else None)
        if expected is None:
            raise BadModel(
                "no-sha256",
                where=wanted.url,
                expected="a server that says the sha256 of its file",
                found="none",
                remedy=f"Nothing was fetched, since it could not be proved. {wanted.by_hand}",
            )
        total = _length(wanted, response)
        storage.make_folder(wanted.target.parent)
        with storage.writing(wanted.target) as file:
            found = _copy(wanted, response, file, total, (progress, cancelled))
            if found != expected:
                raise BadModel(
                    "sha256",
                    where=wanted.url,
                    expected=f"sha256 {expected}",
                    found=found,
                    remedy="The file was changed or damaged on its way, and is not kept. Try again, or ask where it "
                    "is published.",
                )
    return found


def opener() -> urllib.request.OpenerDirector:
    """https through the proxy of the environment and nothing else: no other scheme, no redirect unseen."""
    director = urllib.request.OpenerDirector()
    for handler in (urllib.request.ProxyHandler(), urllib.request.HTTPSHandler()):
        director.add_handler(handler)
    return director


def _open(wanted: Wanted) -> tuple[Any, str]:
    """The response that holds the file, and what the first server says of its sha256."""
    url, first, linked = wanted.url, urlsplit(wanted.url).hostname, ""
    for _ in range(_HOPS + 1):
        require_https(url)
        host = urlsplit(url).hostname or ""
        if host != first and not _is_public(host):
            raise _refused(url, "a redirect to a public server", "one into a private net")
        response = _ask(wanted, url)
        if host == first:
            linked = linked or response.headers.get("X-Linked-ETag", "").strip('"').lower()
        if response.status == 200:
            return response, linked
        onwards = response.headers.get("Location")
        response.close()
        if response.status not in (301, 302, 303, 307, 308) or not onwards:
            raise _unreachable(wanted, "refused", f"the server answers {response.status} {response.reason}", url)
        url = urljoin(url, onwards)
    raise _refused(url, f"at most {_HOPS} redirects", "more")


def _ask(wanted: Wanted, url: str) -> Any:
    request = urllib.request.Request(url, headers={"User-Agent": "temj", "Accept-Encoding": "identity"})
    try:
        response = opener().open(request, timeout=_SECONDS)
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise _unreachable(wanted, "offline", f"no connection ({reason})", url) from None
    if response is None:
        raise _refused(url, "an address that begins with https://", urlsplit(url).scheme)
    return response


def require_https(url: str) -> None:
    """Prove that an address may be asked.

    Raises:
        Refused: another scheme than https, no host, or a user name or password in it.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise _refused(url, "an address that begins with https://", f"{parts.scheme or 'no scheme'}://")
    if parts.username or parts.password:
        raise _refused(parts.hostname, "an address without user name and password", "one with them")


def _is_public(host: str) -> bool:
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, 443)}
    except OSError:
        return True  # a proxy finds the names then; an address in figures never fails here
    return all(ipaddress.ip_address(str(address).partition("%")[0]).is_global for address in found)


def _length(wanted: Wanted, response: Any) -> int:
    """Bytes that the server announces; 0 where it does not."""
    if response.headers.get_content_type() == "text/html":
        raise BadModel(
            "web-page", where=wanted.url, expected="a file of weights", found="a web page",
            remedy="Use the address of the file itself (the link behind 'download' or 'raw').",
        )  # fmt: skip
    text = response.headers.get("Content-Length", "")
    total = int(text) if text.isdigit() else 0
    _require_size(wanted, total)
    return total


def _require_size(wanted: Wanted, size: int) -> None:
    if size > MOST_BYTES:
        raise Refused(
            "too-big",
            where=wanted.url,
            expected=f"at most {MOST_BYTES / 1e9:.1f} GB",
            found=f"{size / 1e9:.1f} GB or more",
            remedy="This is no file of an encoder's weights; check the address.",
        )


def _copy(
    wanted: Wanted, response: Any, file: Any, total: int, tell: tuple[Progress, Callable[[], bool] | None]
) -> str:
    """The body into the file, counted; gives its sha256."""
    progress, cancelled = tell
    digest, done = hashlib.sha256(), 0
    while chunk := _read(wanted, response):
        if cancelled is not None and cancelled():
            raise Cancelled(where=wanted.label, remedy="Nothing was kept of the download.")
        done += len(chunk)
        _require_size(wanted, done)
        digest.update(chunk)
        file.write(chunk)
        size = f"{done / 1e6:.0f} of {total / 1e6:.0f} MB" if total else f"{done / 1e6:.0f} MB"
        progress(f"downloading {wanted.label}, {size}", done if total else 0, total)
    if total and done != total:
        raise _unreachable(wanted, "cut-off", f"the connection ended after {done} of {total} bytes")
    return digest.hexdigest()


def _read(wanted: Wanted, response: Any) -> bytes:
    # An error of the net is none of the disk: it must not reach storage as an OSError.
    try:
        return response.read(_CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(wanted, "cut-off", f"the connection broke ({error})") from None


def _unreachable(wanted: Wanted, problem: str, found: str, url: str | None = None) -> Unreachable:
    host = urlsplit(url or wanted.url).hostname
    return Unreachable(problem, where=wanted.label, expected=f"{host} to send it", found=found, remedy=wanted.by_hand)


def _refused(where: str, expected: str, found: str) -> Refused:
    return Refused("url", where=where, expected=expected, found=found, remedy="Fetch the file yourself and name it.")
