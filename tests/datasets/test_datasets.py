"""Dataset folders: opened, read, and all their problems in one list."""

import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from temj import datasets
from temj.annotations import roiset
from temj.data import Calibration, Instances, RoiType, Shape
from temj.datasets.writing import update_description
from temj.errors import BadAnnotation, BadDataset
from temj.models import card

SAMPLES = Path(__file__).parents[2] / "samples" / "loops"
RNG = np.random.default_rng(11)


def png(path: Path, array: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", array)[1].tobytes())
    return path


def mask(*values: int) -> np.ndarray:
    """A 20 x 30 mask with a square of each value."""
    found = np.zeros((20, 30), np.uint8)
    for number, value in enumerate(values):
        found[4:8, 5 * number + 1 : 5 * number + 4] = value
    return found


def folder(root: Path, stems: str = "abcd", **description: object) -> Path:
    """A sound dataset of small random images."""
    for stem in stems:
        png(root / "images" / f"{stem}.png", RNG.integers(0, 256, (20, 30), np.uint8))
        png(root / "masks" / f"{stem}.png", mask(255))
    describe(root, **description)
    return root


def describe(root: Path, **description: object) -> None:
    values = {"format": 1, "classes": ["loop"], "pixel_size": 0.5, "split": {"train": ["a", "b"], "validation": ["c"]}}
    (root / "dataset.json").write_text(json.dumps(values | description))


def problems(root: Path) -> tuple[str, ...]:
    """Errors and warnings of a folder, in words."""
    return told(datasets.open_dataset(root))


def told(dataset: datasets.Dataset) -> tuple[str, ...]:
    return tuple(problem.text for problem in datasets.check(dataset).problems if problem.severity != "info")


def only(found: tuple[str, ...], words: str) -> None:
    assert len(found) == 1, found
    assert words in found[0]


def test_the_loops_that_travel_with_temj_are_sound():
    loops = datasets.open_dataset(SAMPLES)
    datasets.require_sound(loops)
    assert loops.classes == ("loop",)
    assert loops.pixel_size == Calibration(0.390625, 0.390625, "nm")
    assert loops.split.validation == ("04", "08", "12", "16")
    assert len(loops.subset("train")) == 12
    assert loops.subset("test") == ()
    assert (loops.symmetry.rotation, loops.polarity) == (180, "fixed")
    assert loops.licence.startswith("MIT, (c) 2025 ai-atoms; ds25s")
    item = loops.subset("validation")[0]
    micrograph = loops.micrograph(item)
    assert micrograph.name == "04.png"
    assert micrograph.calibration == loops.pixel_size
    classes = loops.class_map_of(item)
    assert classes.dtype == np.uint8
    assert set(np.unique(classes)) == {0, 1}
    assert sum(len(loops.instances(item)) for item in loops.items) == 188


def test_a_sound_folder_has_no_problems(tmp_path: Path):
    assert problems(folder(tmp_path)) == ()


def test_the_files_own_pixel_size_wins(tmp_path: Path):
    root = folder(tmp_path)
    tifffile.imwrite(
        root / "images" / "d.tif", np.zeros((20, 30), np.uint8), imagej=True, resolution=(4, 4), metadata={"unit": "nm"}
    )
    (root / "images" / "d.png").unlink()
    dataset = datasets.open_dataset(root)
    assert [dataset.micrograph(item).calibration.width for item in dataset.items] == [0.5, 0.5, 0.5, 0.25]


def test_several_classes_and_ignore(tmp_path: Path):
    root = folder(tmp_path, classes=[{"name": "oxide", "colour": "#112233"}, "crack"])
    for stem in "abcd":
        png(root / "masks" / f"{stem}.png", mask(1, 2, 255))
    dataset = datasets.open_dataset(root)
    assert told(dataset) == ()
    assert dataset.colours == {"oxide": "#112233", "crack": "#56b4e9"}
    np.testing.assert_array_equal(dataset.class_map_of(dataset.items[0]), mask(1, 2, 255))
    assert list(dataset.instances(dataset.items[0]).class_name) == ["oxide", "crack", "ignore"]


def test_instance_masks(tmp_path: Path):
    root = folder(tmp_path, masks="instances")
    for stem in "abcd":
        png(root / "masks" / f"{stem}.png", mask(7, 3, 9).astype(np.uint16))
    dataset = datasets.open_dataset(root)
    assert told(dataset) == ()
    np.testing.assert_array_equal(dataset.class_map_of(dataset.items[0]), mask(7, 3, 9) > 0)
    found = dataset.instances(dataset.items[0])
    assert list(found.class_name) == ["loop"] * 3
    assert [shape.points[:, 0].min() for shape in found.shapes] == [6, 1, 11]


@pytest.mark.parametrize("place", ["images", "rois", "."])
def test_roi_sets_in_all_places(tmp_path: Path, place: str):
    root = folder(tmp_path)
    (root / "masks" / "a.png").unlink()
    (root / place).mkdir(exist_ok=True)
    shapes = [
        Shape(RoiType.RECT, params=(2, 3, 5, 6, 0), subpixel=False),
        Shape(RoiType.OVAL, params=(5, 3, 8, 8), subpixel=False),
    ]
    rois = Instances.of(shapes, class_name=np.array(["", "ignore"], object))
    roiset.write(root / place / "a_RoiSet.zip", rois)
    dataset = datasets.open_dataset(root)
    assert told(dataset) == ()
    found = dataset.class_map_of(dataset.items[0])
    assert found.shape == (20, 30)
    assert (found[3:9, 2:5] == 1).all()
    assert found[7, 8] == 255
    assert list(dataset.instances(dataset.items[0]).class_name) == ["loop", "ignore"]


def test_rois_of_unknown_classes_are_named(tmp_path: Path):
    root = folder(tmp_path)
    (root / "masks" / "a.png").unlink()
    roiset.write(
        root / "images" / "a_RoiSet.zip",
        Instances.of([Shape(RoiType.RECT, params=(2, 3, 5, 6, 0))], class_name="void"),
    )
    dataset = datasets.open_dataset(root)
    only(told(dataset), "'void'")
    with pytest.raises(BadAnnotation, match=r"class: .*a_RoiSet\.zip.*loop, ignore.*'void'"):
        dataset.instances(dataset.items[0])


def test_names_of_rois_can_mean_one_class(tmp_path: Path):
    root = folder(tmp_path, classes=["loop", "line"], class_map={"faulted": "loop", "perfect": "loop", "loop": "loop"})
    for stem in "abd":
        png(root / "masks" / f"{stem}.png", mask(1, 2))
    (root / "masks" / "c.png").unlink()
    names = ["faulted", "loop", "perfect", "line", "ignore"]
    shapes = [Shape(RoiType.RECT, params=(5 * k, 3, 3, 4, 0), subpixel=False) for k in range(5)]
    roiset.write(root / "images" / "c_RoiSet.zip", Instances.of(shapes, class_name=np.array(names, object)))
    dataset = datasets.open_dataset(root)
    assert told(dataset) == ()
    assert list(dataset.instances(dataset.items[2]).class_name) == ["loop", "loop", "loop", "line", "ignore"]
    assert dataset.class_map_of(dataset.items[2])[4, [1, 6, 11, 16, 21]].tolist() == [1, 1, 1, 2, 255]


def test_rois_that_cannot_be_used_are_problems(tmp_path: Path):
    root = folder(tmp_path)
    (root / "masks" / "b.png").unlink()
    roiset.write(
        root / "images" / "b_RoiSet.zip",
        Instances.of([Shape(RoiType.RECT, params=(2, 3, 5, 6, 0))], class_name="loop"),
    )
    assert problems(root) == ()
    with zipfile.ZipFile(root / "images" / "b_RoiSet.zip", "a") as archive:
        archive.writestr("broken.roi", b"Iout")
    only(problems(root), "b_RoiSet.zip/broken.roi")
    (root / "images" / "b_RoiSet.zip").write_bytes(b"nothing")
    only(problems(root), "not-a-zip")


def test_what_is_not_said_is_the_same_for_datasets_and_models():
    assert datasets.Symmetry().model_dump() == card.Symmetry().model_dump()


def test_without_split_every_fourth_image_validates(tmp_path: Path):
    dataset = datasets.open_dataset(folder(tmp_path, "abcdefgh", split=None))
    assert dataset.split.validation == ("d", "h")
    assert dataset.split.train == ("a", "b", "c", "e", "f", "g")
    assert "no split" in dataset.notes[0]
    assert datasets.open_dataset(SAMPLES).notes == ()


def test_pixel_size_of_two_numbers_or_none(tmp_path: Path):
    root = folder(tmp_path, pixel_size=[0.5, 0.6], unit="um")
    assert datasets.open_dataset(root).pixel_size == Calibration(0.5, 0.6, "µm")
    describe(root, pixel_size=None)
    assert not datasets.open_dataset(root).pixel_size.known


def test_no_description_shows_one_to_write(tmp_path: Path):
    root = folder(tmp_path)
    (root / "dataset.json").unlink()
    with pytest.raises(BadDataset, match="no-description") as caught:
        datasets.open_dataset(root)
    shown = caught.value.message[caught.value.message.index("{") :]
    (root / "dataset.json").write_text(shown)
    assert datasets.open_dataset(root).classes == ("loop",)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 2}, "newer-format"),
        ({"clases": ["x"]}, "clases: unknown key, did you mean 'classes'"),
        ({"symmetry": {"rotate": 3}}, "symmetry.rotate: unknown key"),
        ({"classes": []}, "classes"),
        ({"classes": ["a", "a"]}, "classes: classes must have different names: 'a' is there twice"),
        ({"classes": ["Loop", "Loop "]}, "'Loop' and 'Loop ' differ only by blanks or the spelling of accents"),
        ({"classes": [{"name": "é"}, "e\u0301"]}, "'é' and 'e\\u0301' differ only by blanks"),
        ({"classes": ["a", "  "]}, "classes.2.name: expected a name of 1 to 100 characters, found '  '"),
        ({"classes": [{"name": "a", "colour": "red"}]}, "classes.1.colour: expected a colour such as #ff7f0e, found"),
        (
            {"classes": ["a", "b"], "class_map": {"x": "a", " x": "b"}},
            "'x' and ' x' are one name, but shall mean different classes",
        ),
        ({"pixel_size": "wide"}, "pixel_size: expected a number above 0, two of them as [width, height], or null"),
        ({"split": {"train": "a"}}, 'split.train: expected a list of image names without extension, such as ["01"'),
        ({"classes": ["ignore"]}, "ignore"),
        ({"class_map": {"faulted": "void"}}, "'faulted' the class 'void', which is not among classes"),
        ({"class_map": {"ignore": "loop"}}, "cannot give 'ignore' another meaning"),
        ({"classes": ["loop", "void"], "class_map": {"void": "loop"}}, "cannot give 'void' another meaning"),
        ({"class_map": ["faulted"]}, "class_map"),
        ({"pixel_size": -1}, "pixel_size"),
        ({"unit": "parsec"}, "unit of length"),
        ({"polarity": "bright"}, "polarity"),
    ],
)
def test_wrong_descriptions_are_explained(tmp_path: Path, change: dict, words: str):
    with pytest.raises(BadDataset) as caught:
        datasets.open_dataset(folder(tmp_path, **change))
    assert words in caught.value.message
    assert str(tmp_path / "dataset.json") in caught.value.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b'{"format": 1, "classes": ["a"],\n "classes": ["b"]}', "line 2, column 2. Expected every key once in an obj"),
        (b'{"format": 1, "classes": [NaN]}', "line 1, column 27. Expected numbers, found NaN"),
        (b"[" * 100_000, "brackets at most 100 deep"),
        ('{"format": 1}'.encode("utf-16"), "BadDataset/encoding"),
        (b'{"format": 1, "classes": ["a"]', "line 1, column 31"),
        (b"", "BadDataset/empty"),
        (b"[1]", "the file: expected keys and values in {}, found [1]"),
    ],
)
def test_a_description_is_strict_json(tmp_path: Path, text: bytes, words: str):
    root = folder(tmp_path)
    (root / "dataset.json").write_bytes(text)
    with pytest.raises(BadDataset) as caught:
        datasets.open_dataset(root)
    assert words in caught.value.message
    assert str(root / "dataset.json") in caught.value.message
    assert "recursion" not in caught.value.message
    assert '"classes": ["loop"]' in caught.value.message


