"""``temj predict`` on real pixels with the shipped model: what is written, refused, resumed and reported."""

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile

import temj
from temj import annotations, cli, commands
from temj.data.table_text import to_csv
from temj.errors import BadValue, Cancelled, Refused, StorageError


def predict(images: list[Path], output: Path, **parameters: object) -> dict:
    return commands.run("predict", {"images": images, "output": output, **parameters})


def folder_bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "run.json"}


def test_writes_what_it_says_and_row_roi_and_label_are_the_same_object(tmp_path: Path, micrograph) -> None:
    image, output = micrograph("a.tif"), tmp_path / "out"
    outputs = predict([image], output, ellipses=True)
    names = {"a_RoiSet.zip", "a_Results.csv", "a_overlay.png", "a_labels.tif", "a_ellipses_RoiSet.zip"}
    assert {path.name for path in output.iterdir()} == names | {"Summary.csv", "run.json"}
    assert {Path(file).name for file in outputs["files"]["File"]} == names | {"Summary.csv", "run.json"}
    rois, ellipses = annotations.read(output / "a_RoiSet.zip"), annotations.read(output / "a_ellipses_RoiSet.zip")
    lines = (output / "a_Results.csv").read_text().splitlines()
    header, rows = lines[0].split(","), [line.split(",") for line in lines[1:]]
    labels = tifffile.imread(output / "a_labels.tif")
    assert len(rois) == len(rows) == labels.max() == outputs["summary"]["Count"][0] > 2
    assert list(ellipses.name) == list(rois.name)
    area = header.index("Area")
    for number, (row, name) in enumerate(zip(rows, rois.name, strict=True), start=1):
        assert row[0] == str(number)
        assert row[1] == f"a.tif:{name}"
        assert float(row[area]) == pytest.approx((labels == number).sum() * 0.390625**2, abs=5e-4)
    assert labels.dtype == np.uint16
    with tifffile.TiffFile(output / "a_labels.tif") as file:
        assert file.imagej_metadata["unit"] == "nm"
        numerator, denominator = file.pages[0].tags["XResolution"].value
        assert numerator / denominator == pytest.approx(2.56)


def test_command_line_python_and_a_second_run_give_the_same_bytes(tmp_path: Path, micrograph) -> None:
    image = micrograph("a.tif")
    predict([image], tmp_path / "one", ellipses=True)
    predict([image], tmp_path / "two", ellipses=True)
    assert folder_bytes(tmp_path / "one") == folder_bytes(tmp_path / "two")
    opened = temj.open(image)
    found = temj.predict(opened, model="loops")
    assert to_csv(temj.measure(opened, found)) == (tmp_path / "one" / "a_Results.csv").read_text()
    open_image = commands.run("predict", {"output": tmp_path / "three", "ellipses": True}, {"micrograph": opened})
    assert folder_bytes(tmp_path / "three") == folder_bytes(tmp_path / "one")
    assert to_csv(open_image["results"]) == (tmp_path / "one" / "a_Results.csv").read_text()
    run = json.loads((tmp_path / "three" / "run.json").read_text())
    assert len(run["images"][0]["pixels_sha256"]) == 64
    assert "command_line" not in run


def test_the_lines_in_run_json_repeat_the_run(tmp_path: Path, micrograph, monkeypatch: pytest.MonkeyPatch) -> None:
    import shlex

    from temj import cli

    image = micrograph("an image.tif")
    predict([image], tmp_path / "my out", threshold=0.3, ellipses=True)
    run = json.loads((tmp_path / "my out" / "run.json").read_text())
    before = folder_bytes(tmp_path / "my out")
    shutil.rmtree(tmp_path / "my out")
    assert cli.main(shlex.split(run["command_line"])[1:]) == 0
    assert folder_bytes(tmp_path / "my out") == before
    assert run["macro_line"].startswith('run("TEMJ Predict...", "model=loops threshold=0.3 ellipses output=[/')
    assert run["parameters"]["threshold"] == "0.3"
    assert run["images"][0]["prediction"]["threshold"] == 0.3
    assert run["model"]["sha256"] == temj.open_model("loops").sha256
    assert len(run["images"][0]["sha256"]) == 64


