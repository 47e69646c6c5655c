"""T3: documents drawn by a grammar. What is wrong is always found and named; what is right is never refused."""

import contextlib
import copy
import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_masks

from temj import annotations
from temj.annotations.base import Context
from temj.annotations.coco import FORMAT
from temj.errors import BadAnnotation, Refused
from temj.geometry import rasterise

_spec = importlib.util.spec_from_file_location("coco_grammar", Path(__file__).with_name("coco_grammar.py"))
grammar = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(grammar)

CASES = pytest.mark.parametrize("cases", [2_000, pytest.param(10_000, marks=pytest.mark.slow)])
QUICK = {
    "deadline": None, "phases": (Phase.explicit, Phase.generate, Phase.shrink), "database": None,
    "suppress_health_check": list(HealthCheck),
}  # fmt: skip


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("coco") / "a.json"


def read(file: Path, data: bytes) -> annotations.AnnotationSet:
    file.write_bytes(data)
    return FORMAT.read(file, Context())


PLANTINGS = 4
"""How often errors are planted into a document that was drawn."""


@CASES
def test_every_planted_error_is_reported(file: Path, cases: int) -> None:
    @settings(max_examples=cases // PLANTINGS, **QUICK)
    @given(st.data())
    def run(data: st.DataObject) -> None:
        clean, _ = data.draw(grammar.documents(least=1))
        clean["images"].append({"id": "nine by seven", "file_name": "nine.png", "width": 7, "height": 9})
        random = data.draw(st.randoms(use_true_random=False))
        for _ in range(PLANTINGS):
            document = copy.deepcopy(clean)
            entries = random.sample(range(len(document["annotations"])), len(document["annotations"]))
            wanted = []
            for entry, name in zip(entries, random.sample(sorted(grammar.PLANTS), random.randint(1, 3)), strict=False):
                plant, words = grammar.PLANTS[name]
                plant(document["annotations"][entry])
                wanted.append(words)
            with pytest.raises(BadAnnotation) as caught:
                read(file, grammar.text_of(document).encode())
            told = caught.value.message
            assert caught.value.code == "BadAnnotation/coco"
            assert [words for words in wanted if words not in told] == [], told
            assert str(file) in told

    run()


@CASES
def test_errors_of_images_and_categories_are_reported(file: Path, cases: int) -> None:
    @settings(max_examples=cases // 10, **QUICK)
    @given(grammar.documents(least=1), st.sampled_from(sorted(grammar.TOP_PLANTS)))
    def run(drawn: tuple, name: str) -> None:
        document, (plant, words) = drawn[0], grammar.TOP_PLANTS[name]
        plant(document)
        with pytest.raises(BadAnnotation) as caught:
            read(file, grammar.text_of(document).encode())
        assert words in caught.value.message

    run()


@CASES
def test_what_is_no_json_is_placed(file: Path, cases: int) -> None:
    @settings(max_examples=cases // 10, **QUICK)
    @given(grammar.documents(least=1), st.sampled_from(sorted(grammar.TEXT_PLANTS)))
    def run(drawn: tuple, name: str) -> None:
        plant, words = grammar.TEXT_PLANTS[name]
        with pytest.raises(BadAnnotation) as caught:
            read(file, plant(grammar.text_of(drawn[0])))
        assert words in caught.value.message

    run()


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@settings(max_examples=200, **QUICK)
@given(grammar.documents())
def test_what_is_right_is_read_and_has_the_pixels_of_pycocotools(file: Path, drawn: tuple) -> None:
    document, pixels = drawn
    found = read(file, grammar.text_of(document).encode())
    sizes = {image["id"]: (image["width"], image["height"]) for image in document["images"]}
    assert [image.size for image in found.images] == list(sizes.values())
    for key, image in zip(sizes, found.images, strict=True):
        rows = [n for n, entry in enumerate(document["annotations"]) if entry["image_id"] == key]
        if not rows:
            assert image.instances is None
            continue
        assert len(image.instances) == len(rows)
        width, height = sizes[key]
        runs = rasterise(image.instances.shapes, width, height)
        for place, row in enumerate(rows):
            mask = np.zeros(width * height, bool)
            mask[runs.where(runs.object == place).pixels(width)[1]] = True
            mask = mask.reshape(height, width)
            if pixels[row] is not None:
                np.testing.assert_array_equal(mask, pixels[row])
                segmentation = document["annotations"][row]["segmentation"]
                plain = isinstance(segmentation, dict) and isinstance(segmentation["counts"], str)
                packed = segmentation if plain else coco_masks.frPyObjects(segmentation, height, width)
                packed = coco_masks.merge(packed) if isinstance(packed, list) else packed
                np.testing.assert_array_equal(mask, coco_masks.decode(packed).astype(bool))


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["images", "annotations", "categories", "id", "file_name", "width", "height", "image_id",
                         "category_id", "segmentation", "bbox", "size", "counts", "temj", "name", "iscrowd"]),
        inner, max_size=6),
    max_leaves=30,
)  # fmt: skip


