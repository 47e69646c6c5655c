"""Maps of a prediction as images of their own: probabilities (32-bit) and classes (8-bit with their colours)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from temj.commands.base import Values
from temj.data import Micrograph
from temj.imagej import pixels
from temj.imagej.java import J, headless


def show(outputs: Values) -> None:
    """Open the maps among the outputs; the last one is the current image then.

    Where there is neither a window nor a macro that could keep them, the Log says how to have them.
    """
    channels = [outputs[name] for name in sorted(outputs, key=_number) if name.startswith("probability-")]
    made = [probability(channels)] if channels else []
    made += [classes(outputs["classes"])] if "classes" in outputs else []
    if made and headless() and J.Interpreter.getInstance() is None:
        J.IJ.log("Maps are not shown without a window: name an output folder, or use temj.imagej.probability.")
        return
    for image in made:
        image.show()


def _number(name: str) -> int:
    """Of ``probability-12`` the 12."""
    return int(name.rpartition("-")[2]) if name.startswith("probability-") else 0


def probability(channels: Sequence[Micrograph]) -> Any:
    """A 32-bit ImagePlus with a channel for each class, labelled with its name, shown from 0 to 1; not shown yet."""
    if len(channels) == 1:
        image = pixels.to_image(channels[0])
        image.setProp("Slice_Label", channels[0].slice_label)
    else:
        image = pixels.to_stack(channels, (len(channels), 1, 1))
    image.setDisplayRange(0.0, 1.0)
    return image


def classes(micrograph: Micrograph) -> Any:
    """An 8-bit ImagePlus in the colours of the classes, whose names Image > Show Info tells; not shown yet."""
    import jpype

    table = micrograph.metadata["classes"]
    columns = [[0] * 256 for _ in range(3)]
    for number, name in enumerate(table, start=1):
        for column, value in zip(columns, micrograph.metadata["colours"][name], strict=True):
            column[number] = value
    image = pixels.to_image(micrograph)
    shades = [jpype.JArray(jpype.JByte)([(value + 128) % 256 - 128 for value in column]) for column in columns]
    image.setLut(J.LUT(*shades))
    image.setDisplayRange(0.0, 255.0)
    names = ["0 = background", *(f"{number} = {name}" for number, name in enumerate(table, start=1))]
    image.setProperty("Info", "".join(f"{line}\n" for line in names))
    return image
