"""Everything that the check of a dataset finds, each with its severity, place and remedy."""

import json
import os
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from temj import datasets
from temj.annotations import roiset
from temj.data import Instances, RoiType, Shape
from temj.datasets.check_classes import alike
from temj.datasets.similar import fingerprint
from temj.errors import BadDataset

RNG = np.random.default_rng(8)
WIDTH, HEIGHT = 60, 50


def png(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", array)[1].tobytes())


def picture() -> np.ndarray:
    """Blobs on noise: no two are alike."""
    grey = RNG.normal(120, 8, (HEIGHT, WIDTH))
    for _ in range(12):
        cv2.circle(grey, RNG.integers(0, 50, 2).tolist(), int(RNG.integers(2, 8)), float(RNG.integers(0, 256)), -1)
    return grey.clip(0, 255).astype(np.uint8)


def box(x: float, y: float, width: float, height: float, **more: object) -> Shape:
    return Shape(RoiType.RECT, params=(x, y, width, height, 0), **{"subpixel": False, **more})


def rois(root: Path, stem: str, shapes: list[Shape], **columns: object) -> None:
    columns = {key: np.array(value, object) if isinstance(value, list) else value for key, value in columns.items()}
    roiset.write(root / "rois" / f"{stem}_RoiSet.zip", Instances.of(shapes, **columns))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A sound dataset of four images with two objects each, as ROI sets."""
    (tmp_path / "rois").mkdir()
    for stem in "abcd":
        png(tmp_path / "images" / f"{stem}.png", picture())
        rois(tmp_path, stem, [box(5, 5, 6, 8), box(30, 20, 10, 10)])
    describe(tmp_path)
    return tmp_path


def describe(root: Path, **more: object) -> None:
    values = {
        "format": 1, "classes": ["loop"], "pixel_size": 0.5, "licence": "MIT", "protocol": "as drawn",
        "split": {"train": ["a", "b"], "validation": ["c", "d"]},
    }  # fmt: skip
    (root / "dataset.json").write_text(json.dumps(values | more))


def report(root: Path) -> datasets.Report:
    return datasets.check(datasets.open_dataset(root))


def found(root: Path) -> list[tuple[str, str, str]]:
    """(severity, code, place) of everything but objects at the edge."""
    return [(p.severity, p.code, p.where) for p in report(root).problems if p.code != "objects/at-edge"]


def only(root: Path, severity: str, code: str, where: str) -> str:
    """The one problem of a dataset, in words."""
    problems = [p for p in report(root).problems if p.code != "objects/at-edge"]
    assert [(p.severity, p.code, p.where) for p in problems] == [(severity, code, where)]
    return problems[0].text


def test_a_sound_dataset_has_nothing_to_tell(root: Path):
    assert found(root) == []
    result = report(root)
    assert list(result.objects["Area"]) == [48, 100] * 4
    np.testing.assert_allclose(result.objects["Diameter"], 2 * np.sqrt(np.array([48, 100] * 4) / np.pi) * 0.5)
    assert next(column.unit for column in result.objects if column.name == "Diameter") == "nm"
    assert list(result.images["Objects"]) == [2] * 4
    assert list(result.images["Format"]) == ["roiset"] * 4


def test_the_report_is_made_once(root: Path):
    dataset = datasets.open_dataset(root)
    first = datasets.check(dataset)
    (root / "images" / "a.png").unlink()
    assert datasets.check(dataset) is first
    assert datasets.check(dataset.with_split(dataset.split)) is not first


class TestObjects:
    def test_outside(self, root: Path):
        rois(root, "a", [box(5, 5, 6, 8), box(200, 5, 6, 8)], name=["loop-0001", "loop-0002"])
        text = only(root, "error", "objects/outside", "rois/a_RoiSet.zip")
        assert "1 of 2 objects ('loop-0002') outside its image of 60 x 50" in text

    def test_partly_outside_is_clipped_and_counted(self, root: Path):
        rois(root, "a", [box(55, 5, 10, 8), box(30, 20, 10, 10), box(-3, 20, 8, 8)], name=["x", "y", "z"])
        assert "2 of 3 objects ('x', 'z') reaching over the edge" in only(
            root, "info", "objects/clipped", "rois/a_RoiSet.zip"
        )
        assert report(root).images["Objects"][0] == 3
        assert 5 * 8 in report(root).objects["Area"]

    def test_without_pixels(self, root: Path):
        flat = Shape(RoiType.POLYGON, [[3, 3], [9, 3]], subpixel=False)
        rois(root, "a", [box(5, 5, 6, 8), flat, Shape(RoiType.FREEROI, [[3, 3], [3, 9], [3, 7]])])
        assert "2 of 3 objects" in only(root, "error", "objects/no-pixels", "rois/a_RoiSet.zip")

    def test_points_and_lines(self, root: Path):
        shapes = [box(5, 5, 6, 8), Shape(RoiType.POINT, [[3, 3]]), Shape(RoiType.LINE, [[3, 3], [9, 30]])]
        rois(root, "a", shapes, name=["x", "y", "z"])
        assert "2 of 3 objects ('y', 'z') that are points or lines" in only(
            root, "error", "objects/no-area", "rois/a_RoiSet.zip"
        )

    @pytest.mark.parametrize("wrong", [np.nan, np.inf, 2e6, -1e7])
    @pytest.mark.parametrize("kind", ["points", "params"])
    def test_coordinates_that_are_none(self, root: Path, wrong: float, kind: str, monkeypatch: pytest.MonkeyPatch):
        bad = Shape(RoiType.POLYGON, [[1, 1], [wrong, 5], [4, 9]]) if kind == "points" else box(1, wrong, 4, 4)
        read = roiset.read

        def damaged(path: Path) -> Instances:
            instances = read(path)
            return Instances.of([bad, *instances.shapes]) if path.name.startswith("a_") else instances

        monkeypatch.setattr(roiset, "read", damaged)
        assert "1 of 3 objects (number 1)" in only(root, "error", "objects/coordinates", "rois/a_RoiSet.zip")

    def test_position_on_a_plane_that_is_not_there(self, root: Path):
        rois(root, "a", [box(5, 5, 6, 8), box(30, 20, 10, 10)], position=np.array([[1, 1, 1], [0, 3, 0]]))
        assert "1 of 2 objects" in only(root, "error", "objects/position", "rois/a_RoiSet.zip")

    def test_overlaps_are_counted(self, root: Path):
        rois(root, "a", [box(5, 5, 10, 10), box(12, 5, 10, 10), box(40, 30, 5, 5)])
        assert "30 pixels claimed by several objects: 2 of 3 objects" in only(
            root, "warning", "objects/overlap", "rois/a_RoiSet.zip"
        )

    def test_two_objects_at_the_same_place(self, root: Path):
        describe(root, classes=["loop", "dot"])
        for stem in "abcd":
            rois(root, stem, [box(5, 5, 6, 8), box(30, 20, 10, 10)], class_name=["loop", "dot"])
        twice = [box(5, 5, 10, 10), box(5, 6, 10, 10), box(30, 20, 10, 10), box(30, 20, 10, 9)]
        rois(root, "a", twice, class_name=["loop", "loop", "loop", "dot"], name=["k", "l", "m", "n"])
        problems = {problem.code: problem for problem in report(root).problems}
        assert "'k' and 'l'" in problems["objects/twice"].what
        assert "'m' and 'n'" in problems["objects/two-classes"].what
        assert {problems[f"objects/{code}"].severity for code in ("twice", "two-classes", "overlap")} == {"warning"}

    def test_what_is_to_be_ignored_may_lie_over_objects(self, root: Path):
        rois(root, "a", [box(5, 5, 10, 10), box(0, 0, 30, 30)], class_name=["loop", "ignore"])
        assert found(root) == []

    def test_images_of_nothing_but_ignore(self, root: Path):
        rois(root, "a", [box(0, 0, WIDTH, HEIGHT)], class_name="ignore")
        assert "no labelled pixel" in only(root, "error", "ignore/all", "rois/a_RoiSet.zip")
        rois(root, "a", [box(0, 0, WIDTH, HEIGHT - 1)], class_name="ignore")
        assert "no object but those to be ignored" in only(root, "warning", "ignore/only", "rois/a_RoiSet.zip")

    def test_an_object_that_is_the_whole_image_is_doubted(self, root: Path):
        (root / "rois" / "a_RoiSet.zip").unlink()
        mask = np.full((HEIGHT, WIDTH), 255, np.uint8)
        png(root / "masks" / "a.png", mask)
        text = only(root, "warning", "objects/whole-image", "masks/a.png")
        assert "one object of class 'loop' covers all of the image" in text
        mask[0, 0] = 0
        png(root / "masks" / "a.png", mask)
        assert "covers 100% of the image" in only(root, "warning", "objects/inverted", "masks/a.png")

    def test_objects_at_the_edge_are_told(self, root: Path):
        rois(root, "b", [box(0, 5, 6, 8)])
        rois(root, "d", [box(5, 45, 6, 5)])
        (problem,) = report(root).problems
        assert (problem.severity, problem.code) == ("info", "objects/at-edge")
        assert "2 images with objects that touch its edge: b.png, d.png" in problem.what


class TestImages:
    def test_constant_and_nearly_constant(self, root: Path):
        png(root / "images" / "a.png", np.full((HEIGHT, WIDTH), 7, np.uint8))
        assert "all its pixels are 7" in only(root, "error", "pixels/constant", "images/a.png")
        png(root / "images" / "a.png", RNG.integers(7, 10, (HEIGHT, WIDTH)).astype(np.uint8))
        assert "between 7 and 9" in only(root, "warning", "pixels/near-constant", "images/a.png")

    def test_nearly_constant_float(self, root: Path):
        (root / "images" / "a.png").unlink()
        tifffile.imwrite(root / "images" / "a.tif", (1 + RNG.random((HEIGHT, WIDTH)) * 1e-6).astype(np.float32))
        assert found(root) == [("warning", "pixels/near-constant", "images/a.tif")]
        tifffile.imwrite(root / "images" / "a.tif", (RNG.random((HEIGHT, WIDTH)) * 1e-20).astype(np.float32))
        assert found(root) == []

    def test_parts_that_were_never_written(self, root: Path):
        (root / "images" / "a.png").unlink()
        file = root / "images" / "a.tif"
        grey = np.tile(picture(), (3, 3))[:128, :128]
        tifffile.imwrite(file, grey, tile=(64, 64), metadata=None)
        with tifffile.TiffFile(file, mode="r+b") as tif:
            tag = tif.pages[0].tags["TileByteCounts"]
            counts = list(tag.value)
            counts[1] = 0
            tag.overwrite(counts)
        (problem,) = [p for p in report(root).problems if p.where.startswith("images/a.tif")]
        assert problem.severity == "error"
        assert problem.code in ("pixels/sparse", "BadImage/truncated", "BadImage/sparse")

    def test_stacks(self, root: Path):
        (root / "images" / "a.png").unlink()
        tifffile.imwrite(root / "images" / "a.tif", np.stack([picture(), picture()]), photometric="minisblack")
        text = only(root, "error", "BadImage/stack", "images/a.tif")
        assert "found 2 planes (1 channel, 2 slices, 1 frame). Save each plane as an image of its own" in text
        assert "detectors" not in text
        assert "open_film" not in text
        tifffile.imwrite(
            root / "images" / "a.tif", np.stack([picture(), picture()]), imagej=True, metadata={"axes": "CYX"}
        )
        assert "write 'detectors': 2 into dataset.json" in only(root, "error", "BadImage/stack", "images/a.tif")

    def test_cut_off_images_are_to_be_copied_again(self, root: Path):
        (root / "images" / "a.png").unlink()
        file = root / "images" / "a.tif"
        tifffile.imwrite(file, np.stack([picture()] * 3), photometric="minisblack", metadata=None)
        data = file.read_bytes()
        for length in (len(data) // 2, len(data) - 40):
            file.write_bytes(data[:length])
            (problem,) = (p for p in report(root).errors if p.where.startswith("images/a.tif"))
            assert problem.code == "BadImage/truncated"
            assert "copy it again" in problem.remedy
            assert "partial" not in problem.text

    def test_masks_that_are_stacks_or_cut_off(self, root: Path):
        (root / "rois" / "a_RoiSet.zip").unlink()
        (root / "masks").mkdir()
        mask = np.zeros((3, HEIGHT, WIDTH), np.uint8)
        mask[:, 5:9, 5:9] = 1
        file = root / "masks" / "a.tif"
        tifffile.imwrite(file, mask, photometric="minisblack", metadata=None)
        text = only(root, "error", "BadImage/stack", "masks/a.tif")
        assert "Save each plane as an image of its own" in text
        assert "plane=" not in text
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        text = only(root, "error", "BadImage/truncated", "masks/a.tif")
        assert "copy it again" in text
        assert "partial" not in text


class TestScales:
    def scaled(self, root: Path, stem: str, size: float) -> None:
        (root / "images" / f"{stem}.png").unlink(missing_ok=True)
        tifffile.imwrite(
            root / "images" / f"{stem}.tif", picture(), imagej=True, resolution=(1 / size,) * 2, metadata={"unit": "nm"}
        )

    def test_unknown(self, root: Path):
        describe(root, pixel_size=None)
        assert "no pixel size is known" in only(root, "warning", "scale/missing", "dataset.json")
        assert next(column.unit for column in report(root).objects if column.name == "Diameter") == "pixel"

    def test_known_of_some(self, root: Path):
        describe(root, pixel_size=None)
        self.scaled(root, "b", 0.5)
        assert "of 3 images is not known: a.png, c.png, d.png" in only(root, "warning", "scale/missing", "dataset.json")

    def test_another_one_than_dataset_json_says(self, root: Path):
        self.scaled(root, "b", 0.505)
        assert found(root) == []
        self.scaled(root, "b", 0.52)
        text = only(root, "warning", "scale/differs", "dataset.json")
        assert "dataset.json has 0.5 nm, but the files of 1 image another pixel size: b.tif 0.52 nm" in text

    def test_several(self, root: Path):
        describe(root, pixel_size=None)
        for stem, size in zip("abcd", (0.5, 0.5, 0.7, 0.5), strict=True):
            self.scaled(root, stem, size)
        assert "c.tif 0.7 nm" in only(root, "warning", "scale/several", "dataset.json")


class TestSplit:
    def test_equal_pictures(self, root: Path):
        os.link(root / "images" / "a.png", root / "images" / "e.png")
        rois(root, "e", [box(5, 5, 6, 8)])
        describe(root, split={"train": ["a", "b"], "validation": ["c", "d", "e"]})
        assert "a.png (train), e.png (validation)" in only(root, "warning", "same/parts", "images")
        describe(root, split={"train": ["a", "b", "e"], "validation": ["c", "d"]})
        assert "the same picture is there 2 times" in only(root, "warning", "same/twice", "images")

    @pytest.mark.parametrize(
        "change",
        [
            lambda grey: (grey * 0.5 + 60).astype(np.uint8),
            lambda grey: grey.astype(np.uint16) * 200 + 7,
            lambda grey: np.rot90(grey).copy(),
            lambda grey: grey[:, ::-1].copy(),
            lambda grey: np.clip(grey + RNG.normal(0, 6, grey.shape), 0, 255).astype(np.uint8),
            lambda grey: cv2.resize(grey, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC),
            lambda grey: (grey * np.linspace(0.4, 1, WIDTH)).astype(np.uint8),
        ],
        ids=["brightness", "bits", "turned", "mirrored", "noise", "larger", "uneven light"],
    )
    def test_the_same_place(self, root: Path, change: object):
        grey = cv2.imdecode(np.frombuffer((root / "images" / "a.png").read_bytes(), np.uint8), -1)
        png(root / "images" / "e.png", change(grey))
        rois(root, "e", [box(5, 5, 6, 8)])
        describe(root, split={"train": ["a", "b"], "validation": ["c", "d", "e"]})
        assert "e.png (validation) and a.png (train) are alike" in only(root, "warning", "same/alike", "images")
        describe(root, split={"train": ["a", "b", "e"], "validation": ["c", "d"]})
        assert found(root) == []

    def test_different_places_of_real_samples_are_not_alike(self):
        samples = datasets.open_dataset(Path(__file__).parents[2] / "samples" / "loops")
        prints = np.stack([fingerprint(samples.micrograph(item).pixels).ravel() for item in samples.items])
        likeness = prints @ prints.T
        assert likeness[~np.eye(len(prints), dtype=bool)].max() < 0.5

    @pytest.mark.parametrize(
        "grey",
        [
            np.full((40, 30), 9, np.uint8), np.full((40, 30), np.nan, np.float32), np.zeros((1, 1), np.uint16),
            np.tile(np.linspace(0, 1, 400, dtype=np.float32) * 1e-9, (300, 1)),
        ],
    )  # fmt: skip
    def test_pictures_of_nothing_have_no_likeness_or_a_finite_one(self, grey: np.ndarray):
        shown = fingerprint(grey)
        assert shown is None or np.isfinite(shown).all()

    def test_groups_in_two_parts(self, root: Path):
        describe(root, groups={"a": "foil 1", "b": "foil 2", "c": "foil 2", "d": "foil 3"})
        assert "several parts of the split: foil 2" in only(root, "warning", "split/groups", "dataset.json")
        describe(root, groups={"x": "foil 1"})
        assert "groups: names 'x'" in only(root, "error", "groups/no-image", "dataset.json")

    def test_one_name_with_two_groups(self, root: Path):
        (root / "images" / "d.png").rename(root / "images" / "é.png")
        (root / "rois" / "d_RoiSet.zip").rename(root / "rois" / "é_RoiSet.zip")
        groups = {"é": "foil 1", "e\u0301": "foil 2"}
        describe(root, split={"train": ["a", "b"], "validation": ["c", "é"]}, groups=groups)
        assert "'é' is there in two spellings" in only(root, "error", "groups/twice", "dataset.json")

    def test_no_validation_and_unused_images(self, root: Path):
        describe(root, split={"train": ["a", "b", "c"]})
        assert found(root) == [
            ("error", "split/no-validation", "dataset.json"), ("info", "split/unused", "dataset.json"),
        ]  # fmt: skip

    def test_one_image(self, tmp_path: Path):
        png(tmp_path / "images" / "a.png", picture())
        (tmp_path / "rois").mkdir()
        rois(tmp_path, "a", [box(5, 5, 6, 8)])
        describe(tmp_path, split=None)
        assert found(tmp_path) == [
            ("error", "names/one-image", "images"), ("info", "split/default", "dataset.json"),
        ]  # fmt: skip
        with pytest.raises(BadDataset, match="one image only"):
            datasets.require_sound(datasets.open_dataset(tmp_path))

    def test_folds(self, root: Path):
        describe(root, folds=[["a", "b"], ["c", "d"]])
        assert found(root) == []
        describe(root, folds=[["a", "b"], ["b", "x"]], split={"train": ["b"], "validation": ["c", "d"], "test": ["a"]})
        texts = [problem.what for problem in report(root).errors]
        assert texts == [
            "folds names images that are not there: x", "folds names images more than once: b",
            "folds names images that are kept for the test: a",
        ]  # fmt: skip


class TestClasses:
    def test_unknown_names_come_with_the_nearest_known_one(self, root: Path):
        describe(root, classes=["loop", "blackdot"])
        for stem in "bcd":
            rois(root, stem, [box(5, 5, 6, 8), box(30, 20, 10, 10)], class_name=["loop", "blackdot"])
        rois(root, "a", [box(5, 5, 6, 8), box(30, 20, 10, 10)], class_name=["Loop", "blackdots"])
        text = only(root, "error", "BadAnnotation/class", "rois/a_RoiSet.zip")
        assert "found 'Loop', 'blackdots'" in text
        assert "'Loop' is perhaps 'loop'. 'blackdots' is perhaps 'blackdot'." in text

    def test_unknown_and_missing_classes_hide_nothing_else(self, root: Path):
        describe(root, classes=["loop", "dot"])
        for stem in "bcd":
            rois(root, stem, [box(5, 5, 6, 8), box(30, 20, 10, 10)], class_name=["loop", "dot"])
        flat = Shape(RoiType.POLYGON, [[3, 3], [9, 3], [15, 3]], subpixel=False)
        shapes = [
            box(5, 5, 6, 8), box(200, 5, 6, 8), Shape(RoiType.POINT, [[3, 3]]), Shape(RoiType.LINE, [[3, 3], [9, 30]]),
            flat, flat, box(30, 20, 10, 10), box(30, 20, 10, 9),
        ]  # fmt: skip
        classes = ["Loop", "other", "loop", "loop", "loop", "loop", "", "dot"]
        rois(root, "a", shapes, class_name=classes, name=[f"n{number}" for number in range(8)])
        told = {p.code: p.what for p in report(root).problems}
        assert "found objects without a class, 'Loop', 'other'" in told.pop("BadAnnotation/class")
        assert "1 of 6 objects ('n1') outside" in told.pop("objects/outside")
        assert "2 of 8 objects ('n2', 'n3') that are points or lines" in told.pop("objects/no-area")
        assert "2 of 6 objects ('n4', 'n5') without a single pixel" in told.pop("objects/no-pixels")
        assert "'n6' and 'n7'" in told.pop("objects/two-classes")
        assert list(told) == ["objects/overlap"]
        assert report(root).images["Objects"][0] == 1, "objects of unknown class are not counted"
        assert list(report(root).objects["Class"][:1]) == ["dot"]

    def test_an_unknown_value_in_a_mask_hides_no_other_size(self, root: Path):
        (root / "rois" / "a_RoiSet.zip").unlink()
        mask = np.zeros((HEIGHT, WIDTH - 1), np.uint8)
        mask[5:9, 5:9] = 7
        png(root / "masks" / "a.png", mask)
        assert {(p.code, p.where) for p in report(root).problems} >= {
            ("annotation/size", "masks/a.png"), ("BadAnnotation/label-range", "masks/a.png"),
        }  # fmt: skip

    def test_names_in_dataset_json_are_brought_to_one_spelling_and_it_is_told(self, root: Path):
        decomposed, plain = "de\u0301faut", "défaut"
        describe(root, classes=[" loop\t", {"name": decomposed}], class_map={"perfect ": "loop "}, groups={"a": "A  1"})
        for stem in "abcd":
            rois(root, stem, [box(5, 5, 6, 8), box(30, 20, 9, 9)], class_name=["perfect", plain])
        text = only(root, "warning", "classes/spelling", "dataset.json")
        for words in (
            "classes: ' loop\\t' is read as 'loop'", f"classes: 'de\\u0301faut' is read as '{plain}'",
            "class_map: 'perfect ' is read as 'perfect'", "class_map: 'loop ' is read as 'loop'",
            "groups: 'A  1' is read as 'A 1'",
        ):  # fmt: skip
            assert words in text, words
        assert datasets.open_dataset(root).classes == ("loop", plain)
        assert set(report(root).objects["Class"]) == {"loop", plain}

    def test_accents_and_blanks_are_merged_and_told(self, root: Path):
        describe(root, classes=["défaut"])
        for stem in "bcd":
            rois(root, stem, [box(5, 5, 6, 8)], class_name="défaut")
        rois(root, "a", [box(5, 5, 6, 8), box(30, 20, 10, 10)], class_name=["de\u0301faut", " défaut "])
        text = only(root, "warning", "classes/merged", "annotations")
        assert "de\\u0301faut" in text
        assert set(report(root).objects["Class"]) == {"défaut"}

    def test_classes_that_look_alike(self, root: Path):
        describe(root, classes=["loop", "Loop"])
        codes = {(p.severity, p.code) for p in report(root).problems}
        assert ("warning", "classes/alike") in codes

    @pytest.mark.parametrize(
        ("one", "other", "same"),
        [
            ("loop", "Loop", True), ("black dot", "black-dot", True), ("loop", "loops", True),
            ("vesicle", "vessicle", True), ("type I", "type II", False), ("loop A", "loop B", False),
            ("loop_1", "loop_2", False), ("oxide", "crack", False), ("faulted", "unfaulted", False),
        ],
    )  # fmt: skip
    def test_alike(self, one: str, other: str, same: bool):
        assert alike(one, other) is same
        assert alike(other, one) is same

    def test_classes_without_examples(self, root: Path):
        describe(root, classes=["loop", "dot"])
        for stem in "abc":
            rois(root, stem, [box(5, 5, 6, 8)], class_name="loop")
        rois(root, "d", [box(5, 5, 6, 8), box(30, 30, 5, 5)], class_name=["loop", "dot"])
        assert "class 'dot' has no example in the training images" in only(
            root, "error", "classes/no-train", "dataset.json"
        )
        describe(root, classes=["loop", "dot"], split={"train": ["a", "d"], "validation": ["b", "c"]})
        assert "in the validation images" in only(root, "warning", "classes/no-validation", "dataset.json")

    def test_class_map_without_use(self, root: Path):
        describe(root, class_map={"faulted": "loop"})
        assert "faulted" in only(root, "info", "classes/unused", "dataset.json")

    def test_an_image_that_cannot_be_read_hides_no_problem_of_its_annotation(self, root: Path):
        (root / "images" / "a.png").write_bytes(b"no picture")
        shapes = [box(5, 5, 6, 8), Shape(RoiType.POINT, [[3, 3]]), box(900, 5, 6, 8)]
        describe(root, classes=["loop", "dot"])
        rois(root, "a", shapes, class_name=["lop", "loop", ""], position=np.array([[0, 2, 0]] * 3))
        codes = {p.code for p in report(root).errors if p.where.startswith(("images/a", "rois/a"))}
        assert codes == {"BadImage/not-an-image", "BadAnnotation/class", "objects/no-area", "objects/position"}
        assert report(root).images["Objects"][0] == 0


class TestMasks:
    def test_255_with_and_without_1(self, root: Path):
        for stem, values in (("a", (1, 255)), ("b", (255,)), ("c", (1,))):
            (root / "rois" / f"{stem}_RoiSet.zip").unlink()
            mask = np.zeros((HEIGHT, WIDTH), np.uint8)
            for number, value in enumerate(values):
                mask[5:15, 20 * number + 5 : 20 * number + 15] = value
            png(root / "masks" / f"{stem}.png", mask)
        text = only(root, "warning", "masks/255", "masks")
        assert "'ignore' in masks that have 1 too (a.png), but the class in b.png" in text
        dataset = datasets.open_dataset(root)
        assert set(np.unique(dataset.class_map_of(dataset.items[0]))) == {0, 1, 255}
        assert set(np.unique(dataset.class_map_of(dataset.items[1]))) == {0, 1}


def masked(root: Path, drawn: dict[str, np.ndarray], **described: object) -> None:
    """Masks in place of the ROI sets."""
    for stem, mask in drawn.items():
        (root / "rois" / f"{stem}_RoiSet.zip").unlink(missing_ok=True)
        png(root / "masks" / f"{stem}.png", mask)
    describe(root, **described)


def discs(value: int, radius: int = 6) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for x in (12, 30, 48):
        cv2.circle(mask, (x, 25), radius, value, -1)
    return mask


def through_jpeg(mask: np.ndarray) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", mask, [cv2.IMWRITE_JPEG_QUALITY, 80])[1], cv2.IMREAD_GRAYSCALE)


class TestOddMasks:
    def test_jpeg_is_called_so_and_instances_are_not_advised(self, root: Path):
        masked(root, {"a": through_jpeg(discs(255))})
        text = only(root, "error", "BadAnnotation/lossy-mask", "masks/a.png")
        assert "artefacts of JPEG" in text
        assert "PNG or TIFF again" in text
        assert "instances" not in text

    def test_jpeg_around_the_values_of_several_classes(self, root: Path):
        mask = discs(1, 7)
        mask[mask > 0] = 120
        mask[:, 40:][mask[:, 40:] > 0] = 240
        masked(root, {"a": through_jpeg(mask)})
        assert "lossy-mask" in only(root, "error", "BadAnnotation/lossy-mask", "masks/a.png")

    def test_objects_with_values_of_their_own_are_still_advised_so(self, root: Path):
        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        for number in range(10):
            mask[5 : 5 + 9, 5 * number : 5 * number + 4] = number + 2
        masked(root, {"a": mask})
        told = only(root, "error", "BadAnnotation/label-range", "masks/a.png")
        assert "'masks': 'instances'" in told
        assert "'classes' of dataset.json" in told
        assert "--classes" not in told  # an option of 'temj convert' only

    def test_instances_in_many_pieces(self, root: Path):
        every = {stem: cv2.connectedComponents(discs(1))[1].astype(np.uint8) for stem in "abcd"}
        masked(root, every, masks="instances")
        assert found(root) == []
        masked(root, {"a": through_jpeg(discs(255))}, masks="instances")
        codes = {(p.severity, p.code, p.where) for p in report(root).problems}
        assert ("warning", "masks/pieces", "masks/a.png") in codes

    def test_inverted(self, root: Path):
        masked(root, {stem: discs(255) for stem in "abcd"})
        assert found(root) == []
        masked(root, {"c": 255 - discs(255)})
        text = only(root, "warning", "objects/inverted", "masks/c.png")
        assert "class 'loop' covers 89% of the image, but 11% of the others" in text
        masked(root, {stem: 255 - discs(255) for stem in "abcd"})
        assert found(root) == []

    def test_specks(self, root: Path):
        mask = discs(255)
        mask[::4, ::6][mask[::4, ::6] == 0] = 255
        masked(root, {stem: discs(255) for stem in "abc"} | {"d": mask})
        text = only(root, "warning", "objects/specks", "masks/d.png")
        assert "are specks of at most 3 pixels; the others of the dataset have 113" in text
        small = np.zeros((HEIGHT, WIDTH), np.uint8)
        small[::4, ::6] = 255
        masked(root, dict.fromkeys("abcd", small))
        assert found(root) == []

    def test_small_overlaps_are_good_to_know_and_large_ones_are_not(self, root: Path):
        rois(root, "a", [box(5, 5, 10, 10), box(14, 5, 10, 10)])
        only(root, "info", "objects/overlap", "rois/a_RoiSet.zip")
        rois(root, "a", [box(5, 5, 10, 10), box(12, 5, 10, 10)])
        only(root, "warning", "objects/overlap", "rois/a_RoiSet.zip")


def test_papers_that_are_missing(root: Path):
    describe(root, licence="", protocol="")
    assert found(root) == [("info", "papers/protocol", "protocol.md"), ("info", "papers/licence", "dataset.json")]


def test_all_problems_come_at_once_and_the_worst_first(root: Path):
    png(root / "images" / "a.png", np.full((HEIGHT, WIDTH), 7, np.uint8))
    rois(root, "b", [box(55, 5, 10, 8)])
    rois(root, "c", [box(200, 5, 10, 8)])
    (root / "images" / "d.png").write_bytes(b"")
    describe(root, split={"train": ["a", "b", "x"], "validation": ["c", "d"]})
    severities = [problem.severity for problem in report(root).problems]
    order = {"error": 0, "warning": 1, "info": 2}
    assert all(order[a] <= order[b] for a, b in pairwise(severities))
    assert severities.count("error") == 4
    assert all(problem.remedy for problem in report(root).errors)
    notes = report(root).notes
    assert len(notes) == severities.count("warning")
    assert all(note.startswith("dataset: ") for note in notes)
