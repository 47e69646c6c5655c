"""``temj dataset consensus`` as its user meets it."""

import csv
import hashlib
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from temj import annotations, commands, datasets, resources
from temj.annotations import roiset
from temj.annotations.base import AnnotatedImage, AnnotationSet
from temj.cli import main
from temj.data import IGNORE, Instances, RoiType, Shape
from temj.datasets.consensus import Rule
from temj.errors import BadAnnotation, BadValue, Cancelled, Refused, StorageError
from temj.workflows.consensus import Options, consensus_of_files

SAMPLES = resources.folder("samples") / "loops"


def rect(x, y, width=10, height=10) -> Shape:
    return Shape(RoiType.RECT, params=(x, y, width, height, 0), subpixel=False)


def objects(*rows) -> Instances:
    return Instances.of([shape for shape, _ in rows], class_name=np.array([name for _, name in rows], object))


ANNA = objects((rect(10, 10), "loop"), (rect(40, 10), "loop"), (rect(70, 10), "void"), (rect(10, 60), "loop"))
BEN = objects((rect(11, 10), "loop"), (rect(40, 11), "void"), (rect(70, 10), "void"), (rect(60, 60), IGNORE))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """``anna/`` and ``ben/`` with ROI sets of 01 (both), 02 (both, empty), 03 (anna); ``images/`` of all."""
    (tmp_path / "images").mkdir()
    for stem in ("01", "02", "03"):
        pixels = np.random.default_rng(int(stem)).integers(0, 255, (100, 100), np.uint8)
        cv2.imwrite(str(tmp_path / "images" / f"{stem}.png"), pixels)
    for name, found in {"anna": ANNA, "ben": BEN}.items():
        (tmp_path / name).mkdir()
        roiset.write(tmp_path / name / "01_RoiSet.zip", found)
        roiset.write(tmp_path / name / "02_RoiSet.zip", objects())
    roiset.write(tmp_path / "anna" / "03_RoiSet.zip", ANNA.take([0]))
    return tmp_path


def run(folder: Path, *words: str, output: str = "out") -> int:
    inputs = [str(folder / name) for name in ("anna", "ben")]
    images = ["--images", str(folder / "images")]
    return main(["dataset", "consensus", *inputs, "--output", str(folder / output), *images, *words])


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_agreed_objects_are_kept_and_the_others_listed(folder: Path, capsys: pytest.CaptureFixture):
    before = digests(folder)
    assert run(folder) == 0
    told = capsys.readouterr().out
    assert "2 annotators (anna, ben), 3 images" in told
    assert "undecided: 1 conflict, 2 single" in told
    assert "annotated by one only: 03 (anna): their objects are kept as they are" in told
    out = folder / "out"
    kept = annotations.read(out / "rois" / "01_RoiSet.zip")
    assert kept.name.tolist() == ["loop-0001", "void-0002"]
    assert kept.shapes[0].params[:4] == (10, 10, 10, 10)
    asked = annotations.read(out / "undecided" / "01_undecided_RoiSet.zip")
    assert asked.name.tolist() == ["conflict-loop-void-0001", "single-anna-loop-0002", "single-ben-ignore-0003"]
    assert set(asked.class_name) == {"undecided"}
    assert len(annotations.read(out / "rois" / "02_RoiSet.zip")) == 0
    assert len(annotations.read(out / "rois" / "03_RoiSet.zip")) == 1
    assert not (out / "dataset.json").exists()
    assert "no dataset.json" in told
    after = digests(folder)
    assert {path: after[path] for path in before} == before


def test_who_labelled_what_is_recorded(folder: Path):
    assert run(folder) == 0
    out = folder / "out"
    table = {row["ROI"]: row for row in rows(out / "consensus.csv") if row["Image"] == "01"}
    assert (table["loop-0001"]["By anna"], table["loop-0001"]["By ben"]) == ("loop", "loop")
    assert table["loop-0001"]["Mean IoU"] == "0.818"
    conflict = table["conflict-loop-void-0001"]
    assert (conflict["By anna"], conflict["By ben"], conflict["Status"]) == ("loop", "void", "undecided")
    single = table["single-anna-loop-0002"]
    assert (single["By anna"], single["By ben"], single["Votes"]) == ("loop", "none", "1")
    questions = rows(out / "undecided.csv")
    assert (questions[0]["Kind"], questions[0]["Who"]) == ("conflict", "anna: loop; ben: void")
    record = json.loads((out / "consensus.json").read_text())
    assert [entry["name"] for entry in record["annotators"]] == ["anna", "ben"]
    first = record["images"][0]["objects"][0]
    assert first["votes"]["ben"]["iou"] == pytest.approx(90 / 110)
    (pair,) = rows(out / "agreement.csv")
    assert [pair[key] for key in ("Images", "Matched", "Only A", "Only B", "Left out")] == ["2", "3", "1", "0", "0"]
    ran = json.loads((out / "run.json").read_text())
    assert ran["command_line"].startswith("temj dataset consensus ")
    assert "macro_line" not in ran


