"""Engines for the PDF: any of them, in order; what they do wrong is told in one line and is no error."""

import os
import stat
from pathlib import Path

import pytest

from temj.report import pdf

PAGE = b"<!DOCTYPE html><html><body>x</body></html>"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Puts shell scripts where programs are looked for, and nothing else but a shell."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/bin")
    monkeypatch.setattr(pdf.importlib.util, "find_spec", lambda name: None)
    real = pdf.shutil.which
    monkeypatch.setattr(pdf.shutil, "which", lambda name: real(name, path=str(folder)))

    def write(name: str, script: str) -> None:
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    return write


def test_none_is_no_error(programs) -> None:
    assert pdf.make_pdf(PAGE) == (b"", pdf.NONE)
    assert "\n" not in pdf.NONE


@pytest.mark.skipif(os.name == "nt", reason="the stand-ins are shell scripts")
def test_the_first_that_can_makes_it(programs) -> None:
    programs("chromium", 'echo "no\nluck" >&2; exit 3')
    programs("wkhtmltopdf", 'for last; do :; done; printf "%%PDF-1.7 made" > "$last"')
    assert pdf.make_pdf(PAGE) == (b"%PDF-1.7 made", "")


@pytest.mark.skipif(os.name == "nt", reason="the stand-ins are shell scripts")
def test_what_goes_wrong_is_told_in_one_line(programs) -> None:
    programs("chromium", 'echo "no\nluck" >&2; exit 3')
    programs("wkhtmltopdf", "exit 0")
    data, told = pdf.make_pdf(PAGE)
    assert not data
    assert told == "no report.pdf: chromium: no luck; wkhtmltopdf: wrote nothing"


@pytest.mark.skipif(os.name == "nt", reason="the stand-ins are shell scripts")
def test_chromium_is_given_the_page_and_a_profile_of_its_own(programs, tmp_path: Path) -> None:
    programs("chromium", f'echo "$@" > {tmp_path}/asked; exit 1')
    pdf.make_pdf(PAGE)
    asked = (tmp_path / "asked").read_text()
    assert "--headless" in asked
    assert "--user-data-dir=" in asked
    assert "report.html" in asked.split()[-1]
    assert ("--no-sandbox" in asked) == (os.geteuid() == 0)
