"""Ctrl-C and SIGTERM reach Python although Java runs: prints READY, waits for one, and says what came of it.

Argument: ``default`` (Python's own handlers) or ``handler`` (handlers that were set before Java started).
"""

import signal
import sys
import time

from temj import imagej as tij

got = []
if sys.argv[1] == "handler":
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: got.append(number))
ij = tij.start(headless=True)
ij.IJ.run(ij.IJ.createImage("x", "8-bit ramp", 64, 64, 1), "Gaussian Blur...", "sigma=2")
print("READY", flush=True)
try:
    end = time.monotonic() + 30
    while not got and time.monotonic() < end:
        time.sleep(0.05)
except KeyboardInterrupt:
    got.append("KeyboardInterrupt")
finally:
    print("GOT", *got, flush=True)
