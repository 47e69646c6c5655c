"""``temj measure``: the table of a prediction again, and nothing that is left out in silence."""

import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import temj
from temj import annotations, commands
from temj.annotations import roiset
from temj.data import Instances, Micrograph, RoiType, Shape
from temj.data.table_text import to_csv
from temj.errors import BadValue, Refused


def rect(*params: float) -> Shape:
    return Shape(RoiType.RECT, params=(*params, 0), subpixel=False)


def measure(image: Path, rois: Path, output: Path, **parameters: object) -> dict:
    return commands.run("measure", {"image": image, "rois": rois, "output": output, **parameters})


def rois_file(path: Path, shapes: list[Shape]) -> Path:
    names = np.array([f"r{k}" for k in range(len(shapes))], object)
    roiset.write(path, Instances.of(shapes, name=names, class_name="loop"))
    return path


def test_the_rois_of_a_prediction_give_its_results(tmp_path: Path, micrograph, field) -> None:
    for image in (micrograph("one.tif"), micrograph("film.tif", np.stack([field, field[::-1]]))):
        commands.run("predict", {"images": [image], "output": tmp_path / image.stem})
        results, rois = (tmp_path / image.stem / f"{image.stem}_{end}" for end in ("Results.csv", "RoiSet.zip"))
        assert annotations.read(rois).info == {"diameter": {"loop": "major"}}
        measure(image, rois, tmp_path / "auto.csv", overwrite=True)
        assert (tmp_path / "auto.csv").read_text() == results.read_text()
        film, found = temj.open_film(image), annotations.read(rois)
        assert to_csv(temj.measure(film, found)) == results.read_text()
        measure(image, rois, tmp_path / "equivalent.csv", diameter="equivalent", overwrite=True)
        assert (tmp_path / "equivalent.csv").read_text() != results.read_text()


def test_rois_that_say_nothing_have_the_diameter_of_the_equal_area(tmp_path: Path, micrograph) -> None:
    rois = rois_file(tmp_path / "a.zip", [rect(10, 10, 30, 10)])
    image = micrograph("a.tif", nm=None)
    diameters = [
        measure(image, rois, tmp_path / "a.csv", overwrite=True, **given)["results"]["Diameter"][0]
        for given in ({}, {"diameter": "equivalent"}, {"diameter": "major"})
    ]
    assert diameters[0] == diameters[1] == pytest.approx(2 * np.sqrt(300 / np.pi))
    assert diameters[2] > diameters[0]


def test_damaged_rois_are_named_and_the_exit_code_is_3(tmp_path: Path, micrograph) -> None:
    image, rois = micrograph("a.tif"), rois_file(tmp_path / "a.zip", [rect(10, 10, 30, 10), rect(50, 10, 5, 5)])
    words = ["measure", image, "--rois", rois, "--output", tmp_path / "a.csv"]
    command = [sys.executable, "-m", "temj", *map(str, words)]
    sound = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (sound.returncode, sound.stderr) == (0, "")
    assert "left out" not in sound.stdout
    before = (tmp_path / "a.csv").read_text()
    with zipfile.ZipFile(rois, "a") as archive:
        archive.writestr("broken.roi", b"Iout")
    told = subprocess.run([*command, "--overwrite"], capture_output=True, text=True, timeout=120)
    assert told.returncode == 3
    assert "2 objects measured." in told.stdout
    assert "1 ROI was left out:" in told.stdout
    assert "a.zip/broken.roi" in told.stdout
    assert (tmp_path / "a.csv").read_text() == before
    failures = measure(image, rois, tmp_path / "a.csv", overwrite=True)["failures"]
    assert failures.names == ("Image", "Code", "Message")
    assert [list(column.values) for column in failures][:2] == [[str(image)], ["BadAnnotation/roi"]]


