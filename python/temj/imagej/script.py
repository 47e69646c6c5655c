"""Predict and measure with ImageJ's own objects, for scripts that have a gateway. Nothing is shown or changed."""

from __future__ import annotations

from typing import Any

from temj import commands
from temj.imagej import java, maps, pixels, tables
from temj.imagej.java import J
from temj.imagej.rois import from_rois
from temj.imagej.session import attach
from temj.imagej.show import outlines


def predict(imp: Any, model: str = "loops", **parameters: Any) -> Any:
    """Find the objects in the current plane of an ImagePlus.

    Args:
        imp: the ImagePlus.
        model: name of an installed model, or a model folder.
        parameters: the other parameters of ``TEMJ Predict...``: threshold, ellipses, output, pixel_size, device ...

    Returns:
        An Overlay with a Roi for each object (name, properties ``class`` and ``score``, group, colour, position);
        with ``ellipses=True`` the fitted ellipses follow as ``EllipseRoi``, named ``<name>-ellipse``.

    Raises:
        TemjError: any of its kinds.
    """
    attach()
    values = {"model": str(model), **parameters}
    outputs = commands.run("predict", values, {"micrograph": pixels.to_micrograph(imp)})
    overlay = J.Overlay()
    for roi in outlines(imp, outputs["instances"], outputs.get("ellipses")):
        overlay.add(roi)
    return overlay


def probability(imp: Any, model: str = "loops", **parameters: Any) -> Any:
    """The probability of each class in the current plane of an ImagePlus.

    Args:
        imp, model, parameters: as in :func:`predict`.

    Returns:
        A 32-bit ImagePlus with the scale of ``imp``, a channel for each class with its name as slice label, its display
        range 0 to 1; it is not shown.

    Raises:
        TemjError: any of its kinds.
    """
    attach()
    values = {"model": str(model), **parameters, "probability": True}
    outputs = commands.run("predict", values, {"micrograph": pixels.to_micrograph(imp)})
    names = (f"probability-{number}" for number in range(1, len(outputs) + 1))
    return maps.probability([outputs[name] for name in names if name in outputs])


def measure(imp: Any, rois: Any, **parameters: Any) -> Any:
    """Measure ROIs on the current plane of an ImagePlus, as ImageJ's Measure does and more.

    Args:
        imp: the ImagePlus.
        rois: an Overlay, a RoiManager, a Roi, or a list or array of Rois; all of them are measured in this plane.
        parameters: the other parameters of ``TEMJ Measure...``: diameter, pixel_size, output ...

    Returns:
        A ResultsTable with one row for each ROI in their order; it is not shown.

    Raises:
        TemjError: any of its kinds.
    """
    attach()
    inputs = {"micrograph": pixels.to_micrograph(imp), "instances": from_rois(_each(rois), imp)}
    return tables.to_results(commands.run("measure", parameters, inputs)["results"])


def _each(given: Any) -> list[Any]:
    """The single Rois of what a script may hold."""
    if isinstance(given, J.Roi):
        return [given]
    if isinstance(given, J.Overlay):
        return list(given.toArray())
    if not java.headless() and isinstance(given, J.RoiManager):
        return list(given.getRoisAsArray())
    return list(given)
