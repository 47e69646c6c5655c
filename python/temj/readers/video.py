"""MP4, MOV and AVI films through OpenCV's FFmpeg.

Frames are counted in the order in which they are decoded. Nothing ever jumps by time, which is not exact: a frame is
reached by decoding from the one before, and going back begins at the start again. Opening decodes the whole film once
(without making pictures of it), because what a header says about the number of frames is not to be trusted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median

from temj import memory
from temj.data import Film, Micrograph
from temj.errors import BadImage
from temj.readers.convert import to_pixels
from temj.readers.files import first_bytes, not_an_image
from temj.readers.video_container import is_avi, is_cut_off, is_film, without_index
from temj.readers.video_decoder import Decoder, Scan, scan, sizes

_INTRA = ("MJPG", "mjpa", "FFV1", "ffv1", "MPNG", "png ", "HFYU", "FFVH", "DIB ", "raw ", "ap", "jpeg")
"""Codecs (or how their names begin) in which each frame stands alone."""

_PICTURES = ("MJPG", "mjpa", "jpeg", "MPNG", "png ")
_UNEVEN = 0.1
_BYTES = 16
"""Bytes in memory for each pixel of a frame while it is decoded, turned into colours and then into grey values."""

PLAYED = "the time per frame is that of playback; whether the film was recorded at it, the file does not say"


def open_film(path: Path, allow_partial: bool = False) -> Film:
    """The frames of a film; it has no pixel size.

    Raises:
        BadImage: no film, without its index, of an unknown codec, or with fewer frames than it announces.
        ResourceError: frames too large for the memory.
    """
    if not is_film(first_bytes(path, 12)):
        raise not_an_image(path, "an AVI, MP4 or MOV film")
    found = _scanned(path)
    _require_one_size(path, found)
    announced = max(found.announced, found.count)
    numbers: Sequence[int] = range(1, found.count + 1)
    partial = None
    if found.count < announced or found.gaps:
        numbers = _readable(path, found)
        partial = (len(numbers), announced)
        if not allow_partial or not numbers:
            raise _incomplete(path, found, len(numbers), announced)
    notes = _notes(found, partial)
    uneven = _is_uneven(found)
    whole = numbers == range(1, len(numbers) + 1)
    return Film(
        path.name,
        (1, 1, len(numbers)),
        _Reader(path, found, tuple(numbers), notes),
        None if uneven or not found.rate else 1 / found.rate,
        partial,
        () if whole else tuple(numbers),
    )


@dataclass
class _Reader:
    """Reads one frame; sent to another process it opens the film there again."""

    path: Path
    scan: Scan
    numbers: tuple[int, ...]
    notes: tuple[str, ...]
    _decoder: Decoder | None = field(default=None, repr=False, compare=False)

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_decoder": None}

    def __call__(self, index: int) -> Micrograph:
        if self._decoder is None or self._decoder.next > index:
            self._decoder = Decoder(self.path, self.scan)
        samples = self._decoder.read(index)
        if index == len(self.numbers) - 1:
            self._decoder = None  # nothing is kept open behind the end
        notes = list(self.notes)
        pixels = to_pixels(samples, self.path, notes)
        single = len(self.numbers) == 1 and self.numbers[0] == 1
        metadata: dict[str, object] = {"video": self.scan.facts, "notes": tuple(notes)}
        if self.scan.times:
            metadata["time_s"] = self.scan.times[index]
        position = (0, 0, 0) if single else (1, 1, self.numbers[index])
        return Micrograph(pixels, name=self.path.name, position=position, metadata=metadata)


def _scanned(path: Path) -> Scan:
    """One pass through the film.

    Raises:
        BadImage: it cannot be opened, or not a single frame can be decoded.
    """
    found = scan(path, _fits)
    if found is None:
        raise BadImage(
            "container",
            where=path,
            expected="a film that can be opened",
            found=_why_closed(path),
            remedy="Copy it again; a recording that was not ended can sometimes be repaired with its own program.",
        )
    announced = max(found.announced, 1)
    if found.count == 0 and is_cut_off(path):
        raise BadImage(
            "truncated",
            where=path,
            expected=f"{announced} frames, as the file announces",
            found=f"0 of {announced}",
            remedy="Copy the film again.",
        )
    if found.count == 0 or found.kind == "unsafe":
        raise BadImage(
            "codec",
            where=path,
            expected="a codec whose frames can be decoded here",
            found=repr(found.codec),
            remedy="Save the film with another one, e.g. as AVI with PNG frames in ImageJ.",
        )
    return found


def _why_closed(path: Path) -> str:
    """Why a film cannot be opened."""
    if without_index(path):
        return "no index (moov): the recording was not ended, or the file was cut off"
    return "only the beginning of one: it was cut off" if is_cut_off(path) else "a header that FFmpeg refuses"


def _require_one_size(path: Path, found: Scan) -> None:
    """Stop at a frame of another size, where frames tell their size themselves."""
    if not found.codec.startswith(_PICTURES):
        return
    first = None
    for number, size in enumerate(sizes(path), start=1):
        first = first or size
        if size is not None and size != first:
            raise BadImage(
                "size-changes",
                where=f"{path} (frame {number})",
                expected=f"{first[1]} x {first[0]} pixels as in the first frame",
                found=f"{size[1]} x {size[0]}",
                remedy="Split the film where its size changes.",
            )


def _fits(width: int, height: int, path: Path) -> None:
    """Stop where a frame would not fit into memory."""
    what = f"frames of {width} x {height} pixels"
    memory.require(width * height * _BYTES, memory.available(), path, what, "Scale the film down, or free memory.")


def _readable(path: Path, found: Scan) -> Sequence[int]:
    """The numbers of the frames that can be told apart for certain; never one with a wrong number.

    After a frame that cannot be decoded, the next ones are used only where each frame stands alone and its time says
    which one it is. An AVI whose parts are lost in the middle has no times that tell: nothing of it is used.
    """
    if not found.gaps:
        known = is_cut_off(path) or not is_avi(first_bytes(path, 12))
        return range(1, found.count + 1) if known else ()
    if found.codec.startswith(_INTRA) and found.times and found.rate:
        numbers = [round(time * found.rate) + 1 for time in found.times]
        ascending = all(after > before for before, after in pairwise(numbers))
        if ascending and numbers[0] == 1 and numbers[-1] == found.announced:
            return numbers
    return range(1, found.gaps[0] + 1)


def _incomplete(path: Path, found: Scan, readable: int, announced: int) -> BadImage:
    partly = " Process what can be read with --allow-partial (in Python: allow_partial=True)." if readable else ""
    whence = "as the file announces" if announced == found.announced else "which are in the file"
    lost = "" if readable else f" ({found.count} can be decoded, but not which ones they are)"
    return BadImage(
        "truncated",
        where=path,
        expected=f"{announced} frames, {whence}",
        found=f"{readable} of {announced}{lost}",
        remedy=f"The film was cut off, damaged, or trimmed without being saved anew; copy it again.{partly}",
    )


def _is_uneven(found: Scan) -> bool:
    steps = [after - before for before, after in pairwise(found.times)]
    return bool(steps) and not found.gaps and max(steps) - min(steps) > _UNEVEN * median(steps)


def _notes(found: Scan, partial: tuple[int, int] | None) -> tuple[str, ...]:
    """What a user must know of the whole film."""
    notes = [f"partial: {partial[0]} of {partial[1]} frames could be read"] if partial else []
    if found.announced <= 0:
        notes.append(f"the file does not say how many frames it has: {found.count} were found")
    elif found.announced < found.count:
        notes.append(f"the file announces {found.announced} frames, {found.count} were found and are used")
    if _is_uneven(found):
        steps = [after - before for before, after in pairwise(found.times)]
        notes.append(
            f"the time per frame varies from {min(steps):.4g} to {max(steps):.4g} s: frames are counted, not timed"
        )
    elif found.rate:
        notes.append(PLAYED)
    if found.deep:
        notes.append("the film has more than 8 bits a channel; it is decoded with 8 bits")
    return tuple(notes)
