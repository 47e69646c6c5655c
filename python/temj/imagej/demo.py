"""``make demo``: a real micrograph in ImageJ, its dislocation loops found, measured and shown."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from temj import resources
from temj.commands.options import macro_string, write_options
from temj.errors import TemjError
from temj.imagej.java import J
from temj.imagej.session import start

MICROGRAPH = "316L_loops.tif"
OUTPUT = Path("demo-output")


def demo() -> int:
    """Run the demo in a window where there is a display; gives the exit code."""
    window = os.name == "nt" or bool(os.environ.get("DISPLAY"))
    image = resources.folder("samples") / MICROGRAPH
    began = time.monotonic()
    print(f"Starting ImageJ {'in a window' if window else '(no display: headless)'} ...", flush=True)
    imagej = start(headless=not window)
    print(f"Opening {image.name}: irradiated 316L steel, bright-field TEM, 0.39 nm/px.", flush=True)
    imp = imagej.IJ.openImage(str(image))
    if window:
        imp.show()
    print("Finding dislocation loops with the model 'loops' (TEMJ Predict...).", flush=True)
    options = write_options({"model": "loops", "ellipses": True, "output": OUTPUT.absolute(), "overwrite": True})
    imagej.run(imp, "TEMJ Predict...", options)
    if window:  # headless ImageJ has printed its log already
        print(imagej.IJ.getLog())
    line = f"run({macro_string('TEMJ Predict...')}, {macro_string(options)});"
    print(f"Done in {time.monotonic() - began:.0f} s. The line of a macro that does it again:\n  {line}")
    if window and sys.stdin.isatty():
        print("\nImageJ stays open: look at the overlay, the ROI Manager, Results and Summary. Close it to end.")
        while J.IJ.getInstance() is not None:
            time.sleep(0.2)
    return 0


def main() -> int:
    """Run the demo; an error is a sentence."""
    try:
        return demo()
    except TemjError as error:
        print(error.message, file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
