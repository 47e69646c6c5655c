"""What lies behind the objects: speckle and surface structure, wedge, thickness fringes, bend contours."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from temj.synthetic.base import Settings
from temj.synthetic.canvas import Canvas
from temj.synthetic.random import Random


def background(settings: Settings, canvas: Canvas, random: Random) -> np.ndarray:
    """The intensity without objects: (total, total) float64, about 1 on average, > 0."""
    made = 1 + settings.texture * texture(settings, canvas, random)
    made *= shading(settings, canvas, random)
    return np.maximum(made, 0.02)


def shading(settings: Settings, canvas: Canvas, random: Random) -> np.ndarray:
    """Wedge, thickness fringes and bend contours: slow changes that move with the sample."""
    made = _wedge(settings, canvas, random.stream("wedge"))
    for bend in _bends(settings, canvas, random.stream("bend")):
        made = made * bend
    return made


def texture(settings: Settings, canvas: Canvas, random: Random, name: str = "texture") -> np.ndarray:
    """Correlated noise of mean 0 and sd 1 with a spectrum (1 + (k·length)²)^(-slope/2), stretched along a direction."""
    rng = random.stream(name)
    angle = rng.uniform(0, np.pi)
    length = canvas.pixels(settings.texture_length) / (2 * np.pi)
    aspect = np.sqrt(settings.texture_aspect)

    def power(kx: np.ndarray, ky: np.ndarray) -> np.ndarray:
        along = (kx * np.cos(angle) + ky * np.sin(angle)) * aspect
        across = (ky * np.cos(angle) - kx * np.sin(angle)) / aspect
        return (1 + (along**2 + across**2) * (2 * np.pi * length) ** 2) ** (-settings.texture_slope / 2)

    return coloured(rng, canvas.total, power)


def coloured(rng: np.random.Generator, total: int, power: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
    """Gaussian noise of mean 0 and sd 1 with a given spectrum.

    Args:
        rng: where it comes from.
        total: width and height.
        power: of spatial frequencies kx, ky in 1/pixel.
    """
    from scipy import fft

    kx, ky = fft.rfftfreq(total)[None, :], fft.fftfreq(total)[:, None]
    amplitude = np.sqrt(power(kx, ky))
    amplitude[0, 0] = 0
    made = fft.irfft2(fft.rfft2(rng.standard_normal((total, total))) * amplitude, s=(total, total))
    return made / max(float(made.std()), 1e-12)


def moved(picture: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """A picture moved by (x, y) pixels, exact for what its pixels can hold (Fourier; its edges wrap around)."""
    from scipy import fft

    kx, ky = fft.rfftfreq(picture.shape[1])[None, :], fft.fftfreq(picture.shape[0])[:, None]
    turned = fft.rfft2(picture) * np.exp(-2j * np.pi * (kx * shift[0] + ky * shift[1]))
    return fft.irfft2(turned, s=picture.shape)


def _wedge(settings: Settings, canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    angle, phase = rng.uniform(0, 2 * np.pi, 2)
    x, y = canvas.grid()
    along = ((x - canvas.size / 2) * np.cos(angle) + (y - canvas.size / 2) * np.sin(angle)) / canvas.size
    made = np.exp(settings.wedge * along)
    if settings.thickness_fringes:
        waves = along * canvas.size * canvas.pixel_size / settings.thickness_fringes
        waviness = 0.08 * np.sin(2 * np.pi * (x - y) / canvas.size + phase)
        made = made * (1 + 0.35 * np.cos(2 * np.pi * (waves + waviness) + phase))
    return made


def _bends(settings: Settings, canvas: Canvas, rng: np.random.Generator) -> list[np.ndarray]:
    """Each bend contour as a factor: the two-beam rocking curve sin²(πτ√(1+w²))/(1+w²) across a curved band.

    w is the distance from the band's middle in half widths, τ the thickness in extinction lengths.
    """
    x, y = canvas.grid()
    made = []
    for _ in range(rng.poisson(settings.bend_contours)):
        angle, tau = rng.uniform(0, np.pi), rng.uniform(0.6, 1.4)
        offset, curve = rng.uniform(-0.6, 0.6) * canvas.size, rng.uniform(-0.35, 0.35) / canvas.size
        width = canvas.pixels(settings.bend_width) * rng.uniform(0.7, 1.5)
        depth = settings.bend_depth * rng.uniform(0.4, 1.0)
        dx, dy = x - canvas.size / 2, y - canvas.size / 2
        along = dx * np.cos(angle) + dy * np.sin(angle)
        w2 = ((dy * np.cos(angle) - dx * np.sin(angle) - offset + curve * along**2) / width) ** 2
        made.append(1 - depth * np.sin(np.pi * tau * np.sqrt(1 + w2)) ** 2 / (1 + w2))
    return made
