"""Samples with their truth: what ``File > Open Samples > TEMJ`` opens."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from temj import readers, registry, resources, synthetic
from temj.annotations import masks
from temj.annotations.base import counted
from temj.data import Column, Film, Instances, Micrograph, Table
from temj.geometry import in_reading_order

REAL = "316L-loops"
SAMPLES: dict[str, str] = {
    REAL: "Dislocation loops in irradiated 316L steel (real)",
    "loops": "Dislocation loops in bright field",
    "black-dots": "Black dots in bright field",
    "dark-field": "Loops and dots in weak-beam dark field",
    "nanopores": "Nanopores in Fresnel contrast",
    "voids": "Voids in Fresnel contrast",
    "nanocracks": "Nanocracks and pores",
    "vesicles": "Vesicles and holes in bright field",
    "nanorods": "Overlapping nanorods in HAADF-STEM",
    "film": "In-situ film of growing loops or voids",
}
"""name → title of what ``File > Open Samples > TEMJ`` offers."""


def sample(name: str, seed: int = 1) -> dict[str, Micrograph | Film | Instances]:
    """A sample with its truth: the real one of :data:`SAMPLES`, or a freshly made one of a kind.

    Args:
        name: a key of :data:`SAMPLES`.
        seed: of what is made; the real sample has none.

    Returns:
        ``micrograph`` (a Film for ``film``) and ``instances`` (of a film with positions (1, 1, frame) and tracks).

    Raises:
        BadValue: an unknown name.
    """
    if name not in SAMPLES:
        raise registry.unknown("sample", name, SAMPLES)
    if name == REAL:
        return _real_sample()
    made = synthetic.make(name, seed=seed, name=f"{name}.tif")
    return {"micrograph": made.image, "instances": made.instances}


def _real_sample() -> dict[str, Micrograph | Film | Instances]:
    """Two tiles, one above the other, with the loops that their authors marked."""
    folder = resources.folder("samples")
    micrograph = readers.open(folder / "316L_loops.tif")
    tiles = [masks.read_labels(folder / "loops" / "masks" / f"{stem}.png") for stem in ("08", "16")]
    mask = (np.concatenate(tiles) > 0).astype(np.uint8)
    return {"micrograph": micrograph, "instances": masks.instances_of_classes(mask, ("loop",))}


def open_sample(name: str, seed: int = 1) -> dict[str, Micrograph | Instances | Table]:
    """A sample as values that a host shows: its planes, its truth, and what it is.

    Returns:
        ``plane-0001``, … : the planes in stack order; ``truth``: the objects, with names and the colours of their
        classes in ``info["colours"]``; table ``sample`` (Name, Title, Channels, Slices, Frames, Interval (s, NaN where
        there is none), Buried).

    Raises:
        BadValue: an unknown name.
    """
    made = sample(name, seed)
    image, truth = made["micrograph"], made["instances"]
    film = Film.of(image) if isinstance(image, Micrograph) else image
    if not all(truth.name):
        truth = in_reading_order(truth)
    info = dict(truth.info) | {"colours": _colours(truth)}
    told = {
        "Name": film.name, "Title": SAMPLES[name], "Channels": film.dimensions[0], "Slices": film.dimensions[1],
        "Frames": film.dimensions[2], "Interval": np.nan if film.frame_interval is None else film.frame_interval,
        "Buried": len(truth.info.get("buried", ())),
    }  # fmt: skip
    return {
        **{f"plane-{number:04d}": plane for number, plane in enumerate(film, start=1)},
        "truth": truth.with_columns(info=info),
        "sample": Table(tuple(Column(key, np.array([cell])) for key, cell in told.items())),
    }


def _colours(truth: Instances) -> dict[str, str]:
    """The colours that the kind itself declares; a real sample has none of its own."""
    made = truth.info.get("synthetic")
    if not made:
        return {}
    kind = synthetic.kind(made["kind"])
    settings = synthetic.settings_of(kind.name, made["settings"])
    return {entry.name: entry.colour for entry in kind.classes(settings)}


def sample_account(outputs: Mapping[str, Micrograph | Instances | Table]) -> str:
    """What was opened, and what its Overlay shows."""
    table, truth = outputs["sample"], outputs["truth"]
    names, counts = np.unique(truth.class_name.astype(str), return_counts=True)
    by_class = ", ".join(f"{name} {count:,}" for name, count in zip(names, counts, strict=True))
    frames = int(table["Frames"][0])
    of = f" in {frames} frames" if frames > 1 else ""
    lines = [
        f"{table['Name'][0]}: {table['Title'][0]}",
        f"  {counted(len(truth), 'outline')}{of} in its Overlay: {by_class}",
    ]
    buried = int(table["Buried"][0])
    if buried:
        lines.append(f"  {counted(buried, 'of them is', 'of them are')} too weak or small to be seen")
    return "\n".join(lines)
