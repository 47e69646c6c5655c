"""``TEMJ Merge Annotators...`` in the embedded ImageJ without windows, and what ImageJ makes of its files."""

import sys
import zipfile
from pathlib import Path

import common
import jpype

from temj import imagej as tij
from temj.imagej.java import J

folder = Path(sys.argv[1])
ij = tij.start(headless=True)
facts = {}
NEW = 'newImage("m.tif", "8-bit", 200, 200, 1); '


def macro(text):
    return common.attempt(lambda: tij.run_macro(text))


def overlay_of(options):
    image = ij.IJ.createImage("m.tif", "8-bit", 200, 200, 1)
    ij.IJ.run(image, "TEMJ Merge Annotators...", options)
    return [common.roi_facts(roi) for roi in image.getOverlay().toArray()]


two = f"first_annotator=[{folder}/anna.zip] second_annotator=[{folder}/ben.zip]"
facts["macro"] = macro(f'{NEW}run("TEMJ Merge Annotators...", "{two} output=[{folder}/out]"); return ""+Overlay.size;')
facts["again"] = macro(f'{NEW}run("TEMJ Merge Annotators...", "{two} output=[{folder}/out]"); return "survived";')
facts["overlay"] = overlay_of(two)
facts["ignored"] = overlay_of(f"{two} undecided=ignore")
facts["folder"] = overlay_of(f"folder_of_sets=[{folder}] votes=2")
facts["one"] = macro(f'{NEW}run("TEMJ Merge Annotators...", "first_annotator=[{folder}/anna.zip]"); return "survived";')

# a person edits the questions: one is renamed, one deleted, one stays; ImageJ writes them
path = folder / "out" / "undecided" / "m_undecided_RoiSet.zip"
with zipfile.ZipFile(path) as archive:
    found = [
        J.RoiDecoder.openFromByteArray(jpype.JArray(jpype.JByte)(archive.read(name))) for name in archive.namelist()
    ]
facts["asked"] = [common.roi_facts(roi) for roi in found]
found[0].setName("void-0001")
with zipfile.ZipFile(path, "w") as archive:
    for roi in (found[0], found[2]):
        archive.writestr(f"{roi.getName()}.roi", bytes(J.RoiEncoder.saveAsByteArray(roi)))
common.tell(facts)
