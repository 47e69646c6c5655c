"""A PDF of the page by whatever engine is there; none is no error."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from temj import storage

SECONDS = 180
NONE = (
    "no engine for a PDF is installed (weasyprint, chromium, chrome or wkhtmltopdf): print report.html from a browser"
)


def _weasyprint(_program: str, page: Path, pdf: Path) -> str:
    import logging

    import weasyprint

    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    weasyprint.HTML(filename=str(page)).write_pdf(str(pdf))
    return ""


def _chromium(program: str, page: Path, pdf: Path) -> str:
    as_root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []  # it refuses root otherwise
    profile = f"--user-data-dir={page.parent / 'profile'}"
    return _told(
        [program, "--headless", "--disable-gpu", *as_root, profile, "--no-pdf-header-footer", f"--print-to-pdf={pdf}",
         page.as_uri()]
    )  # fmt: skip


def _wkhtmltopdf(program: str, page: Path, pdf: Path) -> str:
    return _told([program, "--quiet", "--print-media-type", "--disable-javascript", str(page), str(pdf)])


ENGINES: Mapping[str, Callable[[str, Path, Path], str]] = MappingProxyType({
    "weasyprint": _weasyprint,
    "chromium": _chromium,
    "chromium-browser": _chromium,
    "google-chrome": _chromium,
    "chrome": _chromium,
    "wkhtmltopdf": _wkhtmltopdf,
})  # fmt: skip
"""Python module or program → function (program, page, PDF) that writes the PDF and gives what went wrong, or ""."""


def make_pdf(page: bytes) -> tuple[bytes, str]:
    """The page as a PDF by the first engine that is there and can.

    Args:
        page: a self-contained HTML page.

    Returns:
        The bytes of the PDF (b"" where there is none), and in one line why there is none ("" where there is one).
    """
    failed = []
    for name, engine in ENGINES.items():
        program = _found(name)
        if program is None:
            continue
        made, problem = _try(engine, program, page)
        if made:
            return made, ""
        failed.append(f"{name}: {problem}")
    return b"", f"no report.pdf: {'; '.join(failed)}" if failed else NONE


def _found(name: str) -> str | None:
    """The path of a program, or the name of a module that can be imported."""
    if name == "weasyprint":
        return name if importlib.util.find_spec(name) else None
    return shutil.which(name)


def _try(engine: Callable[[str, Path, Path], str], program: str, page: bytes) -> tuple[bytes, str]:
    with tempfile.TemporaryDirectory(prefix="temj-report-", ignore_cleanup_errors=True) as folder:
        source, target = Path(folder, "report.html"), Path(folder, "report.pdf")
        storage.write_bytes(source, page)
        try:
            problem = engine(program, source, target)
        except Exception as error:  # a foreign engine: whatever it does, the page is there
            problem = f"{type(error).__name__} {error}"
        data = target.read_bytes() if target.is_file() else b""
    if data.startswith(b"%PDF"):
        return data, ""
    return b"", " ".join((problem or "wrote nothing").split())[:200]


def _told(command: list[str]) -> str:
    """Run a program; what it said where it failed."""
    ended = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False)
    return "" if ended.returncode == 0 else (ended.stderr.strip() or f"ended with {ended.returncode}")[-200:]
