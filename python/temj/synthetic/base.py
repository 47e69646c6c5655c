"""What a kind of synthetic micrograph is, what it draws and what comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from temj.data import Film, Instances, Micrograph, Shape, Table
from temj.synthetic.random import Random


def setting(default: Any, text: str, unit: str = "", **limits: float) -> Any:
    """One field of :class:`Settings`: default, help in one line, unit, limits (``ge``, ``gt``, ``le``, ``lt``)."""
    return Field(default, description=text, json_schema_extra={"unit": unit}, **limits)


class Settings(BaseModel):
    """What all kinds share: image, background, electrons, detector. Frozen; unknown names are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    size: int = setting(512, "Width and height of the image.", "px", ge=64, le=4096)
    pixel_size: float = setting(0.390625, "Size of a pixel.", "nm", ge=0.01, le=1000)
    dose: float = setting(2.2, "Electrons that reach a pixel of the background.", "e/px", gt=0, le=1e5)
    detector_blur: float = setting(
        1.33, "Blur of detector and scan, which blurs the noise too (sd).", "px", ge=0, le=10
    )
    bits: Literal[8, 16] = setting(8, "Bits of a pixel.")
    brightness: float = setting(0.52, "Grey value of the background, as a fraction of the largest.", gt=0, lt=1)
    texture: float = setting(0.14, "Relative sd of the background's speckle and surface structure.", ge=0, le=1)
    texture_length: float = setting(75.0, "Longest wave of the texture; shorter ones are weaker.", "nm", gt=0, le=1e5)
    texture_slope: float = setting(3.5, "Power with which the texture's spectrum falls.", ge=0, le=6)
    texture_aspect: float = setting(2.1, "How much longer the texture is along its direction than across.", ge=1, le=10)
    wedge: float = setting(0.2, "Relative change of brightness across the image by the wedge of the foil.", ge=0, le=2)
    thickness_fringes: float = setting(0.0, "Period of thickness fringes; 0 for none.", "nm", ge=0, le=1e5)
    bend_contours: float = setting(0.7, "Mean number of bend contours in an image.", ge=0, le=20)
    bend_width: float = setting(70.0, "Half width of a bend contour.", "nm", gt=0, le=1e5)
    bend_depth: float = setting(0.35, "Largest relative darkening by a bend contour.", ge=0, lt=1)
    scan_jitter: float = setting(0.0, "Shift of scan lines to the side (sd).", "px", ge=0, le=5)
    scan_noise: float = setting(0.0, "Relative sd of the brightness of scan lines.", ge=0, le=0.5)
    info_bar: bool = setting(False, "Burn an info bar into the lower edge.")
    scale_bar: bool = setting(False, "Burn a scale bar into a corner.")


@dataclass(frozen=True)
class ObjectClass:
    """A class of objects as ``dataset.json`` describes it.

    Attributes:
        name: plain ASCII, so that it survives every annotation format.
        colour: ``#rrggbb``.
        diameter: ``major``, ``geometric`` or ``equivalent``.
        edge: where the outline lies, in words.
        description: what it is.
    """

    name: str
    colour: str
    diameter: Literal["major", "geometric", "equivalent"]
    edge: str
    description: str


@dataclass(frozen=True)
class Drawn:
    """One object: its true outline in image coordinates (pixels), its class and what is known of it (JSON values)."""

    shape: Shape
    class_name: str
    facts: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    track: int = 0


@dataclass(frozen=True, eq=False)
class Scene:
    """A noise-free picture on a canvas that is wider than the image (:class:`temj.synthetic.canvas.Canvas`).

    Attributes:
        intensity: (total, total) float64, electrons relative to the mean background; >= 0.
        empty: the same without objects.
        objects: also those that the image's edge cuts, or that lie outside it.
        facts: what was drawn by lot (JSON values).
        acquisition: for the micrograph's metadata (:class:`temj.data.Acquisition`).
    """

    intensity: np.ndarray
    empty: np.ndarray
    objects: tuple[Drawn, ...]
    facts: Mapping[str, object]
    acquisition: Mapping[str, object]


@dataclass(frozen=True, eq=False)
class Made:
    """A synthetic micrograph or film with its truth.

    Attributes:
        micrograph: the image; None for a film. Its ``area`` leaves out an info bar and a scale bar.
        film: the film; None for an image.
        instances: the true outlines, with those too weak or small to be seen; ``info["buried"]`` names these.
        facts: kind, seed, index, settings, what was drawn by lot; JSON values.
        tables: ``objects`` (one row an object, in the order of instances); of films also ``events`` and ``drift``.
        ideal: (height, width) float32, the intensity without noise and blur; None for a film.
    """

    micrograph: Micrograph | None
    film: Film | None
    instances: Instances
    facts: Mapping[str, object]
    tables: Mapping[str, Table]
    ideal: np.ndarray | None = None

    @property
    def image(self) -> Micrograph | Film:
        """The micrograph or the film."""
        return self.film if self.micrograph is None else self.micrograph

    def labels(self) -> np.ndarray:
        """Truth as label image(s): (height, width), or (frames, height, width) for a film, uint16 or uint32.

        Pixel value n is object n of ``instances`` (from 1); where objects overlap the earlier one is seen.
        """
        from temj.geometry import paint

        first = self.micrograph or self.film[0]
        frames = [None] if self.film is None else range(1, len(self.film) + 1)
        planes = []
        for frame in frames:
            index = np.flatnonzero((self.instances.position[:, 2] == frame) | (frame is None))
            part, _ = paint(self.instances.shapes.take(index), np.nan, first.width, first.height)
            planes.append(np.concatenate([[0], index + 1])[part].astype(np.uint32))
        labels = planes[0] if self.film is None else np.stack(planes)
        return labels.astype(np.uint16) if len(self.instances) < 2**16 else labels


@dataclass(frozen=True)
class Kind:
    """A kind of synthetic micrograph, declared once in its own file.

    Attributes:
        name: as in ``temj synth NAME``.
        title: one line for people.
        settings: its settings.
        classes: of its objects, by settings.
        draw: (settings, random) → the noise-free scene; None for films.
        film: (settings, random, name) → film with truth; None for images.
        polarity: as in ``dataset.json``: ``both`` where inverted contrast means the same.
    """

    name: str
    title: str
    settings: type[Settings]
    classes: Callable[[Any], tuple[ObjectClass, ...]]
    draw: Callable[[Any, Random], Scene] | None = None
    film: Callable[[Any, Random, str], Made] | None = None
    polarity: Literal["fixed", "both"] = "fixed"
