"""ImagePlus, Rois and ResultsTable against Micrograph, Instances and Table; measuring against ImageJ's Analyzer."""

import sys
from pathlib import Path

import common
import jpype
import numpy as np

from temj import imagej as tij
from temj.data import Calibration, Column, Micrograph, Table
from temj.data.table_text import to_csv
from temj.imagej import pixels, rois, tables
from temj.imagej.java import J
from temj.imagej.show import in_shown_groups
from temj.workflows.measure import measure

folder = sys.argv[1]
ij = tij.start(headless=True)
facts = {}
rng = np.random.default_rng(1)

# pixels there and back
back = []
for dtype, top in ((np.uint8, 255), (np.uint16, 65535), (np.float32, 1)):
    values = (rng.random((7, 9)) * top).astype(dtype)
    given = Micrograph(values, Calibration(0.390625123456789, 0.41, "nm", 2.0, 3.0), "a b.tif")
    got = pixels.to_micrograph(pixels.to_image(given))
    same = got.pixels.dtype == dtype and np.array_equal(got.pixels, values)
    back.append([bool(same), [got.calibration.width, got.calibration.height, got.calibration.unit], got.name])
    back[-1].append([got.calibration.x_origin, got.calibration.y_origin])
facts["pixels"] = back


def seen(image):
    got = pixels.to_micrograph(image)
    return {
        "dtype": got.pixels.dtype.name,
        "first": [float(v) for v in got.pixels[0, :4]],
        "notes": got.metadata.get("notes", []),
        "scale": [got.calibration.width, got.calibration.height, got.calibration.unit],
        "position": got.position,
        "label": got.slice_label,
    }


def image(kind):
    made = ij.IJ.createImage("i.tif", kind, 4, 1, 1)
    for x, value in enumerate((0, 10, 20, 200)):
        made.getProcessor().set(x, 0, value)
    return made


signed = image("16-bit black")
signed.getCalibration().setSigned16BitCalibration()
facts["signed"] = seen(signed)
colour = image("RGB black")
for x, value in enumerate((0x0A141E, 0xFFFFFF, 0x010101, 0x000001)):
    colour.getProcessor().set(x, 0, value)
facts["colour"] = seen(colour)
density = image("8-bit black")
density.getCalibration().setFunction(0, jpype.JArray(jpype.JDouble)([1.0, 2.0]), "OD")
facts["density"] = seen(density)
for unit in ("micron", "um", "µm", "inch", "1/nm", "pixel"):
    scaled = image("8-bit black")
    scaled.getCalibration().pixelWidth = scaled.getCalibration().pixelHeight = 0.5
    scaled.getCalibration().setUnit(unit)
    facts[f"unit {unit}"] = seen(scaled)
mixed = image("8-bit black")
mixed.getCalibration().pixelWidth, mixed.getCalibration().pixelHeight = 0.5, 0.0005
mixed.getCalibration().setUnit("nm")
mixed.getCalibration().setYUnit("um")
mixed.getCalibration().setInvertY(True)
facts["mixed"] = seen(mixed)

# rois there and back
J.Roi.setGroupName(7, "voids")
made = [
    J.Roi(1, 2, 30, 40),
    jpype.JClass("ij.gui.OvalRoi")(5.5, 6.5, 20.25, 30.75),
    jpype.JClass("ij.gui.EllipseRoi")(10.5, 20.25, 60.5, 50.75, 0.6),
    jpype.JClass("ij.gui.RotatedRectRoi")(10, 10, 80, 40, 12.5),
    jpype.JClass("ij.gui.ShapeRoi")(J.Roi(0, 0, 50, 50)).not_(
        jpype.JClass("ij.gui.ShapeRoi")(jpype.JClass("ij.gui.OvalRoi")(10, 10, 20, 20))
    ),
    jpype.JClass("ij.gui.PointRoi")(3.5, 4.5),
    jpype.JClass("ij.gui.Line")(1.5, 2.5, 30.0, 40.0),
]
for number, roi in enumerate(made):
    roi.setName(f"crack-{number:04d}" if number % 2 else f"r{number}")
