"""Samples with their truth: what ``File > Open Samples > TEMJ`` opens."""

from __future__ import annotations

import numpy as np

from temj import readers, registry, resources, synthetic
from temj.annotations import masks
from temj.data import Film, Instances, Micrograph

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
