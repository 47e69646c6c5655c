"""Run by test_fuzz_tiff.py in a process of its own with limits: opens damaged images and says what became of each.

``fuzz_images.py FOLDER COUNT SEED``: FOLDER holds the whole files; ``log.txt`` in it gets a line before each case (so
that the case of a crash is known), ``outcomes.json`` what came of all.
"""

import importlib.util
import io
import json
import re
import resource
import sys
import time
import warnings
from collections import Counter
from pathlib import Path

import tifffile

from temj import readers
from temj.errors import BadImage, ResourceError
from temj.readers.tiff_overlay import tiff_overlay

MEMORY, CPU_SECONDS = 6 << 30, 900

_spec = importlib.util.spec_from_file_location("mutations", Path(__file__).parents[1] / "mutations.py")
_mutations = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_mutations)


def announced_pages(data: bytes) -> int:
    """Directories that the chain of a TIFF names, those outside the file included."""
    order, big = ("little" if data[:2] == b"II" else "big"), data[2:4] in (b"+\0", b"\0+")
    count_size, entry, size, at = (8, 20, 8, 8) if big else (2, 12, 4, 4)
    pages: list[int] = []
    while at + size <= len(data):
        offset = int.from_bytes(data[at : at + size], order)
        if not offset:
            return len(pages)
        pages.append(offset)
        tags = int.from_bytes(data[offset : offset + count_size], order)
        if offset in pages[:-1] or not tags or offset + count_size > len(data):
            return len(pages)
        at = offset + count_size + entry * tags
    return len(pages)


def declared(data: bytes) -> int:
    """How many planes a TIFF announces, by tifffile and its chain of pages; 1 where neither can say."""
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as tif:
            text = tif.pages[0].description or ""
            if tif.is_stk and not text.startswith("ImageJ"):
                return tif.stk_metadata["NumberPlanes"]
            if text.startswith("ImageJ"):
                found = re.search(r"^images=(\d+)\s*$", text.split("\0")[0], re.MULTILINE)
                return int(found[1]) if found else 1
            if tif.is_ome:
                sizes = [re.search(rf'Size{axis}="(\d+)"', text) for axis in "ZCT"]
                return max(1, int(sizes[0][1]) * int(sizes[1][1]) * int(sizes[2][1]))
            return announced_pages(data)
    except Exception:
        return 1


def left_out(notes: set[str], data: bytes) -> int:
    """How many pages the notes say are left out, of those that tifffile itself sees a mark on.

    The files of the test have neither pyramids nor thumbnails of makers, which have no mark.
    """
    found = [re.match(r"(\d+) pages? that (?:is|are) .*left out: page (.*)", note) for note in notes]
    named = sum(int(match[1]) for match in found if match)
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as tif:
            marked = sum(page.is_reduced or page.is_mask for page in map(tif.pages.get, range(len(tif.pages))))
    except Exception:
        return 0
    return named if named <= marked else 0


def outcome(path: Path, data: bytes, partial: bool) -> str:
    """What became of one damaged file: "read", the code of our error, or what must not be."""
    try:
        film = readers.open_film(path, allow_partial=partial)
        notes = set()
        for micrograph in film:
            notes.update(micrograph.metadata["notes"])
            json.dumps(dict(micrograph.metadata), allow_nan=False)
        if path.suffix == ".tif":
            tiff_overlay(path)
    except (BadImage, ResourceError) as error:
        return error.code if str(path) in error.message else f"FAULT no path in: {error.message}"
    except Exception as error:
        return f"FAULT {type(error).__name__}: {error}"
    if path.suffix == ".tif" and film.partial is None:
        missing, said = declared(data) - len(film), left_out(notes, data)
        if missing > said:
            return f"FAULT {missing} planes of {declared(data)} are missing, notes tell of {said}: {sorted(notes)}"
    if film.partial is not None and not any(note.startswith("partial") for note in notes):
        return "FAULT partial without a note"
    return "read"


def main(folder: Path, count: int, seed: int) -> None:
    """All cases, whole files in turn."""
    warnings.simplefilter("error")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    whole = sorted(path for path in folder.iterdir() if path.suffix in (".tif", ".png", ".jpg"))
    outcomes: Counter = Counter()
    faults, slowest = [], 0.0
    with (folder / "log.txt").open("w") as log:
        for number, source in enumerate(whole):
            share = count // len(whole) + (number < count % len(whole))
            target = folder / f"case{source.suffix}"
            for index, data in enumerate(_mutations.mutations(source.read_bytes(), seed + number, share)):
                log.write(f"{source.name} {index}\n")
                log.flush()
                target.write_bytes(data)
                start = time.perf_counter()
                told = outcome(target, data, partial=index % 4 == 3)
                slowest = max(slowest, time.perf_counter() - start)
                outcomes[told.split(" ")[0]] += 1
                if told.startswith("FAULT"):
                    faults.append(f"{source.name} {index}: {told}")
                    (folder / f"fault_{len(faults)}_{source.name}.bin").write_bytes(data)
            target.unlink()
    status = Path("/proc/self/status").read_text()
    peak = int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) * 1024
    told = {"outcomes": outcomes, "faults": faults, "slowest": slowest, "peak": peak}
    (folder / "outcomes.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
