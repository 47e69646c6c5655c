"""Pictures of results: overlays on micrographs, curves of training."""

from temj.plots.colours import PALETTE
from temj.plots.curves import training_curve
from temj.plots.drawing import overlay, png_bytes

__all__ = ["PALETTE", "overlay", "png_bytes", "training_curve"]
