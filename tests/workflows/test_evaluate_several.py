"""``temj evaluate`` of several predictions, with a second person, and what it tells of quantities and sizes."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from temj import commands
from temj.data import Instances, RoiType, Shape
from temj.errors import BadAnnotation, BadValue, Refused
from temj.evaluation.judging import Rules, judge
from temj.workflows.evaluate_guess import Guess, Objects
from temj.workflows.evaluate_pictures import Shown, pairs_strip, panels
from temj.workflows.evaluate_several import folder_names

SIDE = 96


def circles(seed: int, grown: int = 0, without: int = 0) -> np.ndarray:
    """Circles of 1 on a grid, ``grown`` pixels larger, without the first few."""
    rng = np.random.default_rng(seed)
    pixels = np.zeros((SIDE, SIDE), np.uint8)
    places = [(x, y) for y in range(12, SIDE, 24) for x in range(12, SIDE, 24)]
    for number, place in enumerate(places):
        size = int(rng.integers(3, 8)) + grown
        if number >= without:
            cv2.circle(pixels, place, size, 1, -1)
    return pixels


def masks(folder: Path, made: dict[str, np.ndarray]) -> Path:
    folder.mkdir(parents=True)
    for stem, pixels in made.items():
        cv2.imwrite(str(folder / f"{stem}.png"), pixels)
    (folder / "classes.txt").write_text("pore\n")
    return folder


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    folder = tmp_path / "truth"
    masks(folder / "masks", {stem: circles(seed) for seed, stem in enumerate("abc")})
    (folder / "masks" / "classes.txt").unlink()
    (folder / "images").mkdir()
    for seed, stem in enumerate("abc"):
        cv2.imwrite(str(folder / "images" / f"{stem}.png"), (200 - 90 * circles(seed)).astype(np.uint8))
    facts = {"format": 1, "classes": ["pore"], "pixel_size": 0.5, "masks": "classes",
             "split": {"train": [], "validation": ["a", "b", "c"]}}  # fmt: skip
    (folder / "dataset.json").write_text(json.dumps(facts))
    return folder


@pytest.fixture
def near(tmp_path: Path) -> Path:
    return masks(tmp_path / "near", {stem: circles(seed, without=1) for seed, stem in enumerate("abc")})


@pytest.fixture
def far(tmp_path: Path) -> Path:
    return masks(tmp_path / "far", {stem: circles(seed, grown=2, without=5) for seed, stem in enumerate("abc")})


def evaluate(truth: Path, prediction: object, output: Path, **parameters: object) -> dict:
    values = {"truth": truth, "prediction": prediction, "output": output, "area": "whole", "pictures": 0}
    return commands.run("evaluate", values | parameters)


def test_several_are_compared_and_the_best_is_marked(tmp_path: Path, truth: Path, near: Path, far: Path) -> None:
    out = tmp_path / "out"
    tables = evaluate(truth, [str(far), str(near)], out)
    rows = list(csv.DictReader((out / "comparison.csv").read_text().splitlines()))
    assert [(row["Prediction"], row["Best"]) for row in rows] == [("far", "0"), ("near", "1")]
    alone = evaluate(truth, str(far), tmp_path / "alone")
    (count,) = alone["evaluation"]["Value"][alone["evaluation"]["Metric"] == "count error"]
    assert float(rows[0]["N_re (%)"]) == pytest.approx(100 * count, abs=1e-3)
    assert float(rows[0]["Largest error (%)"]) > float(rows[1]["Largest error (%)"])
    assert (out / "far" / "evaluation.csv").read_bytes() == (tmp_path / "alone" / "evaluation.csv").read_bytes()
    told = commands.command("evaluate").account(tables)
    assert "best" in told
    assert "near: annotations near against dataset truth" in told
    with pytest.raises(Refused, match=r"comparison\.csv"):
        evaluate(truth, [str(far), str(near)], out)
    evaluate(truth, [str(far), str(near)], out, overwrite=True)


def test_nothing_is_written_where_one_of_several_is_there(tmp_path: Path, truth: Path, near: Path, far: Path) -> None:
    out = tmp_path / "out"
    evaluate(truth, str(near), out / "near")
    with pytest.raises(Refused):
        evaluate(truth, [str(far), str(near)], out)
    assert not (out / "far").exists()


def test_of_different_images_none_is_the_best(tmp_path: Path, truth: Path, near: Path) -> None:
    other = masks(tmp_path / "other", {"a": circles(0)})
    tables = evaluate(truth, [str(near), str(other)], tmp_path / "out")
    assert tables["comparison"]["Best"].tolist() == [0, 0]
    assert tables["comparison"]["Images"].tolist() == [3, 1]
    assert "other lacks b, c; none is the best" in tables["notes"]["Note"][0]


def test_names_of_folders_differ() -> None:
    assert folder_names(["x/a.zip", "y/a.json", "loops", "."]) == ["a", "a-2", "loops", "prediction"]


def test_a_second_person(tmp_path: Path, truth: Path, near: Path, far: Path) -> None:
    tables = evaluate(truth, str(far), tmp_path / "out", second=near)
    table = tables["persons"]
    f1 = dict(zip(table["Between"][:4], table["Value"][:4], strict=True))
    assert f1["both persons"] == pytest.approx(2 * 45 / (45 + 48))
    assert 0.2 < f1["machine and first person"] < 2 * 33 / (33 + 48), "small circles grow too much to be matched"
    heading = " ".join(tables["heading"]["Heading"])
    assert "the machine is further from a person than two persons from each other" in heading
    facts = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert len(facts["persons"]) == 12
    assert facts["settings"]["second"] == str(near)
    line = json.loads((tmp_path / "out" / "run.json").read_text())["command_line"]
    assert f"--second {near}" in line


def test_a_second_person_that_does_not_fit(tmp_path: Path, truth: Path, near: Path) -> None:
    with pytest.raises(BadValue, match=r"no-image-in-common.*second"):
        evaluate(truth, str(near), tmp_path / "out", second=masks(tmp_path / "x", {"x": circles(0), "y": circles(1)}))
    small = masks(tmp_path / "small", {"a": circles(0)[:50]})
    with pytest.raises(BadAnnotation, match="the second annotation says 96 x 50"):
        evaluate(truth, str(near), tmp_path / "out", second=small)
    assert not (tmp_path / "out").exists()


def test_quantities_and_sizes_are_there_with_units(tmp_path: Path, truth: Path, far: Path) -> None:
    tables = evaluate(truth, str(far), tmp_path / "out", size_bins=[4, 6])
    table = tables["quantities"]
    row = np.flatnonzero((table["Image"] == "all images") & (table["Quantity"] == "number density"))[0]
    area = 3 * (SIDE * 0.5e-9) ** 2
    assert table["Truth"][row] == pytest.approx(48 / area)
    assert table["Prediction"][row] == pytest.approx(33 / area)
    assert table["Relative error (%)"][row] == pytest.approx(100 * (33 / 48 - 1))
    assert tables["sizes"]["From (nm)"].tolist() == [0, 4, 6]
    assert tables["sizes"]["Annotated"].sum() == 48
    difference = tables["pairs"]["Difference (nm)"]
    assert difference.mean() == pytest.approx(2 * 2 * 0.5, abs=0.1), "circles of 2 pixels more radius, 0.5 nm each"
    assert set(tables["image_errors"]["Image"]) == {"a", "b", "c"}


def test_empty_images_and_no_pixel_size(tmp_path: Path) -> None:
    nothing = np.zeros((SIDE, SIDE), np.uint8)
    true = masks(tmp_path / "true", {"a": nothing, "b": nothing})
    found = masks(tmp_path / "found", {"a": nothing, "b": nothing})
    tables = evaluate(true, str(found), tmp_path / "out", pictures=2)
    table = tables["quantities"]
    assert set(table["Unit"]) == {"", "pixel", "m⁻²", "%"}
    fraction = (table["Quantity"] == "area fraction") & (table["Image"] == "all images")
    assert table["Truth"][fraction].tolist() == [0]
    assert np.isnan(table["Relative error (%)"]).all()
    notes = " ".join(tables["notes"]["Note"])
    assert "class 'pore': nothing annotated: its sizes and errors are not defined (NaN)" in notes
    assert "no pixel size" in notes
    assert not (tmp_path / "out" / "pairs.png").exists()


def scene():
    """A disc, found a little too far to the right, and what a network with a map may have answered."""
    from temj.data import Calibration, Micrograph

    true = Instances.of([Shape(RoiType.OVAL, params=(20, 20, 30, 30), subpixel=False)], class_name="pore")
    found = Instances.of([Shape(RoiType.OVAL, params=(24, 20, 30, 30), subpixel=False)], class_name="pore")
    counts = np.ones((SIDE, SIDE), bool)
    image = Micrograph(np.full((SIDE, SIDE), 90, np.uint8), Calibration(0.5, 0.5, "nm"), "a")
    return image, true, found, counts, judge(found, true, counts, Rules(("pore",), {}))


def seen(png: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]


def near_to(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """(h, w) bool, where the colour is about this one: thin lines are blended with what is behind them."""
    return (np.abs(picture.astype(int) - colour) < 50).all(axis=2)


def test_panels_show_the_steps(tmp_path: Path) -> None:
    image, true, found, counts, judged = scene()
    levels = np.zeros((SIDE, SIDE), np.float32)
    levels[20:50, 24:54] = 1
    colours = {"pore": "#d55e00"}
    mapped = Shown.of(Guess(Objects(found), {"pore": levels}))
    picture = seen(panels("a", image, mapped, true, judged, counts, colours))
    views = np.array_split(picture[:600], 4, axis=1)
    vermilion = [near_to(view, (0xD5, 0x5E, 0)).sum() for view in views]
    assert vermilion[0] == vermilion[1] == 0
    assert vermilion[2] == pytest.approx(np.pi * 15**2 * (640 / SIDE) ** 2, rel=0.02), "the mask is filled"
    assert 0 < vermilion[3] < vermilion[2] / 10, "outlines only"
    assert (views[1][:, :, 0] > 200).mean() == pytest.approx(levels.mean(), rel=0.15), "bright where it is probable"
    boxed = Shown(Objects(found, found.shapes), detector=True)
    picture = seen(panels("a", image, boxed, true, judged, counts, colours))[:600]
    parts = [near_to(view, (0xD5, 0x5E, 0)).any(axis=0) for view in np.array_split(picture, 3, axis=1)]
    rows = [np.flatnonzero(part) for part in parts]
    assert rows[0].min() < rows[1].min(), "what is annotated lies further to the left"
    assert panels("a", image, Shown(Objects(found)), true, judged, counts, colours) is None


def test_the_strip_has_a_line_for_each_kind(tmp_path: Path) -> None:
    image, true, found, _, judged = scene()
    png = pairs_strip({"a": judged}, 0.5, lambda _stem: image, lambda _stem: (found.shapes, true.shapes))
    assert png == pairs_strip({"a": judged}, 0.5, lambda _stem: image, lambda _stem: (found.shapes, true.shapes))
    blue = near_to(seen(png), (0x56, 0xB4, 0xE9))
    assert blue.sum() > 100
    assert pairs_strip({}, 0.5, lambda _stem: image, lambda _stem: (found.shapes, true.shapes)) is None
