"""Run by test_imagej_thresholds.py in a process of its own: the levels that the real ImageJ gives for histograms."""

import importlib.util
import json
import sys
from pathlib import Path

import jpype

_spec = importlib.util.spec_from_file_location("plain_imagej", Path(__file__).parents[2] / "plain_imagej.py")
plain_imagej = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(plain_imagej)


def main(given: Path, seen: Path) -> None:
    plain_imagej.start()
    thresholder = jpype.JClass("ij.process.AutoThresholder")
    names = [str(name) for name in thresholder.getMethods()]
    ints = jpype.JArray(jpype.JInt)
    levels: dict[str, list[int | None]] = {name: [] for name in names}
    for histogram in json.loads(given.read_text()):
        for name in names:
            try:
                level = int(thresholder().getThreshold(name, ints(histogram)))
            except jpype.JException:
                level = None
            levels[name].append(level)
    seen.write_text(json.dumps(levels))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