made[0].setGroup(7)
made[2].setProperty("class", "loop")
made[2].setGroup(7)
made[2].setProperty("score", "0.25")
made[2].setProperty("track", "5")
made[3].setPosition(2, 3, 4)
stack = ij.IJ.createHyperStack("h.tif", 64, 64, 2, 3, 4, 8)
first = rois.from_rois(made, stack)
facts["rois"] = common.instance_facts(first)
again = rois.to_rois(first, stack)
ruled = first.with_columns(info={"diameter": {"loop": "major", "crack": "geometric", "void": "major"}})
with_rules = rois.to_rois(ruled, stack)
facts["rules"] = [str(roi.getProperty("diameter")) for roi in with_rules]
facts["rules back"] = dict(rois.from_rois(with_rules, stack).info)
facts["no rules back"] = dict(rois.from_rois(again, stack).info)
facts["rois again"] = common.instance_facts(rois.from_rois(again, stack))
facts["java"] = [str(roi.getClass().getSimpleName()) for roi in again]
facts["text roi"] = common.attempt(lambda: len(rois.from_rois([jpype.JClass("ij.gui.TextRoi")(1, 2, "hello")])))
facts["group list"] = str(J.Roi.getGroupNames())
J.Roi.setGroupNames(",".join(f"g{k}" for k in range(255)))
facts["groups full"] = rois.groups_of(["loop", "g3", "", "a,b"])
J.Roi.setGroupNames("a,,c")
facts["groups gap"] = rois.groups_of(["loop", "c", "void"])
numbered = Table((Column("Class", np.array(["void", "", "loop"], object)), Column("Group", [1, 5, 2])))
facts["groups of rows"] = in_shown_groups(numbered)["Group"].tolist()
facts["groups gap list"] = str(J.Roi.getGroupNames())

# tables there and back, and as CSV
measured = ij.IJ.openImage(sys.argv[2])
scale = measured.getCalibration()
scale.pixelWidth = scale.pixelHeight = 0.390625
scale.setUnit("nm")
areas = [roi for roi in made if roi.isArea()]
for number, roi in enumerate(areas):
    roi.setPosition(0)
    roi.setGroup(0)
    roi.setName(f"loop-{number + 1:04d}")
    roi.setProperty("class", "loop")
results = tij.measure(measured, areas)
results.save(f"{folder}/java.csv")
micrograph = pixels.to_micrograph(measured)
table = measure(micrograph, rois.from_rois(areas, measured))
facts["headings"] = [str(heading) for heading in results.getHeadings()]
facts["csv"] = [Path(folder, "java.csv").read_text(), to_csv(table)]
facts["table back"] = to_csv(tables.from_results(results)) == to_csv(table)
given = (areas[0], J.Overlay(areas[0]), tuple(areas))
found = rois.from_rois(areas, measured).with_columns(info={"diameter": {"loop": "major"}})
facts["ruled diameters"] = [
    list(tij.measure(measured, rois.to_rois(found, measured)).getColumn("Diameter")),
    measure(micrograph, found, "major")["Diameter"].tolist(),
    table["Diameter"].tolist(),
]
facts["kinds of measure"] = [tij.measure(measured, one).size() for one in given]
empty = tables.to_results(table.take(np.arange(0)))
facts["empty"] = [empty.size()]
odd = Table((Column("Label", np.array(["a", "b"], object)), Column("Area", [1.5, np.nan]), Column("N", [1, 2])))
facts["odd"] = [str(tables.to_results(odd).getRowAsString(row)) for row in range(2)]


# rows for the user's Results are those of ImageJ's own Measure
def ours_and_theirs(options):
    ij.IJ.run("Set Measurements...", f"{options} redirect=None")
    J.Analyzer.getResultsTable().reset()
    tables.append(table, micrograph)
    live = J.ResultsTable.getResultsTable()
    ours = [[str(h) for h in live.getHeadings()], [str(live.getRowAsString(row)) for row in range(live.size())]]
    J.Analyzer.getResultsTable().reset()
    ij.IJ.run(measured, "Select None", "")
    for roi in areas:
        measured.setRoi(roi)
        J.Analyzer(measured).measure()
    theirs = [[str(h) for h in live.getHeadings()], [str(live.getRowAsString(row)) for row in range(live.size())]]
    measured.deleteRoi()
    return [ours, theirs]


everything = "area mean standard modal min centroid center perimeter bounding fit shape feret's integrated median"
facts["append"] = {
    "all": ours_and_theirs(f"{everything} skewness kurtosis area_fraction display decimal=3"),
    "few": ours_and_theirs("mean min fit decimal=6"),
    "inverted": ours_and_theirs("centroid center bounding feret's invert decimal=3"),
    "scientific": ours_and_theirs("area mean shape scientific decimal=4"),
}
common.tell(facts)
