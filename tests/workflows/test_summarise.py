"""A study summed up: groups of the sample sheet, independent units, physics, files, and what is not known."""

import csv
import json
import math
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from temj import commands
from temj.annotations import roiset
from temj.data import Calibration, Instances, RoiType, Shape
from temj.errors import BadDataset, BadValue, Refused, TemjError
from temj.measurement.populations import field

SIDE, PIXEL = 200, 0.5
SHEET = """image,sample,material,dose,dose_unit,thickness_nm,thickness_error_nm,g,field
a.png,A,Fe,0.1,dpa,80,8,110,
b.png,A,Fe,0.1,dpa,80,8,110,
c.png,B,Fe,0.1,dpa,120,12,110,
d.png,C,Fe,0.5,dpa,100,,200,left
e.png,C,Fe,0.5,dpa,100,,110,left
f.png,D,Fe,0.5,dpa,100,,110,
"""


def disc(x: float, y: float, diameter: float) -> Shape:
    """A circle of a diameter in pixels around a centre."""
    return Shape(RoiType.OVAL, params=(x - diameter / 2, y - diameter / 2, diameter, diameter), subpixel=True)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six images of 200 x 200 px with a number of discs that each sample has its own of, and their sample sheet."""
    folder = tmp_path_factory.mktemp("study")
    rng = np.random.default_rng(5)
    for name, voids, loops in zip("abcdef", (4, 5, 6, 8, 8, 10), (2, 3, 2, 4, 4, 5), strict=True):
        places = [(x, y) for x in (30, 65, 100, 135, 170) for y in (30, 65, 100, 135, 170)]
        chosen = [places[index] for index in rng.permutation(len(places))[: voids + loops]]
        shapes = [disc(x, y, 8 + number % 3) for number, (x, y) in enumerate(chosen[:voids])]
        shapes += [disc(x, y, 16 + 2 * (number % 2)) for number, (x, y) in enumerate(chosen[voids:])]
        names = np.array(["void"] * voids + ["loop"] * loops, object)
        (folder / "rois").mkdir(exist_ok=True)
        roiset.write(folder / "rois" / f"{name}_RoiSet.zip", Instances.of(shapes, class_name=names))
        (folder / "images").mkdir(exist_ok=True)
        cv2.imwrite(str(folder / "images" / f"{name}.png"), np.zeros((SIDE, SIDE), np.uint8))
    (folder / "study.csv").write_text(SHEET)
    return folder


def summarise(study: Path, output: Path, **parameters: object) -> dict:
    given = {"images": study / "images", "pixel_size": str(PIXEL), "sheet": study / "study.csv"} | parameters
    return commands.run("summarise", {"results": [study / "rois"], "output": output, **given})


def rows(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(file.read_text("utf-8").splitlines()))


def value(table: object, group: str, name: str, quantity: str, column: str = "Value") -> float:
    """A cell of the tidy table."""
    fits = (table["Group"] == group) & (table["Class"] == name) & (table["Quantity"] == quantity)
    assert fits.sum() == 1
    return float(table[column][fits][0])


@pytest.fixture(scope="module")
def made(study: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, Path]:
    folder = tmp_path_factory.mktemp("summary") / "out"
    found = summarise(
        study, folder, group_by=["dose"], kinds=["void=cavity", "loop=loop:a/2<111>"], material="Fe",
        hardening=["void=1.0", "loop=0.3"], pixel_size_error=2, excel=True,
    )  # fmt: skip
    return found, folder


def test_groups_are_those_of_the_sheet_and_samples_are_what_is_independent(made: tuple[dict, Path]) -> None:
    table = made[0]["quantities"]
    assert list(dict.fromkeys(table["Group"])) == ["0.1 dpa", "0.5 dpa"]
    area = (SIDE * PIXEL * 1e-9) ** 2
    assert value(table, "0.1 dpa", "void", "number density") == pytest.approx(15 / (3 * area))
    assert value(table, "0.1 dpa", "void", "number density", "Units") == 2
    # d and e show the same place: e counts no more
    assert value(table, "0.5 dpa", "void", "number density") == pytest.approx(18 / (2 * area))
    assert any("e.png" in note for note in made[0]["notes"]["Note"])


def test_physics_is_that_of_the_formulas(made: tuple[dict, Path]) -> None:
    table, group = made[0]["quantities"], "0.1 dpa"
    density, size = (value(table, group, "loop", name) for name in ("number density", "mean diameter"))
    thickness = (80 + 80 + 120) / 3
    volume = density / (thickness * 1e-9)
    assert value(table, group, "loop", "volume number density") == pytest.approx(volume)
    corrected = value(table, group, "loop", "volume number density, corrected for visibility")
    assert corrected == pytest.approx(2 * volume)  # g = 110: two of the four variants of a/2<111>
    single = 3.06 * 0.3 * 81.9e3 * 0.2482e-9 * math.sqrt(corrected * size * 1e-9)
    assert value(table, group, "loop", "hardening") == pytest.approx(single, rel=1e-3)
    parts = [value(table, group, name, "hardening") for name in ("loop", "void")]
    assert value(table, group, "", "hardening") == pytest.approx(math.hypot(*parts))
    # every disc is whole and of the same weight as others of its size: sums over discs
    assert value(table, group, "void", "swelling") > value(table, group, "void", "volume fraction") > 0
    # g differs between the images of 0.5 dpa that count
    assert not ((table["Group"] == "0.5 dpa") & (table["Quantity"] == "number density, corrected for visibility")).any()
    assert any("different g" in note for note in made[0]["notes"]["Note"])


def test_systematic_parts_stand_apart(made: tuple[dict, Path]) -> None:
    table, group = made[0]["quantities"], "0.1 dpa"
    for name, power in (("number density", 2), ("mean diameter", 1), ("area fraction", 0)):
        expected = power * 0.02 * value(table, group, "void", name)
        assert value(table, group, "void", name, "Systematic") == pytest.approx(expected, rel=1e-6)
    relative = value(table, group, "loop", "volume number density", "Systematic") / value(
        table, group, "loop", "volume number density"
    )
    error = (80 * 0.1 * 2 + 120 * 0.1) / (80 * 2 + 120)
    assert relative == pytest.approx(math.hypot(0.04, error), rel=1e-3)


def test_the_files_say_the_same(made: tuple[dict, Path]) -> None:
    found, folder = made
    names = {path.name for path in folder.iterdir()}
    assert names >= {
        "Groups.csv",
        "Images.csv",
        "Objects.csv",
        "Quantities.csv",
        "Sizes.csv",
        "Summary.xlsx",
        "run.json",
    }
    group = next(row for row in rows(folder / "Groups.csv") if (row["Group"], row["Class"]) == ("0.1 dpa", "void"))
    density = value(found["quantities"], "0.1 dpa", "void", "number density")
    assert float(group["number density (m^-2)"]) == pytest.approx(density, rel=1e-3)
    assert float(group["number density (m^-2)_low"]) < density < float(group["number density (m^-2)_high"])
    names, units, comments, *body = csv.reader((folder / "Groups_Origin.csv").read_text("utf-8").splitlines())
    place = names.index("number density")
    assert (units[place], comments[place + 1]) == ("m^-2", "lower end of the 95 % interval")
    assert float(body[0][place]) > 0
    assert len(rows(folder / "Images.csv")) == 6 * 3
    assert len(rows(folder / "Objects.csv")) == 15 + 7 + 18 + 9
    with zipfile.ZipFile(folder / "Summary.xlsx") as book:
        sheets = book.read("xl/workbook.xml").decode()
    assert all(f'name="{sheet}"' in sheets for sheet in ("Objects", "Images", "Groups", "Quantities", "Notes"))
    assert json.loads((folder / "run.json").read_text())["command"] == "summarise"
    for stem in ("Quantities", "Sizes"):
        assert cv2.imread(str(folder / f"{stem}.png")) is not None
        assert (folder / f"{stem}.svg").read_text("utf-8").startswith("<?xml")


def test_sizes_add_up_and_have_the_same_bins(made: tuple[dict, Path]) -> None:
    table = made[0]["sizes"]
    for name in ("void", "loop"):
        bins = [
            list(zip(*(table[end][(table["Class"] == name) & (table["Group"] == group)] for end in ("Low", "High")),
                     strict=True))
            for group in ("0.1 dpa", "0.5 dpa")
        ]  # fmt: skip
        assert bins[0] == bins[1]
        shares = table["Share (%)"][(table["Class"] == name) & (table["Group"] == "0.5 dpa")]
        assert shares.sum() == pytest.approx(100)


def test_differences_are_those_of_the_estimates(made: tuple[dict, Path]) -> None:
    found = made[0]
    table = found["differences"]
    row = (table["Class"] == "void") & (table["Quantity"] == "number density")
    first, second = (value(found["quantities"], group, "void", "number density") for group in ("0.1 dpa", "0.5 dpa"))
    assert float(table["Difference"][row][0]) == pytest.approx(second - first)
    assert float(table["Ratio"][row][0]) == pytest.approx(second / first)
    assert table["Low"][row][0] < second - first < table["High"][row][0]


def test_the_same_again_gives_the_same_bytes(study: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        summarise(study, tmp_path / name, group_by=["dose"])
    for path in (tmp_path / "one").iterdir():
        if path.name != "run.json":
            assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_without_pixel_size_densities_are_not_known_and_nothing_is_wrongly_0(study: Path, tmp_path: Path) -> None:
    table = summarise(study, tmp_path / "out", pixel_size="", thickness=80, kinds=["void=cavity"])["quantities"]
    assert math.isnan(value(table, "all images", "void", "number density"))
    assert value(table, "all images", "void", "mean diameter") > 8
    assert set(table["Unit"][table["Quantity"] == "mean diameter"]) == {"pixel"}
    assert not any("volume" in name for name in table["Quantity"])


def test_an_image_without_objects_counts_and_one_image_has_counting_error_only(study: Path, tmp_path: Path) -> None:
    (tmp_path / "rois").mkdir()
    roiset.write(tmp_path / "rois" / "a_RoiSet.zip", Instances.concatenate([]))
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes((study / "images" / "a.png").read_bytes())
    found = commands.run("summarise", {
        "results": [tmp_path / "rois"], "output": tmp_path / "out", "images": tmp_path / "images", "pixel_size": "0.5",
        "classes": ["void"], "thickness": 100.0, "kinds": ["void=cavity"],
    })["quantities"]  # fmt: skip
    density = (found["Quantity"] == "number density") & (found["Class"] == "void")
    assert float(found["Value"][density][0]) == 0.0
    assert float(found["High"][density][0]) == pytest.approx(3.689 / (SIDE * PIXEL * 1e-9) ** 2, rel=1e-3)
    assert "counting error only" in found["Method"][density][0]
    assert math.isnan(value(found, "all images", "void", "mean diameter"))
    assert value(found, "all images", "void", "swelling") == 0.0


@pytest.mark.parametrize(
    ("parameters", "error", "words"),
    [
        ({"group_by": ["dosis"]}, BadValue, "dose"),
        ({"group_by": ["temperature_C"]}, BadDataset, "temperature_C"),
        ({"group_by": ["dose"], "sheet": None}, BadValue, "sample sheet"),
        ({"kinds": ["void=hole"]}, BadValue, "cavity"),
        ({"kinds": ["void"]}, BadValue, "class=value"),
        ({"kinds": ["loop=loop:a/2<11>"]}, BadValue, "Miller|Burgers"),
        ({"hardening": ["loop=0.3"]}, BadValue, "material"),
        ({"hardening": ["loop=strong"], "material": "316L"}, BadValue, "Frank loop"),
        ({"material": "316"}, None, ""),
        ({"material": "Unobtainium"}, BadValue, "material"),
        ({"thickness": 10.0, "thickness_rule": "foil-denuded", "denuded": 5.0}, BadValue, "denuded"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    study: Path, tmp_path: Path, parameters: dict, error: type[TemjError] | None, words: str
) -> None:
    if error is None:
        assert summarise(study, tmp_path / "out", **parameters)
        return
    with pytest.raises(error, match=words):
        summarise(study, tmp_path / "out", **parameters)
    assert not (tmp_path / "out").exists()


def test_nothing_is_overwritten_unasked(study: Path, tmp_path: Path) -> None:
    summarise(study, tmp_path / "out", group_by=["dose"])
    with pytest.raises(Refused):
        summarise(study, tmp_path / "out")
    summarise(study, tmp_path / "out", overwrite=True)
    assert not (tmp_path / "out" / "Differences.csv").exists()  # of the earlier one, with two groups
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "run.json").write_text(json.dumps({"format": 1, "command": "predict"}))
    with pytest.raises(Refused, match="folder of its own"):
        summarise(study, tmp_path / "other", overwrite=True)


def test_neighbours_are_those_of_the_grid_that_the_discs_lie_on(made: tuple[dict, Path]) -> None:
    table = made[0]["neighbours"]
    row = (table["Group"] == "0.1 dpa") & (table["Class"] == "all")
    assert int(table["Objects"][row][0]) == 15 + 7
    assert float(table["Mean Distance"][row][0]) >= 34 * PIXEL
    assert float(table["Ratio"][row][0]) > 1  # a grid is more regular than chance
    objects = rows(made[1] / "Objects.csv")
    assert min(float(one["NearestNeighbour"]) for one in objects if one["NearestNeighbour"] != "NaN") >= 17.0


def test_planes_of_one_file_are_one_place() -> None:
    from temj.workflows.summarise_groups import Shot, grouped, with_stacks

    fields = [field(name, Instances.concatenate([]), (10, 10), Calibration(1, 1, "nm"))
              for name in ("film.tif:1", "film.tif:2", "b.tif")]  # fmt: skip
    (group,) = grouped(with_stacks([Shot(one) for one in fields]), ())
    assert [shot.field.image for shot in group.shots] == ["film.tif:1", "b.tif"]
    assert any("film.tif:2" in note for note in group.notes)


def test_results_of_models_with_other_classes_are_not_put_together() -> None:
    from temj.workflows.summarise_groups import Shot, grouped, require_same_classes

    one = field("a.tif", Instances.concatenate([]), (10, 10), Calibration(1, 1, "nm"))
    shots = [Shot(one, None, frozenset(names)) for names in (("loop",), ("loop", "void"))]
    (group,) = grouped(shots, ())
    with pytest.raises(BadValue, match="void"):
        require_same_classes(group)
