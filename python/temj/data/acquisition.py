"""How a micrograph was taken, as far as its file says."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Acquisition:
    """Settings of the microscope; None is "not given". The unit stands in the name.

    Attributes:
        microscope: maker and model as the file has it.
        mode: ``TEM``, ``STEM``, ``SEM``, ``diffraction`` or what the file says (``BF``, ``HAADF`` are detectors).
        voltage_kV: accelerating voltage.
        magnification: indicated magnification.
        defocus_nm: negative is underfocus.
        tilt_alpha_deg: first stage tilt.
        tilt_beta_deg: second stage tilt.
        exposure_s: of a frame, or dwell time of a pixel times their number where only that is known.
        camera_length_mm: of diffraction and STEM.
        binning: camera pixels to a pixel along one side.
        detector: camera or detector.
        date: ISO 8601 (``2021-03-04T10:11:12``), as far as it is known.
    """

    microscope: str | None = None
    mode: str | None = None
    voltage_kV: float | None = None
    magnification: float | None = None
    defocus_nm: float | None = None
    tilt_alpha_deg: float | None = None
    tilt_beta_deg: float | None = None
    exposure_s: float | None = None
    camera_length_mm: float | None = None
    binning: int | None = None
    detector: str | None = None
    date: str | None = None

    def known(self) -> dict[str, str | float | int]:
        """What is given, as JSON values, for ``Micrograph.metadata["acquisition"]``."""
        values = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: value for name, value in values if value not in (None, "")}
