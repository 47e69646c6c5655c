"""Shape rules and populations through the commands: predict, measure, populations; files, notes, refusals."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

import temj
from temj import annotations, cli, commands
from temj.annotations import roiset
from temj.data import Calibration, Instances, Micrograph, RoiType, Shape
from temj.errors import BadAnnotation, BadImage, BadValue, Refused
from temj.workflows.populations import NAMES

RULE = "long loop: AR > 1.6; round loop"
FILES = {"Populations.csv", "Porosity.csv", "Histograms.csv", "Histograms.png", "Histograms.svg"}


def predict(images: list[Path], output: Path, **parameters: object) -> dict:
    return commands.run("predict", {"images": images, "output": output, **parameters})


def rows(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(file.read_text("utf-8").splitlines()))


def bars(path: Path, name: str = "defect") -> Path:
    """A ROI set of a square and a bar, both named and in group 1."""
    shapes = [Shape(RoiType.RECT, params=box, subpixel=False) for box in ((10, 10, 20, 20), (10, 60, 90, 6))]
    roiset.write(path, Instances.of(shapes, class_name=name, name=np.array(["mine", "yours"], object), group=1))
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, field: np.ndarray) -> Path:
    """The results of two calibrated images with a rule."""
    folder = tmp_path_factory.mktemp("run")
    for name, pixels in (("a", field), ("b", field[::-1])):
        tifffile.imwrite(
            folder / f"{name}.tif", pixels, imagej=True, metadata={"unit": "nm"}, resolution=(2.56, 2.56)
        )  # fmt: skip
    predict([folder / "a.tif", folder / "b.tif"], folder / "out", shape_rule=RULE, skeleton="long loop")
    return folder / "out"


def test_a_rule_gives_classes_to_all_files_of_a_prediction(run: Path) -> None:
    found, results = annotations.read(run / "a_RoiSet.zip"), rows(run / "a_Results.csv")
    assert set(found.class_name) == {"long loop", "round loop"}
    assert [row["Class"] for row in results] == list(found.class_name)
    assert [row["GroupName"] for row in results] == list(found.class_name)
    assert {(row["Class"], row["Group"]) for row in results} == {("long loop", "1"), ("round loop", "2")}
    for number, (row, name) in enumerate(zip(results, found.name, strict=True), start=1):
        assert name == f"{row['Class']}-{number:04d}"
        assert (float(row["AR"]) > 1.6) == (row["Class"] == "long loop")
        assert (row["SkeletonLength"] != "NaN") == (row["Class"] == "long loop")
        if row["Class"] == "long loop":
            assert float(row["SkeletonPath"]) <= 1.3 * float(row["Feret"])
            assert float(row["SkeletonWidth"]) == pytest.approx(
                float(row["Area"]) / float(row["SkeletonLength"]), rel=0.01
            )  # fmt: skip
    summary = [(row["Slice"], row["Class"]) for row in rows(run / "Summary.csv")]
    assert summary == [(image, name) for image in ("a.tif", "b.tif") for name in ("long loop", "round loop")]


def test_the_rule_stands_in_the_record_the_notes_and_the_populations(run: Path) -> None:
    told = json.loads((run / "run.json").read_text())
    assert told["options"]["shape_rule"] == RULE
    assert f"--shape-rule '{RULE}'" in told["command_line"]
    assert f"shape_rule=[{RULE}]" in told["macro_line"]
    for entry in told["images"]:
        assert entry["prediction"]["shape_rule"] == RULE
        assert entry["prediction"]["classes"] == ["long loop", "round loop"]
        assert len(set(entry["prediction"]["colours"].values())) == 2
        assert f"classes by shape: {RULE}" in entry["notes"]
    table = rows(run / "Populations.csv")
    assert {(row["Class"], row["Rule"]) for row in table} == {
        ("long loop", "AR > 1.6"), ("round loop", "else"), ("all", ""),
    }  # fmt: skip


def test_populations_are_those_of_the_results(run: Path) -> None:
    table = {(row["Image"], row["Class"]): row for row in rows(run / "Populations.csv")}
    for image in "ab":
        results = rows(run / f"{image}_Results.csv")
        for name in ("long loop", "round loop"):
            areas = [float(row["Area"]) for row in results if row["Class"] == name]
            told = table[f"{image}.tif", name]
            assert int(told["Count"]) == len(areas)
            if not areas:
                continue
            assert float(told["Mean Area"]) == pytest.approx(np.mean(areas), rel=1e-4)
            assert float(told["Projected Area (%)"]) == pytest.approx(
                100 * sum(areas) / float(told["Analysed Area"]), abs=2e-3
            )  # fmt: skip
    both = table["all images", "all"]
    assert int(both["Count"]) == sum(int(table[f"{image}.tif", "all"]["Count"]) for image in "ab")
    porosity = rows(run / "Porosity.csv")
    assert [row["Image"] for row in porosity] == ["a.tif", "b.tif", "all images"]
    assert porosity[-1]["Count"] == both["Count"]
    assert porosity[-1]["Projected Porosity (%)"] == both["Projected Area (%)"]


def test_histograms_are_there_for_each_image_and_all(run: Path) -> None:
    table = rows(run / "Histograms.csv")
    assert {row["Image"] for row in table} == {"all images", "a.tif", "b.tif"}
    edges = {}
    for row in table:
        edges.setdefault((row["Image"], row["Class"], row["Quantity"]), []).append(row["Low"])
    assert all(low == edges["all images", name, quantity] for (_, name, quantity), low in edges.items())
    assert cv2.imread(str(run / "Histograms.png")) is not None
    assert "<svg" in (run / "Histograms.svg").read_text()


def test_another_rule_without_predicting_again(run: Path, tmp_path: Path) -> None:
    same = commands.run("populations", {"source": run, "output": tmp_path / "same", "skeleton": "long loop"})
    for name in FILES:
        assert (tmp_path / "same" / name).read_bytes() == (run / name).read_bytes(), name
    assert {Path(file).name for file in same["files"]["File"]} == FILES
    other = commands.run(
        "populations", {"source": run, "output": tmp_path / "other", "shape_rule": "large: Area > 100nm2; small"}
    )
    assert set(other["populations"]["Class"]) == {"large", "small", "all"}
    assert other["populations"]["Count"][-1] == same["populations"]["Count"][-1]
    assert "classes by shape: large: Area > 100 nm²; small" in list(other["notes"]["Note"])
    account = commands.command("populations").account(other)
    assert account.startswith("all images:\n  large: ")
    assert "projected area fraction" in account


def test_populations_are_never_replaced_unasked_or_left_behind(run: Path, tmp_path: Path, micrograph) -> None:
    with pytest.raises(Refused, match=r"Populations\.csv"):
        commands.run("populations", {"source": run, "output": run})
    image, output = micrograph("c.tif"), tmp_path / "out"
    predict([image], output, populations=True)
    assert {file.name for file in output.iterdir()} > FILES
    with pytest.raises(Refused):
        predict([image], output, populations=True)
    predict([image], output, overwrite=True)
    assert not set(NAMES) & {file.name for file in output.iterdir()}


def test_the_pictures_of_a_run_are_no_images_of_the_next(tmp_path: Path, micrograph) -> None:
    image = micrograph("c.tif")
    predict([image], tmp_path, populations=True)
    again = predict([tmp_path], tmp_path / "again")
    assert list(dict.fromkeys(again["summary"]["Slice"])) == ["c.tif"]


def test_without_a_rule_nothing_is_new(tmp_path: Path, micrograph) -> None:
    predict([micrograph("c.tif")], tmp_path / "out")
    assert not FILES & {file.name for file in (tmp_path / "out").iterdir()}
    assert "Skeleton" not in (tmp_path / "out" / "c_Results.csv").read_text()


def test_film_planes_are_fields(tmp_path: Path, micrograph, field: np.ndarray) -> None:
    empty = np.full_like(field, 120)
    image = micrograph("film.tif", np.stack([field, empty, field[::-1]]))
    predict([image], tmp_path / "out", shape_rule=RULE)
    table = rows(tmp_path / "out" / "Populations.csv")
    every = [row for row in table if row["Class"] == "all"]
    assert [row["Image"] for row in every] == ["film.tif:1", "film.tif:2", "film.tif:3", "all images"]
    counts = [int(row["Count"]) for row in every]
    assert counts[1] == 0
    assert counts[3] == sum(counts[:3]) == len(rows(tmp_path / "out" / "film_Results.csv"))


def test_a_rule_in_nm_refuses_an_image_without_pixel_size_and_the_others_go_on(tmp_path: Path, micrograph) -> None:
    images = [micrograph("known.tif"), micrograph("unknown.tif", nm=None)]
    outputs = predict(images, tmp_path / "out", shape_rule="long: Feret > 8nm; short")
    assert list(outputs["failures"]["Code"]) == ["BadValue/pixel-size"]
    assert "unknown.tif" in outputs["failures"]["Message"][0]
    assert list(outputs["summary"]["Slice"]) == ["known.tif"] * 2
    plain = predict(images, tmp_path / "px", shape_rule="long: Feret > 20px; short")
    assert not len(plain["failures"])
    names = {file.name for file in (tmp_path / "px").iterdir()}
    assert set(NAMES) <= names, "sizes in nm and in pixels have pictures of their own"


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"shape_rule": "crack: Solidty < 0.9; pore"}, "Did you mean 'Solidity'"),
        ({"shape_rule": "pores-and-crack"}, "Did you mean 'pores-and-cracks'"),
        ({"skeleton": "lop"}, "Did you mean 'loop'"),
        ({"shape_rule": RULE, "skeleton": "loop"}, "long loop"),
    ],
)
def test_mistakes_are_told_before_the_first_image(tmp_path: Path, micrograph, parameters: dict, words: str) -> None:
    with pytest.raises(BadValue, match=words):
        predict([micrograph("c.tif")], tmp_path / "out", **parameters)
    assert not (tmp_path / "out").exists()


def test_python_dialog_and_files_give_the_same_objects(run: Path, tmp_path: Path) -> None:
    micrograph = temj.open(run.parent / "a.tif")
    found = temj.predict(micrograph, shape_rule=RULE)
    stored = annotations.read(run / "a_RoiSet.zip")
    assert found.name.tolist() == stored.name.tolist()
    outputs = commands.run("predict", {"shape_rule": RULE}, {"micrograph": micrograph})
    assert outputs["instances"].name.tolist() == stored.name.tolist()
    assert outputs["populations"]["Class"].tolist() == ["long loop", "round loop", "all"]
    assert set(outputs["instances"].info["colours"]) == {"long loop", "round loop"}


def test_measure_tells_apart_and_keeps_the_names(tmp_path: Path, micrograph) -> None:
    image, rois = micrograph("m.tif", nm=2.0), bars(tmp_path / "m.zip")
    outputs = commands.run(
        "measure", {"image": image, "rois": rois, "output": tmp_path / "m.csv", "shape_rule": "crack: AR > 3; pore"}
    )
    results = outputs["results"]
    assert results["Class"].tolist() == ["pore", "crack"]
    assert results["GroupName"].tolist() == ["pore", "crack"]
    assert results["Label"].tolist() == ["m.tif:mine", "m.tif:yours"]
    assert np.isnan(results["SkeletonLength"][0])
    assert results["SkeletonLength"][1] == pytest.approx(180, rel=0.03)
    assert results["SkeletonWidth"][1] == pytest.approx(12, rel=0.03)
    assert "classes by shape: crack: AR > 3; pore" in list(outputs["notes"]["Note"])
    assert results.names[-5:] == (
        "SkeletonLength", "SkeletonPath", "SkeletonWidth", "SkeletonMaxWidth", "SkeletonBranches",
    )  # fmt: skip
    plain = commands.run("measure", {}, {"micrograph": temj.open(image), "instances": annotations.read(rois)})[
        "results"
    ]
    assert "SkeletonLength" not in plain
    every = commands.run(
        "measure", {"skeleton": "all"}, {"micrograph": temj.open(image), "instances": annotations.read(rois)}
    )["results"]
    assert np.isfinite(every["SkeletonLength"]).all()


def test_classes_of_cracks_have_their_skeleton_measured_unless_told_not_to() -> None:
    shapes = [Shape(RoiType.RECT, params=(10, 60, 90, 6), subpixel=False)]
    micrograph = Micrograph(np.zeros((100, 200), np.uint8), Calibration(2, 2, "nm"))
    cracks = Instances.of(shapes, class_name="Nanocrack")
    assert temj.measure(micrograph, cracks)["SkeletonLength"][0] == pytest.approx(180, rel=0.03)
    assert "SkeletonLength" not in temj.measure(micrograph, cracks, skeleton="none")


def test_masks_of_others_have_populations_too(tmp_path: Path) -> None:
    """A folder of class masks and their images: pixel size by the user, projected area fraction of each class."""
    (tmp_path / "masks").mkdir()
    for name, side in (("a", 20), ("b", 40)):
        mask = np.zeros((100, 200), np.uint8)
        mask[10 : 10 + side, 10:30], mask[70:73, 20:120] = 1, 2
        tifffile.imwrite(tmp_path / "masks" / f"{name}.tif", mask)
    parameters = {"source": tmp_path / "masks", "output": tmp_path / "out", "pixel_size": "2", "masks": "classes"}
    outputs = commands.run("populations", {**parameters, "classes": ["pore", "crack"]})
    table = outputs["populations"]
    told = dict(zip(zip(table["Image"], table["Class"], strict=True), range(len(table)), strict=True))
    both = told["all images", "pore"]
    assert table["Projected Area (%)"][both] == pytest.approx(100 * 20 * 60 / 40000)
    assert table["Mean Area"][both] == 20 * 30 * 4
    crack = told["all images", "crack"]
    assert table["Mean Length"][crack] == pytest.approx(200, rel=0.03)
    assert table["Mean Width"][crack] == pytest.approx(6, rel=0.03)
    again = commands.run(
        "populations", {**parameters, "overwrite": True, "pixel_size": "", "shape_rule": "large: Area > 500px2; small"}
    )
    assert set(again["populations"]["Unit"]) == {"pixel"}
    assert "pixel size unknown: sizes in pixels, no densities" in list(again["notes"]["Note"])


def test_what_has_no_size_or_was_changed_is_told(tmp_path: Path, run: Path) -> None:
    with pytest.raises(BadImage, match="--images"):
        commands.run("populations", {"source": bars(tmp_path / "m.zip"), "output": tmp_path / "out"})
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in run.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    bars(copy / "a_RoiSet.zip")
    with pytest.raises(BadAnnotation, match=r"objects of run\.json"):
        commands.run("populations", {"source": copy, "output": tmp_path / "out"})
    (copy / "run.json").write_text(json.dumps(json.loads((copy / "run.json").read_text()) | {"images": []}))
    with pytest.raises(BadValue, match="no-images"):
        commands.run("populations", {"source": copy, "output": tmp_path / "out"})
    assert not (tmp_path / "out").exists()


def test_the_command_line(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    words = ["populations", str(run), "--output", str(tmp_path / "out"), "--shape-rule", "pores-and-cracks"]
    assert cli.main(words) == 0
    assert "crack: " in capsys.readouterr().out
    assert cli.main(words) == 2
    assert "Refused/exists" in capsys.readouterr().err
    assert cli.main([*words[:-1], "crack: AR >> 3; pore", "--overwrite"]) == 2
    assert "character 12" in capsys.readouterr().err
