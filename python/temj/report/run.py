"""The folder of a run, read: which command made it, its facts, the cards of its models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from temj.errors import BadValue, Refused, TemjError
from temj.models import Card, open_model, read_card
from temj.models.card import CARD, WEIGHTS
from temj.report.record import Assessment, Record, read

Kind = Literal["prediction", "evaluation", "model", "populations"]
RECORD, ASSESSMENT, POPULATIONS, QUANTITIES = "run.json", "evaluation.json", "Populations.csv", "Quantities.csv"
COMMANDS: dict[str, Kind] = {
    "predict": "prediction",
    "evaluate": "evaluation",
    "populations": "populations",
    "summarise": "populations",
}
"""The command of a run.json → what its folder is; a folder with a ``model.json`` is a model whatever made it."""
_EXPECTED = "the result folder of temj predict, populations, summarise or evaluate, or a model folder of temj train"


@dataclass(frozen=True, eq=False)
class Run:
    """A run to report.

    Attributes:
        folder: where it is.
        kind: what it is.
        record: its run.json; one that knows nothing where there is none.
        assessment: its evaluation.json, where it is an evaluation.
        cards: of the models that were used (or that it is), as far as they are found.
        missing: why the card of a model is not shown.
        figures: folder of what was drawn for the report; None where nothing was.
        notes: what the making of these figures told.
    """

    folder: Path
    kind: Kind
    record: Record
    assessment: Assessment | None = None
    cards: tuple[Card, ...] = ()
    missing: tuple[str, ...] = ()
    figures: Path | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def quantities(self) -> Path | None:
        """The table of estimates with intervals: of a study its own, of a prediction the one made for the report."""
        if self.kind == "populations":
            return self.file(QUANTITIES)
        made = None if self.figures is None else self.figures / QUANTITIES
        return made if made is not None and made.is_file() else None

    def file(self, name: str) -> Path | None:
        """A file that the run names; None where it is not there, or would lie outside the folder."""
        try:
            path = (self.folder / name).resolve()
            inside = path.is_relative_to(self.folder.resolve())
            return path if name and inside and path.is_file() else None
        except (OSError, ValueError):
            return None


def open_run(folder: Path, figures: Path | None = None, notes: Sequence[str] = ()) -> Run:
    """Read the folder of a run.

    Args:
        folder: of any command that is reported.
        figures, notes: as in :class:`Run`.

    Raises:
        BadValue: no such folder, or not of a run.
        Refused: facts that cannot be read.
        BadModel: a model folder whose card cannot be read.
    """
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing there"
        raise BadValue("run", where=str(folder), expected=_EXPECTED, found=found, remedy="Name the folder of the run.")
    path = folder / RECORD
    record = read(path, Record) if path.exists() else None
    kind = _kind(folder, record)
    if kind is None:
        raise Refused(
            "run", where=folder, expected=_EXPECTED,
            found=f"a run.json of temj {record.command}" if record else f"no {RECORD}, {ASSESSMENT}, {CARD} in it",
            remedy="Name the folder that the command wrote.",
        )  # fmt: skip
    known = record or Record(command="populations" if kind == "populations" else "")
    assessment = read(folder / ASSESSMENT, Assessment) if kind == "evaluation" else None
    cards, missing = _cards(folder, kind, known, assessment)
    return Run(folder, kind, known, assessment, cards, missing, figures, tuple(notes))


def _kind(folder: Path, record: Record | None) -> Kind | None:
    if (folder / CARD).exists():
        return "model"
    if (folder / ASSESSMENT).exists():
        return "evaluation"
    if record is not None:
        return COMMANDS.get(record.command)
    return "populations" if (folder / POPULATIONS).exists() else None


def _cards(
    folder: Path, kind: Kind, record: Record, assessment: Assessment | None
) -> tuple[tuple[Card, ...], tuple[str, ...]]:
    """The cards of the models, and why others are not shown."""
    if kind == "model":
        return (read_card((folder / CARD).read_bytes(), folder / CARD),), ()
    if assessment is not None:
        used = [(name, "") for name in assessment.prediction.models]
        asked = [str(record.parameters.get("prediction", ""))]
    else:
        used = [(model.name, model.sha256) for model in record.models]
        asked = [part.strip() for part in str(record.options.get("model", "")).split(",")]
    cards, missing = [], []
    for number, (name, sha256) in enumerate(used):
        called = asked[number] if len(asked) == len(used) else name
        card = _same_card(called, sha256) or (_same_card(name, sha256) if called != name else None)
        if card is None:
            missing.append(
                f"The card of model '{name}' is not shown: no model of this name with the weights that were used "
                f"{f'(sha256 {sha256[:12]}…) ' if sha256 else ''}is installed here."
            )
        else:
            cards.append(card)
    return tuple(cards), tuple(missing)


def _same_card(name: str, sha256: str) -> Card | None:
    """The card of a model, if its weights are those that were used."""
    try:
        card = open_model(name).card
    except (TemjError, OSError, ValueError):
        return None
    return card if not sha256 or card.files[WEIGHTS].sha256 == sha256 else None
