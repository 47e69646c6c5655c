"""What is wrong with the names of a dataset: split, groups, pairs of images and annotations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from temj.datasets.description import FILE, Split
from temj.datasets.folder import PROTOCOL, Dataset, Item
from temj.datasets.problems import Problem, counted, listed, of_error, within
from temj.datasets.protocol import open_questions
from temj.datasets.sources import OVERLAY, ROI_SET_END, list_images, same

_FEW = 3
_CORRECT = f"Correct the name in {FILE}."


def of_names(dataset: Dataset) -> Iterator[Problem]:
    """Names in dataset.json without an image, in two parts, or shared by two files; parts without images."""
    files = Counter(same(file.stem) for file in list_images(dataset.folder))
    for stem, number in files.items():
        if number > 1:
            yield Problem(
                "error", "names/twice", "images", f"{number} images are called '{stem}'", "Give each its own name."
            )
    yield from _of_split(dataset, set(files))
    description = dataset.description
    for key, names in (("empty", description.empty), ("groups", tuple(description.groups))):
        for stem in names:
            if same(stem) not in files:
                yield Problem("error", f"{key}/no-image", FILE, f"{key}: names '{stem}', but there is no such image",
                              _CORRECT)  # fmt: skip
    yield from _of_folds(dataset, set(files))
    yield from _of_groups(dataset)
    yield from _of_papers(dataset)


def _of_split(dataset: Dataset, stems: set[str]) -> Iterator[Problem]:
    split = dataset.description.split or Split()
    parts: dict[str, list[str]] = {}
    for part in Split.model_fields:
        for stem in getattr(split, part):
            parts.setdefault(same(stem), []).append(part)
    for stem, used in parts.items():
        if stem not in stems:
            what = f"split: {used[0]} names '{stem}', but there is no such image"
            yield Problem("error", "split/no-image", FILE, what, _CORRECT)
        if len(used) > 1:
            what = f"split: '{stem}' is named {len(used)} times ({', '.join(used)})"
            yield Problem("error", "split/twice", FILE, what, "Leave it in one part.")
    if len(dataset.items) == 1:
        yield Problem(
            "error", "names/one-image", "images", "there is one image only: it cannot be for training and for "
            "validation", "Label at least one more image, of another sample if there is any.",
        )  # fmt: skip
    else:
        yield from _of_parts(dataset)
    unused = [item.stem for item in dataset.items if not item.part]
    if unused:
        what = f"{counted(len(unused), 'image')} in no part of the split: {listed(unused)}"
        yield Problem("info", "split/unused", FILE, what)
    yield from (Problem("info", "split/default", FILE, note) for note in dataset.notes)


def _of_parts(dataset: Dataset) -> Iterator[Problem]:
    """What a training cannot do without."""
    if not dataset.subset("train"):
        yield Problem(
            "error", "split/no-train", FILE, "there are no images for training", "Name some under 'train' of 'split'."
        )
    if not dataset.subset("validation"):
        yield Problem(
            "error", "split/no-validation", FILE, "there are no images for validation",
            "Training needs at least one: name some under 'validation' of 'split', or use 'temj dataset split'.",
        )  # fmt: skip


def _of_folds(dataset: Dataset, stems: set[str]) -> Iterator[Problem]:
    folds = dataset.description.folds
    counts = Counter(same(stem) for fold in folds for stem in fold)
    strange = sorted(set(counts) - stems)
    twice = sorted(stem for stem, number in counts.items() if number > 1)
    tested = sorted(set(counts) & {same(stem) for stem in dataset.split.test})
    for names, what in (
        (strange, "names images that are not there"), (twice, "names images more than once"),
        (tested, "names images that are kept for the test"),
    ):  # fmt: skip
        if names:
            yield Problem(
                "error", "folds/names", FILE, f"folds {what}: {listed(names)}", "Make them again: temj dataset split."
            )


def _of_groups(dataset: Dataset) -> Iterator[Problem]:
    """Groups that are in several parts: images of one sample or film are much alike."""
    groups: dict[str, str] = {}
    for stem, group in dataset.description.groups.items():
        if groups.setdefault(same(stem), group) != group:
            what = f"groups: '{same(stem)}' is there in two spellings of its accents, with different groups"
            yield Problem("error", "groups/twice", FILE, what, "Leave the one that is true.")
    parts: dict[str, set[str]] = {}
    for item in dataset.items:
        if item.part and same(item.stem) in groups:
            parts.setdefault(groups[same(item.stem)], set()).add(item.part)
    torn = sorted(group for group, used in parts.items() if len(used) > 1)
    if torn:
        yield Problem(
            "warning", "split/groups", FILE, f"images of one group are in several parts of the split: {listed(torn)}",
            "What is learned by heart would count as found: split by group (temj dataset split --by group).",
        )  # fmt: skip


def _of_papers(dataset: Dataset) -> Iterator[Problem]:
    """What a reader of the dataset, or of a model trained on it, would ask for."""
    if not dataset.protocol.strip():
        what = "there is no labelling protocol: what counts, where the outline runs, what is left out"
        yield Problem("info", "papers/protocol", PROTOCOL, what, "'temj dataset new' makes a form for one.")
    elif open_questions(dataset.protocol):
        number = counted(open_questions(dataset.protocol), "place")
        yield Problem("info", "papers/protocol", PROTOCOL, f"{number} still to be filled in")
    if not dataset.licence.strip():
        what = "no licence: nobody knows whether models trained on it may be passed on"
        yield Problem("info", "papers/licence", FILE, what, "Write it as 'licence' into dataset.json.")


def of_pairs(dataset: Dataset) -> Iterator[Problem]:
    """Images without annotation or with several, annotations without image or that cannot be read."""
    yield from (of_error(error, dataset.folder) for error in dataset.problems)
    if dataset.description.masks == "instances" and len(dataset.labelled) > 1:
        yield Problem(
            "error", "masks/instances", FILE, "masks: 'instances' cannot tell classes apart",
            "Use one class, or ROI sets.",
        )  # fmt: skip
    bare = [item for item in dataset.items if item.annotation is None and not item.empty]
    if dataset.problems and bare:  # which images the files that cannot be read are about is not known
        names = listed([item.image.name for item in bare])
        what = f"{counted(len(bare), 'image')} without an annotation that can be read: {names}"
        yield Problem("error", "annotation/missing", "images", what)
    for item in dataset.items:
        where = within(item.image, dataset.folder)
        if item in bare and not dataset.problems:
            yield Problem(
                "error", "annotation/missing", where,
                f"not annotated: there is neither a mask masks/{item.stem}.png or .tif nor {item.stem}{ROI_SET_END} "
                "nor another annotation of it",
                "Annotate it; if it shows no object, name it under 'empty' in dataset.json.",
            )  # fmt: skip
    yield from _of_rivals(dataset)
    drawn = [item.image.name for item in dataset.items if item.format == OVERLAY]
    if drawn:
        what = f"the objects of {counted(len(drawn), 'image')} are those of the overlay in the file: {listed(drawn)}"
        yield Problem("info", "annotation/overlay", "images", what)
    for orphan in dataset.orphans:
        path, _, told = orphan.partition(" has ")
        where = within(path, dataset.folder)
        yield Problem(
            "error", "annotation/no-image", where, f"has {told}", "Add the image, or take the annotation away."
        )


def _of_rivals(dataset: Dataset) -> Iterator[Problem]:
    """Images with several annotations; those that have them in the same folders or files are told of together."""
    together: dict[tuple[str, ...], list[Item]] = {}
    for item in dataset.items:
        if item.rivals:
            files = (item.annotation, *item.rivals)
            kinds = tuple(path.name if path in dataset.sets else path.parent.name for path in files)
            together.setdefault(kinds, []).append(item)
    advice = (
        'Leave one of them in the folder, or say in dataset.json which format counts, such as "annotations": "coco".'
    )
    for kinds, items in together.items():
        if len(items) > _FEW:
            what = f"{len(items)} images have {len(kinds)} annotations each ({' and '.join(kinds)}): "
            yield Problem(
                "error", "annotation/several", "images", what + listed([item.image.name for item in items]), advice
            )
            continue
        for item in items:
            files = [within(path, dataset.folder) for path in (item.annotation, *item.rivals)]
            what = f"has {len(files)} annotations: {listed(files)}"
            yield Problem("error", "annotation/several", within(item.image, dataset.folder), what, advice)
