"""One more image in a COCO file; what stands there already keeps its ids, values, order and unknown keys."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from temj.annotations import coco, strict_json
from temj.annotations.base import AnnotationSet, Context
from temj.annotations.flat import with_area
from temj.annotations.pairing import plain_names, same
from temj.errors import BadAnnotation

LISTS = ("images", "categories", "annotations")


def append(path: Path, own: AnnotationSet, context: Context, replace: bool) -> tuple[bytes, tuple[str, ...], int]:
    """The bytes of a COCO file with one more image in it.

    Args:
        path: the file as it is; it must be sound.
        own: a set of one annotated image, whose size is known.
        context: as for writing.
        replace: whether annotations that the image has there are replaced.

    Returns:
        The bytes, what COCO cannot hold of the image, and how many annotations of it were replaced.

    Raises:
        BadAnnotation: the file has problems; the image is annotated there and ``replace`` is false; or it has another
            size there.
    """
    coco.read(path, Context())
    document = strict_json.load(path)
    own, flat = with_area(own)
    made = coco.encode(own, context, False)
    new = json.loads(made.files[""])
    picture = new["images"][0]
    entry = next((entry for entry in document["images"] if _same_image(entry, picture, path)), None)
    old: list[Any] = []
    if entry is None:
        entry = picture | {"id": _free(document["images"])}
        document["images"].append(entry)
    else:
        old = [row for row in document["annotations"] if row["image_id"] == entry["id"]]
        _require_room(path, entry, picture, bool(old), replace)
        _mark(entry, picture)
        document["annotations"] = [row for row in document["annotations"] if row["image_id"] != entry["id"]]
    numbers = _category_ids(document["categories"], new["categories"])
    first = _free(document["annotations"] + old)
    for number, row in enumerate(new["annotations"], start=first):
        place = {"id": number, "image_id": entry["id"], "category_id": numbers[row["category_id"]]}
        document["annotations"].append(row | place)
    return _text(document).encode(), (*flat, *made.losses), len(old)


def _same_image(entry: dict[str, Any], picture: dict[str, Any], path: Path) -> bool:
    return same(plain_names([entry["file_name"]], path)[0]) == same(picture["file_name"])


def _free(entries: Iterable[dict[str, Any]]) -> int:
    return max((entry["id"] for entry in entries if type(entry.get("id")) is int), default=0) + 1


def _require_room(path: Path, entry: dict[str, Any], picture: dict[str, Any], annotated: bool, replace: bool) -> None:
    """Refuse to add to an image that is annotated already, or is another one."""
    name = entry["file_name"]
    sizes = [[each.get("width"), each.get("height")] for each in (entry, picture)]
    if None not in sizes[0] and sizes[0] != sizes[1]:
        raise BadAnnotation(
            "size", where=f"{path}, {name}", expected="{} x {} pixels, as the file says".format(*sizes[0]),
            found="{} x {}".format(*sizes[1]), remedy="This is another image of the same name.",
        )  # fmt: skip
    ours = entry.get("temj")
    if not replace and (annotated or (isinstance(ours, dict) and ours.get("annotated") is True)):
        raise BadAnnotation(
            "already-annotated", where=f"{path}, {name}", expected="an image without annotations in this file",
            found="some", remedy="They were not changed. Replace them with --overwrite.",
        )  # fmt: skip


def _mark(entry: dict[str, Any], picture: dict[str, Any]) -> None:
    """Size, and whether somebody has looked; all other keys of the entry stay."""
    entry |= {key: picture[key] for key in ("width", "height") if key in picture}
    ours = {key: value for key, value in dict(entry.get("temj") or {}).items() if key != "annotated"}
    ours |= picture.get("temj", {})
    entry.pop("temj", None)
    if ours:
        entry["temj"] = ours


def _category_ids(there: list[dict[str, Any]], new: list[dict[str, Any]]) -> dict[int, Any]:
    """id of each new category in the file; those that it lacks are added to it."""
    known = {same(entry["name"]).strip(): entry["id"] for entry in reversed(there)}
    ids = {}
    for category in new:
        name = same(category["name"]).strip()
        if name not in known:
            known[name] = _free(there)
            there.append(category | {"id": known[name]})
        ids[category["id"]] = known[name]
    return ids


def _text(document: dict[str, Any]) -> str:
    """JSON with a line for each image, category and annotation, the keys in their order."""
    parts = []
    for key, value in document.items():
        if key in LISTS:
            rows = ",\n".join(_json(row) for row in value)
            parts.append(f"{_json(key)}: [\n{rows}\n]")
        else:
            parts.append(f"{_json(key)}: {_json(value)}")
    text = "{\n" + ",\n".join(parts) + "\n}\n"
    return re.sub("[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
