"""New dataset folders: never over anything that is there."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from temj import datasets
from temj.annotations import roiset
from temj.data import Calibration, Instances, RoiType, Shape
from temj.datasets.protocol import open_questions, template
from temj.errors import BadImage, BadValue, Refused, StorageError

RNG = np.random.default_rng(4)


def tiff(path: Path, nm: float | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    scale = {} if nm is None else {"imagej": True, "resolution": (1 / nm, 1 / nm), "metadata": {"unit": "nm"}}
    tifffile.imwrite(path, RNG.integers(0, 256, (30, 40), np.uint8), **scale)
    return path


def snapshot(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_a_folder_with_images_rois_and_the_form(tmp_path: Path):
    for stem in "ab":
        tiff(tmp_path / "day 1" / f"{stem}.tif", 0.5)
    single = tiff(tmp_path / "é.tif", 0.5)
    rois = Instances.of([Shape(RoiType.RECT, params=(3, 3, 5, 5, 0), subpixel=False)], class_name="loop")
    roiset.write(tmp_path / "day 1" / "a_RoiSet.zip", rois)
    made = datasets.create(tmp_path / "new", [tmp_path / "day 1", single], ["loop", "black dot"])
    assert sorted(path.relative_to(tmp_path / "new").as_posix() for path in made.files) == [
        "dataset.json", "images/a.tif", "images/b.tif", "images/é.tif", "protocol.md", "rois/a_RoiSet.zip",
    ]  # fmt: skip
    assert (tmp_path / "new" / "images" / "a.tif").read_bytes() == (tmp_path / "day 1" / "a.tif").read_bytes()
    assert made.notes == ("all images say that a pixel is 0.5 nm", "1 ROI set beside the images was copied")
    dataset = datasets.open_dataset(tmp_path / "new")
    assert dataset.classes == ("loop", "black dot")
    assert dataset.pixel_size == Calibration(0.5, 0.5, "nm")
    assert [item.format for item in dataset.items] == ["roiset", "", ""]
    assert "## Class `black dot`" in dataset.protocol
    assert open_questions(dataset.protocol) == 19
    (problem,) = [p for p in datasets.check(dataset).problems if p.code == "papers/protocol"]
    assert problem.text == "protocol.md: 19 places still to be filled in."


def test_an_empty_one_and_images_that_are_there_already(tmp_path: Path):
    made = datasets.create(tmp_path / "new")
    assert (tmp_path / "new" / "images").is_dir()
    assert json.loads((tmp_path / "new" / "dataset.json").read_text())["classes"] == [{"name": "object"}]
    assert made.notes == ()
    tiff(tmp_path / "old" / "images" / "x.tif", 0.7)
    before = snapshot(tmp_path / "old")
    datasets.create(tmp_path / "old", classes=["loop"])
    after = snapshot(tmp_path / "old")
    assert {path: after[path] for path in before} == before
    assert len(after) == 3
    assert datasets.open_dataset(tmp_path / "old").pixel_size.width == 0.7


@pytest.mark.parametrize("there", ["dataset.json", "protocol.md", "images/a.tif"])
def test_nothing_is_ever_replaced(tmp_path: Path, there: str):
    tiff(tmp_path / "in" / "a.tif")
    target = tmp_path / "new" / there
    target.parent.mkdir(parents=True)
    target.write_text("mine")
    before = snapshot(tmp_path)
    with pytest.raises((Refused, BadValue)):
        datasets.create(tmp_path / "new", [tmp_path / "in"], ["loop"])
    assert snapshot(tmp_path) == before


def test_images_that_would_be_one(tmp_path: Path):
    for name in ("day 1/a.tif", "day 2/A.tif"):
        tiff(tmp_path / name)
    with pytest.raises(BadValue, match=r"same-name.*day 1.a\.tif.*day 2.A\.tif"):
        datasets.create(tmp_path / "new", [tmp_path / "day 1", tmp_path / "day 2"])
    assert not (tmp_path / "new").exists()


def test_places_without_images(tmp_path: Path):
    (tmp_path / "text.txt").write_text("x")
    (tmp_path / "none").mkdir()
    for place in ("text.txt", "none", "not there"):
        with pytest.raises(BadImage, match="no-images"):
            datasets.create(tmp_path / "new", [tmp_path / place])
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("sizes", "words"),
    [((0.5, 0.6), "the images have different ones"), ((0.5, None), "not all images know theirs")],
)
def test_pixel_sizes_that_are_not_one(tmp_path: Path, sizes: tuple, words: str):
    for number, nm in enumerate(sizes):
        tiff(tmp_path / "in" / f"{number}.tif", nm)
    made = datasets.create(tmp_path / "new", [tmp_path / "in"])
    assert words in made.notes[0]
    assert not datasets.open_dataset(tmp_path / "new").pixel_size.known
    datasets.create(tmp_path / "given", [tmp_path / "in"], pixel_size=Calibration(0.4, 0.5, "nm"))
    assert datasets.open_dataset(tmp_path / "given").pixel_size == Calibration(0.4, 0.5, "nm")


def test_an_image_that_cannot_be_read_is_copied_and_told(tmp_path: Path):
    tiff(tmp_path / "in" / "a.tif", 0.5)
    (tmp_path / "in" / "b.png").write_bytes(cv2.imencode(".png", np.zeros((4, 4), np.uint8))[1].tobytes()[:30])
    made = datasets.create(tmp_path / "new", [tmp_path / "in"])
    assert "b.png" in made.notes[0]
    assert (tmp_path / "new" / "images" / "b.png").exists()


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        (["loop", "loop "], "'loop' and 'loop ' differ only by blanks"), (["ignore"], "called 'ignore'"),
        ([""], "a name of 1 to 100 characters"),
    ],
)  # fmt: skip
def test_classes_that_cannot_be(tmp_path: Path, classes: list[str], words: str):
    tiff(tmp_path / "in" / "a.tif")
    with pytest.raises(BadValue) as caught:
        datasets.create(tmp_path / "new", [tmp_path / "in"], classes)
    assert words in caught.value.message
    assert not (tmp_path / "new").exists()


def test_a_full_disk_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from temj import storage

    tiff(tmp_path / "in" / "a.tif", 0.5)
    for step in range(1, 30):
        monkeypatch.setenv("TEMJ_FAIL_AT", f"{step}:ENOSPC")
        monkeypatch.setattr(storage, "_steps", 0)
        folder = tmp_path / f"new {step}"
        try:
            datasets.create(folder, [tmp_path / "in"], ["loop"])
        except StorageError:
            left = [path for path in folder.rglob("*") if path.is_file()]
            assert all(not path.name.startswith(".") for path in left)
            assert all(path.read_bytes() for path in left)
            assert not (folder / "dataset.json").exists()
        else:
            break
    assert 10 < step < 29
    assert (folder / "dataset.json").exists()


def test_the_form_asks_for_every_class():
    text = template("loops", ["loop", "dot"])
    assert text.count("## Class") == 2
    assert open_questions(text.replace(": …\n", ": yes\n")) == 0
