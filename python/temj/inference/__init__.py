"""Prediction: rescale, tile, run the network, blend, read the objects."""

from temj.inference.device import describe
from temj.inference.network import ready
from temj.inference.predict import as_model_sees, predict, predict_film

__all__ = ["as_model_sees", "describe", "predict", "predict_film", "ready"]
