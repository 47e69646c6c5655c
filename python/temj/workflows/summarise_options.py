"""What is asked of a summary: values only, and what their words mean."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from temj.errors import BadValue
from temj.measurement.populations import ALL_CLASSES
from temj.physics.foil import Foil
from temj.physics.materials import Material, material
from temj.physics.visibility import burgers_family
from temj.workflows.population_fields import PopulationOptions

KINDS = {
    "loop": "dislocation loop, of a Burgers vector: loop:a/2<111>",
    "cavity": "void, bubble or pore, a sphere",
    "line": "dislocation line, measured along its skeleton",
    "other": "only numbers and sizes",
}
"""What the objects of a class are → in words."""
GLIDING = {"fcc": "a/2<110>", "bcc": "a/2<111>", "hcp": "a/3<11-20>"}
"""Structure → Burgers vector of the dislocations that barriers hold up."""


@dataclass(frozen=True)
class Being:
    """What the objects of a class are.

    Attributes:
        kind: of :data:`KINDS`.
        burgers: family of a loop, as written; "" where not given.
    """

    kind: str = "other"
    burgers: str = ""


@dataclass(frozen=True)
class SummariseOptions:
    """How a study is summarised.

    Attributes:
        population: how objects are read.
        sheet: sample sheet; None for none.
        group_by: its columns.
        pixel_error: relative standard error of the pixel size; NaN where not known.
        foil: for all images; None for that of the sheet.
        rule: which thickness counts (:data:`temj.physics.foil.RULES`).
        denuded_nm: denuded zone of one surface.
        kinds: class → what its objects are.
        g: diffraction vector of all images; "" for that of the sheet.
        material: its constants; None where not given.
        hardening: class → strength α.
        superposition: of the hardening of several classes (:data:`temj.physics.hardening.SUPERPOSITIONS`).
        orientation: of dislocation lines (:data:`temj.physics.lines.ORIENTATIONS`).
        excel: whether a workbook is written too.
        notes: for the user, about what was asked (:func:`unused`).
    """

    population: PopulationOptions
    sheet: Path | None = None
    group_by: tuple[str, ...] = ()
    pixel_error: float = math.nan
    foil: Foil | None = None
    rule: str = "foil"
    denuded_nm: float = 0.0
    kinds: Mapping[str, Being] | None = None
    g: str = ""
    material: Material | None = None
    hardening: Mapping[str, float] | None = None
    superposition: str = "root-sum-square"
    orientation: str = "random"
    excel: bool = False
    notes: tuple[str, ...] = ()

    def being(self, class_name: str) -> Being:
        """What the objects of a class are."""
        return (self.kinds or {}).get(class_name, Being())


def require_classes(options: SummariseOptions, classes: Sequence[str]) -> None:
    """Prove that the classes of ``kinds`` and ``hardening`` are there.

    Raises:
        BadValue: one that the study does not have.
    """
    known = (*classes, *([ALL_CLASSES] if len(classes) > 1 else []))
    for where, named in (("kinds", options.kinds), ("hardening", options.hardening)):
        unknown = [name for name in named or {} if name not in known]
        if unknown:
            raise BadValue(
                "class", where=where, expected=f"classes of the images: {', '.join(known)}",
                found=", ".join(unknown), remedy="Correct the name of the class.",
            )  # fmt: skip


def unused(
    foil: Foil | None, thickness_error: float | None, thickness_method: str, options: SummariseOptions
) -> tuple[str, ...]:
    """Notes about what was given and changes nothing."""
    notes = []
    if foil is None:
        given = {"thickness_error": thickness_error is not None, "thickness_method": bool(thickness_method)}
        notes += [f"{name} is not used: it belongs to thickness" for name, there in given.items() if there]
    if options.denuded_nm and options.rule != "foil-denuded":
        notes.append(f"denuded is not used: thickness_rule is {options.rule}, not foil-denuded")
    loops = [one.burgers for one in (options.kinds or {}).values() if one.burgers and not hexagonal(one.burgers)]
    if options.g and not loops:
        notes.append("g is not used: kinds names no loop with a Burgers vector of three indices")
    return tuple(notes)


def read_kinds(words: Sequence[str]) -> dict[str, Being]:
    """``void=cavity``, ``loop_111=loop:a/2<111>`` → what the objects of each class are.

    Raises:
        BadValue: another form, a kind or Burgers vector that is not understood, or a class named twice.
    """
    found: dict[str, Being] = {}
    for word in words:
        name, text = _pair("kinds", word, "void=cavity or loop_111=loop:a/2<111>", found)
        kind, _, burgers = (part.strip() for part in text.partition(":"))
        if kind not in KINDS or (burgers and kind != "loop"):
            raise BadValue(
                "kinds", where=word, found=f"'{text}'",
                expected="; ".join(f"{one} ({told})" for one, told in KINDS.items()), remedy="Write it so.",
            )  # fmt: skip
        if burgers and not hexagonal(burgers):
            burgers_family(burgers)
        found[name] = Being(kind, burgers)
    return found


def hexagonal(burgers: str) -> bool:
    """Whether a Burgers vector has the four indices of a hexagonal crystal: known to materials, not to g·b."""
    return re.search(r"<(-?\d){4}>", re.sub(r"[\s,]", "", burgers)) is not None


def read_hardening(words: Sequence[str], of: Material | None) -> dict[str, float]:
    """``loop=0.33``, ``void=void`` → strength α of each class; a word is a barrier of the material's row.

    Raises:
        BadValue: another form, a number that is not from 0 to 1, a word that the material's row does not have, or no
            material.
    """
    found: dict[str, float] = {}
    for word in words:
        name, text = _pair("hardening", word, "loop=0.33, or loop=Frank loop", found)
        try:
            value = float(text)
        except ValueError:
            value = _material(of).alpha_of(text)
        if not 0 <= value <= 1:
            raise BadValue("hardening", where=word, expected="a strength α from 0 to 1 (impenetrable)", found=text)
        found[name] = value
    if found:
        _material(of)
    return found


def _material(of: Material | None) -> Material:
    if of is None:
        raise BadValue(
            "material", where="hardening", expected="a material, whose shear modulus and Taylor factor are needed",
            found="none", remedy="Name it with --material, such as 316L or Fe.",
        )  # fmt: skip
    return of


def _pair(where: str, word: str, example: str, found: Mapping[str, object]) -> tuple[str, str]:
    name, equals, text = (part.strip() for part in word.partition("="))
    if not (name and equals and text):
        raise BadValue(where, where=word, expected=f"class=value, such as {example}", found=repr(word))
    if name in found:
        raise BadValue(where, where=word, expected="each class once", found=f"'{name}' twice")
    return name, text


def read_material(name: str, table: Path | None) -> Material | None:
    """The material of this name; None where there is no name.

    Raises:
        BadValue: as :func:`temj.physics.materials.material`.
    """
    return material(name, table) if name else None