def test_equal_inputs_give_equal_files_whoever_is_named_first(folder: Path):
    assert run(folder) == 0
    inputs = [str(folder / name) for name in ("ben", "anna")]
    other = ["--output", str(folder / "other"), "--images", str(folder / "images")]
    assert main(["dataset", "consensus", *inputs, *other]) == 0
    for path in sorted((folder / "out").rglob("*.zip")):
        again = folder / "other" / path.relative_to(folder / "out")
        assert again.read_bytes() == path.read_bytes()


@pytest.mark.parametrize(("how", "classes"), [("ignore", [IGNORE] * 3), ("keep", [IGNORE, "loop", IGNORE])])
def test_what_is_undecided_can_be_settled_by_rule(folder: Path, how: str, classes: list[str]):
    assert run(folder, "--undecided", how) == 0
    out = folder / "out"
    kept = annotations.read(out / "rois" / "01_RoiSet.zip")
    assert sorted(kept.class_name) == sorted(["loop", "void", *classes])
    assert not (out / "undecided").exists()
    dataset = datasets.open_dataset(out)
    assert dataset.description.empty == ("02",)
    assert dataset.classes == ("loop", "void")
    assert datasets.check(dataset).errors == ()


def decide(out: Path, edit) -> None:
    """Edit the questions as a person does in ImageJ: the file is replaced."""
    path = out / "undecided" / "01_undecided_RoiSet.zip"
    roiset.write(path, edit(annotations.read(path)))


def test_a_decision_is_read_back(folder: Path, capsys: pytest.CaptureFixture):
    assert run(folder) == 0
    names = np.array(["void-0001", "single-anna-loop-0002"], object)
    decide(folder / "out", lambda asked: asked.take([0, 1]).with_columns(name=names))
    assert run(folder, "--decided", str(folder / "out"), "--decided-by", "carl", output="final") == 0
    told = capsys.readouterr().out
    assert "objects of the result: loop 3, void 2 (2 agreed, 1 alone, 2 accepted)\n  rejected: 1\n" in told
    final = folder / "final"
    kept = annotations.read(final / "rois" / "01_RoiSet.zip")
    assert kept.class_name.tolist() == ["loop", "void", "void", "loop"]
    table = [row for row in rows(final / "consensus.csv") if row["Image"] == "01"]
    assert [row["Status"] for row in table] == ["agreed", "accepted", "agreed", "accepted", "rejected"]
    assert [row["Class"] for row in table][1] == "void"
    record = json.loads((final / "consensus.json").read_text())
    assert (record["settings"]["decided_by"], record["annotators"][0]["name"]) == ("carl", "anna")
    assert datasets.check(datasets.open_dataset(final)).errors == ()


def test_a_deleted_file_rejects_all_of_its_image(folder: Path, capsys: pytest.CaptureFixture):
    assert run(folder) == 0
    (folder / "out" / "undecided" / "01_undecided_RoiSet.zip").unlink()
    assert run(folder, "--decided", str(folder / "out"), "--decided-by", "carl", output="final") == 0
    assert "was deleted: 3 undecided objects rejected" in capsys.readouterr().out
    assert len(annotations.read(folder / "final" / "rois" / "01_RoiSet.zip")) == 2


def test_an_undecided_conflict_is_not_guessed(folder: Path, capsys: pytest.CaptureFixture):
    assert run(folder) == 0
    assert run(folder, "--decided", str(folder / "out"), "--decided-by", "carl", output="final") == 2
    told = capsys.readouterr().err
    assert "'conflict-loop-void-0001' still has several classes" in told
    assert not (folder / "final").exists()


