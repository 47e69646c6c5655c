"""The model and its card: what it is, what it was trained on, how well it does, its thresholds."""

from __future__ import annotations

from collections.abc import Iterable

from temj.models import Card
from temj.models.card import WEIGHTS
from temj.report.blocks import Block, Facts, Section, Sentence, Text
from temj.report.csv_tables import grid
from temj.report.networks import network_words
from temj.report.run import Run
from temj.report.sections.analysed import data_facts
from temj.report.sections.assessment import definitions
from temj.report.wording import listed, number


def section(run: Run) -> Section | None:
    """The cards of the models of a run, and which are not found; None where no model was used."""
    blocks: list[Block] = [Text((Sentence(told),)) for told in run.missing]
    for card in run.cards:
        blocks += [Facts(tuple(_facts(card, run)))]
        blocks += _figures(card, used_thresholds(run))
    heading = "Model" if len(run.cards) + len(run.missing) < 2 else "Models"
    return Section("model", heading, tuple(blocks)) if blocks else None


def used_thresholds(run: Run) -> tuple[str, ...]:
    """The names of the thresholds that the run used; of numbers without a name nothing."""
    names = (entry.prediction.get("threshold_name") for entry in run.record.images)
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str) and name))


def _facts(card: Card, run: Run) -> Iterable[tuple[str, str]]:
    yield "Model", f"{card.name}: {card.description}"
    yield "Network", network_words(card).text
    yield "Finds", listed(card.class_names, 20)
    size = card.pixel_size
    if size is None:
        yield "Pixel size", "the model knows none: images are predicted unscaled"
    else:
        limits = f"{number(size.min)} to {number(size.max)} {size.unit}"
        yield "Pixel size", f"trained at {number(size.trained)} {size.unit}, tried from {limits}"
    if run.kind != "model":
        yield from data_facts(card)
    numbers = (f"{name} {number(value)}" for name, value in card.thresholds.items())
    yield "Thresholds", f"{', '.join(numbers)}; default: {card.default_threshold}"
    if card.detection_limit is not None:
        limit = card.detection_limit
        yield (
            "Detection limit",
            f"{number(100 * limit.recall)} % of objects of {number(limit.diameter)} {limit.unit} are found",
        )
    if card.edges:
        yield "Edge of the outlines", ", ".join(f"{name}: {edge}" for name, edge in card.edges.items())
    if card.trained.command:
        yield "Trained with", card.trained.command
    for note in card.trained.notes:
        yield "Note of the training", note
    if WEIGHTS in card.files:
        yield "sha256 of the weights", card.files[WEIGHTS].sha256


def _figures(card: Card, used: tuple[str, ...]) -> list[Block]:
    """Figures on validation (and test) images at the threshold that was used, or at the default one."""
    names = [name for name in used if name in card.thresholds] or [card.default_threshold]
    quoted = [f"'{name}'" for name in names]
    rows: dict[tuple[str, str], dict[str, object]] = {}
    for metric in card.metrics:
        if "training images" in metric.data or (
            "threshold '" in metric.data and not any(q in metric.data for q in quoted)
        ):
            continue
        low, high = metric.interval or (float("nan"), float("nan"))
        on = _on(metric.data, names)
        cells = {on: metric.value, f"{on}_low": low, f"{on}_high": high}
        rows.setdefault((metric.name, metric.definition), {"Figure": metric.name}).update(cells)
    if not rows:
        return []
    columns = [
        (name, name[:1].upper() + name[1:]) for name in dict.fromkeys(key for row in rows.values() for key in row)
    ]
    caption = (
        f"How well the model '{card.name}' does at its threshold {listed(quoted)}, as its card says; 95 % intervals."
    )
    note = "Errors are fractions of the annotated value. The card of the model (model.json) has the other figures too."
    return [grid(caption, list(rows.values()), columns, note=note, file="model.json", digits=3), definitions(rows)]


def _on(data: str, thresholds: list[str]) -> str:
    """On which images, without the threshold where all figures are at one."""
    return data.replace(f", threshold '{thresholds[0]}'", "") if len(thresholds) == 1 else data
