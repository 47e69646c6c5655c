"""Pictures of results: overlays on micrographs, curves of training."""

from temj.plots.colours import PALETTE
from temj.plots.curves import training_curve
from temj.plots.drawing import overlay, png_bytes
from temj.plots.thresholds import threshold_curve
from temj.plots.trials import trials_plot

__all__ = ["PALETTE", "overlay", "png_bytes", "threshold_curve", "training_curve", "trials_plot"]
