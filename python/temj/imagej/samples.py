"""Samples in ImageJ: the micrograph or film in a window of its own, its true objects as Overlay."""

from __future__ import annotations

import math

from temj.commands.base import Values
from temj.imagej import pixels, rois
from temj.imagej.java import J, headless


def show(outputs: Values) -> None:
    """Open the planes of a sample as the current image."""
    planes = [outputs[name] for name in sorted(outputs) if name.startswith("plane-")]
    table, truth = outputs["sample"], outputs["truth"]
    dimensions = tuple(int(table[name][0]) for name in ("Channels", "Slices", "Frames"))
    interval = float(table["Interval"][0])
    if len(planes) == 1:
        image = pixels.to_image(planes[0])
    else:
        image = pixels.to_stack(planes, dimensions, None if math.isnan(interval) else interval)
    overlay = J.Overlay()
    for roi in rois.to_rois(truth, image, truth.info.get("colours", {})):
        overlay.add(roi)
    image.setOverlay(overlay)
    if headless() and J.Interpreter.getInstance() is None:  # no macro runs that could keep it as its own
        J.WindowManager.setTempCurrentImage(image)
        return
    image.show()
