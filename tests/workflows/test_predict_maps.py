"""Probability maps, class maps, thresholds in tables, several models, test-time augmentation, input size."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile

import temj
from temj import annotations, cli, commands, inference, readers
from temj.annotations import masks
from temj.errors import BadValue, Cancelled
from temj.inference import kept
from temj.models import Card, write_model


def predict(images: list[Path], output: Path, **parameters: object) -> dict:
    return commands.run("predict", {"images": images, "output": output, **parameters})


def run_of(folder: Path) -> dict:
    return json.loads((folder / "run.json").read_text())


@pytest.fixture(scope="module")
def voids(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped model under another name: it calls what it finds a void, and its threshold is another."""
    model = temj.open_model("loops")
    settings = dict(model.card.core.settings) | {"classes": ["void"]}
    card = model.card.model_dump() | {
        "name": "voids", "core": {"name": "semantic", "settings": settings}, "class_map": {},
        "classes": [{"name": "void", "colour": "#0072b2"}], "thresholds": {"area": 0.8, "auto": 0.6},
        "default_threshold": "auto", "files": {},
    }  # fmt: skip
    state = {name: tensor * 1.001 if tensor.is_floating_point() else tensor for name, tensor in
             model.load_core("cpu").network.state_dict().items()}  # fmt: skip
    sample = readers.open(model.folder / "sample.tif")
    return write_model(tmp_path_factory.mktemp("models") / "voids", Card.model_validate(card), state, sample).folder


def test_maps_are_written_where_they_are_asked_for(tmp_path: Path, micrograph) -> None:
    image, out = micrograph("a.tif"), tmp_path / "out"
    predict([image], out, probability=True, classes=True)
    probability, classes = (tifffile.imread(out / f"a_{kind}.tif") for kind in ("probability", "classes"))
    labels = tifffile.imread(out / "a_labels.tif")
    assert (probability.dtype, classes.dtype) == (np.float32, np.uint8)
    assert probability.shape == classes.shape == labels.shape
    assert 0 <= probability.min() < probability.max() <= 1
    threshold = run_of(out)["images"][0]["prediction"]["threshold"]
    assert (probability[labels > 0] > threshold).all()
    np.testing.assert_array_equal(classes, labels > 0)
    with tifffile.TiffFile(out / "a_probability.tif") as file:
        told = file.imagej_metadata
        assert (told["unit"], told["min"], told["max"], told["Labels"]) == ("nm", 0.0, 1.0, "loop")
        numerator, denominator = file.pages[0].tags["XResolution"].value
        assert numerator / denominator == pytest.approx(2.56)
    with tifffile.TiffFile(out / "a_classes.tif") as file:
        assert file.imagej_metadata["Info"] == "0 = background\n1 = loop\n"
        assert (file.pages[0].colormap[:, 1] >> 8).tolist() == [0xFF, 0x7F, 0x0E]
    np.testing.assert_array_equal(masks.read_labels(out / "a_classes.tif"), classes)  # a mask to train on
    np.testing.assert_array_equal(temj.probabilities(temj.open(image))[0].pixels, probability)
    predict([image], out, overwrite=True)
    assert not (out / "a_probability.tif").exists()
    assert not (out / "a_classes.tif").exists()


def test_an_earlier_map_is_no_micrograph(tmp_path: Path, micrograph) -> None:
    folder = micrograph("in/a.tif").parent
    predict([folder], folder, probability=True, classes=True)
    assert len(predict([folder], tmp_path / "again")["summary"]) == 1


def test_probability_outside_the_analysed_area_is_0(tmp_path: Path, micrograph, field) -> None:
    pixels = field.copy()
    pixels[:, :40] = 0
    predict([micrograph("a.tif", pixels)], tmp_path / "out", probability=True)
    probability = tifffile.imread(tmp_path / "out" / "a_probability.tif")
    assert not probability[:, :40].any()
    assert probability[:, 40:].any()


