"""``temj tune`` and what ``temj evaluate`` says of detectors: a model that finds dark boxes, the darker the surer."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from temj import cli, commands, inference
from temj.cores.detection import Boxes, Detections, Detector
from temj.data import Calibration, Micrograph
from temj.datasets.contents import content
from temj.errors import BadDataset, BadValue, Cancelled, Refused
from temj.geometry.raster import rasterise
from temj.inference import network
from temj.models import Card, Model, open_model, write_model
from temj.workflows.evaluate_guess import Asking
from temj.workflows.evaluate_model import of_model
from temj.workflows.known_images import Images, kept_for_test

SIDE = 128
SETTINGS = {
    "classes": ["dot", "rod"], "encoder": "tu-tf_mobilenetv3_small_minimal_100", "encoder_depth": 3, "width": 8,
    "head": 16,
}  # fmt: skip
GREY = {0.9: 10, 0.5: 90, 0.2: 150}
"""Score → grey value; the ground is 210."""
Box = tuple[int, int, int, int, float]


def drawn(boxes: list[Box], seed: int) -> np.ndarray:
    """Boxes x, y, width, height, score, on even ground with a corner to fix the scale of grey values."""
    pixels = np.random.default_rng(seed).integers(208, 213, (SIDE, SIDE)).astype(np.uint8)
    for x, y, width, height, score in boxes:
        pixels[y : y + height, x : x + width] = GREY[score]
    return pixels


def boxes_of(seed: int) -> tuple[list[Box], list[Box]]:
    """True ones: dots sure, rods less so; false ones: a dot as sure as a rod, and faint ones."""
    rng = np.random.default_rng(seed)
    places = [(x, y) for x in range(8, 120, 24) for y in range(8, 120, 24)]
    rng.shuffle(places)
    true = [(x, y, 9, 9, 0.9) for x, y in places[:4]] + [(x, y, 14, 6, 0.5) for x, y in places[4:7]]
    false = [(x, y, 9, 9, 0.5) for x, y in places[7:9]] + [(x, y, 10, 10, 0.2) for x, y in places[9:12]]
    return true, false


def answer(pixels: np.ndarray, floor: float) -> Detections:
    """What the model finds in pixels as it sees them."""
    level = (pixels - pixels.min()) / np.ptp(pixels)  # 0 is the darkest box, 1 the ground
    rows = []
    for score, grey in GREY.items():
        near = np.abs(level - (grey - 10) / 202) < 0.08
        _, _, stats, _ = cv2.connectedComponentsWithStats(near.astype(np.uint8), connectivity=4)
        rows += [(x, y, x + w, y + h, int(w > 1.5 * h), score) for x, y, w, h, area in stats[1:] if area > 20]
    rows = sorted((row for row in rows if row[5] >= floor), key=lambda row: -row[5])
    table = np.array(rows, float).reshape(-1, 6)
    return Detections(table[:, :4], table[:, 4].astype(np.int64), table[:, 5])


@pytest.fixture(autouse=True)
def dark_boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every detector finds dark boxes, and no network is kept from another test."""

    def forward(self: Detector, batch: torch.Tensor, floor: float = 0.05, most: int | None = None) -> list[Detections]:
        return [answer(each[0].float().numpy(), floor) for each in batch]

    monkeypatch.setattr(Detector, "forward", forward)
    network._kept.clear()


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return Boxes(SETTINGS).network.state_dict()


