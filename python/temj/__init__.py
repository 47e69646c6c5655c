"""TEMJ: deep learning for features in electron micrographs, driven from ImageJ and Fiji.

    import temj
    m = temj.open("a.tif")
    found = temj.predict(m, model="loops")
    table = temj.measure(m, found)
    table.to_pandas()

Public names are imported on first use, so that ``import temj`` costs nothing.
"""

# No "from __future__ import annotations" here: its name would stand in for the package temj.annotations.
from typing import TYPE_CHECKING

from temj import registry
from temj._version import __version__

if TYPE_CHECKING:
    from temj.data import Film, Instances, Micrograph, Table
    from temj.models import Model, open_model
    from temj.readers import open, open_film
    from temj.workflows.measure import measure
    from temj.workflows.predict import predict, probabilities
    from temj.workflows.train import train

_PUBLIC = {
    "Film": "temj.data:Film",
    "Instances": "temj.data:Instances",
    "Micrograph": "temj.data:Micrograph",
    "Model": "temj.models:Model",
    "Table": "temj.data:Table",
    "measure": "temj.workflows.measure:measure",
    "open": "temj.readers:open",
    "open_film": "temj.readers:open_film",
    "open_model": "temj.models:open_model",
    "predict": "temj.workflows.predict:predict",
    "probabilities": "temj.workflows.predict:probabilities",
    "train": "temj.workflows.train:train",
}

__all__ = [
    "Film", "Instances", "Micrograph", "Model", "Table", "__version__",
    "measure", "open", "open_film", "open_model", "predict", "probabilities", "train",
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'temj' has no attribute '{name}'; it has {', '.join(_PUBLIC)}")
    value = registry.load(_PUBLIC[name])
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