def test_decisions_about_other_annotations_are_refused(folder: Path, capsys: pytest.CaptureFixture):
    assert run(folder) == 0
    roiset.write(folder / "ben" / "01_RoiSet.zip", BEN.take([0]))
    assert run(folder, "--decided", str(folder / "out"), "--decided-by", "carl", output="final") == 2
    assert "Somebody has labelled since" in capsys.readouterr().err
    with pytest.raises(Refused, match=r"consensus\.json"):
        run_of(folder, decided=folder / "anna", decided_by="carl")


def run_of(folder: Path, names=("anna", "ben"), output: str = "api", **options):
    rule = Rule(options.pop("iou", 0.5), options.pop("votes", 0))
    stop = options.pop("cancelled", None)
    paths = [folder / name for name in names]
    return consensus_of_files(paths, folder / output, Options(rule, **options), {}, cancelled=stop)


def test_what_is_there_is_kept_and_decisions_are_never_overwritten(folder: Path, capsys: pytest.CaptureFixture):
    assert run(folder) == 0
    assert run(folder) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert run(folder, "--overwrite", "--undecided", "ignore") == 0
    assert not list((folder / "out" / "undecided").iterdir())
    assert run(folder, "--overwrite") == 0
    assert not (folder / "out" / "dataset.json").exists()
    decide(folder / "out", lambda asked: asked.take([0]))
    before = digests(folder)
    assert run(folder, "--overwrite") == 2
    assert "Somebody has decided there" in capsys.readouterr().err
    assert digests(folder) == before
    (folder / "other" / "rois").mkdir(parents=True)
    (folder / "other" / "rois" / "mine_RoiSet.zip").write_bytes(b"mine")
    assert run(folder, "--overwrite", output="other") == 2
    assert (folder / "other" / "rois" / "mine_RoiSet.zip").read_bytes() == b"mine"


@pytest.mark.parametrize("output", ["anna", "ben/inside"])
def test_an_annotators_folder_is_never_written_to(folder: Path, output: str):
    before = digests(folder)
    with pytest.raises(Refused, match="no annotator's file is ever changed"):
        run_of(folder, output=output)
    assert digests(folder) == before


def test_formats_may_differ_and_files_may_be_of_many_images(folder: Path):
    images = tuple(
        AnnotatedImage(f"{stem}.png", (100, 100), annotations.read(folder / "anna" / f"{stem}_RoiSet.zip"))
        for stem in ("01", "02", "03")
    )
    polygons = AnnotationSet(images, ("loop", "void"))
    annotations.write_set(folder / "anna.json", polygons, "coco")
    told = run_of(folder, ("anna.json", "ben"), images=folder / "images")
    (pair,) = rows(folder / "api" / "agreement.csv")
    assert (pair["A"], pair["B"], pair["Matched"]) == ("anna", "ben", "3")
    assert len(told["undecided"]) == 3


def test_datasets_are_compared_and_their_dataset_json_is_carried_on(tmp_path: Path):
    for name in ("anna", "ben"):
        shutil.copytree(SAMPLES, tmp_path / name)
    changed = tmp_path / "ben" / "masks" / "01.png"
    cv2.imwrite(str(changed), np.zeros_like(cv2.imread(str(changed), cv2.IMREAD_GRAYSCALE)))
    told = run_of(tmp_path, undecided="ignore")
    result, source = datasets.open_dataset(tmp_path / "api"), datasets.open_dataset(SAMPLES)
    assert result.split == source.split
    assert result.pixel_size == source.pixel_size
    ignored = sum(int(result.instances(item).ignored.sum()) for item in result.items)
    only = len(source.instances(source.items[0]))
    assert ignored == only > 0
    assert sum(len(result.instances(item)) for item in result.items) == 188
    assert [told["agreement"][name][0] for name in ("Matched", "Only A", "Only B")] == [188 - only, only, 0]
    assert told["agreement"]["Mean IoU"][0] == 1


@pytest.mark.parametrize(
    ("alone", "kept", "undecided"), [("keep", 1, 0), ("undecided", 0, 1), ("leave", None, 0)]
)  # fmt: skip
def test_images_of_one_annotator(folder: Path, alone: str, kept: int | None, undecided: int):
    told = run_of(folder, alone=alone)
    path = folder / "api" / "rois" / "03_RoiSet.zip"
    assert (len(annotations.read(path)) if path.exists() else None) == kept
    assert list(told["undecided"]["Image"]).count("03") == undecided


