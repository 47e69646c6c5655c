"""TEMJ in ImageJ: the commands in its menu and its macros, and ImageJ's own objects in and out.

    from temj import imagej as tij
    ij = tij.start(headless=True)          # or: tij.attach(ij) for a gateway of pyimagej
    imp = ij.IJ.openImage("a.tif")
    rois = tij.predict(imp, model="loops")
    table = tij.measure(imp, rois)

Java is touched when one of the functions is called, not when this is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from temj import registry

if TYPE_CHECKING:
    from temj.imagej.macros import run_macro
    from temj.imagej.script import measure, predict, probability
    from temj.imagej.session import attach, start

_PUBLIC = {
    "attach": "temj.imagej.session:attach",
    "measure": "temj.imagej.script:measure",
    "predict": "temj.imagej.script:predict",
    "probability": "temj.imagej.script:probability",
    "run_macro": "temj.imagej.macros:run_macro",
    "start": "temj.imagej.session:start",
}

__all__ = ["attach", "measure", "predict", "probability", "run_macro", "start"]


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'temj.imagej' has no attribute '{name}'; it has {', '.join(_PUBLIC)}")
    return registry.load(_PUBLIC[name])
