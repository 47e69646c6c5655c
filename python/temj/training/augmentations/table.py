"""The table of augmentations, in the order in which they are applied."""

from __future__ import annotations

_HERE = "temj.training.augmentations"

AUGMENTATIONS = {
    "flip_horizontal": f"{_HERE}.geometric:FlipHorizontal",
    "flip_vertical": f"{_HERE}.geometric:FlipVertical",
    "rotation": f"{_HERE}.geometric:Rotation",
    "scale": f"{_HERE}.geometric:Scale",
    "elastic": f"{_HERE}.geometric:Elastic",
    "folding": f"{_HERE}.geometric:Folding",
    "copy_paste": f"{_HERE}.objects:CopyPaste",
    "coarser": f"{_HERE}.sharpness:Coarser",
    "blur": f"{_HERE}.sharpness:Blur",
    "shading": f"{_HERE}.bands:Shading",
    "bands": f"{_HERE}.bands:Bands",
    "scan": f"{_HERE}.bands:Scan",
    "poisson": f"{_HERE}.noise:Poisson",
    "noise": f"{_HERE}.noise:Noise",
    "intensity": f"{_HERE}.intensity:Intensity",
    "gamma": f"{_HERE}.intensity:Gamma",
    "inversion": f"{_HERE}.intensity:Inversion",
    "cutout": f"{_HERE}.objects:CutOut",
}
"""name -> class; the geometric ones come first, since all of them together are one resampling."""

COARSEST = 3.0
"""Largest pixel size, in pixels of the image, that ``coarser`` imitates where nothing else is asked."""
