"""``temj evaluate``: all kinds of both sides, the files, what is refused, and what is said of it."""

import csv
import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from temj import cli, commands
from temj.errors import BadAnnotation, BadDataset, BadImage, BadValue, Cancelled, Refused
from temj.models import open_model
from temj.workflows.known_images import Images, training_use

SIDE = 64


def class_map(seed: int, grown: int = 0) -> np.ndarray:
    """Discs of class 1 and squares of class 2 on a grid, so that nothing touches; ``grown`` pixels larger."""
    rng = np.random.default_rng(seed)
    pixels = np.zeros((SIDE, SIDE), np.uint8)
    for y in range(8, SIDE, 16):
        for x in range(8, SIDE, 16):
            kind, size = int(rng.integers(0, 3)), int(rng.integers(2, 5)) + grown
            if kind == 1:
                cv2.circle(pixels, (x, y), size, 1, -1)
            elif kind == 2:
                pixels[y - size : y + size, x - size : x + size] = 2
    return pixels


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Images a, b, c (validation) and d (train) with class masks of pores and cracks, 0.5 nm a pixel."""
    folder = tmp_path / "truth"
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for seed, stem in enumerate("abcd"):
        pixels = class_map(seed)
        cv2.imwrite(str(folder / "masks" / f"{stem}.png"), pixels)
        cv2.imwrite(str(folder / "images" / f"{stem}.png"), (200 - 60 * pixels).astype(np.uint8))
    facts = {
        "format": 1, "classes": ["pore", {"name": "crack", "diameter": "major"}], "pixel_size": 0.5, "masks": "classes",
        "split": {"train": ["d"], "validation": ["a", "b", "c"]},
    }  # fmt: skip
    (folder / "dataset.json").write_text(json.dumps(facts))
    return folder


def write_masks(folder: Path, masks: dict[str, np.ndarray], classes: str = "pore\ncrack\n") -> Path:
    folder.mkdir(exist_ok=True)
    for stem, mask in masks.items():
        cv2.imwrite(str(folder / f"{stem}.png"), mask)
    (folder / "classes.txt").write_text(classes)
    return folder


@pytest.fixture
def found(tmp_path: Path) -> Path:
    """Masks of a, b and c: right, all one pixel larger, nothing."""
    masks = {"a": class_map(0), "b": class_map(1, 1), "c": np.zeros((SIDE, SIDE), np.uint8)}
    return write_masks(tmp_path / "found", masks)


def evaluate(truth: Path, prediction: object, output: Path, **parameters: object) -> dict:
    return commands.run(
        "evaluate", {"truth": truth, "prediction": str(prediction), "output": output, "area": "whole", **parameters}
    )


def value(tables: dict, class_name: str, metric: str, column: str = "Value") -> float:
    table = tables["evaluation"]
    (row,) = np.flatnonzero((table["Class"] == class_name) & (table["Metric"] == metric))
    return table[column][row]


def by_hand(true: list[np.ndarray], found: list[np.ndarray], number: int) -> tuple[int, int]:
    """Components of a class in both; nothing touches in them, so that any connectivity will do."""
    return tuple(
        sum(cv2.connectedComponents((mask == number).astype(np.uint8))[0] - 1 for mask in masks)
        for masks in (true, found)
    )


def test_masks_against_a_dataset(tmp_path: Path, dataset: Path, found: Path) -> None:
    tables = evaluate(dataset, found, tmp_path / "out")
    true = [class_map(seed) for seed in range(3)]
    guess = [true[0], class_map(1, 1), np.zeros_like(true[0])]
    for number, name in enumerate(("pore", "crack"), start=1):
        both = sum(np.sum((t == number) & (g == number)) for t, g in zip(true, guess, strict=True))
        either = sum(np.sum((t == number) | (g == number)) for t, g in zip(true, guess, strict=True))
        assert value(tables, name, "IoU") == pytest.approx(both / either)
        assert (value(tables, name, "objects annotated"), value(tables, name, "objects found")) == by_hand(
            true, guess, number
        )
        areas = [sum(np.sum(mask == number) for mask in masks) for masks in (true, guess)]
        assert value(tables, name, "area error") == pytest.approx(areas[1] / areas[0] - 1)
        assert value(tables, name, "area fraction annotated") == pytest.approx(100 * areas[0] / (3 * SIDE**2))
    assert value(tables, "all classes", "mean IoU") == pytest.approx(
        (value(tables, "pore", "IoU") + value(tables, "crack", "IoU")) / 2
    )
    assert value(tables, "crack", "IoU", "Interval") == "95 %, t"
    assert tables["images"]["Image"].tolist() == [stem for stem in "abc" for _ in range(3)]
    assert (tables["images"]["Part"] == "validation").all()
    perfect = tables["images"]["Image"] == "a"
    assert tables["images"]["IoU"][perfect].tolist() == [1, 1, 1]


def test_the_files_and_the_worst_image_first(tmp_path: Path, dataset: Path, found: Path) -> None:
    out = tmp_path / "out"
    evaluate(dataset, found, out)
    names = {file.relative_to(out).as_posix() for file in out.rglob("*") if file.is_file()}
    pictures = {"overlays/01_c.png", "overlays/02_b.png", "overlays/03_a.png"}
    detection = {"match_iou.csv", "detection.png", "confusion.csv", "confusion.png"}
    sizes = {"quantities.csv", "sizes.csv", "sizes.png", "pairs.csv", "pairs.png", "differences.png"}
    sizes |= {"image_errors.csv", "image_errors.png"}
    assert names == {"evaluation.csv", "evaluation.json", "images.csv", "run.json"} | detection | sizes | pictures
    facts = json.loads((out / "evaluation.json").read_text())
    assert set(facts["files"]) == names - {"evaluation.json", "run.json"}
    assert {row["name"] for row in facts["metrics"]} >= {"IoU", "object F1", "area error", "P1", "P2", "r"}
    picture = cv2.imread(str(out / "overlays/01_c.png"))[:, :, ::-1]
    assert (picture == (0xD5, 0x5E, 0)).all(axis=2).any(), "what was missed is drawn in vermilion"
    repeated = json.loads((out / "run.json").read_text())
    assert repeated["command"] == "evaluate"
    assert "--area whole" in repeated["command_line"]
    again = tmp_path / "again"
    evaluate(dataset, found, again)
    for name in sorted(names - {"run.json"}):
        assert (again / name).read_bytes() == (out / name).read_bytes(), name


def test_lengths_are_in_nm_where_the_pixel_size_is_known(tmp_path: Path, dataset: Path, found: Path) -> None:
    tables = evaluate(dataset, found, tmp_path / "out", pictures=0)
    table = tables["evaluation"]
    (row,) = np.flatnonzero((table["Class"] == "pore") & (table["Metric"] == "mean diameter annotated"))
    assert table["Unit"][row] == "nm"
    pores = [np.sum(part) for seed in range(3) for part in pieces(class_map(seed) == 1)]
    expected = np.mean([2 * math.sqrt(area / math.pi) for area in pores])
    assert table["Value"][row] == pytest.approx(0.5 * expected), "equivalent diameter, as dataset.json says nothing"
    other = evaluate(dataset, found, tmp_path / "um", pixel_size="0.002um", pictures=0)
    assert value(other, "pore", "mean diameter annotated") == pytest.approx(2 * expected)
    assert not (tmp_path / "um" / "overlays").exists()


def pieces(mask: np.ndarray) -> list[np.ndarray]:
    count, labels = cv2.connectedComponents(mask.astype(np.uint8))
    return [labels == number for number in range(1, count)]


def test_the_result_of_a_model_and_the_model_itself_are_the_same(tmp_path: Path, micrograph, field, capsys) -> None:
    """On real pixels; the curve and the areas under it are there only where the model is asked."""
    folder = tmp_path / "loops"
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    image = micrograph("loops/images/08.tif")
    (folder / "dataset.json").write_text(
        json.dumps({"format": 1, "classes": ["loop"], "split": {"train": [], "validation": ["08"]}})
    )
    commands.run("predict", {"images": [image], "output": tmp_path / "result"})
    labels = tifffile.imread(tmp_path / "result" / "08_labels.tif")
    truth = cv2.dilate((labels > 0).astype(np.uint8), np.ones((3, 3), np.uint8))
    cv2.imwrite(str(folder / "masks" / "08.png"), truth)
    words = ["evaluate", str(folder), "loops", "--output", str(tmp_path / "asked")]
    assert cli.main(words) == 0
    told = capsys.readouterr().out
    assert "ON VALIDATION IMAGES: thresholds and best step of model 'loops' were chosen on all of these images" in told
    assert "one image: no intervals" in told
    tables = commands.run(
        "evaluate", {"truth": folder, "prediction": str(tmp_path / "result"), "output": tmp_path / "read"}
    )
    asked, read = (json.loads((tmp_path / name / "evaluation.json").read_text()) for name in ("asked", "read"))
    only_asked = ("PR-AUC", "ROC-AUC")
    assert [row for row in asked["metrics"] if row["name"] not in only_asked] == read["metrics"]
    assert {row["name"] for row in asked["metrics"]} >= {*only_asked}
    assert value(tables, "loop", "IoU") == pytest.approx((labels > 0).sum() / truth.sum())
    assert (np.diff([row["area error"] for row in asked["curve"]]) <= 0).all()
    assert len((tmp_path / "asked" / "curve.csv").read_text().splitlines()) == 1 + len(asked["curve"])
    rows = list(csv.DictReader((tmp_path / "asked" / "curve.csv").read_text().splitlines()))
    percent = [100 * row["area error"] for row in asked["curve"]]
    assert [float(row["area error (%)"]) for row in rows] == pytest.approx(percent, abs=1e-3)
    assert [float(row["object F1"]) for row in rows] == pytest.approx(
        [row["object F1"] for row in asked["curve"]], abs=1e-3
    )
    assert (tmp_path / "asked" / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert not (tmp_path / "read" / "curve.png").exists()
    assert asked["prediction"]["models"] == read["prediction"]["models"] == ["loops"]


def test_probability_maps_give_a_curve(tmp_path: Path, dataset: Path, found: Path) -> None:
    from temj.annotations import read_set, write_set

    result = tmp_path / "result"
    result.mkdir()
    masks = read_set(found)
    entries = []
    for image in masks.annotated:
        stem = image.image
        alone = type(masks)((image,), masks.classes)
        write_set(result / f"{stem}_RoiSet.zip", alone, "roiset")
        pixels = cv2.imread(str(found / f"{stem}.png"), cv2.IMREAD_UNCHANGED)
        levels = np.stack([0.7 * (pixels == number) + 0.1 for number in (1, 2)]).astype(np.float32)
        tifffile.imwrite(
            result / f"{stem}_probability.tif", levels[None, None], imagej=True,
            metadata={"axes": "TZCYX", "Labels": ["pore", "crack"]},
        )  # fmt: skip
        entries.append({"image": f"/nowhere/{stem}.png", "stem": stem, "files": {"rois": f"{stem}_RoiSet.zip"}})
    (result / "run.json").write_text(json.dumps({"format": 1, "command": "predict", "images": entries}))
    tables = evaluate(dataset, result, tmp_path / "out", pictures=0)
    plain = evaluate(dataset, found, tmp_path / "plain", pictures=0)
    for metric in ("IoU", "object F1", "area error"):
        assert value(tables, "pore", metric) == value(plain, "pore", metric)
        at_half = tables["curve"][{"IoU": "object F1"}.get(metric, metric)][9]
        wanted = value(plain, "all classes", {"IoU": "object F1"}.get(metric, metric))
        assert at_half == pytest.approx(wanted)
    assert np.isnan(tables["curve"]["diameter error"][-1]), "nothing is found above 0.8"
    assert 0.5 < value(tables, "pore", "PR-AUC") < 1
    assert any("connected regions" in note for note in tables["notes"]["Note"])


def test_ignored_regions_and_excluded_ones_are_in_no_figure(tmp_path: Path, dataset: Path) -> None:
    mask = class_map(0)
    wrong = mask.copy()
    mask[:, : SIDE // 2] = 255
    cv2.imwrite(str(dataset / "masks" / "a.png"), mask)
    wrong[:, : SIDE // 2] = 1
    tables = evaluate(dataset, write_masks(tmp_path / "found", {"a": wrong}), tmp_path / "out", pictures=1)
    assert value(tables, "all classes", "IoU") == 1
    assert value(tables, "all classes", "count error") == 0
    assert tables["images"]["Pixels counted"][0] == SIDE * SIDE // 2
    notes = " ".join(tables["notes"]["Note"])
    assert "2 annotated images without a prediction left out: b, c" in notes


def test_other_names_of_classes(tmp_path: Path, dataset: Path) -> None:
    masks = {"a": class_map(0)}
    other = write_masks(tmp_path / "found", masks, "void\nslit\n")
    told = r"the truth: pore, crack, found 'slit', 'void'.*--class-map 'name in the prediction=name in the truth'"
    with pytest.raises(BadAnnotation, match=told):
        evaluate(dataset, other, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    tables = evaluate(dataset, other, tmp_path / "out", class_map=["void=pore", "slit=ignore"])
    assert value(tables, "pore", "IoU") == 1
    assert value(tables, "crack", "objects found") == 0
    with pytest.raises(BadValue, match="such as pore=void"):
        evaluate(dataset, other, tmp_path / "other", class_map=["void"])


def test_the_only_class_of_both_sides_is_the_same_one(tmp_path: Path) -> None:
    true = write_masks(tmp_path / "true", {"a": (class_map(0) == 1).astype(np.uint8)}, "pore\n")
    other = write_masks(tmp_path / "found", {"a": (class_map(0) == 1).astype(np.uint8)}, "void\n")
    tables = evaluate(true, other, tmp_path / "out")
    assert value(tables, "pore", "object F1") == 1
    assert value(tables, "pore", "mean diameter annotated", "Unit") == "pixel"
    assert any("'void' is taken for 'pore'" in note for note in tables["notes"]["Note"])


def test_one_image_each_is_the_same_image(tmp_path: Path) -> None:
    true = write_masks(tmp_path / "true", {"a": class_map(0)})
    other = write_masks(tmp_path / "found", {"a by anna": class_map(0)})
    tables = evaluate(true, other, tmp_path / "out")
    assert value(tables, "all classes", "IoU") == 1
    assert any("taken as the same image" in note for note in tables["notes"]["Note"])


def test_what_does_not_fit_is_said_in_words(tmp_path: Path, dataset: Path, found: Path) -> None:
    out = tmp_path / "out"
    strangers = write_masks(tmp_path / "strangers", {"x": class_map(0), "y": class_map(1)})
    with pytest.raises(BadValue, match=r"no-image-in-common.*a, b, c annotated; x, y predicted"):
        evaluate(dataset, strangers, out)
    small = write_masks(tmp_path / "small", {"a": class_map(0)[:32], "b": class_map(1)})
    with pytest.raises(BadAnnotation, match=r"a\. Expected one size.*64 x 64.*the prediction says 64 x 32|64 x 32"):
        evaluate(dataset, small, out)
    with pytest.raises(BadDataset, match=r"no-test.*1 of train, 3 of validation.*--part all"):
        evaluate(dataset, found, out, part="test")
    with pytest.raises(BadValue, match=r"installed model \(.*loops.*Did you mean 'loops'"):
        evaluate(dataset, "lops", out)
    with pytest.raises(BadValue, match="it is for models"):
        evaluate(dataset, found, out, threshold=0.4)
    with pytest.raises(BadAnnotation, match=r"classes of the truth: pore, crack, found 'loop'"):
        evaluate(dataset, "loops", out)
    (dataset / "masks" / "b.png").unlink()
    with pytest.raises(BadDataset, match=r"not-annotated.*none for b"):
        evaluate(dataset, found, out)
    assert not out.exists()


def coco(path: Path, stems: str, objects: dict[str, list[list[int]]], marked: str = "") -> Path:
    """A COCO file of pores: boxes by stem, and the stems that are marked as looked at."""
    images = [
        {"id": n, "file_name": f"{stem}.png", "width": SIDE, "height": SIDE}
        | ({"temj": {"annotated": True}} if stem in marked else {})
        for n, stem in enumerate(stems)
    ]
    boxes = [(stems.index(stem), box) for stem, several in objects.items() for box in several]
    entries = [{"id": n, "image_id": image, "category_id": 1, "bbox": box} for n, (image, box) in enumerate(boxes)]
    path.write_text(json.dumps({"images": images, "annotations": entries, "categories": [{"id": 1, "name": "pore"}]}))
    return path


def test_an_image_without_objects_is_no_empty_file(tmp_path: Path) -> None:
    some = {"a": [[4, 4, 10, 10]]}
    true = coco(tmp_path / "true.json", "ab", {"a": some["a"], "b": [[9, 9, 8, 8]]})
    tables = evaluate(true, coco(tmp_path / "some.json", "ab", some), tmp_path / "one")
    assert sorted(tables["images"]["Image"]) == ["a", "b"]
    assert value(tables, "pore", "object recall") == 0.5
    assert any("nothing was found in 1 image that the file lists" in note for note in tables["notes"]["Note"])
    tables = evaluate(true, coco(tmp_path / "none.json", "ab", {}), tmp_path / "two")
    assert value(tables, "pore", "object recall") == 0
    tables = evaluate(coco(tmp_path / "marked.json", "ab", some, "b"), true, tmp_path / "three")
    assert value(tables, "pore", "object precision") == 0.5
    with pytest.raises(BadAnnotation, match=r'not-annotated.*2 images without objects .*a.*"annotated": true'):
        evaluate(tmp_path / "none.json", true, tmp_path / "four")
    with pytest.raises(BadAnnotation, match=r"no-images.*no image at all"):
        evaluate(coco(tmp_path / "nothing.json", "", {}), true, tmp_path / "four")


def test_a_model_needs_the_images(tmp_path: Path) -> None:
    true = write_masks(tmp_path / "true", {"a": (class_map(0) == 1).astype(np.uint8)}, "pore\n")
    with pytest.raises(BadImage, match="--images"):
        evaluate(true, "loops", tmp_path / "out")


def test_earlier_files_are_refused_replaced_and_never_mixed(tmp_path: Path, dataset: Path, found: Path) -> None:
    out = tmp_path / "out"
    evaluate(dataset, found, out)
    before = {file: file.read_bytes() for file in out.rglob("*") if file.is_file()}
    with pytest.raises(Refused, match="--overwrite"):
        evaluate(dataset, found, out)
    assert before == {file: file.read_bytes() for file in out.rglob("*") if file.is_file()}
    evaluate(dataset, found, out, overwrite=True, pictures=1)
    assert [file.name for file in (out / "overlays").iterdir()] == ["01_c.png"]
    (out / "overlays" / "mine.png").write_bytes(b"")
    with pytest.raises(Refused, match=r"foreign-files.*overlays/mine.png"):
        evaluate(dataset, found, out, overwrite=True)


def test_a_stop_leaves_nothing(tmp_path: Path, dataset: Path, found: Path) -> None:
    parameters = {"truth": dataset, "prediction": str(found), "output": tmp_path / "out"}
    with pytest.raises(Cancelled, match="0 of 3 images"):
        commands.run("evaluate", parameters, cancelled=lambda: True)
    assert not (tmp_path / "out").exists()


def test_results_of_films_are_refused(tmp_path: Path, dataset: Path) -> None:
    result = tmp_path / "result"
    result.mkdir()
    entry = {"image": "a.tif", "stem": "a", "files": {}, "film": {"dimensions": [1, 1, 5]}}
    (result / "run.json").write_text(json.dumps({"command": "predict", "images": [entry]}))
    with pytest.raises(Refused, match=r"films: a\.tif"):
        evaluate(dataset, result, tmp_path / "out")
    (result / "run.json").write_text(json.dumps({"command": "train"}))
    with pytest.raises(Refused, match="temj predict"):
        evaluate(dataset, result, tmp_path / "out")


def test_what_a_model_knew_before() -> None:
    card = open_model("loops").card
    assert training_use(card, Images("loops", ["98", "99"])) == []
    (trained, tuned) = training_use(card, Images("loops", ["01", "04", "99"]))
    assert trained.startswith("ON TRAINING IMAGES: model 'loops' was trained on 1 of these images (01): ")
    assert tuned.startswith("ON VALIDATION IMAGES: thresholds and best step of model 'loops' were chosen on 1 of")
    (unsure,) = training_use(card, Images("other", ["01"]))
    assert "if these are the images of those names in its dataset 'loops'" in unsure
    known = card.model_copy(update={"data": (card.data[0].model_copy(update={"contents": {"01": "a" * 64}}),)})
    (sure,) = training_use(known, Images("other", ["renamed"], {"renamed": "a" * 64}))
    assert "was trained on all of these images: " in sure
    assert training_use(known, Images("loops", ["01"], {"01": "b" * 64})) == [], "another image of the same name"