def test_half_the_pixels_are_rescaled_by_the_pixel_size_and_it_says_so(tmp_path: Path, micrograph, field) -> None:
    half = field.reshape(96, 2, 128, 2).mean((1, 3)).round().astype(np.uint8)
    full = predict([micrograph("full.tif")], tmp_path / "full")["summary"]
    known = predict([micrograph("half.tif", half, 0.78125)], tmp_path / "half")["summary"]
    assert known["%Area"][0] == pytest.approx(full["%Area"][0], rel=0.35)
    assert known["Mean Diameter"][0] == pytest.approx(full["Mean Diameter"][0], rel=0.35)
    notes = json.loads((tmp_path / "half" / "run.json").read_text())["images"][0]["notes"]
    assert any("0.78125" in note and "0.390625" in note for note in notes)
    given = predict([micrograph("given.tif", half, None)], tmp_path / "given", pixel_size=0.78125)
    assert given["summary"]["Total Area"][0] == known["Total Area"][0]


def test_an_unknown_pixel_size_gives_pixels_and_nan_densities(tmp_path: Path, micrograph) -> None:
    outputs = predict([micrograph("a.tif", nm=None)], tmp_path / "out")
    assert outputs["summary"]["Unit"][0] == "pixel"
    assert np.isnan(outputs["summary"]["N_A (m^-2)"][0])
    notes = json.loads((tmp_path / "out" / "run.json").read_text())["images"][0]["notes"]
    assert any("unknown" in note for note in notes)


def test_no_objects_is_a_normal_result(tmp_path: Path, micrograph) -> None:
    flat = micrograph("flat.tif", np.full((64, 80), 7, np.uint8))
    outputs = predict([flat], tmp_path / "out", ellipses=True)
    assert list(outputs["summary"]["Count"]) == [0]
    assert len((tmp_path / "out" / "flat_Results.csv").read_text().splitlines()) == 1
    assert not tifffile.imread(tmp_path / "out" / "flat_labels.tif").any()
    with zipfile.ZipFile(tmp_path / "out" / "flat_RoiSet.zip") as archive:
        assert archive.namelist() == []
    assert len(annotations.read(tmp_path / "out" / "flat_RoiSet.zip")) == 0
    assert (tmp_path / "out" / "flat_overlay.png").stat().st_size > 100


def test_a_stack_gives_one_file_of_each_kind_with_positions(tmp_path: Path, micrograph, field) -> None:
    stack = np.stack([field, np.full_like(field, 9), field[::-1]])
    outputs = predict([micrograph("film.tif", stack)], tmp_path / "out")
    rois = annotations.read(tmp_path / "out" / "film_RoiSet.zip")
    header = (tmp_path / "out" / "film_Results.csv").read_text().splitlines()[0].split(",")
    labels = tifffile.imread(tmp_path / "out" / "film_labels.tif")
    assert labels.shape == stack.shape
    assert set(rois.position[:, 2]) == {1, 3}
    assert "Frame" in header
    assert labels.max() == len(rois)
    assert not labels[1].any()
    assert len(outputs["summary"]) == 3


def test_existing_results_stop_the_run_before_it_starts(tmp_path: Path, micrograph) -> None:
    image, output = micrograph("a.tif"), tmp_path / "out"
    output.mkdir()
    (output / "a_Results.csv").write_text("mine")
    with pytest.raises(Refused, match=r"a_Results.csv.*--overwrite.*--resume") as told:
        predict([image], output)
    assert told.value.exit_code == 2
    assert [path.name for path in output.iterdir()] == ["a_Results.csv"]
    predict([image], output, overwrite=True)
    assert (output / "a_Results.csv").read_text() != "mine"


def test_five_percent_broken_files_cost_five_percent(tmp_path: Path, micrograph) -> None:
    good = [micrograph(f"in/{k}.tif") for k in range(2)]
    (tmp_path / "in" / "empty.tif").write_bytes(b"")
    (tmp_path / "in" / "page.tif").write_text("<html>not found</html>")
    outputs = predict([tmp_path / "in"], tmp_path / "out")
    assert list(outputs["failures"]["Code"]) == ["BadImage/empty", "BadImage/not-an-image"]
    assert len(outputs["summary"]) == len(good)
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert [failure["code"] for failure in run["failures"]] == ["BadImage/empty", "BadImage/not-an-image"]
    assert "2 images failed" in commands.command("predict").account(outputs)


