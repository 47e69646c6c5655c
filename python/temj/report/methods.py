"""Full sentences for a Methods section, made only of what a run tells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from temj.models import Card
from temj.report.blocks import Sentence
from temj.report.csv_tables import read_csv
from temj.report.networks import network_words
from temj.report.record import Entry
from temj.report.run import Kind, Run
from temj.report.wording import counted, interval, listed, number, spread

_DIAMETERS: Mapping[str, str] = MappingProxyType({
    "major": "the major axis of the ellipse with the second moments of the outline, holes filled",
    "geometric": "the geometric mean of the axes of the ellipse with the second moments of the outline, holes filled",
    "equivalent": "the diameter of the circle with the area of the outline, holes filled",
})  # fmt: skip
_PARTS = {"train": "training"}
_BCA = "bca"
_BOOTSTRAPS = {"BCa": _BCA, "studentised": "bootstrap"}
"""Word in the name of an interval → reference."""
_AT_OTHER = " x the pixel size"
"""In the data of figures that were taken on rescaled images."""
_LIBRARIES = {"torch": "PyTorch", "segmentation-models-pytorch": "segmentation-models-pytorch"}
_METHOD_COLUMNS = ("Method", "method", "Interval", "interval")


def prediction(run: Run) -> Iterator[Sentence]:
    """What was done to images."""
    entries = run.record.images
    if not entries:
        return
    yield _software(run, f"{_micrographs(entries)} {'was' if len(entries) == 1 else 'were'} analysed with")
    yield from (sentence for card in run.cards for sentence in _model(card))
    yield from _missing_models(run)
    yield from _scaled(entries)
    yield from _threshold(run, entries)
    yield from _area(entries)
    yield from _measured(run, entries)
    if run.quantities is None:
        yield from _populations(run)
    else:
        yield from _estimated(run)


def evaluation(run: Run) -> Iterator[Sentence]:
    """How a prediction was compared with annotations."""
    told = run.assessment
    yield _software(run, f"{told.prediction.title[:1].upper()}{told.prediction.title[1:]} was compared with "
                         f"{told.truth.title} ({counted(len(told.images), 'image')}) with")  # fmt: skip
    yield from (sentence for card in run.cards for sentence in _model(card))
    for line in told.heading[1:2]:
        first, *others = line.split("; ")
        yield Sentence(f"{first[:1].upper()}{first[1:]}.")
        for other in others:
            yield Sentence(f"{other[:1].upper()}{other[1:]}.", (_BCA,) if "BCa" in other else ())


def model(run: Run) -> Iterator[Sentence]:
    """How a model was trained."""
    card, record = run.cards[0], run.record
    yield _software(run, f"The model '{card.name}' was {'trained' if record.command == 'train' else 'made'} with")
    yield from _model(card)
    used = [f"{name.replace('_', ' ')} {number(value, 6) if not isinstance(value, str) else value}"
            for name in ("loss", "optimizer", "schedule", "epochs", "batch", "crop", "seed")
            if isinstance(value := record.parameters.get(name), int | float | str) and value != ""]  # fmt: skip
    if used and record.command == "train":
        yield Sentence(f"Settings of the training: {', '.join(used)}.")
    augmented = [name.replace("_", " ") for name, how in card.trained.augmentation.items() if _is_used(how)]
    if augmented:
        yield Sentence(f"Training images were augmented by {listed(augmented, 30)}.")
    how = card.calibration.get(card.default_threshold)
    if isinstance(how, dict) and how.get("definition"):
        value = number(card.thresholds[card.default_threshold])
        yield Sentence(
            f"The default threshold '{card.default_threshold}' ({value}) was chosen by: {how['definition']}."
        )
        if how.get("judged_on"):
            yield Sentence(f"It was judged on {how['judged_on']}.")


def populations(run: Run) -> Iterator[Sentence]:
    """How populations were estimated."""
    yield _software(run, "Objects were counted and sized with")
    if run.quantities is not None:
        yield from _estimated(run)
    else:
        yield from _populations(run)


METHODS: Mapping[Kind, Callable[[Run], Iterator[Sentence]]] = MappingProxyType({
    "prediction": prediction, "evaluation": evaluation, "model": model, "populations": populations,
})  # fmt: skip
"""Kind of a run → its sentences."""


def _micrographs(entries: tuple[Entry, ...]) -> str:
    sizes = [size for entry in entries for size in entry.pixel_size or ()]
    missing = sum(entry.pixel_size is None for entry in entries)
    told = f"pixel size {spread(sizes)} nm" if sizes else "pixel size unknown"
    if sizes and missing:
        told += f", unknown in {number(missing)}"
    return f"{counted(len(entries), 'micrograph')} ({told})"


def _software(run: Run, beginning: str) -> Sentence:
    """The beginning of a sentence, and the software it ends with."""
    versions = run.record.versions
    cite: list[str] = []
    told = f"TEMJ {versions['temj']}" if "temj" in versions else "TEMJ"
    networks = {key for card in run.cards for key in network_words(card).cite}
    libraries = [f"Python {versions['python']}"] if "python" in versions else []
    for name, key in (("torch", "torch"), ("segmentation-models-pytorch", "smp")):
        if name in versions and key in networks:
            libraries.append(f"{_LIBRARIES[name]} {versions[name]}")
            cite.append(key)
    told += f" ({', '.join(libraries)})" if libraries else ""
    if run.kind == "prediction" and not run.record.command_line:
        told += " in ImageJ"
        cite += ["imagej", "pyimagej"]
    if "fiji" in versions:
        told += f" in Fiji {versions['fiji']}"
        cite.append("fiji")
    return Sentence(f"{beginning} {told}.", tuple(cite))


def _model(card: Card) -> Iterator[Sentence]:
    words = network_words(card)
    finds = f"finds objects of the {'class' if len(card.classes) == 1 else 'classes'} {listed(card.class_names, 20)}"
    yield Sentence(f"The model '{card.name}', {words.text}, {finds}.", words.cite)
    for data in card.data:
        parts = [f"{number(len(images))} for {_PARTS.get(name, name)}" for name, images in data.split.items()]
        told = f" ({', '.join(parts)})" if parts else ""
        yield Sentence(f"It was trained on images of the dataset {data.name}{told}.")
    own = [metric for metric in card.metrics if f"'{card.default_threshold}'" in metric.data]
    for name in ("object F1", "IoU", "AP50"):
        of_name = [one for one in own if one.name == name and "validation" in one.data and _AT_OTHER not in one.data]
        for metric in of_name:
            told = interval(metric.value, *(metric.interval or (None, None)))
            level = " (95 % interval in brackets)" if metric.interval else ""
            yield Sentence(f"On its {metric.data}, it has {name} {told}{level}.")
        if of_name:
            return


def _missing_models(run: Run) -> Iterator[Sentence]:
    known = {card.name for card in run.cards}
    for used in run.record.models:
        if used.name not in known:
            yield Sentence(f"Objects were found by the model '{used.name}' (weights with sha256 {used.sha256[:12]}…).")


def _scaled(entries: tuple[Entry, ...]) -> Iterator[Sentence]:
    factors = [factor for entry in entries for factor in _numbers(entry.prediction.get("factor"))]
    trained = {entry.prediction.get("trained_pixel_size") for entry in entries}
    changed = [factor for factor in factors if abs(factor - 1) > 1e-3]
    if changed:
        sizes = listed((f"{number(size)} nm" for size in sorted(filter(_is_number, trained))), 5)
        yield Sentence(
            f"For the network images were rescaled to the pixel size it was trained at ({sizes or 'of its card'})."
        )
    views = {int(entry.prediction["views"]) for entry in entries if _is_number(entry.prediction.get("views"))} - {1}
    if views:
        told = listed(map(number, sorted(views)))
        yield Sentence(f"Its answer is the mean over {told} views of each image (test-time augmentation).")


def _threshold(run: Run, entries: tuple[Entry, ...]) -> Iterator[Sentence]:
    used = dict.fromkeys(
        (float(entry.prediction["threshold"]), str(entry.prediction.get("threshold_name") or ""))
        for entry in entries
        if _is_number(entry.prediction.get("threshold"))
    )
    if not used:
        return
    told = listed(
        (f"{number(value)}" + (f" (threshold '{name}' of the model)" if name else "") for value, name in used), 5
    )
    detectors = {card.core.name in ("boxes", "masks", "rotated") for card in run.cards}
    what = {
        (True,): "Objects were kept where their score",
        (False,): "Pixels were taken as objects where their probability",
    }.get(tuple(detectors), "Pixels or objects were kept where their probability or score")
    yield Sentence(f"{what} exceeds {told}.")
    rule = run.record.options.get("shape_rule")
    if rule:
        yield Sentence(f"Objects were told apart by their shape with the rule '{rule}'.")


def _area(entries: tuple[Entry, ...]) -> Iterator[Sentence]:
    kinds = dict.fromkeys(part.kind for entry in entries for plane in entry.area for part in plane.left_out)
    if kinds:
        shares = [plane.percent for entry in entries for plane in entry.area]
        yield Sentence(f"Not analysed were {listed(kinds, 12)}; where something was left out, "
                       f"{spread(shares, 3)} % of the image remained.")  # fmt: skip


def _measured(run: Run, entries: tuple[Entry, ...]) -> Iterator[Sentence]:
    yield Sentence("Objects were measured as ImageJ's Measure does.", ("imagej",))
    rules: dict[str, str] = {}
    for entry in entries:
        told = entry.prediction.get("diameter")
        rules |= told if isinstance(told, dict) else {}
    for rule, words in _DIAMETERS.items():
        names = [name for name, used in rules.items() if (used or "equivalent") == rule]
        if names:
            yield Sentence(f"The diameter of {listed(names, 20)} is {words}.")
    if run.quantities is not None:
        yield Sentence("Figures of single images include objects that the frame cuts.")
        return
    if any(entry.pixel_size for entry in entries):
        yield Sentence(
            "Number densities are objects found divided by the analysed area, those cut by the frame included."
        )
    if len(entries) > 1 or run.figures:
        yield Sentence("Area fractions are of the projection.")


def _estimated(run: Run) -> Iterator[Sentence]:
    """Each estimator with its edge rule, and the kinds of intervals."""
    yield Sentence("Number densities are counts by two forbidden edges divided by the analysed area.", ("gundersen",))
    yield Sentence(
        "Diameters are of objects wholly inside the analysed area, each weighted by the inverse of the area in "
        "which an object of its size can lie wholly inside.", ("miles",),
    )  # fmt: skip
    yield Sentence("Area fractions are of all pixels of the analysed area, in projection.")
    yield from _foil(run)
    yield from _intervals(run)


def _populations(run: Run) -> Iterator[Sentence]:
    """Which estimators the plain populations are."""
    places = [folder / "Populations.csv" for folder in (run.folder, run.figures) if folder is not None]
    if any(path.is_file() for path in places):
        yield Sentence(
            "Sizes of all images together are of every object found, unweighted, with their standard deviation and "
            "standard error over objects; no intervals over fields are given."
        )


def _foil(run: Run) -> Iterator[Sentence]:
    """Thickness, diffraction vector, material: what physics rests on."""
    given = run.record.parameters
    if _is_number(given.get("thickness")):
        error = f" ± {number(given['thickness_error'])}" if _is_number(given.get("thickness_error")) else ""
        method = f", by {given['thickness_method']}" if given.get("thickness_method") else ""
        kind = str(given.get("effective_thickness") or "foil")
        yield Sentence(
            f"The foil was {number(given['thickness'])}{error} nm thick{method}; volume densities are for the "
            f"thickness '{kind}'."
        )
    if given.get("g"):
        yield Sentence(f"The diffraction vector was g = {given['g']}.")
    if given.get("material"):
        yield Sentence(f"Burgers vectors and barrier strengths are those of {given['material']}.")


def _intervals(run: Run) -> Iterator[Sentence]:
    """Which kinds of intervals the tables name."""
    kinds: dict[str, None] = {}
    path = run.quantities
    if path is not None:
        for row in read_csv(path):
            kinds |= dict.fromkeys(
                str(row[name]) for name in _METHOD_COLUMNS if row.get(name) and isinstance(row[name], str)
            )
    if kinds:
        cite = tuple(key for word, key in _BOOTSTRAPS.items() if any(word in kind for kind in kinds))
        yield Sentence(
            f"Intervals (95 %) are over independent fields or samples; their kinds, named in the tables: "
            f"{listed(kinds, 12)}.",
            cite,
        )


def _numbers(value: object) -> list[float]:
    return [float(each) for each in value if _is_number(each)] if isinstance(value, list) else []


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_used(how: object) -> bool:
    chance = how.get("probability") if isinstance(how, dict) else None
    return _is_number(chance) and chance > 0
