"""T1: damaged .roi files and ROI sets end in BadAnnotation or in finite shapes; the whole members of a set are kept.

2,000 cases always, 10,000 in the tests that are marked slow.
"""

import importlib.util
import io
import re
import signal
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from temj.annotations import roiset
from temj.annotations.roi import decode, encode
from temj.data import CLOSE, Instances, RoiType
from temj.errors import BadAnnotation

CASES = pytest.mark.parametrize("cases", [2_000, pytest.param(10_000, marks=pytest.mark.slow)])
SECONDS = 2
NUMBERS = (r"(\d+) of the archive's \d+ members are not in its directory", r"(\d+) files? in the archive (?:is|are) no")
"""What notes say of members that were not read."""


def _helper(name: str, path: Path) -> object:
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


mutations = _helper("mutations", Path(__file__).parents[1] / "mutations.py").mutations
random_shape = _helper("fuzz_shapes", Path(__file__).with_name("shapes.py")).random_shape


@pytest.fixture(scope="module")
def seeds() -> list[bytes]:
    """Every type of ROI, in stacks and not, sub-pixel and not, with all columns."""
    rng = np.random.default_rng(5)
    made = []
    for number, roi_type in enumerate([*RoiType, *RoiType]):
        facts = {"name": f"环-{number:04d}", "class_name": "loop", "score": 0.5, "group": number, "track": number}
        facts |= {"position": (1, number, 2) if number % 2 else (0, 0, 0), "diameter": "major"}
        made.append(encode(random_shape(roi_type, rng), **facts))
    return made


@contextmanager
def limited() -> Iterator[None]:
    """An alarm after SECONDS: a hang is a failure."""

    def late(_number: int, _frame: object) -> None:
        raise AssertionError(f"a hang of more than {SECONDS} s")

    if not hasattr(signal, "SIGALRM"):
        yield
        return
    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def require_finite(instances: Instances) -> None:
    shapes = instances.shapes
    assert np.isfinite(shapes.points[shapes.codes != CLOSE]).all()
    boxes = np.isin(shapes.roi_type, (RoiType.RECT, RoiType.OVAL, RoiType.ELLIPSE, RoiType.ROTATED_RECT))
    assert np.isfinite(shapes.params[boxes, :4]).all()
    assert not (np.abs(shapes.points[shapes.codes != CLOSE]) > 1e6).any()
    assert ((instances.group >= 0) & (instances.group <= 255)).all()
    assert (instances.position >= 0).all()


@CASES
def test_damaged_rois(seeds: list[bytes], cases: int) -> None:
    each = cases // len(seeds) // 2 + 1
    messages = []
    for number, data in enumerate(seeds):
        for copy in mutations(data, seed=number, count=each):
            with limited():
                try:
                    shape, facts = decode(copy, "a.roi")
                except BadAnnotation as error:
                    messages.append(error.message)
                    continue
                require_finite(Instances.of([shape], group=facts["group"], position=facts["position"]))
                encode(shape, name=facts["name"], score=facts["score"], group=facts["group"], track=facts["track"])
    assert len(messages) > cases / 20
    assert all("a.roi" in message for message in messages)


@CASES
def test_damaged_archives(seeds: list[bytes], tmp_path: Path, cases: int) -> None:
    path = tmp_path / "RoiSet.zip"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, data in enumerate(seeds[:10]):
            archive.writestr(f"{number}.roi", data)
    kept = 0
    for copy in mutations(buffer.getvalue(), seed=3, count=cases // 4):
        path.write_bytes(copy)
        with limited():
            try:
                found = roiset.read(path)
            except BadAnnotation:
                continue
        require_finite(found)
        kept += 1
        there = max(10, copy.count(b"PK\3\4"))  # damage can repeat the begin of a member
        assert accounted(found) == there, "members were lost without a word"
    assert kept


def accounted(found: Instances) -> int:
    """How many of the 10 members were read, skipped or counted in a note."""
    notes = " ".join(found.info.get("notes", ()))
    numbers = [re.search(pattern, notes) for pattern in NUMBERS]
    return len(found) + len(found.info.get("skipped", ())) + sum(int(number[1]) for number in numbers if number)


@CASES
def test_nine_of_ten_are_kept(seeds: list[bytes], tmp_path: Path, cases: int) -> None:
    path = tmp_path / "RoiSet.zip"
    for number in range(cases // 4):
        bad = number % 10
        data = [seeds[(number + k) % len(seeds)] for k in range(10)]
        (data[bad],) = mutations(data[bad], seed=number, count=1)
        with zipfile.ZipFile(path, "w") as archive:
            for k, member in enumerate(data):
                archive.writestr(f"{k}.roi", member)
        with limited():
            found = roiset.read(path)
        assert len(found) + len(found.info.get("skipped", ())) == 10
        assert len(found) >= 9
        require_finite(found)
