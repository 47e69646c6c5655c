"""Sections into one page of HTML that needs no other file."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources

import jinja2

from temj.report.blocks import Section, Sentence, Text
from temj.report.citations import REFERENCES, numbered
from temj.report.run import Run
from temj.report.sections import sections
from temj.report.warnings import warnings
from temj.report.wording import counted, day, listed

_TEMPLATE, _STYLE = "page.html", "style.css"


def page(run: Run, title: str = "") -> bytes:
    """The report of a run as UTF-8; the same run gives the same bytes.

    Args:
        run: as it was read.
        title: of the page; "" for one made of the run's facts.
    """
    made = sections(run)
    numbers = numbered(key for sentence in _sentences(made) for key in sentence.cite)
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_source), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters["number_of"] = numbers.__getitem__
    text = environment.get_template(_TEMPLATE).render(
        title=" ".join(title.split()) or heading(run),
        date=_date(run),
        software=f"TEMJ {run.record.versions.get('temj', '')}".strip(),
        warnings=warnings(run),
        sections=made,
        references=[REFERENCES[key] for key in numbers],
        style=_source(_STYLE),
        listed=listed,
    )
    return _plain(text).encode("utf-8")


def heading(run: Run) -> str:
    """A title made of the run's facts."""
    if run.kind == "evaluation":
        return f"Evaluation: {run.assessment.prediction.title} against {run.assessment.truth.title}"
    if run.kind == "model":
        return f"Model {run.cards[0].name}: {run.cards[0].task}"
    if run.kind == "populations":
        images = len(run.record.image_names)
        name = run.folder.resolve().name
        return f"Study of {counted(images, 'image')}: {name}" if images else f"Populations: {name}"
    names = listed((model.name for model in run.record.models or (run.record.model,)), 5)
    return f"Analysis of {counted(len(run.record.images), 'image')} with the model {names}"


def _date(run: Run) -> str:
    """When the run ended, as its record says; never the time of the report."""
    time = run.record.finished or run.record.started
    return day(time) if time else "date not recorded"


def _sentences(made: tuple[Section, ...]) -> Iterator[Sentence]:
    for section in made:
        for block in section.blocks:
            if isinstance(block, Text):
                yield from block.sentences


def _source(name: str) -> str:
    return resources.files("temj.report").joinpath(name).read_text("utf-8")


def _plain(text: str) -> str:
    """Without the characters that no page may have: lone surrogates (of file names that are no text) and controls."""
    safe = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(letter for letter in safe if letter in "\n\t" or letter.isprintable() or ord(letter) > 0x9F)