def test_resume_skips_what_is_done_and_ends_with_the_same_bytes(tmp_path: Path, micrograph, field) -> None:
    images = [micrograph("a.tif"), micrograph("b.tif", field[::-1]), micrograph("c.tif", field[:, ::-1])]
    predict(images, tmp_path / "whole")
    asked = []

    def cancelled() -> bool:
        asked.append(1)
        return len(list(output.glob("*_overlay.png"))) == 2

    output = tmp_path / "parts"
    with pytest.raises(Cancelled):
        commands.run("predict", {"images": images, "output": output}, cancelled=cancelled)
    assert asked
    assert {path.name for path in output.glob("*_Results.csv")} == {"a_Results.csv", "b_Results.csv"}
    kept = (output / "a_Results.csv").stat().st_mtime_ns
    predict(images, output, resume=True)
    assert (output / "a_Results.csv").stat().st_mtime_ns == kept
    assert folder_bytes(output) == folder_bytes(tmp_path / "whole")
    with pytest.raises(Refused, match=r"threshold: auto -> 0\.3"):
        predict(images, output, resume=True, threshold=0.3)


def test_a_changed_image_is_done_again_on_resume(tmp_path: Path, micrograph, field) -> None:
    image = micrograph("a.tif")
    predict([image], tmp_path / "out")
    before = folder_bytes(tmp_path / "out")
    micrograph("a.tif", field[::-1])
    predict([image], tmp_path / "out", resume=True)
    assert folder_bytes(tmp_path / "out") != before


@pytest.mark.parametrize("threshold", ["1.5", "-0.1", "nan", "best"])
def test_a_wrong_threshold_is_refused_before_the_first_image(tmp_path: Path, micrograph, threshold: str) -> None:
    with pytest.raises(BadValue, match="threshold"):
        predict([micrograph("a.tif")], tmp_path / "out", threshold=threshold)
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_nothing_is_written_beside_the_input(tmp_path: Path, micrograph) -> None:
    image = micrograph("in/a.tif")
    image.parent.chmod(0o555)
    try:
        predict([image], tmp_path / "out")
    finally:
        image.parent.chmod(0o755)
    assert [path.name for path in image.parent.iterdir()] == ["a.tif"]


def test_a_stop_in_the_first_image_can_be_resumed(tmp_path: Path, micrograph) -> None:
    image, output = micrograph("a.tif"), tmp_path / "out"
    with pytest.raises(Cancelled):
        commands.run("predict", {"images": [image], "output": output}, cancelled=lambda: True)
    (output / "a_RoiSet.zip").write_bytes(b"half of a run")
    predict([image], output, resume=True)
    assert len(annotations.read(output / "a_RoiSet.zip")) > 2


def test_resume_does_not_replace_results_of_images_that_were_not_in_the_run(tmp_path: Path, micrograph, field) -> None:
    output = tmp_path / "out"
    predict([micrograph("a.tif")], output)
    (output / "b_Results.csv").write_text("mine")
    with pytest.raises(Refused, match="b_Results"):
        predict([micrograph("a.tif"), micrograph("b.tif", field[::-1])], output, resume=True)
    assert (output / "b_Results.csv").read_text() == "mine"


@pytest.mark.parametrize("text", ["{}", "[1]", "{", '{"format": 1, "command": "train"}'])
def test_resume_over_another_run_json_is_refused_in_words(tmp_path: Path, micrograph, text: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "run.json").write_text(text)
    with pytest.raises(Refused, match=r"run\.json"):
        predict([micrograph("a.tif")], tmp_path / "out", resume=True)


def test_overwriting_leaves_no_mixture_of_two_runs(tmp_path: Path, micrograph) -> None:
    image, output = micrograph("a.tif"), tmp_path / "out"
    predict([image], output, ellipses=True)
    predict([image], output, overwrite=True, threshold=0.3)
    assert not (output / "a_ellipses_RoiSet.zip").exists()


