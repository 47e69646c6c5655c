"""The only way to the net: whole and proved, or not at all."""

import hashlib
import urllib.error
from pathlib import Path

import pytest

from temj.errors import BadModel, Cancelled, Refused, StorageError, Unreachable
from temj.models.starting import download
from temj.models.starting.download import Wanted

DATA = bytes(range(256)) * 10_000
SHA = hashlib.sha256(DATA).hexdigest()
URL = "https://weights.example/a/encoder.pth"


def get(folder: Path, url: str = URL, sha256: str | None = SHA, **options) -> str:
    wanted = Wanted("encoder.pth", url, folder / "new" / "encoder.pth", sha256, "Put it there by hand.")
    return download.download(wanted, options.pop("progress", lambda *_: None), **options)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "new").glob("*")) if (folder / "new").exists() else []


class TestWhole:
    def test_the_file_is_there_and_its_sha256_is_given(self, server, tmp_path):
        server.put("weights.example/a/encoder.pth", DATA)
        told = []
        assert get(tmp_path, progress=lambda *args: told.append(args)) == SHA
        assert (tmp_path / "new" / "encoder.pth").read_bytes() == DATA
        assert left(tmp_path) == ["encoder.pth"]
        assert told[-1] == ("downloading encoder.pth, 3 of 3 MB", len(DATA), len(DATA))
        assert [done for _, done, _ in told] == sorted({done for _, done, _ in told})

    def test_a_server_that_does_not_say_how_much_it_sends(self, server, tmp_path):
        server.put("weights.example/a/encoder.pth", DATA, Content_Length="")
        told = []
        assert get(tmp_path, progress=lambda *args: told.append(args)) == SHA
        assert told[-1] == ("downloading encoder.pth, 3 MB", 0, 0)

    def test_redirects_are_followed_and_the_first_server_may_say_the_sha256(self, server, tmp_path):
        server.put("weights.example/a/encoder.pth", b"", 302, Location="/b", X_Linked_ETag=f'"{SHA}"')
        server.put("weights.example/b", b"", 307, Location="https://files.example/c")
        server.put("files.example/c", DATA, X_Linked_ETag="0" * 64)
        assert get(tmp_path, sha256=None) == SHA
        assert server.asked == ["weights.example/a/encoder.pth", "weights.example/b", "files.example/c"]


