"""``TEMJ Summarise...`` in the embedded ImageJ without windows."""

import sys
from pathlib import Path

import common

from temj import imagej as tij

folder = Path(sys.argv[1])
tij.start(headless=True)
line = (
    f"folder=[{folder}/rois] output=[{folder}/macro] images=[{folder}/images] pixel_size=0.5 "
    f"sheet=[{folder}/study.csv] group_by=dose kinds=void=cavity thickness=100 thickness_error=10"
)


def macro(options):
    return common.attempt(lambda: tij.run_macro(f'run("TEMJ Summarise...", "{options}"); return "survived";'))


facts = {
    "macro": macro(line),
    "again": macro(line),
    "nothing": macro(f"output=[{folder}/nowhere]"),
    "wrong": macro(line.replace("void=cavity", "void=hole").replace("/macro]", "/wrong]")),
}
common.tell(facts)
