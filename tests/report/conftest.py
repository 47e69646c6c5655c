"""Folders of runs that are made by hand: as the commands write them, with whatever names and numbers a test wants."""

from __future__ import annotations

import html.parser
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile

VOID = {"meta", "img", "br", "link"}


class Page(html.parser.HTMLParser):
    """A page that was read: its text without tags, elements in order, and whether all are closed in order."""

    def __init__(self, data: bytes):
        super().__init__()
        self.source = data.decode("utf-8")
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text, self.open, self.faults = "", [], []
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def read_page() -> Callable[[bytes], Page]:
    """The page of these bytes, after proof that it is whole and needs nothing from elsewhere."""

    def read(data: bytes) -> Page:
        found = Page(data)
        assert not found.faults
        assert not found.open
        ids = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
        assert len(ids) == len(set(ids))
        assert not [tag for tag, _ in found.elements if tag in ("script", "link", "iframe", "object", "embed")]
        for picture in found.of("img"):
            assert picture["src"].startswith("data:image/")
            assert picture["alt"]
        for link in found.of("a"):
            assert link["href"].startswith("https://") or link["href"][1:] in ids
        assert "url(" not in found.source
        return found

    return read


def entry(folder: Path, stem: str, image: str = "", *, objects: int = 2, nm: float | None = 0.5, **facts: Any) -> dict:
    """An image of a prediction, with its overlay and labels in the folder."""
    name = image or f"{stem}.tif"
    cv2.imwrite(str(folder / "o.png"), np.full((120, 200, 3), 90, np.uint8))
    (folder / "o.png").rename(folder / f"{stem}_overlay.png")
    tifffile.imwrite(folder / f"{stem}_labels.tif", np.zeros((100, 200), np.uint16))
    unit, size = ("nm", nm) if nm else ("pixel", 1.0)
    row = {
        "Slice": name, "Count": objects, "%Area": 3.5, "Class": "loop", "Unit": unit, "Mean Diameter": 12.5,
        "SD Diameter": 2.5, "N_A (m^-2)": 4.0e14 if nm else None, "Analysed Area": 20000 * size**2, "Threshold": 0.35,
        "Pixel Width": size, "Pixel Height": size,
    }  # fmt: skip
    return {
        "image": f"/data/{name}", "stem": stem, "sha256": "ab" * 32, "area": [], "objects": objects, "notes": [],
        "files": {"overlay": f"{stem}_overlay.png", "labels": f"{stem}_labels.tif", "rois": f"{stem}_RoiSet.zip"},
        "prediction": {
            "pixel_size": [nm, nm] if nm else None, "factor": [1.0, 1.0], "threshold": 0.35, "threshold_name": "auto",
            "diameter": {"loop": "major"}, "views": 1,
        },
        "summary": [row],
    } | facts  # fmt: skip


@pytest.fixture
def prediction(tmp_path: Path) -> Callable[..., Path]:
    """Writes the folder of a prediction: ``prediction(entries_of, **facts)``; ``entries_of(folder)`` gives images."""

    def write(entries_of: Callable[[Path], list[dict]] | None = None, **facts: Any) -> Path:
        folder = tmp_path / "run"
        folder.mkdir(exist_ok=True)
        entries = [entry(folder, "a"), entry(folder, "b", objects=7)] if entries_of is None else entries_of(folder)
        run = {
            "format": 1, "command": "predict", "parameters": {"model": "loops"}, "options": {"model": "loops"},
            "command_line": "temj predict a.tif --model loops --output run",
            "macro_line": 'run("TEMJ Predict...", "");',
            "models": [{"name": "nobody-has-this", "sha256": "cd" * 32}], "versions": {"temj": "0.1.0"},
            "started": "2026-03-04T05:06:07+00:00", "finished": "2026-03-04T05:07:00+00:00", "state": "done",
            "images": entries, "failures": [],
        } | facts  # fmt: skip
        (folder / "run.json").write_text(json.dumps(run))
        return folder

    return write


@pytest.fixture
def new_entry() -> Callable[..., dict]:
    """:func:`entry`."""
    return entry
