"""The analysed areas of all planes of a film, each found once."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from temj.area.choice import applied, choose, note
from temj.area.parts import BY_USER, AreaFound, Part
from temj.area.rois import EXCLUDE, as_rois
from temj.data import Film, Instances, Micrograph

Position = tuple[int, int, int]


@dataclass(frozen=True)
class Areas:
    """The analysed areas of one micrograph, or of the planes of one film as they are read.

    Attributes:
        how: a key of :data:`temj.area.CHOICES`.
        rois: ROIs named ``area`` and ``exclude``.
    """

    how: str = "auto"
    rois: Instances | None = None
    _kept: dict[Position, Packed] = field(default_factory=dict, repr=False)

    def apply(self, film: Film | Micrograph) -> Film | Micrograph:
        """The micrograph with its area set; or the film, each of whose planes gets its own when it is read."""
        if isinstance(film, Micrograph):
            return applied(film, self.of(film))
        return film.map(self._applied)

    def _applied(self, micrograph: Micrograph) -> Micrograph:
        return applied(micrograph, self.of(micrograph))

    def of(self, micrograph: Micrograph) -> AreaFound:
        """The analysed area of one plane as it was read."""
        if micrograph.position not in self._kept:
            self._kept[micrograph.position] = Packed.of(choose(micrograph, self.rois, self.how))
        return self._kept[micrograph.position].found()

    @property
    def leave_out(self) -> bool:
        """Whether something is left out of any plane that was read."""
        return any(packed.parts for packed in self._kept.values())

    def notes(self) -> list[str]:
        """What to tell the user: one note, or none where all counts."""
        found = [packed.found() for _position, packed in self._different()]
        if not self.leave_out:
            return []
        if len(found) == 1:
            return [note(found[0])]
        shares = [area.share for area in found]
        kinds = dict.fromkeys(part.kind for area in found for part in area.parts)
        return [f"analysed area {min(shares):.4g} to {max(shares):.4g} % of the planes; left out: {', '.join(kinds)}"]

    def facts(self) -> list[dict[str, Any]]:
        """For each plane of which something is left out (one entry where all are alike): position, percent of the
        plane that counts, and kind, percent and box of each part; JSON values."""
        return [
            {
                "position": list(position),
                "percent": round(found.share, 4),
                "left_out": [
                    {"kind": part.kind, "percent": round(part.share, 4), "box": list(part.box)} for part in found.parts
                ],
            }
            for position, found in self._leaving()
        ]

    def as_rois(self) -> Instances:
        """What is left out as ROIs (:func:`temj.area.as_rois`); without a position where all planes are alike."""
        return Instances.concatenate([as_rois(found, position) for position, found in self._leaving()])

    def found_rois(self) -> Instances:
        """As :meth:`as_rois`, without what the user's own ROIs say."""
        rois = self.as_rois()
        own = [any(str(name).startswith(f"{EXCLUDE}: {kind}") for kind in BY_USER) for name in rois.name]
        return rois.take(~np.array(own, bool))

    def _leaving(self) -> Iterable[tuple[Position, AreaFound]]:
        return ((position, packed.found()) for position, packed in self._different() if packed.parts)

    def _different(self) -> list[tuple[Position, Packed]]:
        """Position and area of all planes; one, without a position, where several are alike."""
        planes = list(self._kept.values())
        if len(planes) > 1 and all(packed == planes[0] for packed in planes):
            return [((0, 0, 0), planes[0])]
        return sorted(self._kept.items(), key=lambda item: item[0][::-1])


@dataclass(frozen=True)
class Packed:
    """An analysed area in little memory: (kind, compressed bits) of each part."""

    shape: tuple[int, int]
    parts: tuple[tuple[str, bytes], ...]

    @classmethod
    def of(cls, found: AreaFound) -> Packed:
        """Pack an area."""
        parts = ((part.kind, zlib.compress(np.packbits(part.mask).tobytes(), 1)) for part in found.parts)
        return cls(found.mask.shape, tuple(parts))

    def found(self) -> AreaFound:
        """The area as it was."""
        return AreaFound.without(self.shape, [Part(kind, self._mask(data)) for kind, data in self.parts])

    def _mask(self, data: bytes) -> np.ndarray:
        bits = np.frombuffer(zlib.decompress(data), np.uint8)
        return np.unpackbits(bits, count=self.shape[0] * self.shape[1]).astype(bool).reshape(self.shape)
