"""Settings checked, a kind drawn, exposed and put together with its truth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import ValidationError

from temj import registry
from temj.data import Calibration, Micrograph
from temj.data.calibration import round_size
from temj.errors import BadValue
from temj.synthetic import kind as kind_of
from temj.synthetic import truth
from temj.synthetic.bars import burn
from temj.synthetic.base import Kind, Made, Scene, Settings
from temj.synthetic.canvas import Canvas
from temj.synthetic.exposure import expose
from temj.synthetic.random import Random
from temj.wording import first_fault


def make(kind: str, seed: int = 0, index: int = 0, name: str = "", **settings: Any) -> Made:
    """Make one micrograph or film with its truth.

    Args:
        kind: a name of :data:`temj.synthetic.KINDS`.
        seed: equal seeds give equal bytes (with equal versions of TEMJ, NumPy and SciPy on one kind of processor).
        index: number of the image; image 7 is the same whatever else is made.
        name: of the micrograph; by default ``<kind>_<index + 1>``.
        settings: of the kind (``temj synth --help`` and docs/synthetic.md list them).

    Raises:
        BadValue: an unknown kind or setting (with the nearest known one), or a wrong value.
    """
    chosen = kind_of(kind)
    values = settings_of(kind, settings)
    if seed < 0 or index < 0:
        raise BadValue("seed", where="index" if index < 0 else "seed", expected="a whole number from 0")
    random = Random(seed, kind, index)
    name = name or f"{kind}_{index + 1:04d}"
    if chosen.film is not None:
        return chosen.film(values, random, name)
    return _still(chosen, chosen.draw(values, random), values, random, name)


def settings_of(kind: str, given: Mapping[str, Any]) -> Settings:
    """The settings of a kind with its defaults where nothing is given.

    Raises:
        BadValue: an unknown kind or setting (with the nearest known one), or a wrong value.
    """
    model = kind_of(kind).settings
    for name in given:
        if name not in model.model_fields:
            raise registry.unknown("setting", name, model.model_fields)
    try:
        return model(**given)
    except ValidationError as error:
        fault = first_fault(model, error)
        raise BadValue(
            "setting",
            where=fault.where or kind,
            expected=fault.expected,
            found=fault.found,
            remedy="docs/synthetic.md lists the settings of each kind.",
        ) from None


def facts_of(values: Settings, random: Random, facts: Mapping[str, object]) -> dict[str, object]:
    """What says how a picture was made, as JSON values."""
    return {
        "kind": random.kind,
        "seed": random.seed,
        "index": random.index,
        "settings": values.model_dump(mode="json"),
        "drawn": dict(facts),
    }


def calibration_of(values: Settings) -> Calibration:
    """The pixel size in nm."""
    size = round_size(values.pixel_size)
    return Calibration(size, size, "nm")


def _still(kind: Kind, scene: Scene, values: Settings, random: Random, name: str) -> Made:
    canvas = Canvas.of(values.size, values.pixel_size)
    pixels, area = burn(expose(scene.intensity, values, canvas, random), values, scene.acquisition)
    found, objects = truth.instances_of(scene.objects, kind.classes(values), values)
    found, objects = truth.uncovered(found, objects, area)
    ideal, empty = canvas.crop(scene.intensity), canvas.crop(scene.empty)
    seen = truth.visibility(found, ideal, empty, values.dose)
    facts = facts_of(values, random, scene.facts)
    found = found.with_columns(
        info={**found.info, "synthetic": facts, "buried": [str(n) for n in found.name[seen["buried"]]]}
    )
    metadata = {
        "notes": (f"synthetic: {kind.name}, seed {random.seed}, image {random.index + 1}",),
        "pixel_size_source": "made with it",
        "acquisition": dict(scene.acquisition),
    }
    micrograph = Micrograph(pixels, calibration_of(values), name, metadata=metadata, area=area)
    table = truth.objects_table(found, objects, seen)
    return Made(micrograph, None, found, facts, {"objects": table}, ideal.astype(np.float32))