def test_rois_outside_the_image_are_counted(tmp_path: Path, micrograph) -> None:
    inside = [rect(0, 0, 256, 192), Shape(RoiType.POINT, [[0, 0]]), Shape(RoiType.POINT, [[255, 191]])]
    partly = [rect(-3, 3, 5, 6), rect(250, 186, 7, 6), Shape(RoiType.OVAL, params=(-1.5, 5, 9, 9))]
    wholly = [rect(256, 3, 5, 6), rect(3, -6, 5, 6), Shape(RoiType.POINT, [[256, 3]]), rect(900, 900, 5, 5)]
    image = micrograph("a.tif")

    def notes(shapes: list[Shape]) -> list[str]:
        rois = rois_file(tmp_path / "a.zip", shapes)
        outputs = measure(image, rois, tmp_path / "a.csv", overwrite=True)
        account = commands.command("measure").account(outputs)
        assert all(f"  note: {note}" in account.splitlines() for note in outputs["notes"]["Note"])
        return list(outputs["notes"]["Note"])

    assert notes(inside) == []
    first, second = notes([*partly, *inside, *wholly])
    assert first.startswith("3 ROIs lie partly outside the image (r0, r1, r2): area")
    assert second.startswith("4 ROIs lie wholly outside the image (r6, r7, r8, r9): there is nothing")
    assert notes(wholly[:1])[0].startswith("1 ROI lies wholly outside the image (r0)")
    micrograph_and_rois = {"micrograph": temj.open(image), "instances": annotations.read(tmp_path / "a.zip")}
    assert len(commands.run("measure", {}, micrograph_and_rois)["notes"]) == 1


def test_an_existing_table_is_kept(tmp_path: Path, micrograph) -> None:
    rois = rois_file(tmp_path / "a.zip", [rect(10, 10, 30, 10)])
    (tmp_path / "a.csv").write_text("mine")
    with pytest.raises(Refused, match="exists"):
        measure(micrograph("a.tif"), rois, tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == "mine"


def test_the_folder_of_the_table_is_made_and_a_folder_is_no_table(tmp_path: Path, micrograph) -> None:
    image, rois = micrograph("a.tif"), rois_file(tmp_path / "a.zip", [rect(10, 10, 30, 10)])
    table = tmp_path / "new" / "deeper" / "Results.csv"
    measure(image, rois, table)
    assert table.read_text("utf-8").startswith(" ,Label,")
    assert [file.name for file in table.parent.iterdir()] == ["Results.csv"]
    with pytest.raises(BadValue, match=r"a table, such as Results\.csv.*the folder .*deeper"):
        measure(image, rois, table.parent, overwrite=True)


def test_a_selection_of_several_points_is_not_shortened_in_silence() -> None:
    micrograph = Micrograph(np.zeros((20, 20), np.uint8))
    points = Instances.of([Shape(RoiType.POINT, points=[[1, 2], [5, 6]]), Shape(RoiType.POINT, points=[[3, 3]])])
    outputs = commands.run("measure", {}, {"micrograph": micrograph, "instances": points})
    assert len(outputs["results"]) == 2
    assert [note for note in outputs["notes"]["Note"] if "only the first" in note] == [
        "1 ROIs have several points: only the first of each is measured"
    ]


def test_profiles_stand_beside_the_table_and_are_not_replaced_unasked(tmp_path: Path, micrograph) -> None:
    rois, image = tmp_path / "a.zip", micrograph("a.tif")
    shapes = [Shape(RoiType.OVAL, params=(60, 60, 30, 24)), Shape(RoiType.POINT, [[9, 9]])]
    info = {"edge": {"loop": "middle of the ring", "dot": "where it looks right"}}
    names, classes = np.array(["a", "b"], object), np.array(["loop", "dot"], object)
    roiset.write(rois, Instances.of(shapes, name=names, class_name=classes, info=info))
    outputs = measure(image, rois, tmp_path / "r.csv", edge_profile=True)
    assert annotations.read(rois).info["edge"] == info["edge"]
    files = [Path(file).name for file in outputs["files"]["File"]]
    assert files == ["r.csv", "r_profiles.csv", "r_edges.csv", "r_profiles.png"]
    assert all((tmp_path / file).stat().st_size for file in files)
    assert list(outputs["edges"]["Edge"]) == ["middle"]
    assert list(outputs["edges"]["Label"]) == ["a.tif:a"]
    assert list(outputs["results"]["Edge"]) == ["middle of the ring", "where it looks right"]
    notes = "\n".join(outputs["notes"]["Note"])
    assert "'where it looks right' is none of the four" in notes
    assert "1 of 2 ROIs have no profile" in notes
    (tmp_path / "r.csv").unlink()
    before = (tmp_path / "r_edges.csv").read_bytes()
    with pytest.raises(Refused, match=r"r_profiles\.csv"):
        measure(image, rois, tmp_path / "r.csv", edge_profile=True)
    assert not (tmp_path / "r.csv").exists()
    measure(image, rois, tmp_path / "r.csv", edge_profile=True, overwrite=True)
    assert (tmp_path / "r_edges.csv").read_bytes() == before
    plain = measure(image, rois, tmp_path / "plain.csv")
    assert not {"profiles", "edges"} & set(plain)
    assert not list(tmp_path.glob("plain_*"))
