"""``.roi`` files and ``RoiSet.zip``: read whatever else lies in them; equal objects give equal bytes."""

from __future__ import annotations

import io
import itertools
import os
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np

from temj import storage
from temj.annotations.archives import members_of, opened, whole
from temj.annotations.roi import class_of, decode, diameter_info, edge_info, encode
from temj.data import Instances, Shape
from temj.errors import BadAnnotation

LARGEST_MEMBER = 256 * 2**20
LARGEST_SET = 4 * 2**30
_SHOWN = 10
_DATE = (1980, 1, 1, 0, 0, 0)
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
_COLUMNS = {"class_name": object, "score": float, "name": object, "group": int, "position": int, "track": int}


def read(path: str | os.PathLike, group_names: Mapping[int, str] | None = None) -> Instances:
    """The objects of a ``.roi`` file or a ``RoiSet.zip``.

    The class of an object is its property ``class``, else the name of its group, else what stands in its name
    before ``-0001``; where one of the three begins with ``?`` it is :data:`temj.data.IGNORE`. An archive without any
    member means "no objects".

    Args:
        path: the file.
        group_names: of ImageJ's groups, where they are known.

    Returns:
        Instances in the order of the file; names are made different by ``-1``, ``-2`` …; where there is something to
        say, ``info`` has ``notes``: what was changed in reading; ``skipped``: the ROIs that cannot be used, a dict
        with ``code`` and ``message`` each; ``diameter``: class → rule, as the ROIs' property ``diameter`` says;
        ``edge``: class → which edge its outlines follow, as their property ``edge`` says.

    Raises:
        BadAnnotation: no archive or ROI, or not a single member that can be used.
    """
    path = Path(path).absolute()
    notes: list[str] = []
    skipped: list[dict[str, str]] = []
    members = _members(path, notes, skipped)
    if path.suffix.lower() == ".roi":
        return _instances([decode(data, member) for member, data in members], group_names or {}, notes)
    return of_members(path, members, notes, skipped, group_names)


def of_members(
    where: Path,
    members: Iterable[tuple[str, bytes]],
    notes: list[str] | None = None,
    skipped: list[dict[str, str]] | None = None,
    group_names: Mapping[int, str] | None = None,
) -> Instances:
    """The objects of several ROIs, each the bytes of a ``.roi`` file; one that cannot be used leaves the others.

    Args:
        where: the file that they are from.
        members: (name for messages, bytes) of each.
        notes, skipped: what is known of the file already.
        group_names: as in :func:`read`.

    Returns, raises:
        As :func:`read`.
    """
    notes, skipped = notes or [], skipped or []
    found: list[tuple[Shape, dict]] = []
    for member, data in members:
        try:
            found.append(decode(data, member))
        except BadAnnotation as error:
            skipped.append(_skipped(error))
    if not found and (notes or skipped):
        told = "; ".join([*notes, *(entry["message"] for entry in skipped)])
        raise BadAnnotation(
            "no-rois", where=where, expected="ImageJ ROIs", found=told, remedy="Save the ROI set again."
        )
    instances = _instances(found, group_names or {}, notes)
    return instances.with_columns(info={**instances.info, "skipped": tuple(skipped)}) if skipped else instances


def _skipped(error: BadAnnotation) -> dict[str, str]:
    """A ROI that was left out, as it stands in ``info``."""
    return {"code": error.code, "message": error.message}


def _instances(found: list[tuple[Shape, dict]], group_names: Mapping[int, str], notes: list[str]) -> Instances:
    """The columns of all objects, with classes and unique names."""
    columns = {
        key: [facts[key] for _shape, facts in found] for key in (*_COLUMNS, "note", "diameter", "edge", "dropped")
    }
    notes += [f"{name}: {note}" for name, note in zip(columns["name"], columns.pop("note"), strict=True) if note]
    columns["class_name"] = [
        class_of(kind, group_names.get(group, ""), name)
        for kind, group, name in zip(columns["class_name"], columns["group"], columns["name"], strict=True)
    ]
    dropped = Counter(itertools.chain.from_iterable(columns["dropped"]))
    if dropped:
        told = ", ".join(f"{what} ({count:,})" for what, count in sorted(dropped.items())[:_SHOWN])
        notes.append(f"not kept of the ROIs: {told}{' …' if len(dropped) > _SHOWN else ''}")
    names = unique(columns["name"])
    renamed = sum(new != old for new, old in zip(names, columns["name"], strict=True))
    if renamed:
        notes.append(f"{renamed} ROIs had the name of another one and got a number behind it")
    columns["name"] = names
    arrays = {key: np.array(columns[key], kind) for key, kind in _COLUMNS.items() if found}
    info = ({"notes": tuple(notes)} if notes else {}) | diameter_info(columns["class_name"], columns["diameter"])
    info |= edge_info(columns["class_name"], columns["edge"])
    return Instances.of([shape for shape, _facts in found], info=info, **arrays)


