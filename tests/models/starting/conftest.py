"""Caches of the test's own, a tiny core, and a server that answers for every https address."""

from __future__ import annotations

import hashlib
import http.client
import http.server
import threading
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from temj.cores import make_core
from temj.models.starting import download

ENCODER = "tu-tf_mobilenetv3_small_minimal_100"


@pytest.fixture(autouse=True)
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Empty caches, and no wish of the environment; the folder of TEMJ's."""
    for name in (*download._OFFLINE, "HF_HUB_CACHE", "HF_ENDPOINT", "https_proxy", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("TEMJ_CACHE", "HF_HOME", "TORCH_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    return tmp_path / "TEMJ_CACHE" / "weights"


@pytest.fixture(autouse=True)
def no_net(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without net, unless the test asks for ``server``."""

    class Dead(urllib.request.OpenerDirector):
        def open(self, *_args, **_kwargs):
            raise urllib.error.URLError("Name or service not known")

    monkeypatch.setattr(download, "opener", Dead)


def core_of(**settings: object):
    """A semantic core, small where nothing else is said."""
    small = {"classes": ["disc"], "encoder": ENCODER, "decoder_channels": [16, 8, 8, 8, 8]}
    return make_core("semantic", small | settings)


@pytest.fixture
def new_core() -> Callable:
    """:func:`core_of`."""
    return core_of


@dataclass
class Server:
    """What the servers of the world have: ``files`` by host and path, and the addresses that were asked for."""

    files: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def put(self, address: str, data: bytes, status: int = 200, **headers: str) -> str:
        """Serve ``https://<address>``; gives the sha256 of the data. ``Content_Length`` may lie."""
        told = {"Content-Length": str(len(data))} | {name.replace("_", "-"): value for name, value in headers.items()}
        self.files[address] = (status, {name: value for name, value in told.items() if value}, data)
        return hashlib.sha256(data).hexdigest()


@pytest.fixture
def server(no_net: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A real server on this machine to which every https address leads, by plain http."""
    world = Server()

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = f"{self.headers['Host']}{self.path}"
            world.asked.append(address)
            status, headers, data = world.files.get(address, (404, {"Content-Length": "0"}, b""))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()

        class Local(urllib.request.HTTPHandler):
            https_request = urllib.request.HTTPHandler.http_request

            def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
                def connect(_host: str, timeout: float) -> http.client.HTTPConnection:
                    return http.client.HTTPConnection("127.0.0.1", running.server_port, timeout=timeout)

                return self.do_open(connect, request)

        def opener() -> urllib.request.OpenerDirector:
            director = urllib.request.OpenerDirector()
            director.add_handler(Local())
            return director

        monkeypatch.setattr(download, "opener", opener)
        yield world
        running.shutdown()
        thread.join()
