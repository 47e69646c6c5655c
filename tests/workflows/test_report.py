"""``temj report`` on real runs: of a prediction, an evaluation, a study, a model; on request, and after a folder."""

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from temj import cli, commands, resources
from temj.errors import BadValue, Refused
from temj.report import pdf
from temj.report.wording import number
from temj.workflows import report as reports
from temj.workflows.outputs import FIGURES, REPORT, REPORT_PDF


@pytest.fixture(autouse=True)
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines for PDF have tests of their own; here it is as if none was installed."""
    monkeypatch.setattr(pdf, "ENGINES", {})


def predict(images: list[Path], output: Path, **parameters: object) -> dict:
    return commands.run("predict", {"images": images, "output": output, **parameters})


def text_of(path: Path) -> str:
    """The words of a page, without styles, tags and pictures."""
    source = re.sub(r"(?s)<style>.*?</style>|<[^>]*>", " ", path.read_text("utf-8"))
    return " ".join(source.replace("\N{NO-BREAK SPACE}", " ").replace("&amp;", "&").replace("&#39;", "'").split())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, field: np.ndarray) -> Path:
    """The results of two images in a folder, one without pixel size, not yet reported."""
    import tifffile

    folder = tmp_path_factory.mktemp("run")
    (folder / "images").mkdir()
    scaled = {"imagej": True, "metadata": {"unit": "nm"}, "resolution": (2.56, 2.56)}
    tifffile.imwrite(folder / "images" / "a & b.tif", field, **scaled)
    tifffile.imwrite(folder / "images" / "c.tif", field[::-1])
    predict([folder / "images"], folder / "out", report="no")
    return folder / "out"


def test_a_prediction_is_reported_with_its_own_numbers(run: Path, tmp_path: Path) -> None:
    made = commands.run("report", {"run": run, "output": tmp_path})
    assert made["notes"]["Note"][-1] == pdf.NONE
    assert "one independent unit" in made["notes"]["Note"][0]
    written = {Path(file).name for file in made["files"]["File"]}
    assert {
        REPORT,
        "Histograms.svg",
        "Histograms.png",
        "Histograms.csv",
        "Populations.csv",
        "Quantities.csv",
    } <= written
    assert all(Path(file).is_file() for file in made["files"]["File"])
    told = text_of(tmp_path / REPORT)
    with (run / "Summary.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        assert f"{row['Slice']} {row['Class']} {row['Count']}" in told
    facts = json.loads((run / "run.json").read_text("utf-8"))
    for words in (
        "2 micrographs (pixel size 0.3906 nm, unknown in 1) were analysed with TEMJ", "a & b.tif",
        facts["command_line"], facts["model"]["sha256"], "Ronneberger", "He, K., Zhang", "Schneider", "object F1",
        "MIT, (c) 2025 ai-atoms", "threshold 'auto' of the model", "report_figures/Histograms.csv",
        "Pixel size unknown: lengths are in pixels, and there are no densities. (c.tif)",
    ):  # fmt: skip
        assert words in told, words
    assert "Mask R-CNN" not in told, "a reference of another network"
    with (tmp_path / FIGURES / "Quantities.csv").open(encoding="utf-8") as file:
        quantities = {(row["Quantity"], row["Unit"]): row for row in csv.DictReader(file)}
    mean = quantities["mean diameter", "nm"]
    ends = (number(float(mean[name]), 3) for name in ("Value", "Low", "High"))
    assert "{} ({} to {})".format(*ends) in told
    assert "counts by two forbidden edges" in told
    source = (tmp_path / REPORT).read_text("utf-8")
    assert source.count("data:image/jpeg") == 2
    assert source.count("data:image/svg+xml") == 2, "histograms with and without pixel size"


def test_the_same_run_gives_the_same_page_and_figures(run: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        commands.run("report", {"run": run, "output": tmp_path / name})
    files = [sorted(path for path in (tmp_path / name).rglob("*") if path.is_file()) for name in ("one", "two")]
    assert [path.name for path in files[0]] == [path.name for path in files[1]]
    assert [path.read_bytes() for path in files[0]] == [path.read_bytes() for path in files[1]]


def test_a_report_that_is_there_is_replaced_only_on_request(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    commands.run("report", {"run": folder, "title": "First"})
    (folder / REPORT_PDF).write_bytes(b"%PDF of an earlier engine")
    before = (folder / REPORT).read_bytes()
    with pytest.raises(Refused, match=r"report\.html"):
        commands.run("report", {"run": folder})
    assert (folder / REPORT).read_bytes() == before
    commands.run("report", {"run": folder, "title": "Second & last", "overwrite": True})
    assert text_of(folder / REPORT).startswith("Second & last")
    assert not (folder / REPORT_PDF).exists(), "a PDF of the first page beside the second one"


def test_a_pdf_is_written_where_an_engine_is_there(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("temj.report.pdf.make_pdf", lambda page: (b"%PDF " + page[:15], ""))
    made = commands.run("report", {"run": run, "output": tmp_path / "one"})
    assert (tmp_path / "one" / REPORT_PDF).read_bytes() == b"%PDF <!DOCTYPE html>"
    assert not [note for note in made["notes"]["Note"] if "PDF" in note or "pdf" in note]
    commands.run("report", {"run": run, "output": tmp_path / "two", "pdf": "no"})
    assert not (tmp_path / "two" / REPORT_PDF).exists()


def test_a_folder_is_reported_once_at_its_end_and_files_on_request(tmp_path: Path, micrograph) -> None:
    images = [micrograph("in/a.tif"), micrograph("in/b.tif")]
    made = predict([tmp_path / "in"], tmp_path / "folder")
    assert (tmp_path / "folder" / REPORT).is_file()
    assert str(tmp_path / "folder" / REPORT) in list(made["files"]["File"])
    assert "2 images" in text_of(tmp_path / "folder" / REPORT)
    predict(images, tmp_path / "files")
    assert not (tmp_path / "files" / REPORT).exists()
    predict(images, tmp_path / "asked", report="yes", populations=True)
    assert (tmp_path / "asked" / REPORT).is_file()
    made = {path.name for path in (tmp_path / "asked" / FIGURES).iterdir()}
    assert made == {"Quantities.csv"}, "the run has its histograms already"
    assert "numbers: Histograms.csv" in text_of(tmp_path / "asked" / REPORT)


def test_new_results_never_stand_beside_an_old_report(tmp_path: Path, micrograph) -> None:
    image, output = micrograph("a.tif"), tmp_path / "out"
    predict([image], output, report="yes")
    with pytest.raises(Refused):
        predict([image], output, threshold=0.5)
    assert (output / REPORT).exists()
    predict([image], output, threshold=0.5, overwrite=True)
    assert not (output / REPORT).exists()
    assert not (output / FIGURES).exists()


def test_an_open_image_is_reported_too_and_needs_a_folder(tmp_path: Path, micrograph) -> None:
    import temj

    opened = temj.open(micrograph("a.tif"))
    outputs = commands.run("predict", {"output": tmp_path / "out", "report": "yes"}, {"micrograph": opened})
    told = text_of(tmp_path / "out" / REPORT)
    assert "in ImageJ" in told
    assert "Rueden" in told
    assert len(outputs["instances"])
    with pytest.raises(BadValue, match="output folder"):
        commands.run("predict", {"report": "yes"}, {"micrograph": opened})


def test_a_model_and_an_evaluation_are_reported(tmp_path: Path) -> None:
    model, samples = resources.folder("models") / "loops", resources.folder("samples") / "loops"
    commands.run("report", {"run": model, "output": tmp_path / "model"})
    told = text_of(tmp_path / "model" / REPORT)
    for words in ("Model loops", "12 for training, 4 for validation", "training_curve.csv", "flip horizontal", "Dice"):
        assert words in told, words
    assert not (model / REPORT).exists()
    commands.run(
        "evaluate",
        {"truth": samples, "prediction": str(samples), "output": tmp_path / "how", "part": "validation", "pictures": 2},
    )
    commands.run("report", {"run": tmp_path / "how"})
    told = text_of(tmp_path / "how" / REPORT)
    for words in ("Evaluation:", "4 images", "object F1 1 ", "The worst image comes first", "A match: one to one"):
        assert words in told, words
    assert (tmp_path / "how" / REPORT).read_text("utf-8").count("data:image/jpeg") >= 2


def test_populations_are_reported(run: Path, tmp_path: Path) -> None:
    commands.run("populations", {"source": run, "output": tmp_path / "p"})
    commands.run("report", {"run": tmp_path / "p"})
    told = text_of(tmp_path / "p" / REPORT)
    assert "date not recorded" in told
    assert "every object found, unweighted" in told


def test_a_study_is_reported_with_intervals_and_the_rules_of_its_edges(run: Path, tmp_path: Path) -> None:
    commands.run("summarise", {"results": [run], "output": tmp_path / "s"})
    commands.run("report", {"run": tmp_path / "s"})
    told = text_of(tmp_path / "s" / REPORT)
    with (tmp_path / "s" / "Quantities.csv").open(encoding="utf-8") as file:
        kinds = {row["Method"] for row in csv.DictReader(file) if row["Method"]}
    for words in ("Study of 2 images", "two forbidden edges", "Gundersen", "Miles", "number density", *kinds):
        assert words in told, words
    assert "Objects.csv" not in told, "a row for each object"


def test_frames_of_a_film_are_no_independent_fields(tmp_path: Path, micrograph, field: np.ndarray) -> None:
    made = predict([micrograph("film.tif", np.stack([field, field]))], tmp_path / "out", report="yes")
    assert "frames of a film show the same objects" in list(made["notes"]["Note"])[-2]
    assert not (tmp_path / "out" / FIGURES / "Quantities.csv").exists()
    told = text_of(tmp_path / "out" / REPORT)
    assert "frames of a film show the same objects" in told
    assert "no intervals over fields are given" in told
    assert "in 2 planes, of which the first is shown" in told


def test_changed_results_are_reported_without_distributions_and_it_says_so(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    (folder / "c_RoiSet.zip").unlink()
    made = commands.run("report", {"run": folder})
    assert "No distributions" in made["notes"]["Note"][0]
    assert "No distributions" in text_of(folder / REPORT)
    facts = json.loads((folder / "run.json").read_text("utf-8"))
    del facts["images"][0]["summary"][0]["Pixel Width"]
    (folder / "run.json").write_text(json.dumps(facts))
    made = commands.run("report", {"run": folder, "overwrite": True})
    assert "were changed" in made["notes"]["Note"][0]


def test_the_command_line_names_what_was_written(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert cli.main(["report", str(run), "--output", str(tmp_path / "o"), "--title", "Mine"]) == 0
    told = capsys.readouterr().out
    assert str(tmp_path / "o" / REPORT) in told
    assert pdf.NONE in told
    assert cli.main(["report", str(tmp_path)]) == 2
    assert "Name the folder that the command wrote" in capsys.readouterr().err


def test_removing_a_report_leaves_what_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / FIGURES).mkdir()
    for name in (REPORT, f"{FIGURES}/Histograms.svg", f"{FIGURES}/mine.txt"):
        (tmp_path / name).write_text("x")
    reports.remove(tmp_path)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["mine.txt"]