def test_a_byte_order_mark_is_allowed_and_goes_with_the_next_change(tmp_path: Path):
    root = folder(tmp_path)
    (root / "dataset.json").write_bytes(b"\xef\xbb\xbf" + (root / "dataset.json").read_bytes())
    assert problems(root) == ()
    update_description(root, {"licence": "MIT"})
    assert (root / "dataset.json").read_bytes().startswith(b"{")
    assert datasets.open_dataset(root).licence == "MIT"


def test_folders_that_are_none(tmp_path: Path):
    with pytest.raises(BadDataset, match="missing"):
        datasets.open_dataset(tmp_path / "none")
    describe(tmp_path)
    with pytest.raises(BadDataset, match="no-images"):
        datasets.open_dataset(tmp_path)
    (tmp_path / "dataset.json").write_bytes(b"{not json")
    with pytest.raises(BadDataset, match="json"):
        datasets.open_dataset(tmp_path)


def test_missing_pairs(tmp_path: Path):
    root = folder(tmp_path)
    (root / "masks" / "b.png").unlink()
    only(problems(root), "images/b.png: not annotated: there is neither a mask")
    describe(root, empty=["b"])
    assert problems(root) == ()
    (root / "images" / "d.png").unlink()
    only(problems(root), "masks/d.png: has no image")
    png(root / "masks" / "c.tif.png", mask(1)).rename(root / "masks" / "a.tif")
    assert any("a.png: has 2 annotations" in problem for problem in problems(root))


