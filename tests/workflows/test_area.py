"""The analysed area in whole jobs: what is left out is written, told, corrected, read again, and not measured."""

import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

import temj
from temj import annotations, commands
from temj.annotations import roiset
from temj.data import Instances, RoiType, Shape
from temj.errors import BadValue, Refused


def predict(images: list[Path], output: Path, **parameters: object) -> dict:
    return commands.run("predict", {"images": images, "output": output, **parameters})


def rois_file(path: Path, **boxes: tuple[int, int, int, int]) -> Path:
    """A RoiSet of rectangles; "_" in a name stands for a blank."""
    shapes = [Shape(RoiType.RECT, params=(*box, 0), subpixel=False) for box in boxes.values()]
    names = np.array([name.replace("_", " ") for name in boxes], object)
    roiset.write(path, Instances.of(shapes, name=names))
    return path


@pytest.fixture
def barred(micrograph, field) -> Path:
    """A real micrograph with a shifted border of 12 rows, and a bar and its length burnt in."""
    pixels = field.copy()
    pixels[:12] = 0
    pixels[170:176, 180:240] = 255
    cv2.putText(pixels, "20 nm", (180, 164), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 2)
    return micrograph("barred.tif", pixels)


def entry(output: Path) -> dict:
    return json.loads((output / "run.json").read_text())["images"][0]


def test_what_is_left_out_is_written_told_and_counted(tmp_path: Path, barred) -> None:
    outputs = predict([barred], tmp_path / "out")
    (note,) = (note for note in outputs["notes"]["Note"] if note.startswith("analysed area"))
    assert "left out: blank border (6.2 %), scale bar (" in note
    told = entry(tmp_path / "out")
    assert note in told["notes"]
    (plane,) = told["area"]
    assert {part["kind"] for part in plane["left_out"]} == {"blank border", "scale bar", "text"}
    assert told["files"]["area"] == "barred_area_RoiSet.zip"
    rois = annotations.read(tmp_path / "out" / "barred_area_RoiSet.zip")
    assert {"exclude: blank border", "exclude: scale bar", "exclude: text"} <= set(rois.name)
    summary, side = outputs["summary"], 0.390625
    area = summary["Analysed Area"][0]
    assert area == pytest.approx(plane["percent"] / 100 * 192 * 256 * side**2, rel=1e-5)
    assert summary["N_A (m^-2)"][0] == pytest.approx(summary["Count"][0] / (area * 1e-18))
    assert summary["%Area"][0] == pytest.approx(100 * summary["Total Area"][0] / area)
    labels = tifffile.imread(tmp_path / "out" / "barred_labels.tif")
    assert not labels[:12].any()
    assert not labels[168:178, 178:242].any()


def test_without_anything_to_leave_out_nothing_changes(tmp_path: Path, micrograph) -> None:
    image = micrograph("a.tif")
    auto, whole = (predict([image], tmp_path / how, area=how) for how in ("auto", "whole"))
    assert not (tmp_path / "auto" / "a_area_RoiSet.zip").exists()
    for file in (tmp_path / "auto").iterdir():
        if file.name != "run.json":
            assert file.read_bytes() == (tmp_path / "whole" / file.name).read_bytes()
    assert entry(tmp_path / "auto")["area"] == []
    assert list(auto["notes"]["Note"]) == list(whole["notes"]["Note"])


def test_the_written_rois_say_the_same_when_read_back(tmp_path: Path, barred) -> None:
    predict([barred], tmp_path / "one")
    predict([barred], tmp_path / "two", area=str(tmp_path / "one" / "barred_area_RoiSet.zip"))
    for end in ("RoiSet.zip", "Results.csv", "labels.tif", "overlay.png"):
        assert (tmp_path / "one" / f"barred_{end}").read_bytes() == (tmp_path / "two" / f"barred_{end}").read_bytes()
    assert (tmp_path / "one" / "Summary.csv").read_text() == (tmp_path / "two" / "Summary.csv").read_text()


def test_a_roi_set_says_it_alone(tmp_path: Path, barred) -> None:
    rois = rois_file(tmp_path / "a.zip", area=(0, 0, 128, 192), exclude_1=(0, 0, 64, 192), loop=(5, 5, 9, 9))
    outputs = predict([barred], tmp_path / "out", area=str(rois))
    assert entry(tmp_path / "out")["area"][0]["percent"] == 25.0
    assert outputs["summary"]["Analysed Area"][0] == pytest.approx(64 * 192 * 0.390625**2)
    labels = tifffile.imread(tmp_path / "out" / "barred_labels.tif")
    assert not labels[:, :64].any()
    assert not labels[:, 128:].any()


@pytest.mark.parametrize("area", ["hole", "nothing.zip", "0.5"])
def test_neither_a_word_nor_a_file(tmp_path: Path, barred, area) -> None:
    with pytest.raises(BadValue, match="auto, all, whole, or a ROI set"):
        predict([barred], tmp_path / "out", area=area)
    assert not (tmp_path / "out").exists()


