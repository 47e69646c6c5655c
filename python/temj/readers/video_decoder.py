"""Frames of a film one after the other, from OpenCV's FFmpeg."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from temj.errors import BadImage
from temj.opencv import opencv
from temj.readers.jpeg import jpeg_size
from temj.readers.video_container import is_bottom_up

_FAILURES = 1000
"""So many frames in a row that cannot be decoded are the end of the film."""

_GREY = ("Y800", "Y1\0\x10")
"""FFmpeg's tags of gray8 and gray16le, which OpenCV gives without a detour through 8-bit colours."""

_BGR = "BGR\x18"
"""FFmpeg's tag of bgr24. Where its rows go upwards OpenCV 5.0 writes beyond its memory, so that frames of this kind are
never asked of it: those of uncompressed AVI are taken as they stand in the file, others refused."""

_DEPTHS = (9, 10, 12, 14, 16)
"""FFmpeg's tags of deeper pixel formats have one of these numbers (of bits) as last byte; first, for big-endian."""


@dataclass(frozen=True)
class Scan:
    """What one pass through a film found.

    Attributes:
        announced: frames, as the header says; 0 where it does not.
        count: frames that can be decoded.
        gaps: how many frames had been decoded before each place where one or more could not be.
        times: seconds of each frame; empty where they do not ascend.
        rate: frames per second of the header; 0.0 where it cannot be right.
        width, height: pixels.
        codec: four letters.
        kind: how frames are got: ``grey`` (8 or 16 bits), ``colour``, ``rows`` (uncompressed 24-bit colours, as they
            stand in the file), or ``unsafe``.
        deep: whether it has more bits than what is decoded.
    """

    announced: int
    count: int
    gaps: tuple[int, ...]
    times: tuple[float, ...]
    rate: float
    width: int
    height: int
    codec: str
    kind: str
    deep: bool

    @property
    def facts(self) -> dict[str, object]:
        """As JSON, for the micrographs' metadata."""
        return {
            "codec": self.codec,
            "frames_announced": self.announced,
            "frames_decoded": self.count,
            "rate": self.rate,
        }


@contextlib.contextmanager
def _quiet() -> Iterator[Any]:
    """OpenCV without what it and FFmpeg print on damaged files, which reach the user as errors and notes of ours.

    Packets that FFmpeg knows to be damaged are dropped, not half decoded.
    """
    cv2 = opencv()
    before = os.environ.get("OPENCV_FFMPEG_CAPTURE_OPTIONS")
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = "fflags;discardcorrupt"
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield cv2
    finally:
        cv2.utils.logging.setLogLevel(level)
        if before is None:
            del os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"]
        else:
            os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = before


def _capture(cv2: Any, path: Path, kind: str = "colour") -> Any:
    """OpenCV's VideoCapture; grey frames are not turned into colours, rows not decoded at all."""
    options = {"grey": [cv2.CAP_PROP_CONVERT_RGB, 0], "rows": [cv2.CAP_PROP_FORMAT, -1]}
    return cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, options.get(kind, []))


def scan(path: Path, check_size: Callable[[int, int, Path], None]) -> Scan | None:
    """Decode all frames; None where the film cannot be opened.

    Args:
        path: the film.
        check_size: called with (width, height, path) before the first frame; may raise.
    """
    with _quiet() as cv2:
        capture = _capture(cv2, path)
        try:
            if not capture.isOpened():
                return None
            value = {name: _number(capture.get(getattr(cv2, f"CAP_PROP_{name}"))) for name in _PROPERTIES}
            width, height = int(value["FRAME_WIDTH"]), int(value["FRAME_HEIGHT"])
            check_size(width, height, path)
            times, gaps = _all_frames(cv2, capture)
            tag = _letters(capture.get(cv2.CAP_PROP_CODEC_PIXEL_FORMAT))
        except cv2.error:
            return None
        finally:
            capture.release()
    ascending = all(after > before for before, after in pairwise(times))
    rate = value["FPS"]
    return Scan(
        announced=max(int(value["FRAME_COUNT"]), 0),
        count=len(times),
        gaps=tuple(gaps),
        times=tuple(times) if ascending else (),
        rate=rate if 1e-4 <= rate <= 1e5 else 0.0,
        width=width,
        height=height,
        codec=_letters(value["FOURCC"]),
        kind="grey" if tag in _GREY else "colour" if tag != _BGR else "unsafe" if int(value["FOURCC"]) else "rows",
        deep=tag not in _GREY and (ord(tag[0]) in _DEPTHS or ord(tag[-1]) in _DEPTHS),
    )


