"""Semantic segmentation: a probability of each class for every pixel, and from it objects.

Networks are those of segmentation-models-pytorch (Yakubovskiy 2019); start weights are random, nothing is downloaded.

``settings`` what a core is built from · ``network`` the network · ``targets`` annotation → what it shall learn ·
``losses`` by name · ``decode`` its answer → objects · ``core`` all of it together
"""

from temj.cores.semantic.core import Semantic
from temj.cores.semantic.settings import IGNORE, SemanticSettings

__all__ = ["IGNORE", "Semantic", "SemanticSettings"]
