"""The labelling protocol: a form to fill in, which travels with the dataset and with the models trained on it."""

from __future__ import annotations

from collections.abc import Sequence

OPEN = "…"
"""Stands where something is to be filled in."""

_HEAD = """# Labelling protocol: {name}

Fill in what stands as {open}. Two people who follow this page should draw the same outlines; where they do not, the
page is to be made clearer. It is carried on into every model that is trained on this dataset.

## Images

- Material, treatment (dose, temperature): {open}
- Imaging mode, g, zone axis, defocus: {open}
- Which images were chosen, and how (all of a series, a random choice, only good ones): {open}
"""

_CLASS = """
## Class `{name}`

- What counts: {open}
- What looks like it and does not count: {open}
- Which edge the outline follows (outer, middle or inner side of the dark line; at which defocus): {open}
- Smallest size that is labelled (nm or pixels): {open}
"""

_TAIL = """
## Rules for all classes

- Objects cut by the edge of the image (labelled as far as they are seen, or left out): {open}
- Objects that overlap (each with its whole outline, or only what is on top): {open}
- Objects out of focus or in the other contrast: {open}
- What nobody can tell: give it a name that begins with `?`, the class `ignore`, or the value 255 in a mask. It is in no
  training, match, count or area. When this is used: {open}
- Images without any object stand under `empty` in dataset.json; an image that nobody has looked at is never left there.

## Who and how

- Labelled by, when: {open}
- Program and tool (polygon, ellipse, freehand, threshold): {open}
- Checked by: {open}
- How far two labellers agree, and on which images: {open}
"""


def template(name: str, classes: Sequence[str]) -> str:
    """The form for a dataset, in Markdown."""
    parts = [_HEAD.format(name=name, open=OPEN)]
    parts += [_CLASS.format(name=entry, open=OPEN) for entry in classes]
    return "".join([*parts, _TAIL.format(open=OPEN)])


def open_questions(text: str) -> int:
    """How many places of the form are still to be filled in."""
    return sum(line.rstrip().endswith(f": {OPEN}") for line in text.splitlines())
