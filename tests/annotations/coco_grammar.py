"""COCO documents drawn at random, and errors that can be planted into them, each with the words that report it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from pycocotools import mask as coco_masks

Document = dict[str, Any]
HUGE = "@1e999@"
"""Becomes the number 1e999, which is infinite."""


def text_of(document: Any) -> str:
    return json.dumps(document).replace(f'"{HUGE}"', "1e999")


def encoded(mask: np.ndarray) -> dict[str, Any]:
    packed = coco_masks.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": list(packed["size"]), "counts": packed["counts"].decode()}


def plain_counts(mask: np.ndarray) -> list[int]:
    flat = mask.ravel(order="F").astype(np.int8)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flat, [1 - flat[-1]]]))).tolist()
    counts = np.diff([0, *edges]).tolist()
    return counts if sum(counts) == flat.size else [*counts, flat.size - sum(counts)]


@st.composite
def masks(draw: st.DrawFn, width: int, height: int) -> np.ndarray:
    """A mask with at least one pixel: some boxes united, some taken out."""
    mask = np.zeros((height, width), bool)
    mask[draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))] = True
    for _ in range(draw(st.integers(1, 3))):
        y, x = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
        mask[y : y + draw(st.integers(1, 6)), x : x + draw(st.integers(1, 6))] ^= True
    mask[0, 0] |= not mask.any()
    return mask


def rectangle(x: int, y: int, width: int, height: int) -> list[int]:
    return [x, y, x + width, y, x + width, y + height, x, y + height]


@st.composite
def objects(draw: st.DrawFn, size: tuple[int, int]) -> dict[str, Any]:
    """Segmentation and box of one object; ``pixels`` is its mask where the grammar knows it."""
    width, height = size
    kind = draw(st.sampled_from(["polygon", "parts", "slanted", "string", "counts", "box"]))
    x, y = draw(st.integers(0, width - 4)), draw(st.integers(0, height - 4))
    w, h = draw(st.integers(1, width - x - 2)), draw(st.integers(1, height - y - 2))
    pixels = np.zeros((height, width), bool)
    pixels[y : y + h, x : x + w] = True
    if kind == "polygon":
        return {"segmentation": [rectangle(x, y, w, h)], "bbox": [x, y, w, h], "pixels": pixels}
    if kind == "parts":
        pixels[y + h + 1 :, x + w + 1 :] = True
        other = rectangle(x + w + 1, y + h + 1, width - x - w - 1, height - y - h - 1)
        return {"segmentation": [rectangle(x, y, w, h), other], "pixels": pixels}
    if kind == "slanted":
        return {"segmentation": [[x, y, x + w, y + h / 2, x + w / 4, y + h]], "bbox": [x, y, w, h], "pixels": None}
    if kind == "box":
        return {"bbox": [x, y, w, h], "segmentation": draw(st.sampled_from([[], None])), "pixels": None}
    mask = draw(masks(width, height))
    if kind == "string":
        return {"segmentation": encoded(mask), "pixels": mask}
    return {"segmentation": {"size": [height, width], "counts": plain_counts(mask)}, "pixels": mask}


@st.composite
def documents(draw: st.DrawFn, least: int = 0) -> tuple[Document, list[np.ndarray | None]]:
    """A document without errors, and the pixels of its annotations (None where other readers round otherwise)."""
    sizes = draw(st.lists(st.tuples(st.integers(6, 20), st.integers(6, 20)), min_size=1, max_size=3))
    image_ids = draw(st.lists(st.integers(0, 10**6), min_size=len(sizes), max_size=len(sizes), unique=True))
    category_ids = draw(st.lists(st.integers(0, 200), min_size=1, max_size=3, unique=True))
    images = [
        {"id": key, "file_name": f"{'a/' * (n % 2)}tile {n}.png", "width": w, "height": h}
        for n, (key, (w, h)) in enumerate(zip(image_ids, sizes, strict=True))
    ]
    categories = [{"id": key, "name": f"kind {n}"} for n, key in enumerate(category_ids)]
    annotations, pixels = [], []
    for number in range(draw(st.integers(least, 5))):
        which = draw(st.integers(0, len(sizes) - 1))
        made = draw(objects(sizes[which]))
        pixels.append(made.pop("pixels"))
        entry = {
            "id": 10 * number + 1,
            "image_id": image_ids[which],
            "category_id": draw(st.sampled_from(category_ids)),
        }
        annotations.append(entry | made | {"iscrowd": draw(st.integers(0, 1)), "area": 1})
    return {"images": images, "annotations": annotations, "categories": categories}, pixels


def _set(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def plant(entry: dict[str, Any]) -> None:
        entry[key] = value

    return plant


def _polygon(value: Any) -> Callable[[dict[str, Any]], None]:
    return _set("segmentation", [value])


def _rle(counts: Any) -> Callable[[dict[str, Any]], None]:
    def plant(entry: dict[str, Any]) -> None:
        entry["segmentation"] = {"size": [9, 7], "counts": counts}
        entry["image_id"] = "nine by seven"

    return plant


def _without(*keys: str) -> Callable[[dict[str, Any]], None]:
    def plant(entry: dict[str, Any]) -> None:
        for key in keys:
            entry.pop(key, None)

    return plant


PLANTS: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "infinite": (_polygon([1, 1, 5, 1, 5, HUGE]), "has the coordinate inf"),
    "far out": (_polygon([1, 1, 5, 1, 2e8, 5]), "has the coordinate 200000000.0"),
    "far below": (_polygon([1, 1, 5, 1, -(10**30), 5]), "has the coordinate -1000000000"),
    "odd": (_polygon([1, 1, 5, 1, 5, 5, 7]), "has 7 numbers, expected x and y"),
    "two corners": (_polygon([1, 1, 5, 5]), "has 4 numbers, expected at least 6"),
    "no corner": (_polygon([]), "has 0 numbers, expected at least 6"),
    "text": (_polygon([1, 1, 5, "1", 5, 5]), "has '1' among its numbers"),
    "null": (_polygon([1, 1, 5, None, 5, 5]), "has None among its numbers"),
    "true": (_polygon([1, 1, 5, True, 5, 5]), "has True among its numbers"),
    "pairs": (_polygon([[1, 1], [5, 1], [5, 5]]), "has 3 numbers, expected at least 6"),
    "on a line": (_polygon([1, 1, 2, 2, 5, 5, 3, 3]), "encloses no area"),
    "upright line": (_polygon([1, 1, 1, 5, 1, 3]), "encloses no area"),
    "no list": (_set("segmentation", 5), "has the segmentation 5"),
    "no place": (_without("segmentation", "bbox"), "has neither a segmentation nor a bbox"),
    "image": (_set("image_id", -5), "is for image -5"),
    "no image": (_without("image_id"), "is for image None"),
    "category": (_set("category_id", 999), "is of category 999"),
    "category text": (_set("category_id", "1"), "is of category '1'"),
    "flat box": (_set("bbox", [1, 1, 0, 4]), "bbox has the width 0 and the height 4"),
    "inverted box": (_set("bbox", [5, 5, -3, -3]), "bbox has the width -3"),
    "infinite box": (_set("bbox", [1, 1, HUGE, 4]), "bbox has the coordinate inf"),
    "short box": (_set("bbox", [1, 1, 4]), "bbox has 3 numbers, expected 4"),
    "box text": (_set("bbox", "1 1 4 4"), "bbox is '1 1 4 4'"),
    "crowd": (_set("iscrowd", 2), "has iscrowd 2"),
    "score": (_set("score", 1.5), "has score 1.5"),
    "id": (_set("id", [1]), "has the id [1]"),
    "short mask": (_rle([3, 4]), "sum to 7, not to 9 x 7 = 63"),
    "long mask": (_rle([3, 61]), "sum to 64, not to 9 x 7 = 63"),
    "negative mask": (_rle([70, -7]), "RLE with the count -7"),
    "huge mask": (_rle([2**40]), "RLE with the count 1099511627776"),
    "mask of texts": (_rle(["63"]), "RLE with the counts ['63']"),
    "no counts": (_rle(None), "RLE with the counts None"),
    "broken string": (_rle("\u00ff"), "RLE with the counts"),
    "wrong character": (_rle("5 5"), "a character that is not part of a compressed RLE"),
    "cut string": (_rle("3o"), "a compressed RLE that breaks off"),
    "endless number": (_rle("o" * 20 + "0"), "a number of more than 35 bits"),
    "empty mask": (_rle([63]), "a mask without a pixel"),
    "ellipse": (_set("ellipse", [1, 2, 3]), "ellipse has 3 numbers, expected 5"),
    "flat ellipse": (_set("ellipse", [1, 2, 0, 1, 30]), "ellipse has an axis of no length"),
}
"""Name -> (change of an annotation, words of the report)."""


def _image(key: str, value: Any) -> Callable[[Document], None]:
    def plant(document: Document) -> None:
        document["images"].append({"id": -1, "file_name": "more.png", "width": 9, "height": 9} | {key: value})

    return plant


def _top(**values: Any) -> Callable[[Document], None]:
    return lambda document: document.update(values)


TOP_PLANTS: dict[str, tuple[Callable[[Document], None], str]] = {
    "no file name": (_image("file_name", None), "image -1 has the file_name None"),
    "blank file name": (_image("file_name", "  "), "has the file_name ' '"),
    "no width": (_image("width", 0), "has the size 0 x 9"),
    "vast": (_image("width", 10**7), "has the size 10000000 x 9"),
    "width text": (_image("width", "9"), "has the size '9' x 9"),
    "image id": (_image("id", None), "has the id None"),
    "image twice": (lambda d: d["images"].append(dict(d["images"][0])), "its id stands there twice"),
    "file twice": (
        lambda d: d["images"].append(d["images"][0] | {"id": -7}), "two images have the file name tile 0.png",
    ),
    "category twice": (lambda d: d["categories"].append(dict(d["categories"][0])), "its id stands there twice"),
    "category name": (lambda d: d["categories"].append({"id": -3}), "category -3 has the name None"),
    "annotation twice": (lambda d: d["annotations"].append(dict(d["annotations"][0])), "its id stands there twice"),
    "annotation text": (lambda d: d["annotations"].append("x"), "is 'x', expected an object"),
    "image text": (lambda d: d["images"].append(7), "is 7, expected an object"),
    "annotations object": (_top(annotations={"a": 1}), "'annotations' is {'a': 1}, expected a list"),
    "no categories": (lambda d: d.pop("categories"), "'categories' is missing"),
}  # fmt: skip
"""Name -> (change of the document, words of the report)."""

TEXT_PLANTS: dict[str, tuple[Callable[[str], bytes], str]] = {
    "NaN": (lambda t: t.replace('"area": 1', '"area": NaN', 1).encode(), "found NaN"),
    "Infinity": (lambda t: t.replace('"area": 1', '"area": -Infinity', 1).encode(), "found -Infinity"),
    "key twice": (lambda t: t.replace('"area": 1', '"area": 1, "area": 1', 1).encode(), 'the key "area" twice'),
    "long number": (lambda t: t.replace('"area": 1', '"area": ' + "7" * 5000, 1).encode(), "5,000 characters"),
    "nested": (lambda t: t.replace('"area": 1', '"area": ' + "[" * 3000 + "]" * 3000, 1).encode(), "brackets"),
    "very nested": (lambda t: t.replace('"area": 1', '"area": ' + "[" * 10**5 + "]" * 10**5, 1).encode(), "brackets"),
    "comma": (lambda t: t.replace("}]", "},]", 1).encode(), "line 1, column"),
    "cut off": (lambda t: t[: len(t) // 2].encode(), "line 1, column"),
    "behind": (lambda t: (t + "{}").encode(), "the end of the file after the last closing bracket"),
    "UTF-16": (lambda t: t.encode("utf-16"), "BadAnnotation/encoding"),
    "bytes": (lambda t: t.encode()[:-1] + b"\xff}", "byte 0xff"),
    "nothing": (lambda t: b"", "found 0 bytes"),
    "single quotes": (lambda t: t.replace('"', "'").encode(), "line 1, column"),
}
"""Name -> (change of the text, words of the report)."""