def _members(path: Path, notes: list[str], skipped: list[dict[str, str]]) -> list[tuple[str, bytes]]:
    """(name, bytes) of each ROI in a file."""
    try:
        if path.suffix.lower() == ".roi":
            return [(str(path), path.read_bytes())]
        archive, data = opened(path)
        with archive:
            listed, there = len(archive.infolist()), members_of(data)
            if there > listed:
                notes.append(
                    f"{there - listed} of the archive's {there} members are not in its directory: it is damaged"
                )
            return _unpack(archive, data, path, notes, skipped)
    except OSError as error:
        raise BadAnnotation(
            "unreadable", where=path, found=error.strerror or error, remedy="Check the path."
        ) from error
    except (zipfile.BadZipFile, NotImplementedError) as error:  # the latter: a newer version of zip
        with path.open("rb") as file:
            head = file.read(16)
        raise BadAnnotation(
            "not-a-zip", where=path, expected="a RoiSet.zip", found=f"{error}; the first bytes are {head!r}",
            remedy="The file was not copied whole; save the ROI set again.",
        ) from error  # fmt: skip


def _unpack(
    archive: zipfile.ZipFile, packed: bytes, path: Path, notes: list[str], skipped: list[dict[str, str]]
) -> list[tuple[str, bytes]]:
    """The ``.roi`` members, read by their place, so that equal names do not matter."""
    files = [member for member in archive.infolist() if not member.filename.endswith("/")]
    wanted = [member for member in files if _is_roi(member.filename)]
    if len(wanted) < len(files):
        notes.append(f"{len(files) - len(wanted)} files in the archive are no ROIs and are not used")
    if sum(member.file_size for member in wanted) > LARGEST_SET:
        raise BadAnnotation("too-large", where=path, expected="ROIs of at most 4 GiB", remedy="Split the ROI set.")
    members = []
    for member in wanted:
        try:
            data = whole(packed, member) if member.file_size <= LARGEST_MEMBER else None
            if data is None:
                with archive.open(member) as file:
                    data = file.read(LARGEST_MEMBER + 1)
            if len(data) > LARGEST_MEMBER:
                raise ValueError("more than 256 MiB")
            members.append((f"{path}/{member.filename}", data))
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError) as error:
            broken = BadAnnotation(
                "unpack", where=f"{path}/{member.filename}", expected="a ROI that can be unpacked", found=error,
                remedy="Copy the file again, or save the ROI set again in ImageJ.",
            )  # fmt: skip
            skipped.append(_skipped(broken))
    return members


def _is_roi(name: str) -> bool:
    """Whether a member is a ROI, not a note, or what macOS puts beside each file."""
    base = name.rpartition("/")[2]
    return base.lower().endswith(".roi") and not base.startswith("._") and "__MACOSX/" not in name


def unique(names: list[str], same: Callable[[str], str] = str) -> list[str]:
    """Names made different from all before them by ``-1``, ``-2`` …; ``same`` gives what must differ."""
    used: set[str] = set()
    again: dict[str, int] = {}
    result = []
    for name in names:
        new = name
        while same(new) in used:
            again[same(name)] = again.get(same(name), 0) + 1
            new = f"{name}-{again[same(name)]}"
        used.add(same(new))
        result.append(new)
    return result


def write(path: str | os.PathLike, instances: Instances, overwrite: bool = True) -> None:
    """Write objects as a ``RoiSet.zip`` that ImageJ's ROI Manager opens (or one object as ``.roi``).

    Args:
        path: the file; no objects give an archive without members.
        instances: order, names, classes, scores, groups, positions, tracks, ``info["diameter"]`` and
            ``info["edge"]`` are kept.
        overwrite: whether the file may exist.

    Raises:
        StorageError, Refused: as :func:`temj.storage.writing`.
        BadAnnotation: unusable coordinates, or a ``.roi`` file of not exactly one object.
    """
    path = Path(path)
    if path.suffix.lower() == ".roi":
        rois = encoded(instances)
        if len(rois) != 1:
            raise BadAnnotation("one-roi", where=path, expected="one object", found=len(rois), remedy="Write a .zip.")
        storage.write_bytes(path, rois[0], overwrite=overwrite)
        return
    storage.write_bytes(path, archived(instances), overwrite=overwrite)


def archived(instances: Instances) -> bytes:
    """The bytes of a ``RoiSet.zip``; equal objects give equal bytes.

    Raises:
        BadAnnotation: unusable coordinates.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in zip(_member_names(instances), encoded(instances), strict=True):
            member = zipfile.ZipInfo(f"{name}.roi", _DATE)
            member.create_system, member.external_attr = 3, 0o644 << 16
            archive.writestr(member, data, zipfile.ZIP_DEFLATED, 1)
    return buffer.getvalue()


def encoded(instances: Instances) -> list[bytes]:
    """Each object as the bytes of a ``.roi`` file.

    Raises:
        BadAnnotation: unusable coordinates.
    """
    columns = (
        getattr(instances, key).tolist() for key in ("name", "class_name", "score", "group", "position", "track")
    )
    rules, edges = instances.info.get("diameter", {}), instances.info.get("edge", {})
    return [
        encode(
            shape, name=name, class_name=kind, score=score, group=group, position=position, track=track,
            diameter=rules.get(kind, ""), edge=edges.get(kind, ""),
        )
        for shape, name, kind, score, group, position, track in zip(instances.shapes, *columns, strict=True)
    ]  # fmt: skip


def _member_names(instances: Instances) -> list[str]:
    """File names without characters and words that Windows or archives reserve; nameless objects get their number."""
    names = []
    for number, name in enumerate(instances.name, start=1):
        plain = re.sub(r'[\x00-\x1f/\\:*?"<>|]', "_", name)[:100].rstrip(" .")
        plain = plain.encode("utf-8", "replace").decode("utf-8")
        names.append(f"_{plain}" if _RESERVED.fullmatch(plain) else plain or f"{number:04d}")
    return unique(names, str.casefold)
