"""Fresnel contrast: an electron wave behind a foil of uneven thickness, carried to the plane of focus.

The exit wave is exp(iσVt − t/2Λ) with the interaction constant σ, the mean inner potential V, the thickness t and
the absorption length Λ of the intensity. Free space over the defocus multiplies its Fourier transform with
exp(−iπλΔf k²) (paraxial); a finite source and a spread of the focus damp it. Underfocus is negative: there a void
is bright with a dark fringe, in overfocus the reverse; its bright and dark fringe are sqrt(λ|Δf|) apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

_REST_KEV = 510.99895
_HC_KEV_NM = 1.23984198


def wavelength(voltage: float) -> float:
    """Of electrons of ``voltage`` kV, relativistic, in nm (0.00251 at 200 kV)."""
    return _HC_KEV_NM / math.sqrt(voltage * (voltage + 2 * _REST_KEV))


def interaction(voltage: float) -> float:
    """σ in rad/(V·nm) at ``voltage`` kV (0.00729 at 200 kV)."""
    energy = voltage * (_REST_KEV + voltage) ** -1 * (2 * _REST_KEV + voltage)
    return 2 * math.pi / (wavelength(voltage) * 1e3 * energy)


def fringe_width(voltage: float, defocus: float) -> float:
    """Distance of the bright and the dark fringe of an edge: sqrt(λ|Δf|) in nm, for a defocus in nm."""
    return math.sqrt(wavelength(voltage) * abs(defocus))


@dataclass(frozen=True)
class Optics:
    """Microscope and matrix.

    Attributes:
        voltage: kV.
        defocus: nm, negative is underfocus.
        potential: mean inner potential in V.
        absorption: length in nm over which the intensity falls to 1/e.
        convergence: semi-angle of illumination in mrad (damps fringes far from focus).
        focal_spread: sd of the focus in nm.
    """

    voltage: float
    defocus: float
    potential: float
    absorption: float
    convergence: float = 0.1
    focal_spread: float = 8.0


def image(thickness: np.ndarray, pixel_size: float, optics: Optics) -> np.ndarray:
    """The intensity in the plane of focus.

    Args:
        thickness: (n, n) in nm, relative to the mean foil (voids are negative). It is taken as periodic.
        pixel_size: nm.
        optics: microscope and matrix.

    Returns:
        (n, n) float64, 1 where the thickness is 0 and even.
    """
    from scipy import fft

    phase = interaction(optics.voltage) * optics.potential * thickness
    wave = np.exp(1j * phase - thickness / (2 * optics.absorption))
    k = fft.fftfreq(len(thickness), pixel_size)
    k2 = k[None, :] ** 2 + k[:, None] ** 2
    length = wavelength(optics.voltage)
    damping = (np.pi * optics.convergence * 1e-3 * optics.defocus) ** 2 * k2
    damping = damping + 0.5 * (np.pi * length * optics.focal_spread) ** 2 * k2**2
    transfer = np.exp(-1j * np.pi * length * optics.defocus * k2 - damping)
    return np.abs(fft.ifft2(fft.fft2(wave) * transfer)) ** 2
