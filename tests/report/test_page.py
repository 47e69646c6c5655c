"""The page: what it says of a run, that hostile names stay text, that the same run gives the same bytes."""

import json
import os
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from temj import registry
from temj.errors import BadValue, Refused
from temj.report.citations import REFERENCES, numbered
from temj.report.page import page
from temj.report.pictures import MOST_BYTES, Scale, micrograph_figure, with_bar
from temj.report.record import Record
from temj.report.run import open_run
from temj.report.sections import SECTIONS
from temj.report.sections.pictures import MOST, chosen
from temj.report.warnings import warnings

HOSTILE = '<img src=x onerror="alert(1)"> & \'"]]></td>\nnext line \u202e\u0000\u001bµ漢.tif'


def test_sections_and_references_are_whole() -> None:
    assert all(callable(registry.load(target)) for target in SECTIONS.values())
    assert numbered(["torch", "imagej", "torch"]) == {"torch": 1, "imagej": 2}
    with pytest.raises(KeyError):
        numbered(["nobody"])
    links = [reference.link for reference in REFERENCES.values() if reference.link]
    assert len(set(links)) == len(links)
    assert all(link.startswith("https://") for link in links)
    assert all(reference.text.endswith(".") for reference in REFERENCES.values())


def test_it_says_what_was_done(prediction, read_page) -> None:
    found = read_page(page(open_run(prediction())))
    for words in (
        "2 images", "0.5 nm", "12.5", "temj predict a.tif --model loops",
        'run("TEMJ Predict...", "");', "4 March 2026, 05:07 UTC", "4\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}10¹⁴", "abab",
        "exceeds 0.35", "the major axis of the ellipse", "Schneider", "nobody-has-this", "b.tif: 7 objects",
    ):  # fmt: skip
        assert words in found.text, words
    assert "Mean diameter (nm)" in found.text
    assert len(found.of("img")) == 2
    assert "Ronneberger" not in found.text, "a reference of a network that was not used"


def test_the_same_run_gives_the_same_bytes_whenever_it_is_reported(prediction) -> None:
    folder = prediction()
    first = page(open_run(folder))
    os.utime(folder / "run.json", (time.time() + 4000,) * 2)
    assert page(open_run(folder)) == first


def test_hostile_names_stay_text(prediction, read_page, new_entry) -> None:
    def entries(folder: Path) -> list[dict]:
        return [new_entry(folder, "a", HOSTILE, notes=[HOSTILE])]

    folder = prediction(
        entries, command_line=HOSTILE, parameters={"shape_rule": HOSTILE, "images": [HOSTILE]},
        options={"model": HOSTILE, "shape_rule": HOSTILE}, models=[{"name": HOSTILE, "sha256": HOSTILE}],
        versions={"temj": HOSTILE, HOSTILE: "1"}, finished=HOSTILE,
        failures=[{"image": HOSTILE, "code": "x", "message": HOSTILE}],
    )  # fmt: skip
    name = HOSTILE.replace('"', "").replace("\u0000", "")
    (folder / "Populations.csv").write_text(f' ,Image,Class,Count\n1,all images,"{name}",3\n')
    found = read_page(page(open_run(folder), HOSTILE))
    assert not [attributes for attributes in found.of("img") if "onerror" in attributes]
    assert all(attributes["src"] != "x" for attributes in found.of("img"))
    assert found.text.count("onerror=") > 8
    assert "\x00" not in found.source
    assert "\x1b" not in found.source


def test_file_names_of_run_json_do_not_lead_out_of_the_folder(prediction, read_page, new_entry) -> None:
    def entries(folder: Path) -> list[dict]:
        cv2.imwrite(str(folder.parent / "secret.png"), np.zeros((9, 9, 3), np.uint8))
        one = new_entry(folder, "a")
        one["files"]["overlay"] = "../secret.png"
        return [one, new_entry(folder, "b", files={"overlay": str(folder.parent / "secret.png")})]

    found = read_page(page(open_run(prediction(entries))))
    assert not found.of("img")
    assert found.text.count("is not there") == 2


@pytest.mark.parametrize("data", [None, b"", b"no picture"])
def test_a_missing_or_damaged_overlay_is_said(prediction, read_page, data: bytes | None) -> None:
    folder = prediction()
    overlay = folder / "a_overlay.png"
    overlay.unlink() if data is None else overlay.write_bytes(data)
    found = read_page(page(open_run(folder)))
    assert "The picture a_overlay.png " + ("is not there" if data is None else "cannot be read") in found.text
    assert len(found.of("img")) == 1


def test_no_images_and_failures(prediction, read_page) -> None:
    failures = [{"image": f"{number}.tif", "code": "BadImage/truncated", "message": "cut."} for number in range(14)]
    found = read_page(page(open_run(prediction(lambda _: [], failures=failures, state="unfinished"))))
    assert "No image was analysed." in found.text
    assert "9.tif. cut." in found.text
    assert "10.tif" not in found.text
    assert "4 failures more are listed in run.json" in found.text
    assert "not finished" in found.text


