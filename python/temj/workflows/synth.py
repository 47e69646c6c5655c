"""Make datasets of synthetic micrographs and films."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from temj import storage, synthetic
from temj.data import Column, Instances, Table
from temj.data.calibration import parse_pixel_size
from temj.datasets.writing import write_description
from temj.errors import BadValue, Cancelled, Refused
from temj.synthetic import Made, Settings
from temj.synthetic.base import Kind
from temj.workflows import outputs, record
from temj.workflows.synth_files import film_files, image_files, write_film, write_frame, write_image

Progress = Callable[[str, int, int], None]
FOLDERS = ("images", "rois", "truth", "films")
LICENCE = "CC0-1.0 (synthetic, made by temj synth)"


def parse_settings(texts: Iterable[str]) -> dict[str, Any]:
    """``name=value`` words as settings: ``dose=20``, ``g=2,0,0``, ``info_bar=true``, ``rotation=none``.

    Raises:
        BadValue: a word without ``=``, or a name that comes twice.
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name or name in found:
            raise BadValue(
                "settings", where=text, expected="name=value, each name once", remedy="For example: dose=20 g=2,0,0"
            )
        found[name] = _value(value.strip())
    return found


def _value(text: str) -> Any:
    if "," in text:
        return [_value(part.strip()) for part in text.strip("()[]").split(",")]
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def make_dataset(
    parameters: Mapping[str, Any],
    repeat: Mapping[str, Any],
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> dict[str, Table]:
    """The command: make ``number`` images (or films) of a kind into a dataset folder.

    Args:
        parameters: ``kind``, ``output``, ``number``, ``seed``, ``width``, ``pixel_size``, ``settings``, ``overwrite``.
        repeat: the lines that repeat it, for ``run.json``.
        progress: called with (message, current, maximum).
        cancelled: polled before each image; what is finished stays.

    Returns:
        Tables ``images`` (Image, Part, Objects, Buried) and ``files`` (Kind, File).

    Raises:
        BadValue: an unknown kind or setting, or a wrong value.
        Refused: there is something in the folder already.
        Cancelled: the user stopped it.
    """
    kind = synthetic.kind(parameters["kind"])
    settings = synthetic.settings_of(kind.name, _given(parameters))
    folder = Path(parameters["output"])
    number, seed = parameters["number"], parameters["seed"]
    _make_room(folder, [f"{kind.name}_{index + 1:04d}" for index in range(number)], parameters["overwrite"])
    for part in ("", *(FOLDERS if kind.film else FOLDERS[:3])):
        storage.make_folder(folder / part)
    run = {
        "format": 1, "command": "synth", **repeat, "settings": settings.model_dump(mode="json"),
        "versions": record.versions() | {name: metadata.version(name) for name in ("scipy", "tifffile")},
        "started": record.now(), "state": "unfinished",
    }  # fmt: skip
    entries: list[dict[str, Any]] = []
    record.write(folder, run | {"images": entries})
    for index in range(number):
        if cancelled and cancelled():
            record.write(folder, run | {"images": entries})
            raise Cancelled(where=folder, found=f"{index} of {number} made", remedy="Run it again with --overwrite.")
        made = synthetic.make(kind.name, seed, index, **settings.model_dump())
        entries += _write(folder, kind, made, index)
        if progress:
            progress(f"Made {kind.name} {index + 1} of {number}", index + 1, number)
    write_description(folder, _description(kind, settings, entries), overwrite=True)
    record.write(folder, run | {"images": entries, "state": "finished", "finished": record.now()})
    return _tables(folder, entries)


def _given(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """All settings that the user gave, wherever he gave them."""
    given = parse_settings(parameters["settings"])
    own: dict[str, Any] = {}
    if parameters["width"] is not None:
        own["size"] = parameters["width"]
    if parameters["pixel_size"]:
        width, height = parse_pixel_size(parameters["pixel_size"]).nm
        if width != height:
            raise BadValue("pixel-size", found=parameters["pixel_size"], expected="one size for both directions")
        own["pixel_size"] = width
    for name in own.keys() & given.keys():
        raise BadValue("settings", where=name, found="given twice", remedy="Give it once.")
    return given | own


def _make_room(folder: Path, stems: Sequence[str], overwrite: bool) -> None:
    """Refuse what is there already; with ``overwrite`` take away the files of an earlier run, and only these."""
    there = [path for name in FOLDERS for path in _listed(folder / name)]
    there += [path for name in ("dataset.json", "run.json") if (path := folder / name).exists()]
    if not there:
        return
    if not overwrite:
        raise Refused(
            "exists", where=there[0], found=f"{len(there)} files of a dataset or an earlier run",
            remedy="They were not changed. Choose another folder, or replace them with --overwrite.",
        )  # fmt: skip
    earlier = {folder / name for name in _of_earlier_run(folder)} | {folder / "dataset.json", folder / "run.json"}
    foreign = [path for path in there if path not in earlier and not _of_stems(path, stems)]
    if foreign:
        raise Refused(
            "foreign-files", where=foreign[0], expected="only files of an earlier temj synth",
            found=f"{len(foreign)} others", remedy="Choose another folder: they would become part of the dataset.",
        )  # fmt: skip
    for path in there:
        path.unlink()


def _listed(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []


def _of_stems(path: Path, stems: Sequence[str]) -> bool:
    """Whether a file is one that this run writes too (left by a run that was ended by force)."""
    return any(path.name.startswith(stem) for stem in stems)


def _of_earlier_run(folder: Path) -> list[str]:
    """The files that the folder's ``run.json`` names; names that lead elsewhere do not count."""
    try:
        run = json.loads((folder / "run.json").read_text("utf-8"))
        named = [name for entry in run["images"] for name in entry["files"]] if run["command"] == "synth" else []
    except (OSError, ValueError, KeyError, TypeError):
        return []
    allowed = re.compile(rf"({'|'.join(FOLDERS)})/[^/\\]+")
    return [name for name in named if isinstance(name, str) and allowed.fullmatch(name)]


def part_of(index: int) -> str:
    """Of five images the second is for validation, the fifth for test, the others for training, however many follow."""
    return {1: "validation", 4: "test"}.get(index % 5, "train")


def _write(folder: Path, kind: Kind, made: Made, index: int) -> list[dict[str, Any]]:
    """The files of one image or film; gives the entries of its images for ``run.json``."""
    stem, bars = f"{kind.name}_{index + 1:04d}", made.facts["settings"]
    bars = bars["info_bar"] or bars["scale_bar"]
    if made.film is None:
        files = image_files(stem, bars)
        write_image(folder, files, made)
        return [_entry(stem, index, made.instances, made, files.values())]
    files = film_files(stem)
    write_film(folder, files, made)
    entries = []
    wanted = min(made.facts["settings"]["training_frames"], len(made.film))
    for frame in np.unique(np.linspace(1, len(made.film), wanted).round().astype(int)).tolist():
        name = f"{stem}_t{frame:04d}"
        own = image_files(name, bars)
        found = write_frame(folder, own, made, frame)
        both = [*own.values(), *(files.values() if not entries else ())]
        entries.append(_entry(name, index, found, made, both) | {"group": stem})
    return entries


def _entry(stem: str, index: int, found: Instances, made: Made, files: Iterable[str]) -> dict[str, Any]:
    """What ``run.json`` tells of one image."""
    return {
        "image": stem, "index": index, "part": part_of(index), "objects": len(found), "buried": found.info["buried"],
        "drawn": made.facts["drawn"], "files": list(files),
    }  # fmt: skip


def _description(kind: Kind, settings: Settings, entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """``dataset.json``."""
    classes = kind.classes(settings)
    parts = {
        part: [entry["image"] for entry in entries if entry["part"] == part] for part in ("train", "validation", "test")
    }
    groups = {entry["image"]: entry["group"] for entry in entries if "group" in entry}
    told = "; ".join(f"{entry.name}: {entry.description}" for entry in classes)
    return {
        "format": 1,
        "description": f"{kind.title}, synthetic. {told}",
        "classes": [
            {"name": entry.name, "colour": entry.colour, "diameter": entry.diameter, "edge": entry.edge}
            for entry in classes
        ],
        "pixel_size": settings.pixel_size,
        "unit": "nm",
        "symmetry": {"rotation": 180, "flip_horizontal": True, "flip_vertical": True},
        "polarity": kind.polarity,
        "split": parts,
        **({"groups": groups} if groups else {}),
        "empty": [entry["image"] for entry in entries if not entry["objects"]],
        "licence": LICENCE,
        "protocol": "Outlines are exact, from the formula that drew the objects; also those that cannot be seen "
        "(column Buried in truth/, 'buried' in run.json). Cut objects keep their part outside; overlaps are kept.",
    }


def _tables(folder: Path, entries: Sequence[Mapping[str, Any]]) -> dict[str, Table]:
    images = Table(
        (
            Column("Image", np.array([entry["image"] for entry in entries], object)),
            Column("Part", np.array([entry["part"] for entry in entries], object)),
            Column("Objects", np.array([entry["objects"] for entry in entries], np.int64)),
            Column("Buried", np.array([len(entry["buried"]) for entry in entries], np.int64)),
        )
    )
    names = [(name.partition("/")[0], str(folder / name)) for entry in entries for name in entry["files"]]
    names += [("dataset", str(folder / "dataset.json")), ("run", str(folder / "run.json"))]
    return {"images": images, "files": outputs.text_table(("Kind", "File"), names)}


def account(made: Mapping[str, Table]) -> str:
    """How many images and objects, and where."""
    images, files = made["images"], made["files"]
    objects, buried = int(images["Objects"].sum()), int(images["Buried"].sum())
    films = [name for kind, name in zip(files["Kind"], files["File"], strict=True) if kind == "films"]
    single = sum(name.endswith(".tif") for name in films) == 1
    alone = ["  one film cannot be split: make at least 2 (--number 2) to train"] if single else []
    parts = ", ".join(f"{int((images['Part'] == part).sum())} {part}" for part in dict.fromkeys(images["Part"]))
    folder = Path(files["File"][-1]).parent
    return "\n".join(
        [
            f"{len(images)} image{'' if len(images) == 1 else 's'} ({parts}) with {objects} objects made in {folder}",
            f"  too weak or small to be seen, but in the truth (named in run.json): {buried}",
            *alone,
            f"  look at it: temj dataset check {folder}",
        ]
    )