_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_PROPERTIES = ("FRAME_COUNT", "FRAME_WIDTH", "FRAME_HEIGHT", "FPS", "FOURCC")


def _number(value: float) -> float:
    return value if np.isfinite(value) and abs(value) < 1e15 else 0.0


def _letters(code: float) -> str:
    """The four letters of a codec or pixel format."""
    number = int(_number(code)) & 0xFFFFFFFF
    return number.to_bytes(4, "little").decode("latin-1")


def _all_frames(cv2: Any, capture: Any) -> tuple[list[float], list[int]]:
    """Times of all frames in seconds, and how many there were before each gap."""
    times: list[float] = []
    gaps: list[int] = []
    failed = 0
    while failed < _FAILURES:
        if not capture.grab():
            failed += 1
            continue
        if failed:
            gaps.append(len(times))
            failed = 0
        times.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
    return times, gaps


def sizes(path: Path) -> Iterator[tuple[int, int] | None]:
    """(height, width) of each frame of a film of JPEG or PNG pictures as they say themselves, None where they do not.

    OpenCV itself gives a picture of another size in the size of the first one.
    """
    with _quiet() as cv2:
        capture = _capture(cv2, path, "rows")
        while capture.grab():
            done, packet = capture.retrieve()
            data = packet.tobytes() if done and packet is not None else b""
            if data.startswith(_PNG) and len(data) >= 24:
                yield int.from_bytes(data[20:24], "big"), int.from_bytes(data[16:20], "big")
            else:
                yield jpeg_size(data) if data.startswith(_JPEG) else None


class Decoder:
    """Goes through a film; ``next`` is the index of the frame that comes next, counting those that can be decoded."""

    def __init__(self, path: Path, scan: Scan) -> None:
        self._path, self._scan = path, scan
        with _quiet() as cv2:
            self._capture = _capture(cv2, path, scan.kind)
        self.next = 0

    def read(self, index: int) -> np.ndarray:
        """The samples of a frame that was not passed yet: (height, width) grey, or (height, width, 3) colours.

        Raises:
            BadImage: it cannot be decoded (now).
        """
        with _quiet() as cv2:
            try:
                while self.next <= index:
                    self._step()
                done, samples = self._capture.retrieve()
            except cv2.error as error:
                raise self._changed(index, str(error)) from error
        if not done or samples is None:
            raise self._changed(index, "no picture")
        return self._rows(samples, index) if self._scan.kind == "rows" else samples

    def _rows(self, data: np.ndarray, index: int) -> np.ndarray:
        """The picture of an uncompressed frame: rows of 3 bytes a pixel, filled up to 4, mostly from the bottom up."""
        width, height = self._scan.width, self._scan.height
        stride = (3 * width + 3) // 4 * 4
        if data.size < stride * height:
            raise self._changed(index, f"{data.size} bytes where {stride * height} are needed")
        rows = data.reshape(-1)[: stride * height].reshape(height, stride)[:, : 3 * width]
        return rows.reshape(height, width, 3)[:: -1 if is_bottom_up(self._path) else 1]

    def _step(self) -> None:
        for _ in range(_FAILURES):
            if self._capture.grab():
                self.next += 1
                return
        raise self._changed(self.next, "the end of the film")

    def _changed(self, index: int, found: str) -> BadImage:
        return BadImage(
            "corrupt",
            where=f"{self._path} (frame {index + 1})",
            expected="a frame that could be decoded when the film was opened",
            found=found,
            remedy="The file was changed meanwhile, or its disk is failing; check it and run again.",
        )
