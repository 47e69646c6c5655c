"""``temj predict`` on films: chosen frames, averages, folders of frames, films that were cut off."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import roifile
import tifffile

from temj import cli, commands
from temj.errors import BadValue, Refused


def predict(images: list[Path], output: Path, **parameters: object) -> dict:
    return commands.run("predict", {"images": images, "output": output, **parameters})


def columns(path: Path) -> dict[str, list[str]]:
    lines = [line.split(",") for line in path.read_text().splitlines()]
    return {name: [row[number] for row in lines[1:]] for number, name in enumerate(lines[0])}


def same(found: list[str], expected: list[str]) -> None:
    """Equal texts, or equal numbers whatever the decimals (whole numbers have none if the whole column is whole)."""
    try:
        assert np.array(found, float) == pytest.approx(np.array(expected, float), abs=5e-4, nan_ok=True)
    except ValueError:
        assert found == expected


@pytest.fixture(scope="session")
def frames(field: np.ndarray) -> np.ndarray:
    """8 frames of a field that drifts by 2 px a frame, 8-bit."""
    return np.stack([field[k : k + 96, 2 * k : 2 * k + 128] for k in range(0, 16, 2)])


@pytest.fixture
def film(tmp_path: Path, frames: np.ndarray) -> Path:
    """The same as an AVI without loss."""
    path = tmp_path / "film.avi"
    code, options = cv2.VideoWriter_fourcc(*"FFV1"), [cv2.VIDEOWRITER_PROP_IS_COLOR, 0]
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, code, 10.0, frames.shape[:0:-1], options)
    for pixels in frames:
        writer.write(np.ascontiguousarray(pixels))
    writer.release()
    return path


@pytest.fixture
def half(film: Path) -> Path:
    """The first frames of it, as a recording that was cut off leaves them."""
    path = film.with_name("half.avi")
    path.write_bytes(film.read_bytes()[: int(film.stat().st_size * 0.7)])
    return path


def test_chosen_frames_have_the_results_they_have_in_the_whole_film(tmp_path: Path, film: Path) -> None:
    predict([film], tmp_path / "whole", pixel_size="0.390625")
    predict([film], tmp_path / "cut", pixel_size="0.390625", frames="2-8-3")
    whole, cut = (columns(tmp_path / name / "film_Results.csv") for name in ("whole", "cut"))
    kept = [row for row, frame in enumerate(whole["Frame"]) if frame in ("2", "5", "8")]
    assert kept
    for name in set(whole) - {" ", "Label"}:
        same(cut[name], [whole[name][row] for row in kept])
    summary = columns(tmp_path / "cut" / "Summary.csv")
    assert summary["Slice"] == ["film.avi:2", "film.avi:5", "film.avi:8"]
    assert sum(map(int, summary["Count"])) == len(kept)
    rois = roifile.roiread(tmp_path / "cut" / "film_RoiSet.zip")
    assert [roi.t_position for roi in rois] == [int(frame) for frame in cut["Frame"]]
    labels = tifffile.imread(tmp_path / "cut" / "film_labels.tif")
    assert labels.shape[0] == 3
    for index, frame in enumerate(("2", "5", "8")):
        own = [row for row, of in enumerate(cut["Frame"], start=1) if of == frame]
        assert set(np.unique(labels[index])) - {0} == set(own)
    run = json.loads((tmp_path / "cut" / "run.json").read_text())
    assert run["options"]["frames"] == "2-8-3"
    assert "--frames 2-8-3" in run["command_line"]
    assert "macro_line" not in run
    assert run["images"][0]["film"] == {"dimensions": [1, 1, 3], "frame_interval_s": pytest.approx(0.3)}


def test_averages_are_predicted_as_the_mean_of_their_frames(tmp_path: Path, film: Path, frames, micrograph) -> None:
    predict([film], tmp_path / "film", pixel_size="0.390625", average=3)
    mean = frames[3:6].mean(axis=0).astype(np.float32)
    predict([micrograph("mean.tif", mean)], tmp_path / "mean")
    found, expected = columns(tmp_path / "film" / "film_Results.csv"), columns(tmp_path / "mean" / "mean_Results.csv")
    rows = [row for row, frame in enumerate(found["Frame"]) if frame == "4"]
    assert rows
    for name in set(expected) - {" ", "Label"}:
        same([found[name][row] for row in rows], expected[name])
    assert columns(tmp_path / "film" / "Summary.csv")["Slice"] == ["film.avi:1-3", "film.avi:4-6"]
    notes = json.loads((tmp_path / "film" / "run.json").read_text())["images"][0]["notes"]
    assert any("mean of 3 frames each" in note for note in notes)
    assert any("the last 2 of 8 frames" in note for note in notes)


def test_one_frame_cut_out_still_names_its_frame(tmp_path: Path, film: Path) -> None:
    predict([film], tmp_path / "out", frames="5")
    assert set(columns(tmp_path / "out" / "film_Results.csv")["Frame"]) == {"5"}
    assert columns(tmp_path / "out" / "Summary.csv")["Slice"] == ["film.avi:5"]
    assert {roi.t_position for roi in roifile.roiread(tmp_path / "out" / "film_RoiSet.zip")} == {5}
    assert tifffile.imread(tmp_path / "out" / "film_labels.tif").ndim == 2


def test_a_folder_is_one_film_or_many_images(tmp_path: Path, frames, micrograph) -> None:
    for number, pixels in enumerate(frames[:3], start=9):
        micrograph(f"run.1/im{number}.tif", pixels)
    (tmp_path / "run.1" / ".DS_Store").write_bytes(b"x")
    predict([tmp_path / "run.1"], tmp_path / "film", film=True)
    many = predict([tmp_path / "run.1"], tmp_path / "many")
    one = columns(tmp_path / "film" / "Summary.csv")
    assert one["Slice"] == ["run.1:im9", "run.1:im10", "run.1:im11"]
    assert sorted(one["Count"]) == sorted(str(int(count)) for count in many["summary"]["Count"])
    assert (tmp_path / "film" / "run.1_RoiSet.zip").exists()
    notes = json.loads((tmp_path / "film" / "run.json").read_text())["images"][0]["notes"]
    assert any("1 hidden file" in note for note in notes)


def test_a_frame_unlike_the_others_stops_its_film_before_anything_is_predicted(
    tmp_path: Path, frames, micrograph, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, pixels in enumerate(frames[:3], start=1):
        micrograph(f"run/im{number}.tif", pixels, 0.4 if number == 3 else 0.390625)

    def never(*arguments: object, **options: object) -> None:
        raise AssertionError("a prediction was begun")

    monkeypatch.setattr("temj.inference.planes", never)
    outputs = predict([tmp_path / "run"], tmp_path / "out", film=True)
    assert list(outputs["failures"]["Code"]) == ["BadImage/frame-differs"]
    assert "im3.tif" in outputs["failures"]["Message"][0]


def test_a_plane_that_is_not_finite_is_named_before_anything_is_predicted(tmp_path: Path, frames, micrograph) -> None:
    stack = frames[:4].astype(np.float32)
    stack[2, 5, 5] = np.nan
    film = micrograph("film.tif", stack)
    outputs = predict([film], tmp_path / "out")
    assert list(outputs["failures"]["Code"]) == ["BadImage/nonfinite"]
    assert "film.tif (plane 3)" in outputs["failures"]["Message"][0]
    assert len(predict([film], tmp_path / "filled", fill=True)["summary"]) == 4
    assert len(predict([film], tmp_path / "averaged", average=4)["summary"]) == 1


def test_a_film_cut_off_is_skipped_and_the_rest_goes_on(tmp_path: Path, half: Path, micrograph) -> None:
    outputs = predict([half, micrograph("a.tif")], tmp_path / "out")
    assert list(outputs["failures"]["Code"]) == ["BadImage/truncated"]
    assert "--allow-partial" in outputs["failures"]["Message"][0]
    assert list(outputs["summary"]["Slice"]) == ["a.tif"]
    assert "Partial" not in outputs["summary"].names


def test_what_can_be_read_of_a_film_is_predicted_marked_and_reported(
    tmp_path: Path, half: Path, micrograph, capsys: pytest.CaptureFixture
) -> None:
    words = ["predict", str(half), str(micrograph("a.tif")), "--output", str(tmp_path / "out"), "--allow-partial"]
    assert cli.main(words) == 3
    summary = columns(tmp_path / "out" / "Summary.csv")
    count = len(summary["Slice"]) - 1
    assert 1 < count < 8
    assert summary["Partial"] == [f"{count}/8"] * count + [""]
    told = capsys.readouterr().out
    assert f"BadImage/truncated: {half}. Expected 8 frames, found a part: {count} of 8 frames were read" in told
    assert f"note: partial: {count} of 8 frames could be read" in told
    before = (tmp_path / "out" / "Summary.csv").read_bytes()
    assert cli.main([*words, "--resume"]) == 3
    assert (tmp_path / "out" / "Summary.csv").read_bytes() == before
    with pytest.raises(Refused, match=r"frames:  -> 1-2"):
        predict([half, tmp_path / "a.tif"], tmp_path / "out", resume=True, allow_partial=True, frames="1-2")


@pytest.mark.parametrize("text", ["x", "5-2", "0-0-0", "1;2"])
def test_frames_that_cannot_be_understood_stop_the_run_before_it_begins(tmp_path: Path, film: Path, text: str) -> None:
    with pytest.raises(BadValue, match="Make Substack"):
        predict([film], tmp_path / "out", frames=text)
    assert not (tmp_path / "out").exists()


def test_frames_that_one_film_does_not_have_cost_only_this_film(tmp_path: Path, film: Path, micrograph) -> None:
    outputs = predict([film, micrograph("a.tif")], tmp_path / "out", frames="7-8")
    assert list(outputs["failures"]["Code"]) == ["BadValue/frames"]
    assert list(outputs["summary"]["Slice"]) == ["film.avi:7", "film.avi:8"]


def test_notes_of_single_planes_name_their_number_in_the_file(tmp_path: Path, frames, micrograph) -> None:
    stack = frames.copy()
    stack[4] = 9
    predict([micrograph("film.tif", stack)], tmp_path / "out", frames="3-7:2")
    notes = json.loads((tmp_path / "out" / "run.json").read_text())["images"][0]["notes"]
    assert "constant image (plane 5)" in notes


def test_a_zarr_image_is_one_image_and_resumes(tmp_path: Path, frames) -> None:
    import zarr

    path = tmp_path / "in" / "a.zarr"
    group = zarr.open_group(str(path), mode="w")
    scale = [{"type": "scale", "scale": [1, 0.390625, 0.390625]}]
    axes = [{"name": "t", "type": "time"}, *({"name": name, "type": "space", "unit": "nanometer"} for name in "yx")]
    said = {"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": scale}]}
    group.attrs["ome"] = {"version": "0.5", "multiscales": [said]}
    group.create_array("0", data=frames[:2])
    predict([tmp_path / "in"], tmp_path / "out")
    assert columns(tmp_path / "out" / "Summary.csv")["Unit"] == ["nm", "nm"]
    kept = (tmp_path / "out" / "a_Results.csv").stat().st_mtime_ns
    predict([tmp_path / "in"], tmp_path / "out", resume=True)
    assert (tmp_path / "out" / "a_Results.csv").stat().st_mtime_ns == kept
    group["0"][0, 0, 0] = 3
    predict([tmp_path / "in"], tmp_path / "out", resume=True)
    assert (tmp_path / "out" / "a_Results.csv").stat().st_mtime_ns != kept


def test_labels_of_a_long_film_are_written_plane_by_plane(tmp_path: Path) -> None:
    import tracemalloc

    from temj.annotations import masks
    from temj.data import Calibration

    shape, count = (512, 512), 60
    scale = Calibration(0.5, 0.5, "nm")
    tracemalloc.start()
    try:
        planes = (np.full(shape, number % 5) for number in range(count))
        masks.write_label_planes(tmp_path / "a.tif", planes, masks.label_header(shape, 4, scale, (1, 1, count)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 6e6 < 2 * count * shape[0] * shape[1]
    whole = np.stack([np.full(shape, number % 5) for number in range(count)])
    masks.write_labels(tmp_path / "b.tif", whole, scale, dimensions=(1, 1, count))
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()


def test_a_film_whose_drift_border_is_nan_is_predicted(tmp_path: Path, field: np.ndarray) -> None:
    stack = np.stack([field, field]).astype(np.float32)
    stack[0, :, :12] = np.nan
    stack[1, :9] = np.nan
    scale = {"resolution": (1 / 0.390625, 1 / 0.390625), "metadata": {"axes": "TYX", "unit": "nm"}}
    tifffile.imwrite(tmp_path / "a.tif", stack, imagej=True, **scale)
    assert cli.main(["predict", str(tmp_path / "a.tif"), "--output", str(tmp_path / "out")]) == 0
    run = json.loads((tmp_path / "out" / "run.json").read_text("utf-8"))
    assert any("blank border" in note for note in run["images"][0]["notes"])