@CASES
def test_any_json_is_read_or_refused(file: Path, cases: int) -> None:
    @settings(max_examples=cases // 10, **QUICK)
    @given(ANY_JSON)
    def run(value: object) -> None:
        with contextlib.suppress(BadAnnotation, Refused):
            found = read(file, grammar.json.dumps(value).encode())
            assert len(found.images) == len(value["images"])

    run()


OUTSIDE = [
    "../../.ssh/id_rsa", "a/../../b.png", "/etc/passwd", "\\\\host\\share\\a.png", "//host/share/a.png",
    "C:\\Users\\a.png", "c:a.png", "file:///etc/passwd", "http://host/a.png", "https://host/a.png", "a\x00.png",
    "..", "a/", "a\\..\\b.png", "ftp://host/a.png", "a/..",
]  # fmt: skip


@pytest.mark.parametrize("name", OUTSIDE)
def test_names_that_lead_out_of_the_folder_of_images_are_refused(file: Path, name: str) -> None:
    document = {"images": [{"id": 1, "file_name": name, "width": 9, "height": 9}], "annotations": [], "categories": []}
    with pytest.raises(Refused, match="Refused/path"):
        read(file, grammar.text_of(document).encode())


def one(**annotation: object) -> bytes:
    """A document with one annotation, on an image of 100 x 80."""
    entry = {"id": 5, "image_id": 1, "category_id": 1} | annotation
    image = {"id": 1, "file_name": "a.png", "width": 100, "height": 80}
    return grammar.text_of(
        {"images": [image], "annotations": [entry], "categories": [{"id": 1, "name": "loop"}]}
    ).encode()


KILLERS = {
    "polygon of 1e308": {"segmentation": [[1, 1, 5, 1, 1e308, 5]]},
    "polygon of inf": {"segmentation": [[1, 1, 5, 1, grammar.HUGE, 5]]},
    "polygon of 2e8": {"segmentation": [[1, 1, 2e8, 1, 2e8, 2e8]]},
    "polygon of 3e9": {"segmentation": [[1, 1, 3e9, 1, 5, 5]]},
    "polygon of 7 numbers": {"segmentation": [[1, 1, 5, 1, 5, 5, 1]]},
    "polygon of 4 numbers": {"segmentation": [[1, 1, 5, 5]]},
    "polygon of nothing": {"segmentation": [[]]},
    "no polygon, no box": {"segmentation": []},
    "polygon of texts": {"segmentation": [["1", "1", "5", "1", "5", "5"]]},
    "short mask": {"segmentation": {"size": [80, 100], "counts": [10, 20]}},
    "short string": {"segmentation": {"size": [80, 100], "counts": "52"}},
    "long mask": {"segmentation": {"size": [80, 100], "counts": [10, 9000]}},
    "negative mask": {"segmentation": {"size": [80, 100], "counts": [8010, -10]}},
    "mask of another size": {"segmentation": {"size": [100_000, 100_000], "counts": [10**10]}},
    "box of inf": {"bbox": [1, 1, grammar.HUGE, 5]},
}


@pytest.mark.parametrize("name", sorted(KILLERS))
def test_what_kills_or_fools_pycocotools_is_refused(file: Path, name: str) -> None:
    with pytest.raises(BadAnnotation, match="annotation 5"):
        read(file, one(**KILLERS[name]))


def test_a_nan_in_a_polygon_is_placed(file: Path) -> None:
    data = one(segmentation=[[1, 1, 5, 1, 77777, 5]]).replace(b"77777", b"NaN")
    with pytest.raises(BadAnnotation, match=r"a\.json, line 1, column \d+\. Expected numbers, found NaN"):
        read(file, data)


def test_a_report_of_many_problems_shows_the_first_20(file: Path) -> None:
    document = {"images": [], "annotations": [{"id": k, "bbox": [1, 1, 2, 2]} for k in range(50)], "categories": []}
    with pytest.raises(BadAnnotation, match="found 100 problems:") as caught:
        read(file, grammar.text_of(document).encode())
    assert caught.value.message.count("\n") == 22  # 20 problems, how many more, and what to do
    assert "… and 80 more" in caught.value.message