@pytest.fixture
def model(tmp_path: Path, dataset: Path, state: dict[str, torch.Tensor]) -> Model:
    """Trained, so it says, on image z of the dataset and kept from image y."""
    pixels = cv2.imread(str(dataset / "images" / "y.png"), cv2.IMREAD_UNCHANGED)
    card = {
        "name": "dark", "task": "detection", "description": "dark boxes",
        "core": {"name": "boxes", "settings": SETTINGS},
        "classes": [{"name": "dot"}, {"name": "rod"}], "pixel_size": {"trained": 0.5, "min": 0.5, "max": 0.5},
        "thresholds": {"auto": 0.45, "area": 0.4}, "default_threshold": "auto",
        "calibration": {"auto": {"definition": "x"}},
        "data": [{"name": "boxes", "licence": "MIT", "split": {"train": ["z"], "test": ["y"]},
                  "contents": {"y": content(pixels)}}],
    }  # fmt: skip
    sample = Micrograph(drawn(boxes_of(9)[0], 9), Calibration(0.5, 0.5, "nm"), "s")
    return write_model(tmp_path / "dark", Card.model_validate(card), state, sample)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Images a, b, c for validation, z for training, y for the test, 0.5 nm a pixel; true boxes annotated."""
    folder = tmp_path / "boxes"
    (folder / "images").mkdir(parents=True)
    for seed, stem in enumerate("abcyz"):
        true, false = boxes_of(seed)
        cv2.imwrite(str(folder / "images" / f"{stem}.png"), drawn(true + false, seed))
        write_rois(folder / f"{stem}_RoiSet.zip", true)
    facts = {
        "format": 1, "classes": ["dot", "rod"], "pixel_size": 0.5, "licence": "MIT",
        "split": {"train": ["z"], "validation": ["a", "b", "c"], "test": ["y"]},
    }  # fmt: skip
    (folder / "dataset.json").write_text(json.dumps(facts))
    return folder


def write_rois(path: Path, boxes: list[Box]) -> None:
    from temj.annotations import roiset
    from temj.data import Instances, RoiType, Shape

    shapes = [Shape(RoiType.RECT, params=(x, y, w, h), subpixel=False) for x, y, w, h, _ in boxes]
    roiset.write(path, Instances.of(shapes, class_name=["rod" if w > h else "dot" for _, _, w, h, _ in boxes]))


def tune(model: Model, dataset: Path, output: Path, **parameters: object) -> dict:
    given = {"model": str(model.folder), "dataset": dataset, "output": output, "area": "whole", **parameters}
    return commands.run("tune", given)


def test_the_highest_f1_is_chosen_and_stored(tmp_path: Path, model: Model, dataset: Path) -> None:
    tables = tune(model, dataset, tmp_path / "new")
    made = open_model(tmp_path / "new")
    # 21 true ones and 6 false ones above .2; nothing else is in reach of a grid up to .45
    table = tables["grid"]
    cells = zip(table["Confidence"].tolist(), table["Match IoU"].tolist(), strict=True)
    at = {cell: number for number, cell in enumerate(cells)}
    cell = at[0.35, 0.5]
    assert (table["Annotated"][cell], table["Found"][cell], table["Matched"][cell]) == (21, 27, 21)
    assert table["F1"][cell] == pytest.approx(42 / 48)
    assert table["Found"][at[0.1, 0.5]] == 36
    assert table["Found"][at[0.5, 0.5]] == 12
    assert made.card.thresholds == {"trained": 0.45, "area": 0.4, "tuned": 0.3}
    assert made.card.default_threshold == "tuned"
    assert made.card.threshold("auto") == (0.3, "tuned")
    told = made.card.calibration["tuned"]
    assert (told["match_iou"], told["overlap"], told["F1"]) == (0.9, "boxes", 0.875)
    assert told["tuned_on"]["images"] == ["a", "b", "c"]
    assert made.card.calibration["trained"] == {"definition": "x"}
    assert {m.name: m.value for m in made.card.metrics}["detection recall"] == 1
    rows = list(csv.DictReader((made.folder / "tuning.csv").read_text().splitlines()))
    assert len(rows) == 15 * 9
    assert float(rows[cell]["F1"]) == pytest.approx(42 / 48)
    assert made.read("tuning.png").startswith(b"\x89PNG")
    made.verify()
    assert made.sha256 == model.sha256
    assert open_model(model.folder).card == model.card, "the old model stays"


def test_thresholds_by_class_and_what_reads_them(tmp_path: Path, model: Model, dataset: Path) -> None:
    """False dots are as sure as true rods: the classes need different thresholds."""
    tune(model, dataset, tmp_path / "new", per_class=True)
    made = open_model(tmp_path / "new")
    limits = made.card.class_thresholds["tuned_by_class"]
    assert limits["dot"] >= 0.5 > limits["rod"]
    assert made.card.thresholds["tuned_by_class"] == limits["rod"]
    assert made.card.default_threshold == "tuned_by_class"
    pixels = cv2.imread(str(dataset / "images" / "a.png"), cv2.IMREAD_UNCHANGED)
    field = Micrograph(pixels, Calibration(0.5, 0.5, "nm"), "a")
    found = inference.read(inference.raw(field, made))
    assert sorted(found.class_name) == ["dot"] * 4 + ["rod"] * 3
    assert found.info["class_thresholds"] == limits
    assert any("by class: dot" in note for note in found.info["notes"])
    common = inference.read(inference.raw(field, made), "tuned")
    assert sorted(common.class_name) == ["dot"] * 6 + ["rod"] * 3


def test_results_on_the_images_tuned_on_say_so(tmp_path: Path, model: Model, dataset: Path, capsys) -> None:
    words = ["tune", str(model.folder), str(dataset), "--output", str(tmp_path / "new"), "--ious", "0.5"]
    assert cli.main([*words, "--area", "whole"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("TUNED ON THESE IMAGES: dataset boxes, validation images, 3 images (a, b, c)")
    assert "default threshold 'tuned' (0.3)" in told
    renamed = dataset.rename(dataset.parent / "other")
    for name in "abc":
        for file in [renamed / "images" / f"{name}.png", renamed / f"{name}_RoiSet.zip"]:
            file.rename(file.with_name(file.name.replace(name, f"{name}{name}", 1)))
    facts = json.loads((renamed / "dataset.json").read_text())
    facts["split"] |= {"validation": ["aa", "bb", "cc", "z"], "train": []}
    (renamed / "dataset.json").write_text(json.dumps(facts))
    heading = {
        name: "\n".join(evaluate(renamed, tmp_path / "new", tmp_path / name, threshold=threshold)["heading"]["Heading"])
        for name, threshold in (("tuned", "auto"), ("number", 0.3), ("another", 0.2))
    }
    sentence = "TUNED ON THESE IMAGES: threshold 'tuned' of model 'new' was chosen on 3 of these images (aa, bb, cc)"
    assert sentence in heading["tuned"]
    assert sentence in heading["number"]
    assert "TUNED ON THESE" not in heading["another"]
    assert "was trained on 1 of these images (z) (if these are the images of those names" in heading["tuned"]


def evaluate(truth: Path, prediction: Path, output: Path, **parameters: object) -> dict:
    given = {"truth": truth, "prediction": str(prediction), "output": output, "area": "whole", "pictures": 0}
    return commands.run("evaluate", given | parameters)


def value(tables: dict, class_name: str, metric: str) -> float:
    table = tables["evaluation"]
    (row,) = np.flatnonzero((table["Class"] == class_name) & (table["Metric"] == metric))
    return table["Value"][row]


def test_evaluate_tells_how_well_a_detector_detects(tmp_path: Path, model: Model, dataset: Path) -> None:
    out = tmp_path / "out"
    tables = evaluate(dataset, model.folder, out, size_bins=[4.5])
    # dots are the surest and all right, so that false ones of less score do not lower the area under the curve
    assert value(tables, "dot", "AP50") == value(tables, "rod", "AP50") == value(tables, "all classes", "AP50:95") == 1
    assert value(tables, "dot", "objects annotated (from 4.5 nm)") == 12
    assert value(tables, "rod", "objects annotated (below 4.5 nm)") == 0
    assert any("a match: one to one, same class, IoU of upright boxes > 0.5" in h for h in tables["heading"]["Heading"])
    confusion = {
        (p, t): n
        for p, t, n in zip(*(tables["confusion"][name] for name in ("Predicted", "Annotated", "Objects")), strict=True)
    }
    assert confusion["dot", "dot"] + confusion["(none)", "dot"] == 12
    assert confusion["dot", "rod"] == confusion["rod", "dot"] == 0
    confidence = tables["confidence"]
    level = int(np.flatnonzero(confidence["Confidence"] == 0.35)[0])
    assert confidence["F1"][level] == pytest.approx(42 / 48), "as temj tune counts"
    assert confidence["Confidence"].min() == 0.05
    for name in ("detection.png", "confusion.png", "match_iou.csv", "confidence.csv", "confusion.csv"):
        assert (out / name).stat().st_size > 0
    facts = json.loads((out / "evaluation.json").read_text())
    assert {"match_iou", "confidence", "confusion"} <= set(facts)


def test_average_precision_of_a_result_folder_is_that_above_its_threshold(
    tmp_path: Path, model: Model, dataset: Path
) -> None:
    images = [dataset / "images" / f"{stem}.png" for stem in "abc"]
    parameters = {"model": str(model.folder), "images": images, "output": tmp_path / "result", "pixel_size": 0.5}
    commands.run("predict", {**parameters, "threshold": 0.6, "outline": "box", "area": "whole"})
    tables = evaluate(dataset, tmp_path / "result", tmp_path / "out")
    assert value(tables, "dot", "AP50") == 1
    assert value(tables, "rod", "AP50") == 0
    assert any("score above 0.6 only" in note for note in tables["notes"]["Note"])
    assert (tables["confidence"]["Confidence"] >= 0.6).all()


def test_images_of_the_test_are_refused_by_name_and_by_content(tmp_path: Path, model: Model, dataset: Path) -> None:
    facts = json.loads((dataset / "dataset.json").read_text())
    moved = facts["split"] | {"validation": ["a", "y"], "test": []}
    (dataset / "dataset.json").write_text(json.dumps(facts | {"split": moved}))
    with pytest.raises(Refused, match=r"test-images.*1 image of its test: y"):
        tune(model, dataset, tmp_path / "new")
    other = dataset.rename(dataset.parent / "renamed")
    (other / "images" / "y.png").rename(other / "images" / "q.png")
    (other / "y_RoiSet.zip").rename(other / "q_RoiSet.zip")
    (other / "dataset.json").write_text(json.dumps(facts | {"split": moved | {"validation": ["a", "q"]}}))
    with pytest.raises(Refused, match=r"1 image of its test: q"):
        tune(model, other, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_name_alone_in_another_dataset_is_only_a_warning(model: Model) -> None:
    """Many images are called 01."""
    card = model.card.model_copy(update={"data": (model.card.data[0].model_copy(update={"contents": {}}),)})
    assert kept_for_test(card, Images("boxes", ["y", "a"])) == (["y"], [])
    assert kept_for_test(card, Images("mine", ["y", "a"])) == ([], ["y"])
    assert kept_for_test(model.card, Images("boxes", ["y"], {"y": "0" * 64})) == ([], []), "other pixels: another image"


def test_what_cannot_be_tuned_is_said_in_words(tmp_path: Path, model: Model, dataset: Path) -> None:
    with pytest.raises(BadValue, match=r"default_threshold.*tuned.*'aera'.*Did you mean 'area'"):
        tune(model, dataset, tmp_path / "new", default_threshold="aera")
    with pytest.raises(BadValue, match=r"confidences, value 2\. Expected a number above 0 and below 1, found 2"):
        tune(model, dataset, tmp_path / "new", confidences=[0.5, 2])
    with pytest.raises(BadDataset, match=r"dataset\.json"):
        tune(model, dataset / "images", tmp_path / "new")
    with pytest.raises(Refused, match="allow overwriting"):
        tune(model, dataset, model.folder)
    with pytest.raises(Refused, match="same ones at every confidence"):
        tune(model, dataset, tmp_path / "new", confidences=[0.6, 0.7])
    with pytest.raises(Refused, match="none of which does"):
        tune(model, dataset, tmp_path / "new", confidences=[0.95])
    given = {"model": str(model.folder), "dataset": dataset, "output": tmp_path / "new"}
    with pytest.raises(Cancelled):
        commands.run("tune", given, cancelled=lambda: True)
    assert not (tmp_path / "new").exists()


def test_a_dataset_and_a_model_that_are_swapped_are_told(tmp_path: Path, model: Model, dataset: Path) -> None:
    with pytest.raises(BadValue, match=r"BadValue/swapped: model\..*the dataset '.*the model '.*Swap the two\."):
        commands.run("tune", {"model": str(dataset), "dataset": str(model.folder), "output": tmp_path / "new"})
    with pytest.raises(BadValue, match=r"dataset-as-model.*'temj models' lists"):
        commands.run("tune", {"model": str(dataset), "dataset": dataset, "output": tmp_path / "new"})
    with pytest.raises(BadValue, match=r"model-as-dataset: dataset\. Expected a dataset folder"):
        commands.run("tune", {"model": "loops", "dataset": model.folder, "output": tmp_path / "new"})
    with pytest.raises(BadValue, match=r"swapped: truth\..*Swap the two"):
        evaluate(model.folder, dataset, tmp_path / "new")
    with pytest.raises(BadValue, match=r"swapped: dataset\..*Swap the two"):
        commands.run("calibrate", {"dataset": model.folder, "model": str(dataset), "output": tmp_path / "new"})
    with pytest.raises(BadValue, match=r"model-as-dataset: dataset\."):
        commands.run("train", {"dataset": model.folder, "output": tmp_path / "new"})
    assert not (tmp_path / "new").exists()


def test_the_default_may_stay_and_a_second_tuning_replaces_the_first(
    tmp_path: Path, model: Model, dataset: Path
) -> None:
    tune(model, dataset, tmp_path / "new", per_class=True)
    again = open_model(tmp_path / "new")
    tune(again, dataset, tmp_path / "new", overwrite=True, default_threshold="area")
    made = open_model(tmp_path / "new").card
    assert made.thresholds == {"trained": 0.45, "area": 0.4, "tuned": 0.3}
    assert (made.default_threshold, made.class_thresholds) == ("area", {})
    tune(model, dataset, tmp_path / "kept", default_threshold="auto")
    kept = open_model(tmp_path / "kept").card
    assert kept.thresholds == {"auto": 0.45, "area": 0.4, "tuned": 0.3}
    assert kept.threshold() == (0.45, "auto")


def test_a_model_is_asked_down_to_the_lowest_confidence(model: Model, dataset: Path) -> None:
    """What is below the usual floor is looked at where the grid wants it."""
    field = Micrograph(cv2.imread(str(dataset / "images" / "a.png"), 0), Calibration(0.5, 0.5, "nm"), "a")
    asked = of_model(model, ("dot", "rod"), Asking(floor=0.001)).find("a", field)
    assert asked.floor == 0.001
    assert len(asked.candidates) == 12
    assert of_model(model, ("dot", "rod"), Asking()).find("a", field).floor == 0.05


def test_a_semantic_model_is_read_anew_at_every_confidence(tmp_path: Path, field: np.ndarray) -> None:
    """On real pixels: F1 is that of temj evaluate at this threshold and match IoU."""
    folder = tmp_path / "field"
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    cv2.imwrite(str(folder / "images" / "f.png"), field)
    pixels = Micrograph(field, Calibration(0.390625, 0.390625, "nm"), "f")
    sure = inference.read(inference.raw(pixels, open_model("loops")), 0.6)
    owner, place = rasterise(sure.shapes, *field.shape[::-1]).pixels(field.shape[1])
    mask = np.zeros(field.size, np.uint8)
    mask[place[owner > 1]] = 1  # some objects, so that others are wrong
    cv2.imwrite(str(folder / "masks" / "f.png"), mask.reshape(field.shape))
    split = {"train": [], "validation": ["f"]}
    facts = {"format": 1, "classes": ["loop"], "pixel_size": 0.390625, "split": split}
    (folder / "dataset.json").write_text(json.dumps(facts))
    levels = [0.2, 0.6, 0.8]
    tables = tune(open_model("loops"), folder, tmp_path / "new", confidences=levels, ious=[0.4])
    for row, level in enumerate(levels):
        judged = evaluate(folder, tmp_path / "new", tmp_path / f"at{row}", threshold=level, iou=0.4)
        assert tables["grid"]["F1"][row] == pytest.approx(value(judged, "loop", "object F1"))
    assert open_model(tmp_path / "new").card.thresholds["tuned"] == levels[int(np.argmax(tables["grid"]["F1"]))]
    assert any("TUNED ON THESE IMAGES" in line for line in tables["heading"]["Heading"])
