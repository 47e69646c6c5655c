"""One annotation of what several annotators have labelled: agreed objects, and what is left for a decision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from temj import annotations, storage
from temj.annotations.base import raise_problems
from temj.data import IGNORE, Table
from temj.datasets.consensus import Rule, single_points
from temj.datasets.decisions import decisions
from temj.datasets.problems import counted, listed
from temj.errors import Cancelled, Refused
from temj.workflows import consensus_files as files
from temj.workflows import outputs, record
from temj.workflows.consensus_inputs import Inputs, read_inputs
from temj.workflows.consensus_settle import NONE, Agreement, Settled, Undecided, agreement, settle, settle_decided
from temj.workflows.consensus_tables import all_tables

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Options:
    """How a consensus is made; what each means stands in :mod:`temj.commands.dataset_consensus`."""

    rule: Rule
    undecided: Undecided = "list"
    alone: Literal["keep", "undecided", "leave"] = "keep"
    images: Path | None = None
    annotators: tuple[str, ...] = ()
    decided: Path | None = None
    decided_by: str = ""
    overwrite: bool = False

    @property
    def settings(self) -> dict[str, Any]:
        """What decides about the result, for ``consensus.json``."""
        rule = {"iou": self.rule.iou, "votes": self.rule.votes, "distance": self.rule.distance}
        if self.decided is None:
            return {**rule, "undecided": self.undecided, "alone": self.alone}
        return {**rule, "alone": self.alone, "decided": str(self.decided), "decided_by": self.decided_by}


def consensus_of_files(
    paths: Sequence[Path],
    output: Path,
    options: Options,
    repeat: Mapping[str, Any],
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> dict[str, Table]:
    """The command: read what annotators have labelled, and write what they agree on.

    Args:
        paths: a file, folder or dataset of each annotator; none of them is changed.
        output: folder for ``rois/``, ``undecided/``, the tables, ``consensus.json`` and ``run.json``; where nothing
            is undecided and all images are known, a dataset with ``images/`` and ``dataset.json``.
        options: how.
        repeat: the lines that repeat it, for ``run.json``.
        progress: called with (message, current, maximum).
        cancelled: polled between images; nothing is written then.

    Returns:
        Tables ``consensus``, ``undecided``, ``agreement``, ``summary``, ``notes`` and ``files``.

    Raises:
        BadValue, BadAnnotation, BadDataset, BadImage: the inputs cannot be used.
        Refused: results are there already, or the decisions are about other annotations.
        Cancelled: as asked for.
        StorageError: a file could not be written.
    """
    started, output = record.now(), output.absolute()
    refuse_own_inputs(output, paths, [path for path in (options.images, options.decided) if path])
    inputs = read_inputs(paths, options.annotators, options.images)
    images, notes = settle_all(inputs, options, progress, cancelled)
    tables = all_tables([source.name for source in inputs.sources], images)
    ready, why = _dataset_ready(inputs, images)
    made = files.encoded(images) | files.tables_as_files(tables)
    copies = {image.stem: inputs.files[image.stem] for image in images} if ready else {}
    made |= files.dataset_files(images, inputs) if ready else {}
    named = [*made, *(f"images/{path.name}" for path in copies.values())]
    stale = files.make_room(output, named, options.overwrite)
    facts = files.record_of(images, inputs, options.settings, named)
    write(output, made, copies, stale)
    storage.write_json(output / files.RECORD, facts)
    run = {"format": 1, "command": "dataset consensus", **repeat, "versions": record.versions(), "started": started}
    record.write(output, run | {"finished": record.now()})
    told = [*inputs.notes, *notes, *([why] if why else [])]
    shown = {"dataset" if ready else "folder": output, "record": output / files.RECORD}
    shown |= {"undecided": output / "undecided"} if any(len(image.questions) for image in images) else {}
    return tables | {
        "notes": outputs.text_table(("Note",), [(note,) for note in told]),
        "files": outputs.files_table(shown),
    }


def settle_all(
    inputs: Inputs,
    options: Options,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> tuple[list[Settled], list[str]]:
    """What becomes of the objects of every image that somebody has annotated; and notes.

    Raises:
        BadAnnotation: sizes that differ, or decisions that cannot be used: all in one report.
        Refused: decisions about other annotations.
        Cancelled: as asked for.
    """
    stems = [stem for stem in inputs.stems if inputs.labels(stem)]
    notes = _coverage(inputs, stems, options)
    if options.alone == "leave":
        stems = [stem for stem in stems if len(inputs.labels(stem)) > 1]
    found: dict[str, Agreement] = {}
    for number, stem in enumerate(stems, start=1):
        if cancelled and cancelled():
            raise Cancelled(where="dataset consensus", found=f"{number - 1} of {len(stems)} images compared")
        keep = options.alone == "keep"
        found[stem] = agreement(inputs.labels(stem), options.rule, inputs.size(stem), keep)
        if progress:
            progress(f"Compared {stem}", number, len(stems))
    if options.decided is None:
        return [settle(stem, found[stem], options.undecided) for stem in stems], notes
    images, more = _decided(options.decided, found, inputs.classes)
    return images, [*notes, *more]


def _coverage(inputs: Inputs, stems: Sequence[str], options: Options) -> list[str]:
    """Which images not all have annotated, and what becomes of them."""
    everyone = len(inputs.sources)
    alone = [f"{stem} ({next(iter(inputs.labels(stem)))})" for stem in stems if len(inputs.labels(stem)) == 1]
    some = [stem for stem in stems if 1 < len(inputs.labels(stem)) < everyone]
    nobody = [stem for stem in inputs.stems if stem not in stems]
    fate = {
        "keep": "their objects are kept as they are", "undecided": "their objects are undecided",
        "leave": "they are left out",
    }[options.alone]  # fmt: skip
    notes = [f"annotated by one only: {listed(alone)}: {fate}"] if alone else []
    if some:
        fewer = "all who did must agree" if not options.rule.votes else f"{options.rule.votes} must agree, or all"
        notes.append(f"not annotated by all: {listed(some)}: {fewer}")
    if options.rule.votes > everyone:
        notes.append(f"{options.rule.votes} votes are wanted of {everyone} annotators: all must agree")
    return notes + ([f"annotated by nobody, left out: {listed(nobody)}"] if nobody else [])


def _decided(
    folder: Path, found: Mapping[str, Agreement], classes: Sequence[str]
) -> tuple[list[Settled], list[str]]:  # fmt: skip
    """Read the edited questions of all images."""
    _refuse_other_questions(folder, found)
    images, notes, problems, named = [], [], [], Counter()
    for stem, image in found.items():
        if not image.open:
            images.append(settle(stem, image, "list"))
            continue
        path = folder / "undecided" / files.undecided_name(stem)
        if path.exists():
            edited = single_points(annotations.read(path))
        else:
            edited = image.questions.take(NONE)
            notes.append(f"{path.name} was deleted: {counted(len(image.open), 'undecided object')} rejected")
        made, wrong = decisions(image.questions, [c.class_name for c in image.open], edited, classes)
        problems += [f"{path.name}: {problem}" for problem in wrong]
        named.update(decision.class_name for decision in made)
        images.append(settle_decided(stem, image, edited, made))
    raise_problems(
        folder, problems, "undecided", "ROIs with one class each", "Correct them in ImageJ and save the ROI sets again."
    )
    new = sorted(set(named) - {*classes, IGNORE})
    return images, notes + [f"class '{name}' ({named[name]} objects) is new: no annotator has used it" for name in new]


def _refuse_other_questions(folder: Path, found: Mapping[str, Agreement]) -> None:
    """The questions that were asked must be those that would be asked now."""
    earlier = files.read_record(folder)
    asked = {image["image"]: image.get("questions_sha256") for image in earlier["images"]}
    now = {stem: files.question_digest(image.questions) for stem, image in found.items() if image.open}
    asked = {stem: value for stem, value in asked.items() if value}
    changed = sorted(stem for stem in {*asked, *now} if asked.get(stem) != now.get(stem))
    if changed:
        raise Refused(
            "other-questions", where=folder, expected="decisions about these annotations, with the same settings",
            found=f"other questions than now in {listed(changed)}",
            remedy=f"Somebody has labelled since, or iou, votes, distance or alone differ (then: {earlier['settings']})"
            ". Make the consensus again without --decided.",
        )  # fmt: skip


def _dataset_ready(inputs: Inputs, images: Sequence[Settled]) -> tuple[bool, str]:
    """Whether the result is a dataset to train on; else what is missing, in words."""
    waiting = sum(len(image.questions) for image in images)
    if waiting:
        return False, (
            f"{counted(waiting, 'object')} to be decided: edit the ROI sets in undecided/ with ImageJ (delete what "
            "is none, rename what is wrong), then run this again with --decided, --decided-by and another output; "
            "until then this is no dataset (no dataset.json): training would take them for background"
        )
    missing = [image.stem for image in images if image.stem not in inputs.files]
    if missing:
        return False, (
            f"no dataset.json was written: the image files are not known of {listed(missing)} (--images FOLDER)"
        )
    return bool(images), "" if images else "nothing was annotated"


def refuse_own_inputs(output: Path, labels: Sequence[Path], others: Sequence[Path] = ()) -> None:
    """Never write into what an annotator has made (``labels``), nor over other folders that are read.

    Raises:
        Refused: the output is one of these, lies inside one of ``labels``, or would write where one of all lies.
    """
    written = [output / name for name in files.FOLDERS]
    for path in [path.absolute() for path in (*labels, *others)]:
        inside = path in output.parents and path not in [other.absolute() for other in others]
        if inside or path == output or any(folder == path or folder in path.parents for folder in written):
            raise Refused(
                "output", where=output, expected="a folder apart from what is read", found=path,
                remedy="Choose another output: no annotator's file is ever changed.",
            )  # fmt: skip


def write(output: Path, made: Mapping[str, bytes], copies: Mapping[str, Path], stale: Sequence[Path]) -> None:
    """Write the files into the output folder; ``stale`` ones are removed.

    Raises:
        BadImage, StorageError: as :func:`temj.workflows.consensus_files.copy_images`.
    """
    folders = {name.partition("/")[0] for name in made if "/" in name} | ({"images"} if copies else set())
    storage.make_folder(output)
    for name in sorted(folders):
        storage.make_folder(output / name)
    for path in stale:
        path.unlink()
    files.copy_images(copies, output / "images")
    for name, data in made.items():
        storage.write_bytes(output / name, data)
