"""All that was compared in an evaluation, before anything is told of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from temj.data import Table
from temj.datasets.problems import counted
from temj.evaluation.agreement import Agreement
from temj.evaluation.judging import Judged, Rules
from temj.evaluation.persons import Three
from temj.evaluation.quantities import Seen
from temj.evaluation.ranking import Ranking
from temj.evaluation.summary import Figure
from temj.workflows.evaluate_guess import Prediction
from temj.workflows.evaluate_scores import Scored
from temj.workflows.evaluate_sides import Side
from temj.workflows.known_images import Images


@dataclass(frozen=True, eq=False)
class Evaluation:
    """All that was compared.

    Attributes:
        true, guessed: the two sides.
        judged: stem → image, lengths in ``unit``.
        unit: ``nm`` or ``pixel``.
        rules: how.
        images: which, to know them again.
        parts: stem → ``train`` … or "".
        rankings: class → probabilities of its pixels, where they are known.
        curves: stem → agreement at each threshold of the grid, all classes together, where it is known.
        scored: stem → objects at other thresholds, where they have scores.
        size_bins: limits of the sizes, in ``unit``; empty for the quartiles.
        notes: for the user.
        seen: stem → what is annotated, and what was found, for quantities; lengths in ``unit``.
        three: stem → the same image as a second person sees it too; empty without one.
        second: title of the second person's annotations.
    """

    true: Side
    guessed: Prediction
    judged: Mapping[str, Judged]
    unit: str
    rules: Rules
    images: Images
    parts: Mapping[str, str]
    rankings: Mapping[str, Ranking]
    curves: Mapping[str, Sequence[Agreement]]
    scored: Mapping[str, Scored]
    size_bins: tuple[float, ...]
    notes: tuple[str, ...]
    seen: Mapping[str, tuple[Seen, Seen]]
    three: Mapping[str, Three]
    second: str = ""

    @property
    def title(self) -> str:
        """Of pictures."""
        return f"{self.guessed.title}, {counted(len(self.judged), 'image')}"


@dataclass(frozen=True, eq=False)
class Part:
    """A part of what is told.

    Attributes:
        rows: figures.
        tables: name → table.
        made: files, name → bytes.
        notes: for the user.
        heading: lines that are said first.
    """

    rows: tuple[Figure, ...] = ()
    tables: Mapping[str, Table] = field(default_factory=dict)
    made: Mapping[str, bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    heading: tuple[str, ...] = ()