def test_single_files_are_of_one_image_and_named_by_their_folder(tmp_path: Path):
    for place in ("anna.zip", "ben.zip", "a/x_RoiSet.zip", "b/x_RoiSet.zip"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        roiset.write(tmp_path / place, ANNA)
    told = run_of(tmp_path, ("anna.zip", "ben.zip"))
    assert "are taken as of one image, 'image'" in " ".join(told["notes"]["Note"])
    assert len(annotations.read(tmp_path / "api" / "rois" / "image_RoiSet.zip")) == 4
    told = run_of(tmp_path, ("a/x_RoiSet.zip", "b/x_RoiSet.zip"), output="second")
    assert (told["agreement"]["A"][0], told["agreement"]["B"][0]) == ("a", "b")
    assert len(annotations.read(tmp_path / "second" / "rois" / "x_RoiSet.zip")) == 4


def test_objects_without_a_class_have_the_only_one(tmp_path: Path):
    roiset.write(tmp_path / "anna.zip", ANNA.take([0, 1]))
    roiset.write(tmp_path / "ben.zip", ANNA.take([0, 1]).with_columns(class_name=""))
    told = run_of(tmp_path, ("anna.zip", "ben.zip"))
    assert "2 objects have no class and count as 'loop'" in list(told["notes"]["Note"])
    assert len(told["undecided"]) == 0


def test_what_is_wrong_with_the_inputs_is_said(folder: Path):
    with pytest.raises(BadValue, match="two or more"):
        run_of(folder, ("anna",))
    with pytest.raises(BadValue, match="two or more"):
        run_of(folder, ("anna", "anna"))
    with pytest.raises(BadValue, match="2 names"):
        run_of(folder, annotators=("anna",))
    with pytest.raises(BadAnnotation, match="2 files with problems"):
        run_of(folder, ("nobody", "nowhere"))
    paths = {"annotations": [folder / "anna", folder / "ben"], "output": folder / "x", "decided": folder / "y"}
    with pytest.raises(BadValue, match="decided_by"):
        commands.run("dataset consensus", paths)
    small = AnnotationSet((AnnotatedImage("01.png", (50, 50), ANNA.take([0])),), ("loop",))
    annotations.write_set(folder / "small.json", small, "coco")
    large = AnnotationSet((AnnotatedImage("01.png", (100, 100), ANNA.take([0])),), ("loop",))
    annotations.write_set(folder / "large.json", large, "coco")
    with pytest.raises(BadAnnotation, match="50 x 50"):
        run_of(folder, ("small.json", "large.json"))
    assert not (folder / "api").exists()


def test_rois_about_the_area_are_no_objects(tmp_path: Path):
    for name in ("anna", "ben"):
        area = objects((rect(0, 80, 100, 20), "")).with_columns(name="exclude")
        roiset.write(tmp_path / f"{name}.zip", Instances.concatenate([ANNA, area]))
    told = run_of(tmp_path, ("anna.zip", "ben.zip"))
    assert len(told["consensus"]) == 4
    assert "anna: 1 ROIs named area or exclude are no objects and are left out" in list(told["notes"]["Note"])


def test_images_whose_names_differ_in_case_only_are_refused(tmp_path: Path):
    for name, stem in (("anna", "a"), ("ben", "A")):
        (tmp_path / name).mkdir()
        roiset.write(tmp_path / name / f"{stem}_RoiSet.zip", ANNA)
    with pytest.raises(BadAnnotation, match="differ in more than case"):
        run_of(tmp_path)


def test_a_full_disk_leaves_no_record_of_results_that_are_not_there(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("temj.storage._steps", 0)
    monkeypatch.setenv("TEMJ_FAIL_AT", "20:ENOSPC")
    with pytest.raises(StorageError, match="full"):
        run_of(folder)
    monkeypatch.delenv("TEMJ_FAIL_AT")
    assert not (folder / "api" / "consensus.json").exists()


def test_cancelling_writes_nothing(folder: Path):
    with pytest.raises(Cancelled):
        run_of(folder, cancelled=lambda: True)
    assert not (folder / "api").exists()
