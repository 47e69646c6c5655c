"""Prediction: rescale, tile, run the network, blend, read the objects."""

from temj.inference.answers import How, Raw, raw, read
from temj.inference.device import describe
from temj.inference.network import ready
from temj.inference.outlines import check_outline
from temj.inference.predict import Plane, as_model_sees, film_instances, plane, planes, predict, predict_film
from temj.inference.several import class_names, merged

__all__ = [
    "How", "Plane", "Raw", "as_model_sees", "check_outline", "class_names", "describe", "film_instances", "merged",
    "plane", "planes", "predict", "predict_film", "raw", "read", "ready",
]  # fmt: skip
