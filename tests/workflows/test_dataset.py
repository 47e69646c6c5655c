"""``temj dataset new``, ``check`` and ``split`` as their user meets them."""

import csv
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from temj import commands, datasets, resources
from temj.annotations import roiset
from temj.cli import main
from temj.data import Instances, RoiType, Shape
from temj.errors import BadValue, Cancelled, Refused
from temj.workflows.dataset_check import check_dataset

ALL = {
    "problems.csv", "classes.csv", "objects.csv", "images.csv", "contact_sheet.png", "classes.png", "run.json",
}  # fmt: skip


@pytest.fixture
def loops(tmp_path: Path) -> Path:
    """A copy of the shipped samples."""
    return Path(shutil.copytree(resources.folder("samples") / "loops", tmp_path / "loops"))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_check_writes_tables_and_pictures(loops: Path, tmp_path: Path, capsys: pytest.CaptureFixture):
    output = tmp_path / "checked"
    assert main(["dataset", "check", str(loops), "--output", str(output)]) == 0
    told = capsys.readouterr().out
    assert "loop   loop      16      188      124    64" in told
    assert "0 errors, 0 warnings." in told
    assert {path.name for path in output.iterdir()} == ALL
    assert len(rows(output / "objects.csv")) == 188
    (row,) = rows(output / "classes.csv")
    assert (row["Objects"], row["Train"], row["Validation"]) == ("188", "124", "64")
    sheet = cv2.imread(str(output / "contact_sheet.png"))
    assert sheet.shape[1] == 6 * 310 + 10
    run = json.loads((output / "run.json").read_text())
    assert run["command"] == "dataset check"
    assert run["command_line"].startswith("temj dataset check ")
    assert (run["errors"], run["warnings"]) == (0, 0)
    assert main(["dataset", "check", str(loops), "--output", str(output)]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main(["dataset", "check", str(loops), "--output", str(output), "--overwrite"]) == 0


def test_errors_and_strict_warnings_give_exit_code_3(loops: Path, capsys: pytest.CaptureFixture):
    shutil.copy(loops / "images" / "01.png", loops / "images" / "04.png")
    assert main(["dataset", "check", str(loops)]) == 0
    assert "the same picture is in several parts of the split: 01.png (train), 04.png (validation)" in (
        capsys.readouterr().out
    )
    assert main(["dataset", "check", str(loops), "--strict"]) == 3
    assert "Warnings count as errors" in capsys.readouterr().out
    (loops / "masks" / "02.png").unlink()
    (loops / "images" / "03.png").write_bytes(b"no picture")
    assert main(["dataset", "check", str(loops)]) == 3
    told = capsys.readouterr().out
    assert "Errors (2):" in told
    assert "images/02.png: not annotated" in told
    assert "images/03.png: BadImage/not-an-image" in told
    assert "2 errors, 1 warning." in told


def test_the_contact_sheet_of_a_broken_dataset_is_drawn(loops: Path, tmp_path: Path):
    (loops / "masks" / "02.png").unlink()
    (loops / "images" / "03.png").write_bytes(b"no picture")
    (loops / "masks" / "05.png").write_bytes(b"no mask")
    tables = check_dataset(loops, tmp_path / "out", False, {})
    assert len(tables["failures"]) == 3
    assert {path.name for path in (tmp_path / "out").iterdir()} == ALL


def test_check_can_be_stopped_and_then_writes_nothing(loops: Path, tmp_path: Path):
    calls = []

    def stop() -> bool:
        calls.append(None)
        return len(calls) > 3

    with pytest.raises(Cancelled):
        check_dataset(loops, tmp_path / "out", False, {}, cancelled=stop)
    assert not (tmp_path / "out").exists()


def test_counts_by_labelled_and_by_reported_class(loops: Path):
    values = json.loads((loops / "dataset.json").read_text())
    values |= {"class_map": {"faulted": "loop", "perfect": "loop"}}
    (loops / "dataset.json").write_text(json.dumps(values))
    shapes = [Shape(RoiType.RECT, params=(20 * k, 30, 10, 10, 0), subpixel=False) for k in range(3)]
    names = np.array(["faulted", "perfect", "faulted"], object)
    for path in (loops / "masks").iterdir():
        path.unlink()
        roiset.write(loops / "images" / f"{path.stem}_RoiSet.zip", Instances.of(shapes, class_name=names))
    table = check_dataset(loops, None, False, {})["classes"]
    assert list(zip(table["Class"], table["Labelled"], table["Objects"], strict=True)) == [
        ("loop", "all", 48), ("loop", "faulted", 32), ("loop", "perfect", 16),
    ]  # fmt: skip


def test_new_split_and_check_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture):
    source = tmp_path / "in"
    source.mkdir()
    rng = np.random.default_rng(0)
    for foil in "AB":
        for number in range(4):
            stem = f"foil{foil}_{number}"
            grey = rng.integers(0, 256, (60, 80), np.uint8)
            (source / f"{stem}.png").write_bytes(cv2.imencode(".png", grey)[1].tobytes())
            shapes = [Shape(RoiType.OVAL, params=(10 * k + 5, 20, 8, 8), subpixel=False) for k in range(number + 1)]
            roiset.write(source / f"{stem}_RoiSet.zip", Instances.of(shapes, class_name="loop"))
    folder = tmp_path / "new"
    words = ["--images", str(source), "--classes", "loop", "--pixel-size", "0.4um"]
    assert main(["dataset", "new", str(folder), *words]) == 0
    told = capsys.readouterr().out
    assert "16 files copied." in told
    assert "protocol.md" in told
    assert datasets.open_dataset(folder).pixel_size.size_text == "0.4 µm"
    assert main(["dataset", "new", str(folder), *words]) == 2
    assert "Nothing was changed" in capsys.readouterr().err

    split = ["dataset", "split", str(folder)]
    assert (
        main([*split, "--by", "group", "--group-pattern", "(foil.)_", "--fractions", "0.5", "0.5", "--seed", "2"]) == 0
    )
    told = capsys.readouterr().out
    assert "Part        Images  Groups  loop objects" in told
    values = json.loads((folder / "dataset.json").read_text())
    assert {stem[4] for stem in values["split"]["train"]} != {stem[4] for stem in values["split"]["validation"]}
    assert values["groups"]["foilA_0"] == "foilA"
    assert main([*split, "--folds", "4", "--stratify"]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main([*split, "--folds", "4", "--stratify", "--overwrite"]) == 0
    assert "fold 4      2" in capsys.readouterr().out
    dataset = datasets.open_dataset(folder)
    assert [len(part.validation) for part in datasets.folds(dataset)] == [2] * 4
    assert main(["dataset", "check", str(folder)]) == 0
    assert "images of one group are in several parts of the split: foil" in capsys.readouterr().out


def test_an_empty_dataset_says_what_comes_next(tmp_path: Path, capsys: pytest.CaptureFixture):
    assert main(["dataset", "check", str(tmp_path)]) == 2
    assert "Make the folder with 'temj dataset new'" in capsys.readouterr().err
    assert main(["dataset", "new", str(tmp_path / "new")]) == 0
    told = capsys.readouterr().out
    assert f"put images and annotations into {tmp_path / 'new' / 'images'}" in told
    assert f"then: temj dataset check {tmp_path / 'new'}" in told
    assert main(["dataset", "check", str(tmp_path / "new")]) == 2
    told = capsys.readouterr().err
    assert str(tmp_path / "new" / "images") in told
    assert "Put the images into it, each with its annotation (such as <name>_RoiSet.zip), then check again." in told


def test_questions_that_do_not_go_together(loops: Path):
    for options in (
        {"group_pattern": "x"}, {"by": "group", "group_pattern": "x", "sheet": "s.csv"}, {"fractions": ["0.5", "0.6"]},
        {"folds": 1}, {"by": "film"},
    ):  # fmt: skip
        with pytest.raises((BadValue, Refused)):
            commands.run("dataset split", {"dataset": str(loops), "overwrite": True, **options})
    with pytest.raises(Refused, match=r"exists.*dataset\.json"):
        commands.run("dataset split", {"dataset": str(loops)})


def test_a_model_carries_the_protocol_the_class_map_and_the_notes(tmp_path: Path):
    """From the dataset folder into the model folder, its card and run.json."""
    rng = np.random.default_rng(3)
    folder = tmp_path / "data"
    for part in ("images", "rois"):
        (folder / part).mkdir(parents=True)
    for stem in "abc":
        grey = rng.normal(140, 12, (64, 64))
        cv2.circle(grey, (30, 30), 9, 60.0, -1)
        (folder / "images" / f"{stem}.png").write_bytes(
            cv2.imencode(".png", grey.clip(0, 255).astype(np.uint8))[1].tobytes()
        )
        shape = Shape(RoiType.OVAL, params=(21, 21, 19, 19), subpixel=False)
        over = Shape(RoiType.OVAL, params=(27, 27, 19, 19), subpixel=False)
        roiset.write(folder / "rois" / f"{stem}_RoiSet.zip", Instances.of([shape, over], class_name="faulted"))
    values = {
        "format": 1, "classes": ["loop"], "class_map": {"faulted": "loop"}, "pixel_size": 0.5, "licence": "MIT",
        "split": {"train": ["a", "b"], "validation": ["c"]},
    }  # fmt: skip
    (folder / "dataset.json").write_text(json.dumps(values))
    (folder / "protocol.md").write_text("# How\n\nThe outer edge.\n")
    encoder = "tu-tf_mobilenetv3_small_minimal_100"
    output = tmp_path / "model"
    parameters = {"dataset": str(folder), "output": str(output), "epochs": 1, "encoder": encoder, "threads": 1}
    outputs = commands.run("train", {**parameters, "device": "cpu"})
    assert (output / "protocol.md").read_text() == "# How\n\nThe outer edge.\n"
    card = json.loads((output / "model.json").read_text())
    assert "protocol.md" in card["files"]
    assert card["class_map"] == {"1": "loop", "faulted": "loop"}
    notes = json.loads((output / "run.json").read_text())["notes"]
    assert notes == list(outputs["notes"]["Note"])
    assert any("rois/a_RoiSet.zip: " in note and "pixels claimed by several objects: 2 of 2" in note for note in notes)
    assert "note: dataset: rois/a_RoiSet.zip" in commands.command("train").account(outputs)


def test_one_problem_of_many_files_is_told_once(loops: Path, capsys: pytest.CaptureFixture):
    for path in (loops / "masks").iterdir():
        cv2.imwrite(str(path), cv2.imread(str(path), -1) * 0)
    assert main(["dataset", "check", str(loops)]) == 3
    told = capsys.readouterr().out
    assert told.count("has no objects") == 1
    assert "the same in 15 more files: masks/02.png, " in told
    assert "… and 8 more" in told
    assert told.count("masks/") == 8


def test_a_split_says_what_it_left_out_and_what_folds_do_with_fractions(loops: Path, capsys: pytest.CaptureFixture):
    (loops / "masks" / "02.png").unlink()
    words = ["dataset", "split", str(loops), "--overwrite"]
    assert main([*words, "--folds", "3", "--fractions", "0.6", "0.2", "0.2"]) == 0
    told = capsys.readouterr().out
    assert "of --fractions only the third share (test) counts: 20% are for the test" in told
    assert "1 image without annotation left out, in no part: 02.png" in told
    split = datasets.open_dataset(loops).split
    assert len(split.test) == 3
    assert "02" not in (*split.train, *split.validation, *split.test)
    assert main(words) == 0
    assert "folds" not in capsys.readouterr().out
