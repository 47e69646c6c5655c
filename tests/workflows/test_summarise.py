"""A study summed up: groups of the sample sheet, independent units, physics, files, and what is not known."""

import csv
import json
import math
import shlex
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
    for end, number in (("", volume), (", corrected for visibility", corrected)):
        single = 3.06 * 0.3 * 81.9e3 * 0.2482e-9 * math.sqrt(number * size * 1e-9)
        assert value(table, group, "loop", f"hardening{end}") == pytest.approx(single, rel=1e-3)
        parts = value(table, group, "loop", f"hardening{end}"), value(table, group, "void", "hardening")
        assert value(table, group, "", f"hardening{end}") == pytest.approx(math.hypot(*parts))
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
    from temj.workflows.summarise_groups import Shot, grouped
    from temj.workflows.summarise_study import with_stacks

    fields = [field(name, Instances.concatenate([]), (10, 10), Calibration(1, 1, "nm"))
              for name in ("film.tif:1", "film.tif:2", "b.tif")]  # fmt: skip
    (group,) = grouped(with_stacks([Shot(one) for one in fields]), ())
    assert [shot.field.image for shot in group.shots] == ["film.tif:1", "b.tif"]
    assert any("film.tif:2" in note for note in group.notes)


def test_a_class_that_a_model_did_not_look_for_is_never_0() -> None:
    from temj.workflows.summarise_groups import Shot, grouped, looked_for

    names = np.array(["loop", "loop", "void"], object)
    discs = Instances.of([disc(20 * x, 20, 8) for x in (1, 2, 3)], class_name=names)
    one = field("a.tif", discs, (80, 40), Calibration(1, 1, "nm"))
    none = field("b.tif", discs.take(np.array([0, 1])), (80, 40), Calibration(1, 1, "nm"))
    shots = [Shot(one, None, frozenset(("loop", "void"))), Shot(none, None, frozenset(("loop",)))]
    (group,) = grouped(shots, ())
    made, classes, notes = looked_for(group, ("loop", "void", "line"))
    assert classes == ("loop",)
    assert any("void" in note and "b.tif" in note and "a.tif" not in note for note in notes)
    assert "not looked for: line" in notes
    assert list(made.fields[0].objects["Class"]) == ["loop", "loop"]
    assert math.isnan(made.fields[0].covered["all"])
    assert looked_for(grouped(shots[:1], ())[0], ("loop", "void"))[1] == ("loop", "void")
    apart = [Shot(one, None, frozenset(("void",))), Shot(none, None, frozenset(("loop",)))]
    with pytest.raises(BadValue, match=r"void not looked for in b\.tif"):
        looked_for(grouped(apart, ())[0], ("loop", "void"))