def test_a_constant_image_has_probability_0(tmp_path: Path, micrograph) -> None:
    predict([micrograph("a.tif", np.full((64, 80), 9, np.uint8))], tmp_path / "out", probability=True, classes=True)
    for kind in ("probability", "classes"):
        assert not tifffile.imread(tmp_path / "out" / f"a_{kind}.tif").any()


def test_films_give_stacks_in_their_places(tmp_path: Path, micrograph, field) -> None:
    stack = np.stack([field, np.full_like(field, 9), field[::-1]])
    film = micrograph("film.tif", stack)
    predict([film], tmp_path / "out", probability=True, classes=True)
    probability = tifffile.imread(tmp_path / "out" / "film_probability.tif")
    classes = tifffile.imread(tmp_path / "out" / "film_classes.tif")
    labels = tifffile.imread(tmp_path / "out" / "film_labels.tif")
    assert probability.shape == classes.shape == labels.shape == stack.shape
    assert not probability[1].any()
    np.testing.assert_array_equal(classes, labels > 0)
    single = temj.probabilities(temj.open(micrograph("one.tif")))[0]
    np.testing.assert_allclose(probability[0], single.pixels, atol=1e-6)
    opened = readers.open_film(tmp_path / "out" / "film_probability.tif")
    assert (opened.dimensions, opened[2].calibration.unit) == ((1, 1, 3), "nm")


def test_a_film_that_is_stopped_leaves_no_maps(tmp_path: Path, micrograph, field) -> None:
    film, out = micrograph("film.tif", np.stack([field] * 3)), tmp_path / "out"
    calls = iter(range(100))
    with pytest.raises(Cancelled):
        commands.run(
            "predict", {"images": [film], "output": out, "probability": True}, cancelled=lambda: next(calls) > 4
        )
    assert [path.name for path in out.iterdir()] == ["run.json"]


def test_each_plane_of_a_film_is_read_three_times(tmp_path: Path, micrograph, field, monkeypatch) -> None:
    """Checked before the start, predicted, measured; and the first one a few times more."""
    film, reads = micrograph("film.tif", np.stack([field] * 4)), []

    original = readers.open_film

    def counting(path, **options):
        opened = original(path, **options)
        return opened.map(lambda plane: (reads.append(plane.position[2]), plane)[1])

    monkeypatch.setattr("temj.workflows.films.open_film", counting)
    predict([film], tmp_path / "out", probability=True, classes=True)
    assert [reads.count(frame) for frame in (2, 3, 4)] == [3, 3, 3]


def test_the_threshold_is_named_in_the_summary_and_on_the_command_line(tmp_path: Path, micrograph, capsys) -> None:
    image = micrograph("a.tif")
    assert cli.main(["predict", str(image), "--output", str(tmp_path / "one")]) == 0
    number, name = temj.open_model("loops").card.threshold()
    assert f"  threshold: {number:g} ({name})" in capsys.readouterr().out
    header, row = (tmp_path / "one" / "Summary.csv").read_text().splitlines()
    assert header.endswith("Analysed Area,Threshold,Threshold Name")
    assert row.endswith(f"{number:.3f},{name}")
    table = predict([image], tmp_path / "two", threshold=0.31)["summary"]
    assert (table["Threshold"][0], table["Threshold Name"][0]) == (0.31, "given")