def test_sizes_that_differ(tmp_path: Path):
    root = folder(tmp_path)
    png(root / "masks" / "c.png", mask(255)[:, :-1])
    only(problems(root), "has 29 x 20 pixels, its image c.png 30 x 20")


def test_labels_out_of_range(tmp_path: Path):
    root = folder(tmp_path)
    png(root / "masks" / "c.png", mask(1, 2, 3))
    only(problems(root), "found 2, 3")


def test_pixels_that_are_no_numbers(tmp_path: Path):
    root = folder(tmp_path)
    (root / "images" / "c.png").unlink()
    pixels = RNG.random((20, 30)).astype(np.float32)
    pixels[0, :3] = np.nan, np.inf, -np.inf
    tifffile.imwrite(root / "images" / "c.tif", pixels)
    only(problems(root), "has 3 pixels that are NaN or infinite")


def test_names_in_the_split(tmp_path: Path):
    root = folder(tmp_path)
    describe(root, split={"train": ["a", "b", "x"], "validation": ["c"]})
    only(problems(root), "train names 'x', but there is no such image")
    describe(root, split={"train": ["a", "b", "c"], "validation": ["c"]})
    only(problems(root), "'c' is named 2 times (train, validation)")
    describe(root, split={"validation": ["c"]})
    only(problems(root), "no images for training")
    describe(root, empty=["x"])
    only(problems(root), "empty: names 'x'")