def test_a_name_that_is_too_long_is_said_before_the_run(tmp_path: Path, micrograph) -> None:
    image = micrograph(f"{'n' * 249}.tif")
    with pytest.raises(StorageError, match="name"):
        predict([image], tmp_path / "out")


def test_a_folder_that_no_macro_can_name_works_on_the_command_line(tmp_path: Path, micrograph) -> None:
    predict([micrograph("a.tif")], tmp_path / "a]b")
    run = json.loads((tmp_path / "a]b" / "run.json").read_text())
    assert "macro_line" not in run
    assert "command_line" in run


def test_notes_are_told_on_the_command_line(tmp_path: Path, micrograph, capsys: pytest.CaptureFixture) -> None:
    from temj import cli

    assert cli.main(["predict", str(micrograph("a.tif", nm=None)), "--output", str(tmp_path / "one")]) == 0
    assert "note: pixel size unknown" in capsys.readouterr().out
    assert cli.main(["predict", str(micrograph("b.tif", nm=0.5)), "--output", str(tmp_path / "two")]) == 0
    assert "note: rescaled from 0.5 to 0.390625 nm/px" in capsys.readouterr().out


def test_pixels_that_are_not_finite_are_refused_or_filled(tmp_path: Path, micrograph, field) -> None:
    pixels = field.astype(np.float32)
    pixels[4, 4] = np.nan
    image = micrograph("a.tif", pixels)
    assert list(predict([image], tmp_path / "one")["failures"]["Code"]) == ["BadImage/nonfinite"]
    filled = predict([image], tmp_path / "two", fill=True)
    assert filled["summary"]["Count"][0] > 2
    assert any("1 px that are NaN" in note for note in filled["notes"]["Note"])


def test_numbers_from_python_keep_their_digits(tmp_path: Path, micrograph) -> None:
    predict([micrograph("a.tif")], tmp_path / "out", threshold=0.6543217)
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert run["images"][0]["prediction"]["threshold"] == 0.6543217


@pytest.mark.parametrize("name", ["a b'c.tif", "é ü 試.tif", "a#b%c&d.tif", "[x]=1.tif"])
def test_hostile_names_work_and_stay_as_they_are(tmp_path: Path, micrograph, name: str) -> None:
    predict([micrograph(f"in/{name}")], tmp_path / "out [1]")
    stem = name.removesuffix(".tif")
    assert (tmp_path / "out [1]" / f"{stem}_Results.csv").exists()
    row = (tmp_path / "out [1]" / f"{stem}_Results.csv").read_text().splitlines()[1]
    assert name in row


def test_results_of_an_earlier_run_are_no_micrographs(micrograph, tmp_path: Path, capsys) -> None:
    micrograph("in/a.tif")
    folder = tmp_path / "in"
    assert cli.main(["predict", str(folder), "--output", str(folder)]) == 0
    capsys.readouterr()
    assert cli.main(["predict", str(folder), "--output", str(tmp_path / "again")]) == 0
    told = capsys.readouterr()
    assert "2 pictures" in told.err
    assert sorted(path.name for path in (tmp_path / "again").glob("*_Results.csv")) == ["a_Results.csv"]


def test_a_run_in_which_nothing_came_is_no_obstacle(micrograph, tmp_path: Path) -> None:
    image, out = micrograph("a.tif", np.zeros((3, 64, 64), np.uint8)), tmp_path / "out"
    assert cli.main(["predict", str(image), "--frames", "20-40", "--output", str(out)]) == 3
    assert cli.main(["predict", str(image), "--frames", "1-2", "--output", str(out)]) == 0
    assert cli.main(["predict", str(image), "--frames", "1-2", "--output", str(out)]) == 2


def test_three_decimals_of_a_micrometre_are_told(tmp_path: Path, field: np.ndarray, capsys) -> None:
    path = tmp_path / "a.tif"
    scale = {"resolution": (1 / 0.000390625,) * 2, "metadata": {"unit": "um"}}
    tifffile.imwrite(path, field, imagej=True, **scale)
    assert cli.main(["predict", str(path), "--output", str(tmp_path / "out")]) == 0
    assert "--pixel-size 0.390625nm" in capsys.readouterr().out
