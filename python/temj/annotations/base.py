"""What an annotation file is, whatever its format: images with their objects; and what a format can hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from temj.data import Instances


@dataclass(frozen=True)
class AnnotatedImage:
    """One image of an annotation file.

    Attributes:
        image: the file name of the image as the annotation says it, without folders; "" where it names none.
        size: (width, height) in pixels; None where nothing says it.
        instances: the objects; empty for "looked at, there is none"; None for "not annotated".
    """

    image: str
    size: tuple[int, int] | None
    instances: Instances | None


@dataclass(frozen=True)
class AnnotationSet:
    """All images of an annotation file or folder.

    Attributes:
        images: one entry an image, in the order of the file.
        classes: names in the order of the file's numbers (without ``ignore``), also those without objects.
        info: where it came from, licence, ``notes`` (what was changed in reading, counted), ``skipped`` (entries that
            cannot be used: code and message each). JSON values only.
    """

    images: tuple[AnnotatedImage, ...]
    classes: tuple[str, ...] = ()
    info: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Context:
    """What a format may need besides its own file.

    Attributes:
        images: image file name → path, of the folder of images; empty where there is none.
        classes: names of the classes 1, 2, … for formats that only have numbers.
        masks: what the values of label masks are: ``classes``, ``instances`` or ``auto``.
    """

    images: Mapping[str, Path] = field(default_factory=lambda: MappingProxyType({}))
    classes: tuple[str, ...] = ()
    masks: str = "auto"


@dataclass(frozen=True)
class Format:
    """One format of annotation files: a line of :data:`temj.annotations.FORMATS` names it.

    Attributes:
        name: as in ``temj convert --to NAME``.
        title: what people call it.
        holds: what survives: of ``polygon``, ``mask`` (holes, several parts), ``box``, ``rotated_box``, ``ellipse``,
            ``point``, ``line``, ``overlap``, ``class``, ``score``, ``track``, ``position``, ``name``, ``ignore``,
            ``empty`` (an image without objects).
        one_image: whether a file is about one image (a set becomes a folder of files).
        extension: of the file that is written, with its dot; "" for a folder.
        recognises: whether a file or folder looks like this format (cheap: extension and first bytes).
        read: the set in a file or folder; BadAnnotation with all problems at once where it cannot be used.
        write: (path, set, context) → what could not be held, in sentences with counts; all writes through storage.
    """

    name: str
    title: str
    holds: frozenset[str]
    one_image: bool
    extension: str
    recognises: Callable[[Path], bool]
    read: Callable[[Path, Context], AnnotationSet]
    write: Callable[[Path, AnnotationSet, Context], tuple[str, ...]]
