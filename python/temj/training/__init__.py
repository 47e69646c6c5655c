"""Training cores on datasets: augmentation, the loop, checkpoints, thresholds, metrics."""

from temj.training.loop import train
from temj.training.options import TrainingOptions

__all__ = ["TrainingOptions", "train"]
