"""Which pages of a TIFF are its images, and which are thumbnails, masks and smaller copies of them.

A page is left out only where the file marks it: NewSubfileType (tag 254) bit 0 (reduced) or bit 2 (mask), SubfileType
(tag 255) 2; a pyramid of tiled pages behind each other, each half of the one before, as SGI's programs write it; or the
small page without tags that a microscope puts behind an image with its maker's tags. Any other page of another size is
an image, and a film of several sizes is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import tifffile

from temj.errors import BadImage
from temj.readers.vendors import ask_tags

UNLIKE = "partial: page "
"""How the note begins that says at which page a film of several sizes was cut."""


def images_of(pages: Sequence[tifffile.TiffPage]) -> list[tifffile.TiffPage]:
    """The pages that are images; all of them where all are marked as something else."""
    images = [page for page in pages if not (page.is_reduced or page.is_mask)] or list(pages)
    smaller = _levels(images) or _thumbnail(images)
    return images[: len(images) - smaller]


def left_out_note(pages: Sequence[tifffile.TiffPage], images: Sequence[tifffile.TiffPage]) -> list[str]:
    """The note that says how many and which pages are no images; none where all are."""
    used = {page.index for page in images}
    left_out = [page for page in pages if page.index not in used]
    if not left_out:
        return []
    sizes = ", ".join(f"{page.index + 1} ({page.imagewidth} x {page.imagelength})" for page in left_out[:10])
    more = ", …" if len(left_out) > 10 else ""
    what = "1 page that is a thumbnail, mask or smaller copy is" if len(left_out) == 1 else (
        f"{len(left_out)} pages that are thumbnails, masks or smaller copies are"
    )  # fmt: skip
    return [f"{what} left out: page {sizes}{more}"]


def alike(pages: Iterable[tifffile.TiffPage], path: object) -> Iterator[tifffile.TiffPage]:
    """The pages, as long as each is of the size and kind of the first.

    Raises:
        BadImage: ``page-size``, at the first page that is not.
    """
    first = None
    for page in pages:
        first = first or page
        if not same_kind(page, first):
            raise BadImage(
                "page-size",
                where=f"{path} (page {page.index + 1})",
                expected=f"{_kind(first)} as in page {first.index + 1}",
                found=_kind(page),
                remedy="Save the pages of each size as a file of their own, or allow partial files: then the pages "
                "before this one are read.",
            )
        yield page


def unlike_note(error: BadImage) -> list[str]:
    """The note for a film that ends before a page of another size; none for other errors."""
    if error.problem != "page-size":
        return []
    number = str(error.where).rpartition("(page ")[2].rstrip(")")
    return [f"{UNLIKE}{number} has {error.found} (expected {error.expected}): it and what follows is not read"]


def same_kind(one: tifffile.TiffPage, other: tifffile.TiffPage) -> bool:
    """Whether two pages have pixels of the same size and kind."""
    return one.shape == other.shape and one.dtype == other.dtype


def _kind(page: tifffile.TiffPage) -> str:
    channels = f" of {page.samplesperpixel} channels" if page.samplesperpixel > 1 else ""
    return f"{page.imagewidth} x {page.imagelength} pixels{channels}, {page.dtype}"


def _levels(pages: Sequence[tifffile.TiffPage]) -> int:
    """How many pages behind the first are the levels of its pyramid: all of them, or none is.

    Each has half the width and height of the one before, rounded either way, and every page above the last has several
    tiles: a pyramid of images that fit into one tile has no use.
    """
    if len(pages) < 2 or not all(page.is_tiled for page in pages):
        return 0
    for above, below in pairwise(pages):
        sizes = ((above.imagewidth, below.imagewidth), (above.imagelength, below.imagelength))
        halved = all(small in (large // 2, -(-large // 2)) and small > 0 for large, small in sizes)
        several = above.imagewidth > above.tilewidth or above.imagelength > above.tilelength
        if not (halved and several and above.dtype == below.dtype):
            return 0
    return len(pages) - 1


def _thumbnail(pages: Sequence[tifffile.TiffPage]) -> int:
    """1 where the second and last page is the thumbnail of a first one with a maker's tags, else 0."""
    if len(pages) != 2:
        return 0
    image, small = pages
    smaller = small.imagewidth < image.imagewidth and small.imagelength < image.imagelength
    return int(smaller and bool(ask_tags(image)) and not ask_tags(small))