def test_the_same_picture_in_two_parts(tmp_path: Path):
    root = folder(tmp_path)
    (root / "images" / "c.png").write_bytes((root / "images" / "a.png").read_bytes())
    only(problems(root), "the same picture is in several parts of the split: a.png (train), c.png (validation)")


def test_classes_without_examples(tmp_path: Path):
    root = folder(tmp_path, classes=["loop", "void"])
    for stem in "abd":
        png(root / "masks" / f"{stem}.png", mask(1))
    png(root / "masks" / "c.png", mask(1, 2))
    only(problems(root), "class 'void' has no example in the training images")


def test_empty_annotations_must_be_meant(tmp_path: Path):
    root = folder(tmp_path)
    split = {"train": ["a", "b", "c"], "validation": ["d"]}
    describe(root, split=split)
    png(root / "masks" / "b.png", mask())
    (root / "masks" / "c.png").unlink()
    roiset.write(root / "images" / "c_RoiSet.zip", Instances.of([]))
    found = problems(root)
    assert len(found) == 2
    assert all("has no objects. If the image shows none" in problem for problem in found)
    describe(root, empty=["b", "c"], split=split)
    assert problems(root) == ()
    dataset = datasets.open_dataset(root)
    assert not dataset.class_map_of(dataset.items[1]).any()
    assert len(dataset.instances(dataset.items[2])) == 0
    describe(root, empty=["a", "b", "c"], split=split)
    only(problems(root), "'a' is named under 'empty'")


