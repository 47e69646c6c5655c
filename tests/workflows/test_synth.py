"""``temj synth``: a dataset folder that others can use, equal for equal seeds, never mixed with anything."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from temj import annotations, commands, readers, synthetic
from temj.cli import main
from temj.data import Film, RoiType
from temj.datasets import check, open_dataset
from temj.errors import BadValue, Cancelled, Refused
from temj.geometry import rasterise
from temj.workflows.samples import REAL, SAMPLES, sample
from temj.workflows.synth import LICENCE, parse_settings

KINDS = sorted(synthetic.KINDS)
HARMLESS = {"objects/clipped", "objects/overlap", "objects/at-edge", "split/no-validation", "papers/protocol"}
"""What a check says of any true scene: cut and overlapping objects; of a single film: that there is no other."""


CROWDED = {
    "loops": ("density=3e15",),
    "dark-field": ("density=2e15",),
    "nanocracks": ("crack_density=4e13", "density=1e14", "diameter=12"),
    "film": ("frames=3", "training_frames=2", "density=3e15"),
}
"""So many that every class is in every small image."""


def run(kind: str, output: Path, number: int = 2, **given: object) -> dict:
    small = {"width": 192} if kind != "film" else {"width": 96, "settings": ("frames=3", "training_frames=2")}
    return commands.run("synth", {"kind": kind, "output": output, "number": number, "seed": 7} | small | given)


def digests(folder: Path) -> dict[str, str]:
    files = (file for file in sorted(folder.rglob("*")) if file.is_file() and file.name != "run.json")
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_a_sound_dataset(kind: str, tmp_path: Path) -> None:
    outputs = run(kind, tmp_path / "set", **({"settings": CROWDED[kind]} if kind in CROWDED else {}))
    dataset = open_dataset(tmp_path / "set")
    report = check(dataset)
    assert [problem.text for problem in report.problems if problem.code not in HARMLESS] == []
    assert dataset.licence == LICENCE
    assert next(item.part for item in dataset.items) == "train"
    assert len(dataset.items) == len(outputs["images"])
    for item, count in zip(dataset.items, outputs["images"]["Objects"], strict=True):
        found, micrograph = dataset.instances(item), dataset.micrograph(item)
        assert len(found) == count
        assert micrograph.calibration.nm == (dataset.description.pixel_size,) * 2
        labels = tifffile.imread(tmp_path / "set" / "truth" / f"{item.stem}_labels.tif")
        assert labels.shape == micrograph.pixels.shape
        counts = rasterise(found.shapes, micrograph.width, micrograph.height).counts(len(found))
        assert labels.max() <= len(found)
        assert (counts > 0).all()
        assert ((labels > 0).sum() > 0) == (count > 0)


def test_equal_seeds_give_equal_files_and_more_images_change_none(tmp_path: Path) -> None:
    for kind in ("vesicles", "film"):
        run(kind, tmp_path / kind / "a", 2)
        run(kind, tmp_path / kind / "b", 2)
        run(kind, tmp_path / kind / "more", 3)
        first = digests(tmp_path / kind / "a")
        assert first == digests(tmp_path / kind / "b")
        more = digests(tmp_path / kind / "more")
        assert {name: more[name] for name in first if name != "dataset.json"} == {
            name: first[name] for name in first if name != "dataset.json"
        }


def test_what_was_made_is_what_is_read_back(tmp_path: Path) -> None:
    run("nanorods", tmp_path / "set", 1)
    made = synthetic.make("nanorods", 7, 0, size=192)
    read = readers.open(tmp_path / "set/images/nanorods_0001.tif")
    found = annotations.read(tmp_path / "set/rois/nanorods_0001_RoiSet.zip")
    assert np.array_equal(read.pixels, made.micrograph.pixels)
    assert read.calibration == made.micrograph.calibration
    assert (found.shapes.roi_type == RoiType.ROTATED_RECT).all()
    assert found.shapes.params == pytest.approx(made.instances.shapes.params.astype(np.float32), abs=1e-3)
    assert list(found.class_name) == list(made.instances.class_name)


def test_a_film_is_a_hyperstack_with_tracks(tmp_path: Path) -> None:
    run("film", tmp_path / "set", 1)
    film = readers.open_film(tmp_path / "set/films/film_0001.tif")
    found = annotations.read(tmp_path / "set/films/film_0001_RoiSet.zip")
    made = synthetic.make("film", 7, 0, frames=3, training_frames=2, size=96)
    assert film.dimensions == (1, 1, 3)
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(film, made.film, strict=True))
    assert film[1].calibration.nm == (0.390625, 0.390625)
    with tifffile.TiffFile(tmp_path / "set/films/film_0001.tif") as tif:
        assert tif.imagej_metadata["finterval"] == 0.5
        assert tif.imagej_metadata["frames"] == 3
    assert np.array_equal(found.track, made.instances.track)
    assert np.array_equal(found.position, made.instances.position)
    events = (tmp_path / "set/films/film_0001_events.csv").read_text().splitlines()
    assert events[0] == " ,Frame,Time (s),Event,Track,Into"
    assert len(events) == 1 + len(made.tables["events"])
    drift = (tmp_path / "set/films/film_0001_drift.csv").read_text().splitlines()
    assert len(drift) == 4
    dataset = open_dataset(tmp_path / "set")
    assert dataset.description.groups == {"film_0001_t0001": "film_0001", "film_0001_t0003": "film_0001"}


def test_run_json_says_all_and_its_line_repeats_it(tmp_path: Path) -> None:
    from temj.cli import main

    run("loops", tmp_path / "a", 1, pixel_size="0.5", settings=("g=2,2,0", "zone_axis=1,-1,2", "dose=9"))
    told = json.loads((tmp_path / "a/run.json").read_text("utf-8"))
    assert told["state"] == "finished"
    assert set(told["settings"]) == set(synthetic.kind("loops").settings.model_fields)
    assert (told["settings"]["dose"], told["settings"]["pixel_size"], told["settings"]["size"]) == (9, 0.5, 192)
    assert told["settings"]["g"] == [2, 2, 0]
    assert {"temj", "numpy", "scipy", "tifffile"} <= set(told["versions"])
    words = told["command_line"].replace(str(tmp_path / "a"), str(tmp_path / "b")).split()
    assert words[:2] == ["temj", "synth"]
    assert main(words[1:]) == 0
    assert digests(tmp_path / "a") == digests(tmp_path / "b")


def test_what_is_there_is_not_touched_without_leave(tmp_path: Path) -> None:
    run("voids", tmp_path, 3)
    before = digests(tmp_path)
    with pytest.raises(Refused, match="--overwrite"):
        run("voids", tmp_path, 2)
    assert digests(tmp_path) == before
    run("black-dots", tmp_path, 2, overwrite=True)
    names = {Path(name).name for name in digests(tmp_path)}
    assert not any(name.startswith("voids") for name in names)
    assert check(open_dataset(tmp_path)).errors == ()


def test_files_of_others_are_never_removed_or_mixed_in(tmp_path: Path) -> None:
    run("voids", tmp_path / "set", 1)
    own = tmp_path / "set/images/mine.tif"
    tifffile.imwrite(own, np.zeros((8, 8), np.uint8))
    secret = tmp_path / "secret.txt"
    secret.write_text("keep")
    told = json.loads((tmp_path / "set/run.json").read_text("utf-8"))
    told["images"][0]["files"] += ["../secret.txt", "images/../../secret.txt", str(secret), 5]
    (tmp_path / "set/run.json").write_text(json.dumps(told))
    with pytest.raises(Refused, match=r"mine\.tif"):
        run("voids", tmp_path / "set", 1, overwrite=True)
    assert own.exists()
    own.unlink()
    run("voids", tmp_path / "set", 1, overwrite=True)
    assert secret.read_text() == "keep"


def test_it_stops_when_it_is_told_to_and_says_how_far_it_is(tmp_path: Path) -> None:
    seen = []
    given = {"kind": "loops", "output": tmp_path / "set", "number": 5, "width": 96}
    with pytest.raises(Cancelled, match="2 of 5"):
        commands.run("synth", given, {}, lambda *now: seen.append(now), lambda: len(seen) >= 2)
    assert seen == [("Made loops 1 of 5", 1, 5), ("Made loops 2 of 5", 2, 5)]
    told = json.loads((tmp_path / "set/run.json").read_text("utf-8"))
    assert (told["state"], len(told["images"])) == ("unfinished", 2)
    assert not (tmp_path / "set/dataset.json").exists()
    commands.run("synth", given | {"overwrite": True})
    assert len(open_dataset(tmp_path / "set").items) == 5


def test_empty_images_are_called_empty(tmp_path: Path) -> None:
    run("loops", tmp_path / "set", 2, settings=("density=0",))
    dataset = open_dataset(tmp_path / "set")
    assert all(item.empty for item in dataset.items)
    assert all("no example" in problem.text for problem in check(dataset).errors)


def test_the_analysed_area_is_written_where_there_are_bars(tmp_path: Path) -> None:
    run("nanopores", tmp_path / "set", 1, settings=("info_bar=true", "scale_bar=true"))
    area = tifffile.imread(tmp_path / "set/truth/nanopores_0001_area.tif")
    made = synthetic.make("nanopores", 7, size=192, info_bar=True, scale_bar=True)
    assert np.array_equal(area > 0, made.micrograph.area)


def test_settings_are_read_from_words() -> None:
    assert parse_settings(["dose=20", "g=2,0,0", "info-bar=true", "rotation=none", "fill=ring", "density=1e14"]) == {
        "dose": 20, "g": [2, 0, 0], "info_bar": True, "rotation": None, "fill": "ring", "density": 1e14,
    }  # fmt: skip
    for wrong in (["dose"], ["=3"], ["dose=1", "dose=2"]):
        with pytest.raises(BadValue, match="name=value"):
            parse_settings(wrong)


def test_mistakes_are_told_before_anything_is_written(tmp_path: Path) -> None:
    for given, words in (
        ({"kind": "loop"}, "loops"),
        ({"settings": ("dens=1",)}, "unknown-setting"),
        ({"settings": ("size=100",)}, "twice"),
        ({"pixel_size": "0.3x0.4"}, "both directions"),
        ({"number": 0}, "number. Expected a whole number from 1 to 100,000, found 0"),
    ):
        with pytest.raises(BadValue, match=words):
            run("loops", tmp_path / "set", **given) if "kind" not in given else commands.run(
                "synth", {"kind": given["kind"], "output": tmp_path / "set"}
            )
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_samples_open_with_their_truth(name: str) -> None:
    opened = sample(name)
    micrograph, found = opened["micrograph"], opened["instances"]
    assert len(found) > 0
    if name == REAL:
        assert micrograph.pixels.shape == (1024, 512)
        assert set(found.class_name) == {"loop"}
        return
    assert SAMPLES[name] == synthetic.kind(name).title
    assert isinstance(micrograph, Film) == (name == "film")
    assert micrograph.name == f"{name}.tif"


def test_samples_are_all_kinds_and_a_real_one() -> None:
    assert set(SAMPLES) == {REAL, *synthetic.KINDS}
    with pytest.raises(BadValue, match="316L-loops"):
        sample("316L")


def test_one_film_is_told_not_to_be_enough(tmp_path: Path) -> None:
    told = commands.command("synth").account
    assert "make at least 2 (--number 2) to train" in told(run("film", tmp_path / "one", 1))
    assert "at least 2" not in told(run("film", tmp_path / "two", 2))
    assert "at least 2" not in told(run("vesicles", tmp_path / "images", 1))


def test_an_unknown_kind_names_the_nearest(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit):
        main(["synth", "loop", "--output", str(tmp_path / "set")])
    assert "did you mean 'loops'?" in capsys.readouterr().err