def square(folder: Path, name: str, shapes: list[Shape], names: list[str], picture: np.ndarray | None = None) -> None:
    """An image of 200 x 200 px and its annotations, in ``rois`` and ``images`` of a folder."""
    for part in ("rois", "images"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    found = Instances.of(shapes, class_name=np.array(names, object)) if shapes else Instances.concatenate([])
    roiset.write(folder / "rois" / f"{name}_RoiSet.zip", found)
    shown = np.zeros((SIDE, SIDE), np.uint8) if picture is None else picture
    cv2.imwrite(str(folder / "images" / f"{name}.png"), shown)


def annotated(folder: Path, **parameters: object) -> dict:
    """The summary of :func:`square`'s images, 1 nm per pixel unless something else is said."""
    given = {"results": [folder / "rois"], "images": folder / "images", "output": folder / "out", "pixel_size": "1"}
    return commands.run("summarise", given | parameters)


def area_of(made: dict, name: str) -> float:
    """The analysed area in nm² that a density was made of."""
    density = value(made["quantities"], "all images", name, "number density")
    return value(made["quantities"], "all images", name, "number density", "Objects") / density * 1e18


def notes(made: dict) -> str:
    return "\n".join(made["notes"]["Note"])


def test_regions_to_be_ignored_are_no_analysed_area(tmp_path: Path) -> None:
    half = Shape(RoiType.RECT, params=(100, 0, 100, 200))
    square(tmp_path, "a", [*(disc(30, 30 + 30 * k, 10) for k in range(5)), half], ["p"] * 5 + ["ignore"])
    made = annotated(tmp_path)
    assert area_of(made, "p") == pytest.approx(100 * 200)
    assert "1 region marked ignore" in notes(made)


def test_the_info_bar_of_a_known_image_is_no_analysed_area(tmp_path: Path) -> None:
    picture = np.clip(np.random.default_rng(0).normal(120, 20, (460, 512)), 0, 255).astype(np.uint8)
    bar = np.zeros((52, 512), np.uint8)
    cv2.putText(bar, "HV 5 kV  mag 100 kx  WD 4 mm  500 nm", (5, 34), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 255, 2)
    square(tmp_path, "a", [disc(100 + 80 * k, 200, 20) for k in range(5)], ["p"] * 5, np.vstack([picture, bar]))
    made = annotated(tmp_path)
    assert area_of(made, "p") == pytest.approx(460 * 512, rel=0.01)
    assert "info bar" in notes(made)
    assert area_of(annotated(tmp_path, area="whole", output=tmp_path / "whole"), "p") == pytest.approx(512 * 512)


def predicted(folder: Path, images: dict[str, dict[str, int]], *, planned: int | None = None, failed: int = 0) -> Path:
    """A result folder as a model leaves it: image → class → number of objects; 1 nm per pixel."""
    folder.mkdir(parents=True)
    entries = []
    for number, (image, counts) in enumerate(images.items()):
        names = [name for name, count in counts.items() for _ in range(count)]
        shapes = [disc(20 + 15 * (k % 11), 20 + 15 * (k // 11), 8) for k in range(len(names))]
        found = Instances.of(shapes, class_name=np.array(names, object)) if shapes else Instances.concatenate([])
        roiset.write(folder / f"{number}_RoiSet.zip", found)
        cv2.imwrite(str(folder / f"{number}_labels.tif"), np.zeros((SIDE, SIDE), np.uint8))
        summary = [
            {"Slice": Path(image).name, "Class": name, "Count": count, "Pixel Width": 1.0, "Pixel Height": 1.0,
             "Unit": "nm", "Analysed Area": float(SIDE**2)} for name, count in counts.items()
        ]  # fmt: skip
        files = {"rois": f"{number}_RoiSet.zip", "labels": f"{number}_labels.tif"}
        entries.append({"image": image, "files": files, "prediction": {}, "summary": summary})
    names = [*images, *(f"later{k}.tif" for k in range((planned or len(images)) - len(images)))]
    run = {"format": 1, "command": "predict", "images": entries, "planned": [{"image": name} for name in names]}
    run["failures"] = [{"image": f"later{k}.tif", "code": "unreadable", "message": "no"} for k in range(failed)]
    (folder / "run.json").write_text(json.dumps(run))
    return folder


def test_what_a_model_did_not_look_for_has_no_row_and_no_difference(tmp_path: Path) -> None:
    one = predicted(tmp_path / "one", {"a.tif": {"loop": 5, "void": 3}, "b.tif": {"loop": 7, "void": 2}})
    other = predicted(tmp_path / "other", {"c.tif": {"loop": 6}, "d.tif": {"loop": 9}})
    (tmp_path / "s.csv").write_text("image,material\na,x\nb,x\nc,y\nd,y\n")
    given = {"results": [one, other], "sheet": tmp_path / "s.csv", "output": tmp_path / "out", "group_by": ["material"]}
    made = commands.run("summarise", given)
    table, images, differences = (made[kind] for kind in ("quantities", "images", "differences"))
    assert set(table["Class"][table["Group"] == "x"]) == {"loop", "void", "all"}
    assert set(table["Class"][table["Group"] == "y"]) == {"loop"}
    assert set(images["Class"][images["Image"] == "c.tif"]) == {"loop"}
    assert set(differences["Class"]) == {"loop"}
    assert "not looked for: void" in notes(made)
    mixed = commands.run("summarise", given | {"group_by": [], "output": tmp_path / "mixed"})
    assert set(mixed["quantities"]["Class"]) == {"loop"}
    assert value(mixed["quantities"], "all images", "loop", "number density") == pytest.approx(
        27 / (4 * (SIDE * 1e-9) ** 2)
    )
    assert "void was not looked for in c.tif, d.tif" in notes(mixed)


def test_sources_are_told_apart(tmp_path: Path) -> None:
    images = {"a.tif": {"loop": 5}, "d1/b.tif": {"loop": 3}, "d2/b.tif": {"loop": 4}}
    one = predicted(tmp_path / "1" / "run", images)
    other = predicted(tmp_path / "2" / "run", {"a.tif": {"loop": 6}})
    twice = commands.run("summarise", {"results": [one, one / ".." / "run"], "output": tmp_path / "out"})
    assert list(twice["images"]["Image"]) == ["a.tif", "d1/b.tif", "d2/b.tif"]
    assert "counted once" in notes(twice)
    both = commands.run("summarise", {"results": [one, other], "output": tmp_path / "both"})
    assert list(both["images"]["Image"]) == ["1/run/a.tif", "d1/b.tif", "d2/b.tif", "2/run/a.tif"]
    assert "different images: a.tif" in notes(both)


def test_films_of_one_name_are_different_places() -> None:
    from temj.workflows.summarise_groups import Shot, grouped
    from temj.workflows.summarise_study import with_stacks

    names = ("film.tif:1", "film.tif:2")
    fields = [field(name, Instances.concatenate([]), (10, 10), Calibration(1, 1, "nm")) for name in names]
    shots = [shot for source in ("d1", "d2") for shot in with_stacks([Shot(one, source=source) for one in fields])]
    (group,) = grouped(shots, ())
    assert [(shot.source, shot.field.image) for shot in group.shots] == [("d1", "film.tif:1"), ("d2", "film.tif:1")]
    within = [field(f"{folder}/{name}", Instances.concatenate([]), (10, 10), Calibration(1, 1, "nm"))
              for folder in ("d1", "d2") for name in names]  # fmt: skip
    (group,) = grouped(with_stacks([Shot(one) for one in within]), ())
    assert [shot.field.image for shot in group.shots] == ["d1/film.tif:1", "d2/film.tif:1"]


def test_files_that_no_summary_wrote_are_never_replaced(study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "Groups.csv").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(Refused, match=r"Groups\.csv"):
            summarise(study, folder, overwrite=overwrite)
    assert [path.name for path in folder.iterdir()] == ["Groups.csv"]
    (folder / "Groups.csv").unlink()
    summarise(study, folder)
    (folder / "Summary.xlsx").write_text("mine")  # the earlier summary has none
    with pytest.raises(Refused, match=r"Summary\.xlsx"):
        summarise(study, folder, overwrite=True)
    assert (folder / "Summary.xlsx").read_text() == "mine"


def test_a_summary_that_was_interrupted_may_be_replaced(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from temj import storage

    with monkeypatch.context() as patch:
        write = storage.write_bytes
        patch.setattr(
            storage,
            "write_bytes",
            lambda path, data, **more: 1 / 0 if path.name == "Sizes.csv" else write(path, data, **more),
        )
        with pytest.raises(ZeroDivisionError):
            summarise(study, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "run.json").read_text())["state"] == "unfinished"
    summarise(study, tmp_path / "out", overwrite=True)
    assert json.loads((tmp_path / "out" / "run.json").read_text())["state"] == "done"


@pytest.mark.parametrize("surface", ["results", "folder"])
def test_the_lines_of_run_json_repeat_it(study: Path, tmp_path: Path, surface: str) -> None:
    from temj import cli
    from temj.commands.options import read_options

    given = {surface: [study / "rois"] if surface == "results" else study / "rois"}
    made = {"images": study / "images", "pixel_size": "0.5", "sheet": study / "study.csv", "output": tmp_path / "out",
            "group_by": ["dose", "material"], "kinds": ["void=cavity", "loop=loop:a/2<111>"]}  # fmt: skip
    commands.run("summarise", given | made)
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir() if path.name != "run.json"}
    assert cli.main([*shlex.split(run["command_line"])[1:], "--overwrite"]) == 0
    assert before == {name: (tmp_path / "out" / name).read_bytes() for name in before}
    options = read_options(run["macro_line"].partition(', "')[2].removesuffix('");'))
    assert options["folder"] == str(study / "rois")
    commands.run("summarise", {**options, "overwrite": True})
    assert before == {name: (tmp_path / "out" / name).read_bytes() for name in before}


def test_several_results_have_no_macro_line(tmp_path: Path) -> None:
    runs = [predicted(tmp_path / name, {f"{name}.tif": {"loop": 5}}) for name in "ab"]
    commands.run("summarise", {"results": runs, "output": tmp_path / "out"})
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert "macro_line" not in run
    assert all(str(one) in run["command_line"] for one in runs)


@pytest.mark.parametrize("parameters", [{"kinds": ["voids=cavity"]}, {"hardening": ["voids=1"], "material": "Fe"}])
def test_an_unknown_class_is_named_with_the_known_ones(study: Path, tmp_path: Path, parameters: dict) -> None:
    with pytest.raises(BadValue, match=r"(?s)loop, void.*voids|void, loop.*voids"):
        summarise(study, tmp_path / "out", **parameters)
    assert not (tmp_path / "out").exists()


def test_what_is_not_used_is_said(study: Path, tmp_path: Path) -> None:
    made = summarise(study, tmp_path / "out", thickness_error=5.0, thickness_method="EELS", denuded=3.0, g="110")
    for name in ("thickness_error", "thickness_method", "denuded", "g"):
        assert f"{name} is not used" in notes(made)
    used = summarise(study, tmp_path / "used", thickness=100.0, thickness_error=5.0, thickness_rule="foil-denuded",
                     denuded=3.0, g="110", kinds=["loop=loop:a/2<111>"])  # fmt: skip
    assert "not used" not in notes(used)


def given_sheet(study: Path, folder: Path, *lines: str) -> Path:
    (folder / "sheet.csv").write_text("\n".join(["image,thickness_nm,g", *lines]))
    return folder / "sheet.csv"


def test_thickness_0_and_a_strange_g_are_not_known(study: Path, tmp_path: Path) -> None:
    sheet = given_sheet(study, tmp_path, *(f"{name}.png,{0 if name == 'b' else 80},abc" for name in "abcdef"))
    made = summarise(study, tmp_path / "out", sheet=sheet, kinds=["loop=loop:a/2<111>", "void=cavity"])
    told = notes(made)
    assert "sheet.csv: thickness_nm is 0, taken as not known: b.png" in told
    assert "nothing per volume: no thickness of b.png" in told
    assert "'abc' of a.png" in told
    names = set(made["quantities"]["Quantity"])
    assert not any("volume" in name or "visibility" in name for name in names)


def test_lines_without_a_result_and_unfinished_runs_are_told(tmp_path: Path) -> None:
    run = predicted(tmp_path / "run", {"a.tif": {"loop": 5}}, planned=4, failed=1)
    (tmp_path / "s.csv").write_text("image,sample\na.tif,A\nz.tif,Z\n")
    made = commands.run("summarise", {"results": [run], "output": tmp_path / "out", "sheet": tmp_path / "s.csv"})
    assert "1 line of the sample sheet without a result: z.tif" in notes(made)
    assert "nothing of 2 images: later1.tif, later2.tif" in notes(made)
    assert "1 image failed, or were predicted in part: later0.tif" in notes(made)


def test_a_point_in_a_name_belongs_to_the_name(tmp_path: Path) -> None:
    run = predicted(tmp_path / "run", {"A_0.5dpa": {"loop": 5}, "A_0.1dpa.tif": {"loop": 7}})
    (tmp_path / "s.csv").write_text("image,material\nA_0.5dpa.tif,x\nA_0.1dpa.tif,y\n")
    made = commands.run("summarise", {
        "results": [run], "output": tmp_path / "out", "sheet": tmp_path / "s.csv", "group_by": ["material"],
    })  # fmt: skip
    table = made["quantities"]
    assert [value(table, name, "loop", "number density", "Objects") for name in "xy"] == [5, 7]


def test_a_sheet_of_other_images_is_told_with_names_of_both(study: Path, tmp_path: Path) -> None:
    sheet = given_sheet(study, tmp_path, "x_001.png,80,", "x_002.png,80,")
    with pytest.raises(BadDataset, match=r"(?s)a.*b.*c.*x_001\.png, x_002\.png"):
        summarise(study, tmp_path / "out", sheet=sheet)


def test_lines_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    run = predicted(tmp_path / "run", {"d1/b.tif": {"loop": 3}, "d2/b.tif": {"loop": 4}})
    (tmp_path / "s.csv").write_text("image,material\nstudy/d2/b.tif,x\nstudy/d1/b.tif,y\n")
    made = commands.run("summarise", {
        "results": [run], "output": tmp_path / "out", "sheet": tmp_path / "s.csv", "group_by": ["material"],
    })  # fmt: skip
    assert [value(made["quantities"], name, "loop", "number density", "Objects") for name in "xy"] == [4, 3]


def test_no_cell_is_a_formula_and_numbers_have_6_digits() -> None:
    from temj.data import Column, Table
    from temj.data.table_text import to_csv
    from temj.workflows.summarise_outputs import origin_csv

    numbers = np.array([0.00123456789, 1.23456789e14, -2.0, math.nan, 1.23456789e-9])
    table = Table((Column("=Name", np.array(["=1+1", "+2", "-3", "@x", "plain"], object)), Column("n (m)", numbers)))
    names, _units, _comments, *body = csv.reader(origin_csv(table).splitlines())
    assert names == ["'=Name", "n"]
    assert [row[0] for row in body] == ["'=1+1", "'+2", "'-3", "'@x", "plain"]
    assert body[2][1] == "-2"
    cells = [line.split(",") for line in to_csv(table, digits=6).splitlines()]
    assert [row[2] for row in cells[1:]] == ["0.00123457", "1.23457E14", "-2", "NaN", "1.23457E-9"]
    assert cells[1][1] == "'=1+1"


def test_the_workbook_has_the_same_bytes_again(study: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        summarise(study, tmp_path / name, excel=True)
    assert (tmp_path / "one" / "Summary.xlsx").read_bytes() == (tmp_path / "two" / "Summary.xlsx").read_bytes()
    with zipfile.ZipFile(tmp_path / "one" / "Summary.xlsx") as book:
        assert b"2000-01-01T00:00:00Z" in book.read("docProps/core.xml")


def test_images_say_which_are_left_out(made: tuple[dict, Path]) -> None:
    told = {row["Image"]: row["Note"] for row in rows(made[1] / "Images.csv")}
    assert [name for name, note in told.items() if note] == [next(name for name in told if name.startswith("e"))]
    assert any("left out: the place of d" in note for note in told.values())


def test_lines_are_measured_along_their_skeletons_unasked(study: Path, tmp_path: Path) -> None:
    found = summarise(study, tmp_path / "out", kinds=["loop=line"], thickness=100.0)["quantities"]
    assert value(found, "all images", "loop", "dislocation line density") > 1e12


def test_a_barrier_is_no_stronger_than_impenetrable(study: Path, tmp_path: Path) -> None:
    with pytest.raises(BadValue, match="from 0 to 1"):
        summarise(study, tmp_path / "out", material="Fe", hardening=["loop=33"])