def test_damaged_files_and_stacks_are_in_the_list_with_the_rest(tmp_path: Path):
    root = folder(tmp_path)
    (root / "images" / "a.png").write_bytes(b"")
    (root / "masks" / "b.png").write_bytes(b"text")
    tifffile.imwrite(root / "images" / "d.tif", RNG.integers(0, 9, (3, 20, 30), np.uint8), photometric="minisblack")
    (root / "images" / "d.png").unlink()
    with pytest.raises(BadDataset, match="problems") as caught:
        datasets.require_sound(datasets.open_dataset(root))
    message = caught.value.message
    for words in ("3 problems", "BadImage/empty", "BadImage/not-an-image", "found 3 planes"):
        assert words in message, message
    assert message.splitlines()[-1].startswith("Correct them and start again")


def test_one_problem_is_not_called_them(tmp_path: Path):
    root = folder(tmp_path)
    (root / "images" / "a.png").write_bytes(b"")
    with pytest.raises(BadDataset, match="1 problem:") as caught:
        datasets.require_sound(datasets.open_dataset(root))
    *_, problem, remedy = caught.value.message.splitlines()
    assert problem.startswith("  1. images/a.png")
    assert remedy == "Then start again; 'temj dataset check' draws it."


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ('{"format": 1,\n}', "line 2, column 1", "no comma before the closing }"),
        ('{"format": 1 "classes": []}', "line 1, column 14", "a comma"),
        ('{"format" 1}', "line 1, column 11", "a colon"),
        ("{'format': 1}", "line 1, column 2", "a key in double quotes"),
        ('{"format": True}', "line 1, column 12", "a value: .*found 'True}'"),
        ('{"format": "1}', "line 1, column 12", "a closing double quote"),
        ('{"protocol": "C:\\data"}', "line 1, column 17", "no single backslash"),
        ('{"format": 1} }', "line 1, column 15", "the end of the file after the last"),
        ("{", "line 1, column 2", "found the end of the file"),
    ],
)
def test_broken_json_is_told_in_words(tmp_path: Path, text: str, place: str, says: str):
    root = folder(tmp_path)
    (root / "dataset.json").write_text(text)
    with pytest.raises(BadDataset, match=f"{place}.*{says}"):
        datasets.open_dataset(root)


def test_stems_in_another_spelling_of_accents(tmp_path: Path):
    root = folder(tmp_path, ["a", "b", "é"], split={"train": ["a", "b"], "validation": ["e\u0301"]})
    assert problems(root) == ()
    assert datasets.open_dataset(root).subset("validation")[0].stem == "é"
