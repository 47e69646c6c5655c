"""The files of a consensus: ROI sets, what is undecided, who labelled what, and a dataset once all is decided."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from temj import storage
from temj.annotations import roiset
from temj.data import IGNORE, Instances, Table
from temj.data.table_text import to_csv
from temj.datasets.description import FILE
from temj.datasets.folder import PROTOCOL
from temj.datasets.problems import listed
from temj.datasets.writing import readable
from temj.errors import BadImage, Refused
from temj.workflows.consensus_inputs import Inputs
from temj.workflows.consensus_settle import Entry, Settled

RECORD, RUN = "consensus.json", "run.json"
FOLDERS = ("rois", "undecided", "images")
TABLES = ("consensus.csv", "undecided.csv", "agreement.csv")
FORMAT = 1
_STEMS = ("train", "validation", "test")
_BLOCK = 2**22


def undecided_name(stem: str) -> str:
    """Of the ROI set with the questions of an image."""
    return f"{stem}_undecided_RoiSet.zip"


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def question_digest(questions: Instances) -> str:
    """SHA-256 of the ROI set of questions: equal for equal questions."""
    return digest(roiset.archived(questions))


def encoded(images: Sequence[Settled]) -> dict[str, bytes]:
    """Name in the output folder → bytes of the ROI sets."""
    files = {f"rois/{image.stem}_RoiSet.zip": roiset.archived(image.instances) for image in images}
    asked = (image for image in images if len(image.questions))
    return files | {f"undecided/{undecided_name(image.stem)}": roiset.archived(image.questions) for image in asked}


def record_of(
    images: Sequence[Settled], inputs: Inputs, settings: Mapping[str, Any], files: Iterable[str]
) -> dict[str, Any]:
    """``consensus.json``: everything about every object, exact, without times."""
    asked = {image.stem: question_digest(image.questions) for image in images if len(image.questions)}
    return {
        "format": FORMAT,
        "settings": dict(settings),
        "annotators": [{"name": source.name, "path": str(source.path)} for source in inputs.sources],
        "images": [
            {
                "image": image.stem, "annotators": list(image.labels), "votes_needed": image.votes,
                **({"questions_sha256": asked[image.stem]} if image.stem in asked else {}),
                "objects": [_object(image, entry) for entry in image.entries],
            }
            for image in images
        ],
        "not_annotated": [stem for stem in inputs.stems if stem not in {image.stem for image in images}],
        "files": sorted(files),
    }  # fmt: skip


def _object(image: Settled, entry: Entry) -> dict[str, Any]:
    told = {"roi": entry.name, "class": entry.class_name, "status": entry.status, "x": entry.x, "y": entry.y}
    cluster = entry.cluster
    if cluster is None:
        return told
    votes = {
        name: {
            "roi": str(image.labels[name].name[index]), "number": index + 1, "class": cluster.classes[name],
            "iou": cluster.iou[name],
        }
        for name, index in cluster.members.items()
    }  # fmt: skip
    unsure = {"unsure": list(cluster.unsure)} if cluster.unsure else {}
    return told | {"kind": cluster.kind, "outline": cluster.outline, "votes": votes, **unsure}


def description_of(images: Sequence[Settled], inputs: Inputs) -> dict[str, Any]:
    """``dataset.json`` of the result: that of the first dataset among the inputs, for these images."""
    first = next((source.dataset for source in inputs.sources if source.dataset), None)
    names = ", ".join(source.name for source in inputs.sources)
    values: dict[str, Any] = {"format": 1, "description": f"Consensus of {names}", "classes": []}
    if first is not None:
        values = json.loads((first.folder / FILE).read_text("utf-8"))
        values.pop("annotations", None)
    stems = {image.stem for image in images}
    for name in _STEMS if values.get("split") else ():
        values["split"][name] = [stem for stem in values["split"].get(name, ()) if stem in stems]
    if values.get("folds"):
        values["folds"] = [[stem for stem in fold if stem in stems] for fold in values["folds"]]
    known = [entry if isinstance(entry, str) else entry["name"] for entry in values["classes"]]
    meant = {*known, *values.get("class_map", {})}
    decided = {entry.class_name for image in images for entry in image.entries}
    used = dict.fromkeys([*inputs.classes, *sorted(decided - {"", IGNORE})])
    values["classes"] = [*values["classes"], *(name for name in used if name not in meant)] or ["object"]
    values["empty"] = [image.stem for image in images if not len(image.instances)]
    return values


def dataset_files(images: Sequence[Settled], inputs: Inputs) -> dict[str, bytes]:
    """``dataset.json`` and the labelling protocol."""
    values = description_of(images, inputs)
    files = {FILE: (readable(values) + "\n").encode()}
    protocol = next((source.dataset.protocol for source in inputs.sources if source.dataset), "")
    return files | ({PROTOCOL: protocol.encode()} if protocol else {})


def tables_as_files(tables: Mapping[str, Table]) -> dict[str, bytes]:
    """The .csv files."""
    return {name: to_csv(tables[name.removesuffix(".csv")]).encode() for name in TABLES}


def make_room(folder: Path, new: Iterable[str], overwrite: bool) -> list[Path]:
    """Refuse what is there already; with ``overwrite`` the files of an earlier consensus that are not written again.

    Raises:
        Refused: files are there and may not be replaced, or are of something else, or were edited by a person.
    """
    new = set(new)
    top = [folder / name for name in (*TABLES, RECORD, RUN, FILE, PROTOCOL)]
    there = [path for path in top if path.exists()]
    there += [path for name in FOLDERS if (folder / name).is_dir() for path in _visible(folder / name)]
    if not there:
        return []
    if not overwrite:
        raise Refused(
            "exists", where=listed(there, 3),
            remedy="They were not changed. Choose another output, or replace an earlier consensus with --overwrite.",
        )  # fmt: skip
    names, digests = _earlier(folder)
    inside = [path.relative_to(folder).as_posix() for path in there]
    foreign = [name for name in inside if name not in names and name not in new]
    if foreign or not names:
        raise Refused(
            "foreign-files", where=folder, expected="only files of an earlier consensus",
            found=listed(foreign or inside), remedy="Choose another output.",
        )  # fmt: skip
    edited = [
        name for name in inside if name in digests and digest((folder / name).read_bytes()) != digests[name]
    ]  # fmt: skip
    if edited:
        raise Refused(
            "edited", where=folder, expected="ROI sets as they were written", found=listed(edited) + ", changed since",
            remedy=f"Somebody has decided there: use --decided {folder} and another output.",
        )  # fmt: skip
    return [folder / name for name in inside if name not in new]


def _visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _earlier(folder: Path) -> tuple[set[str], dict[str, str]]:
    """The files that an earlier consensus wrote, and the SHA-256 of its questions."""
    if not (folder / RECORD).exists():
        return set(), {}
    record = read_record(folder)
    asked = {
        f"undecided/{undecided_name(image['image'])}": image["questions_sha256"]
        for image in record["images"]
        if "questions_sha256" in image
    }
    return {*record["files"], RECORD, RUN}, asked


def read_record(folder: Path) -> dict[str, Any]:
    """The ``consensus.json`` of an output folder.

    Raises:
        Refused: there is none, or it is not one.
    """
    path = folder / RECORD
    try:
        record = json.loads(path.read_text("utf-8"))
        names = [*record["files"], *(image["image"] for image in record["images"])]
        sound = record["format"] == FORMAT and all(isinstance(name, str) for name in names)
    except (OSError, ValueError, KeyError, TypeError) as error:
        sound, reason = False, getattr(error, "strerror", None) or str(error)
    else:
        reason = "something else"
    if not sound:
        raise Refused(
            "consensus.json", where=path, expected="the consensus.json of temj dataset consensus", found=reason,
            remedy="Name the output folder of the consensus whose undecided ROIs were edited.",
        )  # fmt: skip
    return record


def copy_images(files: Mapping[str, Path], folder: Path) -> None:
    """Copy image files into a folder, each whole or not at all.

    Raises:
        BadImage: one cannot be read.
        StorageError: one cannot be written.
    """
    for source in files.values():
        try:
            opened = source.open("rb")
        except OSError as error:
            raise BadImage("unreadable", where=source, found=error.strerror, remedy="Check the file.") from error
        with opened, storage.writing(folder / source.name) as copy:
            shutil.copyfileobj(opened, copy, _BLOCK)
