"""What the scripts share that run ImageJ in a process of their own: a stand-in for the network, and how facts get out.

``commands.run`` is replaced by one that checks parameters as the real one does and "finds" squares, so that the
host is tested without a model; ``model=boom`` and the like make it fail in the ways a workflow can.
"""

import json
import os
import sys
import time
import traceback
from pathlib import Path

import numpy as np

from temj import commands, errors
from temj.commands.check import validated
from temj.data import Column, Instances, RoiType, Shape, Table

SAMPLES = Path(__file__).parents[3] / "samples" / "loops" / "images"
calls = []
slow = False
"""Whether every prediction takes long."""


def die(kind, error, trace):
    """A script that fails ends at once, whatever windows and threads of Java are still there."""
    traceback.print_exception(kind, error, trace)
    sys.stderr.flush()
    os._exit(1)


sys.excepthook = die


def tell(facts):
    """Print the facts for the test."""
    print("\nFACTS " + json.dumps(facts, default=str))
    sys.stdout.flush()


def squares(count, position=(0, 0, 0)):
    """Instances: squares of 10 x 10 pixels in a row, class "loop"."""
    corners = np.array([(0, 0), (10, 0), (10, 10), (0, 10)])
    places = [np.array([5 + 15 * (k % 30), 5 + 15 * (k // 30)]) for k in range(count)]
    shapes = [Shape(RoiType.TRACED, corners + place, subpixel=False) for place in places]
    return Instances.of(
        shapes,
        class_name=np.full(count, "loop", object),
        name=np.array([f"loop-{k + 1:04d}" for k in range(count)], object),
        score=np.linspace(0.5, 0.9, count),
        position=position,
        info={"notes": ["pixel size unknown: not rescaled"]},
    )


def table(micrograph, found):
    """A Results table for them with some of ImageJ's columns and ours."""
    count = len(found)
    return Table(
        (
            Column("Label", np.array([f"{micrograph.name}:{name}" for name in found.name], object)),
            Column("Area", np.full(count, 100.0)),
            Column("Mean", np.arange(count) / 3),
            Column("Y", np.full(count, 10.25)),
            Column("Circ.", np.ones(count), decimals=True),
            Column("Class", found.class_name),
            Column("Score", found.score),
        )
    )


def fake_run(name, parameters, inputs=None, progress=None, cancelled=None):
    """In place of temj.commands.run."""
    chosen = validated(commands.command(name), parameters)
    micrograph = inputs["micrograph"]
    calls.append(
        {"command": name, "parameters": dict(parameters), "image": micrograph.name, "position": micrograph.position}
    )
    if name == "measure":
        return {"results": table(micrograph, inputs["instances"])}
    _misbehave(chosen.model, progress, cancelled)
    found = squares(1200 if chosen.model == "many" else 0 if chosen.model == "none" else 3, micrograph.position)
    summary = Table((Column("Slice", np.array([micrograph.name], object)), Column("Count", np.array([len(found)]))))
    outputs = {"instances": found, "results": table(micrograph, found), "summary": summary}
    if chosen.ellipses:
        ellipse = Shape(RoiType.ELLIPSE, params=(10.0, 10.0, 30.0, 20.0, 0.5))
        outputs["ellipses"] = Instances.of([ellipse] * len(found), class_name=found.class_name, name=found.name)
    return outputs


def _misbehave(model, progress, cancelled):
    if model == "boom":
        raise ValueError("bad model")
    if model == "disk":
        raise errors.StorageError("full", where="/results", found="0 MB free", remedy="Free some space.")
    if model == "java-memory":
        import jpype

        kept = [jpype.JArray(jpype.JByte)(2**28) for _ in range(64)]
        raise AssertionError(f"{len(kept)} arrays of 256 MB fitted into Java")
    if model == "slow" or slow:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            progress("tiles", 1, 2)
            if cancelled():
                raise errors.Cancelled
            time.sleep(0.02)


def with_fake_commands():
    """Let every command end in :func:`fake_run`."""
    commands.run = fake_run
    for name in ("predict", "measure"):
        declaration = commands.command(name)
        object.__setattr__(declaration, "account", lambda outputs: f"{len(outputs['results'])} objects\n  note: a note")


def roi_facts(roi):
    """What a person sees of a Roi."""
    return {
        "name": str(roi.getName()),
        "kind": str(roi.getTypeAsString()),
        "java": str(roi.getClass().getSimpleName()),
        "group": int(roi.getGroup()),
        "class": str(roi.getProperty("class")),
        "score": str(roi.getProperty("score")),
        "colour": str(roi.getStrokeColor()),
        "position": [int(roi.getPosition()), int(roi.getCPosition()), int(roi.getZPosition()), int(roi.getTPosition())],
        "box": [int(v) for v in (roi.getBounds().x, roi.getBounds().y, roi.getBounds().width, roi.getBounds().height)],
    }


def status(java):
    """The text of ImageJ's status bar."""
    return java.IJ.getInstance().getStatusBar().getComponent(0).getText()


def attempt(function):
    """What it gives, or the error as text."""
    try:
        return {"value": function()}
    except Exception as error:
        return {"error": type(error).__name__, "message": str(error)}


def instance_facts(found):
    """Instances as JSON."""
    rows = []
    for k, shape in enumerate(found.shapes):
        rows.append(
            {
                "kind": shape.roi_type.name,
                "points": shape.points.tolist(),
                "params": [None if v != v else v for v in shape.params],
                "codes": shape.codes.tolist(),
                "subpixel": shape.subpixel,
                "class": found.class_name[k],
                "name": found.name[k],
                "score": None if np.isnan(found.score[k]) else found.score[k],
                "group": int(found.group[k]),
                "position": found.position[k].tolist(),
                "track": int(found.track[k]),
            }
        )
    return rows