def test_another_threshold_of_an_open_image_costs_no_pass(micrograph, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.clear()
    opened, passes = temj.open(micrograph("a.tif")), []
    run_network = inference.asking.run_network
    monkeypatch.setattr("temj.inference.asking.run_network", lambda *given: (passes.append(1), run_network(*given))[1])
    counts = [len(temj.predict(opened, threshold=threshold)) for threshold in (0.3, 0.5, 0.7)]
    assert len(passes) == 1
    found = commands.run("predict", {"threshold": "0.5", "probability": True}, {"micrograph": opened})
    assert (len(passes), len(found["instances"])) == (1, counts[1])
    assert found["probability-1"].name == "a-probability"
    assert found["probability-1"].slice_label == "loop"
    kept.clear()


class TestSeveralModels:
    def test_objects_of_both_stand_together(self, tmp_path: Path, micrograph, voids: Path) -> None:
        image, out = micrograph("a.tif"), tmp_path / "out"
        outputs = predict([image], out, model=f"loops,{voids}", classes=True, probability=True)
        assert outputs["summary"]["Class"].tolist() == ["loop", "void"]
        number, name = temj.open_model("loops").card.threshold()
        assert outputs["summary"]["Threshold"].tolist() == [number, 0.6]
        assert outputs["summary"]["Threshold Name"].tolist() == [name, "auto"]
        rois = annotations.read(out / "a_RoiSet.zip")
        assert set(zip(rois.class_name, rois.group, strict=True)) == {("loop", 1), ("void", 2)}
        run = run_of(out)
        assert [model["name"] for model in run["models"]] == ["loops", "voids"]
        assert all(len(model["sha256"]) == 64 for model in run["models"])
        assert run["images"][0]["overlapped_pixels"] > 0
        assert any("px belong to several objects" in note for note in run["images"][0]["notes"])
        assert tifffile.imread(out / "a_probability.tif").shape[0] == 2
        assert set(np.unique(tifffile.imread(out / "a_classes.tif"))) <= {0, 1, 2}

    def test_repeating_the_option_and_the_line_in_run_json(self, tmp_path: Path, micrograph, voids: Path) -> None:
        image = micrograph("a.tif")
        words = ["predict", str(image), "--model", "loops", "--model", str(voids), "--output", str(tmp_path / "one")]
        assert cli.main(words) == 0
        run = run_of(tmp_path / "one")
        assert run["parameters"]["model"] == f"loops,{voids}"
        assert f"model=loops,{voids}" in run["macro_line"] or f"model=[loops,{voids}]" in run["macro_line"]
        predict([image], tmp_path / "two", model=f"loops, {voids}")
        for name in ("a_Results.csv", "a_labels.tif", "Summary.csv"):
            assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()

    @pytest.mark.parametrize(
        ("text", "told"), [("loops,", "commas"), ("loops,loops", "same weights"), ("loops,vods", "vods")]
    )
    def test_wrong_names_are_refused_in_words(self, tmp_path: Path, micrograph, text: str, told: str) -> None:
        with pytest.raises(BadValue, match=told):
            predict([micrograph("a.tif")], tmp_path / "out", model=text)

    def test_a_folder_with_a_comma_in_its_name_is_one_model(self, tmp_path: Path, micrograph) -> None:
        shutil.copytree(temj.open_model("loops").folder, tmp_path / "a,b")
        assert len(predict([micrograph("a.tif")], tmp_path / "out", model=str(tmp_path / "a,b"))["summary"]) == 1


def test_views_and_input_size_stand_in_run_json(tmp_path: Path, micrograph, field) -> None:
    half = micrograph("half.tif", field.reshape(96, 2, 128, 2).mean((1, 3)).round().astype(np.uint8), None)
    predict([half], tmp_path / "out", tta=True, input_size=256)
    run = run_of(tmp_path / "out")
    facts = run["images"][0]["prediction"]
    assert (run["options"]["tta"], run["options"]["input_size"]) == (True, 256)
    assert (facts["views"], facts["input_size"], facts["factor"]) == (8, 256, [2.0, 2.0])
    notes = run["images"][0]["notes"]
    assert any("whole field resized from 128 x 96 to 256 x 192 px (input size 256, given)" in note for note in notes)
    assert any("mean of 8 views" in note for note in notes)
    assert "--input-size 256 --tta" in run["command_line"]
    assert "input_size=256 tta" in run["macro_line"]
    labels = tifffile.imread(tmp_path / "out" / "half_labels.tif")
    assert labels.shape == (96, 128)
    known = predict([micrograph("full.tif")], tmp_path / "full", tta=True)["summary"]["%Area"][0]
    assert 100 * (labels > 0).mean() == pytest.approx(known, rel=0.35)


@pytest.mark.parametrize("size", ["31", "0", "x", "100000"])
def test_a_wrong_input_size_is_refused_in_words(tmp_path: Path, micrograph, size: str) -> None:
    with pytest.raises(BadValue, match="input_size"):
        predict([micrograph("a.tif")], tmp_path / "out", input_size=size)