def test_a_roi_set_without_such_rois_says_how_to_name_them(tmp_path: Path, barred) -> None:
    rois = rois_file(tmp_path / "a.zip", loop=(5, 5, 9, 9))
    with pytest.raises(BadValue, match="ROIs named area or exclude, found 1 others"):
        predict([barred], tmp_path / "out", area=str(rois))


def test_resume_keeps_what_was_done_and_another_roi_set_is_another_job(tmp_path: Path, barred, micrograph) -> None:
    rois = rois_file(tmp_path / "a.zip", exclude=(0, 0, 64, 192))
    images = [barred, micrograph("b.tif")]
    predict(images, tmp_path / "out", area=str(rois))
    before = {file.name: file.stat().st_mtime_ns for file in (tmp_path / "out").glob("*.zip")}
    assert len(before) == 4
    predict(images, tmp_path / "out", area=str(rois), resume=True)
    assert {file.name: file.stat().st_mtime_ns for file in (tmp_path / "out").glob("*.zip")} == before
    rois_file(tmp_path / "a.zip", exclude=(0, 0, 32, 192))
    with pytest.raises(Refused, match="area_sha256"):
        predict(images, tmp_path / "out", area=str(rois), resume=True)
    with pytest.raises(Refused, match=r"area: .* -> auto"):
        predict(images, tmp_path / "out", resume=True)


def test_the_area_of_an_earlier_run_does_not_stay(tmp_path: Path, barred) -> None:
    predict([barred], tmp_path / "out")
    with pytest.raises(Refused, match="exists"):
        predict([barred], tmp_path / "out", area="whole")
    predict([barred], tmp_path / "out", area="whole", overwrite=True)
    assert not (tmp_path / "out" / "barred_area_RoiSet.zip").exists()


def test_each_plane_of_a_film(tmp_path: Path, micrograph, field) -> None:
    planes = np.stack([field, field, field])
    planes[1, :20] = planes[2, :40] = 0
    predict([micrograph("film.tif", planes)], tmp_path / "out")
    told = entry(tmp_path / "out")
    assert [(plane["position"], plane["percent"]) for plane in told["area"]] == [
        ([1, 1, 2], round(100 * 172 / 192, 4)),
        ([1, 1, 3], round(100 * 152 / 192, 4)),
    ]
    assert any("to 100 % of the planes; left out: blank border" in note for note in told["notes"])
    rois = annotations.read(tmp_path / "out" / "film_area_RoiSet.zip")
    assert rois.position.tolist() == [[1, 1, 2], [1, 1, 3]]
    areas = np.array([row["Analysed Area"] for row in told["summary"]])
    np.testing.assert_allclose(areas / areas[0], [1, 172 / 192, 152 / 192])


def test_in_python(barred) -> None:
    image = temj.open(barred)
    auto, whole = temj.predict(image), temj.predict(image, area="whole")
    assert min(shape.points[:, 1].min() for shape in auto.shapes) >= 12
    assert any("analysed area" in note for note in auto.info["notes"])
    assert not any("analysed area" in note for note in whole.info["notes"])


def test_rois_that_come_with_an_open_image(barred) -> None:
    said = Instances.of(
        [Shape(RoiType.RECT, params=(0, 0, 128, 192, 0), subpixel=False)], name=np.array(["exclude"], object)
    )
    inputs = {"micrograph": temj.open(barred), "area_rois": said}
    outputs = commands.run("predict", {}, inputs)
    assert "exclude ROIs (50 %)" in outputs["instances"].info["notes"][-1]
    assert not any("exclude ROIs" in str(name) for name in outputs["excluded"].name)
    assert (outputs["results"]["X"] > 127 * 0.390625).all()


def test_rois_named_area_and_exclude_are_not_measured(tmp_path: Path, micrograph) -> None:
    image = micrograph("a.tif")
    rois = rois_file(tmp_path / "a.zip", exclude_1=(0, 0, 10, 10), loop=(20, 20, 10, 10), Area=(0, 0, 200, 100))
    outputs = commands.run("measure", {"image": image, "rois": rois, "output": tmp_path / "a.csv"})
    assert list(outputs["results"]["Label"]) == ["a.tif:loop"]
    note = "2 ROIs named area or exclude are not measured: such ROIs say which part of the image counts"
    assert note in list(outputs["notes"]["Note"])


def test_the_zip_of_the_area_is_one_that_imagej_opens(tmp_path: Path, barred) -> None:
    predict([barred], tmp_path / "out")
    with zipfile.ZipFile(tmp_path / "out" / "barred_area_RoiSet.zip") as archive:
        assert all(name.endswith(".roi") for name in archive.namelist())
        assert all(archive.read(name)[:4] == b"Iout" for name in archive.namelist())
