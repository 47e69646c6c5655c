"""Micrographs and films that are made by a formula, with the exact outline of every object.

    from temj import synthetic
    made = synthetic.make("loops", seed=1, density=5e14)
    made.micrograph, made.instances, made.facts

Each kind is a file of its own: its settings (a frozen pydantic model with units and defaults) and how it is drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from temj import registry

if TYPE_CHECKING:
    from temj.synthetic.base import Kind, Made, Settings
    from temj.synthetic.making import make, settings_of

__all__ = ["KINDS", "Kind", "Made", "Settings", "kind", "make", "settings_of"]

KINDS: dict[str, str] = {
    "loops": "temj.synthetic.loops:KIND",
    "black-dots": "temj.synthetic.black_dots:KIND",
    "dark-field": "temj.synthetic.dark_field:KIND",
    "nanopores": "temj.synthetic.nanopores:KIND",
    "voids": "temj.synthetic.voids:KIND",
    "nanocracks": "temj.synthetic.nanocracks:KIND",
    "vesicles": "temj.synthetic.vesicles:KIND",
    "nanorods": "temj.synthetic.nanorods:KIND",
    "film": "temj.synthetic.film:KIND",
}
"""name -> where its declaration is."""

_LAZY = {
    "Kind": "temj.synthetic.base:Kind",
    "Made": "temj.synthetic.base:Made",
    "Settings": "temj.synthetic.base:Settings",
    "make": "temj.synthetic.making:make",
    "settings_of": "temj.synthetic.making:settings_of",
}


def kind(name: str) -> Kind:
    """The declaration of a kind; an unknown name is a BadValue that lists the known ones."""
    return registry.look_up(KINDS, "kind", name)


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module 'temj.synthetic' has no attribute '{name}'")
    return registry.load(_LAZY[name])