def test_what_is_doubtful_stands_at_the_top_once(prediction, new_entry) -> None:
    def entries(folder: Path) -> list[dict]:
        one = {"notes": ["7 px belong to several objects"], "partial": [3, 9]}
        other = {"notes": ["12 px belong to several objects", "WARNING: grey values are strange"], "nm": None}
        return [new_entry(folder, "a", **one), new_entry(folder, "b", objects=0, **other)]

    told = warnings(open_run(prediction(entries)))
    texts = {one.text: one for one in told}
    assert texts["Pixel size unknown: lengths are in pixels, and there are no densities."].images == ("b.tif",)
    assert texts["Cut off: 3 of 9 planes could be read and were analysed."].serious
    assert texts["7 px belong to several objects."].varied
    assert texts["7 px belong to several objects."].images == ("a.tif", "b.tif")
    assert texts["Grey values are strange."].serious
    assert texts["No object was found."].images == ("b.tif",)
    assert [one.serious for one in told] == sorted((one.serious for one in told), reverse=True)
    assert any("Edge rule" in text for text in texts)


def test_a_pixel_size_outside_the_models_range_is_said(prediction, new_entry) -> None:
    import temj

    sha256 = temj.open_model("loops").sha256

    def entries(folder: Path) -> list[dict]:
        return [new_entry(folder, "a", nm=0.4), new_entry(folder, "b", nm=5.0)]

    run = open_run(prediction(entries, models=[{"name": "loops", "sha256": sha256}]))
    assert [card.name for card in run.cards] == ["loops"]
    outside = [one for one in warnings(run) if "outside the range" in one.text]
    assert [one.images for one in outside] == [("b.tif",)]
    note = "WARNING: pixel size 5 nm is outside 0.273 to 1.17 nm, for which the model was tried: check what it found"

    def told(folder: Path) -> list[dict]:
        return [new_entry(folder, "a", nm=5.0, notes=[note])]

    for sha in (sha256, "00" * 32):  # the run's own note says it once, whether the card is here or not
        found = warnings(open_run(prediction(told, models=[{"name": "loops", "sha256": sha}])))
        assert [one.serious for one in found if "outside" in one.text] == [True]
    other = open_run(prediction(entries, models=[{"name": "loops", "sha256": "00" * 32}]))
    assert not other.cards, "a model of the same name with other weights is another model"
    assert "'loops' is not shown" in other.missing[0]


def test_of_many_images_first_and_extreme_ones_are_shown(prediction, read_page, new_entry) -> None:
    def entries(folder: Path) -> list[dict]:
        first = [new_entry(folder, "a", objects=5)]
        return first + [{**first[0], "image": f"{number}.tif", "objects": number % 97} for number in range(499)]

    folder = prediction(entries)
    shown, told = chosen(Record.model_validate(json.loads((folder / "run.json").read_text())).images)
    counts = [one.objects for one in shown]
    assert len(shown) == MOST
    assert counts.count(96) == 5
    assert counts.count(0) == 6, "image 0 is among the first ten too"
    assert "20 of 500 images" in told
    data = page(open_run(folder))
    found = read_page(data)
    assert len(found.of("img")) == MOST
    assert "The first 50 of 500 rows. run.json has all." in found.text
    assert found.text.count("0.tif") < 100


def test_twenty_large_noisy_pictures_stay_below_ten_megabytes(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (2300, 2100, 3), np.uint8)
    path = tmp_path / "noise.png"
    cv2.imwrite(str(path), noise)
    figure = micrograph_figure(path, "noise.png", "c", "a")
    assert len(figure.source) < 10_000_000 / MOST
    assert MOST_BYTES * 4 / 3 * MOST < 10_000_000
    import base64

    shown = cv2.imdecode(np.frombuffer(base64.b64decode(figure.source.partition(",")[2]), np.uint8), cv2.IMREAD_COLOR)
    assert shown.shape[1] / shown.shape[0] == pytest.approx(2100 / 2300, rel=0.01)


def test_a_narrow_picture_gets_a_scale_bar_of_the_right_length() -> None:
    picture = np.full((300, 40, 3), 128, np.uint8)
    made = with_bar(picture, Scale((0.5, 0.5), 40))
    assert (made[:300, :40] == 128).all()
    strip = made[300:]
    line = strip[:, :, 0] > 250
    longest = max(_longest(row) for row in line)
    assert longest * 0.5 in (20.0, 50.0, 100.0), "a bar of 1, 2 or 5 times a power of ten nm"
    wide = np.full((300, 900, 3), 128, np.uint8)
    assert with_bar(wide, Scale((0.5, 0.5), 900)) is wide, "it has a bar of its own"


def _longest(row: np.ndarray) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(int), [0]])))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def test_what_is_no_run_is_refused_in_words(tmp_path: Path, prediction) -> None:
    with pytest.raises(BadValue, match="nothing there"):
        open_run(tmp_path / "nobody")
    with pytest.raises(Refused, match="the folder that the command wrote"):
        open_run(tmp_path)
    folder = prediction()
    with pytest.raises(BadValue, match="a file"):
        open_run(folder / "run.json")
    for text, words in (
        ("{", "readable JSON"), ("[]", "the file"), ('{"command": "convert"}', "temj convert"),
        ('{"command": "predict", "images": 5}', "images"),
        ('{"command": "predict", "images": [{"image": "a", "stem": "a", "objects": "x"}]}', "images.0.objects"),
    ):  # fmt: skip
        (folder / "run.json").write_text(text)
        with pytest.raises(Refused) as refused:
            open_run(folder)
        assert words in refused.value.message
