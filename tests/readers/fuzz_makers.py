"""Run by the tests of the makers' formats in a process of its own with limits: opens damaged files, tells outcomes.

``fuzz_makers.py FOLDER COUNT SEED``: FOLDER holds whole files; ``log.txt`` in it gets a line before each case (so that
the case of a crash is known), ``outcomes.json`` what came of all.
"""

import importlib.util
import json
import re
import resource
import sys
import time
import warnings
from collections import Counter
from pathlib import Path

from temj import readers
from temj.errors import BadImage, ResourceError

MEMORY, CPU_SECONDS = 6 << 30, 1800

_spec = importlib.util.spec_from_file_location("mutations", Path(__file__).parents[1] / "mutations.py")
_mutations = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_mutations)


def outcome(path: Path, pixels: int, partial: bool) -> str:
    """What became of one damaged file of ``pixels`` pixels: "read", the code of our error, or what must not be."""
    try:
        film = readers.open_film(path, allow_partial=partial)
        found, notes = 0, set()
        for micrograph in film:
            found += micrograph.pixels.size
            notes.update(micrograph.metadata["notes"])
    except (BadImage, ResourceError) as error:
        return error.code if str(path) in error.message else f"FAULT no path in: {error.message}"
    except Exception as error:
        return f"FAULT {type(error).__name__}: {error}"
    if film.partial is not None:
        there, announced = film.partial
        told = any(note.startswith("partial") for note in notes)
        return "partial" if partial and told and there == len(film) < announced else f"FAULT partial {film.partial}"
    announced_less = any("than the" in note and "that it announces" in note for note in notes)
    planned = any("were planned" in note for note in notes)
    return "read" if found == pixels or announced_less or planned else f"FAULT {found} pixels of {pixels}: {notes}"


def main(folder: Path, count: int, seed: int) -> None:
    """All cases, whole files in turn."""
    warnings.simplefilter("error")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    whole = sorted(path for path in folder.iterdir() if path.suffix in readers.READERS)
    outcomes: Counter = Counter()
    faults, slowest = [], 0.0
    with (folder / "log.txt").open("w") as log:
        for number, source in enumerate(whole):
            pixels = sum(micrograph.pixels.size for micrograph in readers.open_film(source))
            share = count // len(whole) + (number < count % len(whole))
            target = folder / f"case{source.suffix}"
            for index, data in enumerate(_mutations.mutations(source.read_bytes(), seed + number, share)):
                log.write(f"{source.name} {index}\n")
                log.flush()
                target.write_bytes(data)
                start = time.perf_counter()
                told = outcome(target, pixels, partial=index % 4 == 3)
                slowest = max(slowest, time.perf_counter() - start)
                outcomes[told.split(" ")[0]] += 1
                if told.startswith("FAULT"):
                    faults.append(f"{source.name} {index}: {told}")
                    (folder / f"fault_{len(faults)}_{source.name}.bin").write_bytes(data)
            target.unlink()
    # not ru_maxrss, in which Linux counts the parent that this process was forked from
    peak = int(re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[1]) * 1024
    told = {"outcomes": outcomes, "faults": faults, "slowest": slowest, "peak": peak}
    (folder / "outcomes.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