class TestNotAtAll:
    @pytest.mark.parametrize("sha256", ["0" * 64, SHA[:8] + "0" * 56])  # also where the first digits are right
    def test_other_bytes(self, server, tmp_path, sha256):
        server.put("weights.example/a/encoder.pth", DATA)
        with pytest.raises(BadModel, match=f"BadModel/sha256.*{sha256}.*{SHA}"):
            get(tmp_path, sha256=sha256)
        assert left(tmp_path) == []

    def test_a_server_that_says_no_sha256(self, server, tmp_path):
        server.put("weights.example/a/encoder.pth", DATA, X_Linked_ETag='"af01f9e3"')
        with pytest.raises(BadModel, match=r"no-sha256.*by hand"):
            get(tmp_path, sha256=None)
        assert left(tmp_path) == []

    def test_a_connection_that_ends_early(self, server, tmp_path):
        server.put("weights.example/a/encoder.pth", DATA[:-1], Content_Length=str(len(DATA)))
        with pytest.raises(Unreachable, match=r"cut-off.*2559999 of 2560000 bytes.*by hand"):
            get(tmp_path)
        assert left(tmp_path) == []

    def test_a_connection_that_breaks_is_no_fault_of_the_disk(self, server, tmp_path, monkeypatch):
        server.put("weights.example/a/encoder.pth", DATA)
        real = download._ask

        def ask(wanted, url):
            response = real(wanted, url)

            def read(_size):
                raise ConnectionResetError(104, "Connection reset by peer")

            response.read = read
            return response

        monkeypatch.setattr(download, "_ask", ask)
        with pytest.raises(Unreachable, match=r"cut-off.*Connection reset"):
            get(tmp_path)
        assert left(tmp_path) == []

    def test_a_web_page(self, server, tmp_path):
        server.put("weights.example/a/encoder.pth", b"<html>", Content_Type="text/html; charset=utf-8")
        with pytest.raises(BadModel, match="web-page"):
            get(tmp_path)

    @pytest.mark.parametrize("status", [403, 404, 500])
    def test_an_answer_that_is_no_file(self, server, tmp_path, status):
        server.put("weights.example/a/encoder.pth", b"no", status)
        with pytest.raises(Unreachable, match=f"refused.*weights.example.*{status}"):
            get(tmp_path)
        assert len(server.asked) == 1  # nothing is tried again

    def test_no_net(self, tmp_path):
        with pytest.raises(Unreachable, match=r"offline: encoder\.pth.*not known.*by hand"):
            get(tmp_path)

    @pytest.mark.parametrize("name", ["HF_HUB_OFFLINE", "TEMJ_OFFLINE"])
    def test_the_wish_to_stay_offline(self, server, tmp_path, monkeypatch, name):
        server.put("weights.example/a/encoder.pth", DATA)
        monkeypatch.setenv(name, "1")
        with pytest.raises(Unreachable, match=f"{name} is set"):
            get(tmp_path)
        assert server.asked == []

    @pytest.mark.parametrize("announced", [True, False])
    def test_a_file_beyond_the_limit(self, server, tmp_path, monkeypatch, announced):
        monkeypatch.setattr(download, "MOST_BYTES", 2_000_000)
        server.put("weights.example/a/encoder.pth", DATA, **({} if announced else {"Content_Length": ""}))
        with pytest.raises(Refused, match="too-big"):
            get(tmp_path)
        assert left(tmp_path) == []

    def test_the_user_stops_it(self, server, tmp_path):
        server.put("weights.example/a/encoder.pth", DATA)
        with pytest.raises(Cancelled):
            get(tmp_path, cancelled=lambda: True)
        assert left(tmp_path) == []

    def test_a_disk_that_is_full(self, server, tmp_path, monkeypatch):
        server.put("weights.example/a/encoder.pth", DATA)
        (tmp_path / "new").mkdir()
        monkeypatch.setattr("temj.storage._steps", 0)
        monkeypatch.setenv("TEMJ_FAIL_AT", "5:ENOSPC")  # after those of the proof that the folder can be written to
        with pytest.raises(StorageError, match="full"):
            get(tmp_path)
        assert left(tmp_path) == []


class TestWhere:
    @pytest.mark.parametrize(
        "url", ["http://weights.example/a", "file:///etc/passwd", "ftp://weights.example/a", "https:///a", "a/b"]
    )
    def test_only_https(self, server, tmp_path, url):
        with pytest.raises(Refused, match="https://"):
            get(tmp_path, url)
        assert server.asked == []

    def test_a_password_is_neither_used_nor_told(self, tmp_path):
        with pytest.raises(Refused) as caught:
            get(tmp_path, "https://me:secret@weights.example/a")
        assert "secret" not in str(caught.value)

    @pytest.mark.parametrize("target", ["http://weights.example/b", "file:///etc/passwd"])
    def test_no_redirect_away_from_https(self, server, tmp_path, target):
        server.put("weights.example/a/encoder.pth", b"", 302, Location=target)
        with pytest.raises(Refused, match="https://"):
            get(tmp_path)
        assert len(server.asked) == 1

    @pytest.mark.parametrize("host", ["127.0.0.1", "10.1.2.3", "192.168.0.7", "169.254.169.254", "[::1]", "[fe80::1]"])
    def test_no_redirect_into_a_private_net(self, server, tmp_path, host):
        server.put("weights.example/a/encoder.pth", b"", 302, Location=f"https://{host}/secret")
        server.put(f"{host}/secret", DATA)
        with pytest.raises(Refused, match="private net"):
            get(tmp_path)
        assert len(server.asked) == 1

    def test_no_endless_redirects(self, server, tmp_path):
        server.put("weights.example/a/encoder.pth", b"", 302, Location=URL)
        with pytest.raises(Refused, match="at most 5 redirects"):
            get(tmp_path)


def test_the_real_opener_knows_https_only(monkeypatch):
    monkeypatch.undo()
    assert set(download.opener().handle_open) <= {"https", "http"}
    assert {type(handler).__name__ for handler in download.opener().handlers} <= {"ProxyHandler", "HTTPSHandler"}
    with pytest.raises(urllib.error.URLError):
        download.opener().open("https://127.0.0.1:9/", timeout=2)
