"""An ordered, lazily read sequence of micrographs, and what can be done with one: cut, sub-sample, average."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from temj.data.averaging import mean_micrograph
from temj.data.calibration import Calibration
from temj.data.frames import check_numbers, read_frames, spacing
from temj.data.micrograph import Micrograph
from temj.errors import BadValue

FRAMES, SLICES = 2, 1
_WORDS = {FRAMES: "frame", SLICES: "slice"}


@dataclass(frozen=True)
class Film:
    """The planes of one file in ImageJ's stack order (channel fastest, then slice, then frame).

    A file with a single plane is a film of length 1 whose micrograph has position (0, 0, 0).

    What is called *frames* in the methods runs along :attr:`axis`: the frames, or the slices of a stack that has no
    frames. Micrographs keep their position in the file they came from, also in a film that was cut, sub-sampled or
    averaged, so that ROIs land on the original stack; an average has the position of its first frame.

    Attributes:
        name: the file name with its extension.
        dimensions: (channels, slices, frames); their product is the length.
        read: index of the plane, from 0 → micrograph.
        frame_interval: seconds from one frame to the next; None where it is not known or not always the same.
        partial: (planes that can be read, planes that the file announces) of a file that was cut off and is read
            all the same; None for a whole one.
        numbers: the 1-based number in the file of each frame along :attr:`axis`; empty where they are 1, 2, 3 ….
        along: :attr:`axis` of a film that was cut or averaged, which its dimensions may no longer tell; else 0.
    """

    name: str
    dimensions: tuple[int, int, int]
    read: Callable[[int], Micrograph]
    frame_interval: float | None = None
    partial: tuple[int, int] | None = None
    numbers: Sequence[int] = ()
    along: int = 0

    @classmethod
    def of(cls, micrograph: Micrograph) -> Film:
        """A film of one micrograph."""
        return cls(micrograph.name, (1, 1, 1), partial(_same, micrograph))

    def __len__(self) -> int:
        channels, slices, frames = self.dimensions
        return channels * slices * frames

    def __getitem__(self, index: int) -> Micrograph:
        if not 0 <= index < len(self):
            raise IndexError(f"{self.name} has {len(self)} planes, asked for index {index}")
        return self.read(index)

    def __iter__(self) -> Iterator[Micrograph]:
        return (self.read(index) for index in range(len(self)))

    @property
    def axis(self) -> int:
        """Along which of the dimensions time or depth runs: 2 (frames), or 1 (slices) where there are no frames."""
        return self.along or (SLICES if self.dimensions[FRAMES] == 1 and self.dimensions[SLICES] > 1 else FRAMES)

    @property
    def frame_numbers(self) -> Sequence[int]:
        """The 1-based number of each frame in the file."""
        return self.numbers or range(1, self.dimensions[self.axis] + 1)

    def position(self, index: int) -> tuple[int, int, int]:
        """1-based (channel, slice, frame) in the file of the plane with this index; (0, 0, 0) of a single plane."""
        if len(self) == 1 and not self.numbers:
            return (0, 0, 0)
        channels, slices, _frames = self.dimensions
        place = [index % channels + 1, index // channels % slices + 1, index // (channels * slices) + 1]
        place[self.axis] = self.frame_numbers[place[self.axis] - 1]
        return tuple(place)

    def plane_number(self, index: int) -> int:
        """1-based number of a plane in the stack of the file, as ImageJ counts."""
        channels, slices, _frames = self.dimensions
        channel, piece, frame = (max(place, 1) for place in self.position(index))
        return ((frame - 1) * slices + piece - 1) * channels + channel

    def map(self, change: Callable[[Micrograph], Micrograph]) -> Film:
        """The same film with every micrograph changed when it is read."""
        return replace(self, read=partial(_changed, self.read, change))

    def with_pixel_size(self, wanted: Calibration) -> Film:
        """The same film at the scale that its user gave (:meth:`Micrograph.with_pixel_size`)."""
        return self.map(partial(Micrograph.with_pixel_size, wanted=wanted))

    def with_note(self, *notes: str) -> Film:
        """The same film with these notes for the user in each micrograph."""
        return self.map(partial(_with_notes, notes=notes))

    def take(self, frames: Sequence[int]) -> Film:
        """The frames with these indices (from 0, each once, in ascending order); of each all channels and slices.

        Raises:
            BadValue: none, not ascending, or one that the film does not have.
        """
        count = self.dimensions[self.axis]
        check_numbers([index + 1 for index in frames], count, self.name, _WORDS[self.axis])
        step = spacing(frames)
        interval = None if self.frame_interval is None or step is None else self.frame_interval * step
        dimensions = list(self.dimensions)
        dimensions[self.axis] = len(frames)
        return replace(
            self,
            dimensions=tuple(dimensions),
            read=_Taken(self.read, tuple(frames), self._planes_of_frame),
            frame_interval=interval,
            numbers=tuple(self.frame_numbers[index] for index in frames),
            along=self.axis,
        )

    def cut(self, start: int = 1, stop: int | None = None, step: int = 1) -> Film:
        """The frames ``start`` to ``stop``, both included and counted from 1, every ``step``-th of them.

        The numbers are those of the file: in a film that was cut before, frames keep the number they had.
        """
        return self.choose(f"{start}-{'' if stop is None else stop}:{step}")

    def choose(self, text: str) -> Film:
        """The frames that a user names as in ImageJ's Make Substack (:func:`temj.data.frames.read_frames`).

        The numbers are those of the file. Of a partial film those that cannot be read are left out; where none of the
        wanted ones is among them the result is no longer partial.

        Raises:
            BadValue: no such frames.
        """
        numbers, word = self.frame_numbers, _WORDS[self.axis]
        announced = numbers[-1] if self.partial is None else max(numbers[-1], self._announced_frames())
        wanted = read_frames(text, announced)
        check_numbers(wanted, announced, self.name, word)
        index = {number: place for place, number in enumerate(numbers)}
        there = [index[number] for number in wanted if number in index]
        if not there:
            raise BadValue(
                "frames", where=self.name, found=text, expected=f"{word}s that can be read: {len(numbers)} of them",
                remedy="Choose others.",
            )  # fmt: skip
        film = self.take(there)
        return replace(film, partial=None) if len(there) == len(wanted) else film

    def average(self, count: int) -> Film:
        """The mean of every ``count`` frames one after the other, as 32-bit float: a mean of n has more than 8 bits.

        One group is in memory at a time. Frames at the end that do not fill a group are left out (a mean of fewer
        would have other noise), which a note says. Pixels that are NaN or infinite in some of the frames are the
        mean of the others; the analysed area is what counts in all of them. The position is that of the first
        frame, the slice label ``<first>-<last>``.

        Raises:
            BadValue: less than 1, or more than there are frames.
        """
        frames, word = self.dimensions[self.axis], _WORDS[self.axis]
        if not 1 <= count <= frames:
            raise BadValue(
                "average", where=self.name, expected=f"1 to {frames}: there are {frames} {word}s", found=count,
                remedy=f"Average fewer {word}s.",
            )  # fmt: skip
        if count == 1:
            return self
        groups, rest = divmod(frames, count)
        dimensions = list(self.dimensions)
        dimensions[self.axis] = groups
        numbers = tuple(self.frame_numbers[group * count] for group in range(groups))
        notes = [
            f"mean of {count} {word}s each, as 32-bit float; positions are those of the first {word} of each group"
        ]
        if rest:
            notes.append(f"the last {rest} of {frames} {word}s do not fill a group of {count} and are left out")
        film = replace(
            self,
            dimensions=tuple(dimensions),
            read=_Averaged(self.read, count, self._planes_of_frame, self.frame_numbers),
            frame_interval=None if self.frame_interval is None else self.frame_interval * count,
            numbers=numbers,
            along=self.axis,
        )
        return film.with_note(*notes)

    @property
    def _planes_of_frame(self) -> int:
        """Planes from one frame to the next in stack order."""
        channels, slices, _frames = self.dimensions
        return channels * slices if self.axis == FRAMES else channels

    def _announced_frames(self) -> int:
        """How many frames a partial file announces."""
        _read, announced = self.partial or (0, 0)
        return announced // self._planes_of_frame


def _same(micrograph: Micrograph, _index: int) -> Micrograph:
    return micrograph


def _changed(read: Callable[[int], Micrograph], change: Callable[[Micrograph], Micrograph], index: int) -> Micrograph:
    return change(read(index))


def _with_notes(micrograph: Micrograph, notes: tuple[str, ...]) -> Micrograph:
    told = (*micrograph.metadata.get("notes", ()), *notes)
    return replace(micrograph, metadata={**micrograph.metadata, "notes": told})


@dataclass(frozen=True)
class _Taken:
    """Reads planes of some of the frames; a plain value that can be sent to other processes."""

    read: Callable[[int], Micrograph]
    frames: tuple[int, ...]
    planes: int

    def __call__(self, index: int) -> Micrograph:
        frame, plane = divmod(index, self.planes)
        return self.read(self.frames[frame] * self.planes + plane)


@dataclass(frozen=True)
class _Averaged:
    """Reads the mean of a group of frames; a plain value that can be sent to other processes."""

    read: Callable[[int], Micrograph]
    count: int
    planes: int
    numbers: Sequence[int]

    def __call__(self, index: int) -> Micrograph:
        group, plane = divmod(index, self.planes)
        first = group * self.count
        frames = range(first, first + self.count)
        numbers = [self.numbers[frame] for frame in frames]
        return mean_micrograph((self.read(frame * self.planes + plane) for frame in frames), numbers)
