"""The truth against the noise-free picture and against formulas."""

import itertools

import numpy as np
import pytest
from scipy import ndimage

from temj import synthetic
from temj.data import RoiType
from temj.geometry import rasterise
from temj.measurement import measure
from temj.synthetic import crystal, fresnel, lines
from temj.synthetic.canvas import Canvas

PLAIN = {
    "texture": 0.0, "wedge": 0.0, "bend_contours": 0.0, "thickness_fringes": 0.0, "scan_jitter": 0.0,
    "scan_noise": 0.0, "dose": 1e4,
}  # fmt: skip


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union."""
    return float((a & b).sum() / (a | b).sum())


def mask_of(made: synthetic.Made) -> np.ndarray:
    return made.labels() > 0


def test_dots_are_dark_where_the_truth_says_half_of_the_maximum() -> None:
    alone = {"density": 5e14, "lobes": 0.0, "depth_spread": 0.0, "diameter": 8.0, "diameter_spread": 0.1}
    made = synthetic.make("black-dots", seed=4, contrast=0.8, **alone, **PLAIN)
    assert len(made.instances) >= 1
    dark = -np.log(made.ideal) > 0.4
    assert overlap(mask_of(made), dark) > 0.97


@pytest.mark.parametrize("edge", ["outer", "middle"])
def test_the_outline_of_a_ring_is_the_edge_it_is_called_after(edge: str) -> None:
    loop = lines.Loop(100.0, 90.0, 40.0, 0.7, 0.5)
    width = 8.0
    canvas = Canvas.of(200, 0.4)
    picture = canvas.crop(lines.line_image([loop], canvas, width))
    assert picture.max() == pytest.approx(1 / 0.7, abs=0.05)  # at the tips the tilted line is seen end-on
    x1, y1, x2, y2, ratio = loop.outline(width, edge).params
    major = np.hypot(x2 - x1, y2 - y1) / 2
    assert ((x1 + x2) / 2, (y1 + y2) / 2) == pytest.approx((100, 90))
    # Along the minor axis, from the centre outwards: the ridge, and its outer half maximum.
    s = np.arange(0, 60, 0.1)
    along = np.array([100 - s * np.sin(0.5), 90 + s * np.cos(0.5)])
    profile = ndimage.map_coordinates(picture, [along[1] - 0.5, along[0] - 0.5], order=3)
    ridge = s[np.argmax(profile)]
    outer = s[np.flatnonzero(profile > profile.max() / 2)[-1]]
    assert ridge == pytest.approx(28.0, abs=0.6)
    assert major * ratio == pytest.approx({"outer": outer, "middle": 28.0}[edge], abs=0.6)
    assert major == pytest.approx({"outer": 44.0, "middle": 40.0}[edge])


def test_an_edge_on_loop_is_a_streak_of_the_width_of_its_image() -> None:
    loop = lines.Loop(64.0, 64.0, 30.0, 0.0, 0.3)
    canvas = Canvas.of(128, 0.4)
    picture = canvas.crop(lines.line_image([loop], canvas, 5.0))
    x1, y1, x2, y2, ratio = loop.outline(5.0, "middle").params
    assert np.hypot(x2 - x1, y2 - y1) == pytest.approx(60.0)
    assert ratio * 60.0 == pytest.approx(5.0)
    assert np.degrees(np.arctan2(y2 - y1, x2 - x1)) == pytest.approx(np.degrees(0.3))
    y, x = np.indices(picture.shape)
    across = np.abs((y + 0.5 - 64) * np.cos(0.3) - (x + 0.5 - 64) * np.sin(0.3))
    assert picture[across > 12].max() < 1e-3 * picture.max()


def test_area_and_centre_of_ellipses_are_those_of_the_formula() -> None:
    made = synthetic.make("loops", seed=8, size=512, density=4e14, diameter=20.0, plane_spread=0.0, **PLAIN)
    table = measure(made.micrograph, made.instances, {})
    shapes, objects = made.instances.shapes, made.tables["objects"]
    nm, width = 0.390625, synthetic.settings_of("loops", {}).line_width
    whole = np.flatnonzero(~_cut(shapes, 512))
    assert len(whole) >= 5
    x = (shapes.params[:, 0] + shapes.params[:, 2]) / 2 * nm
    widths = np.array([0.8, 1.0, 1.25]) * width / 2
    for index in whole:
        radius = objects["Diameter (nm)"][index] / 2
        major = np.hypot(*(shapes.params[index, 2:4] - shapes.params[index, :2])) / 2 * nm
        half = major - radius
        assert np.abs(widths - half).min() < 1e-3, "the image of a line has one of three widths"
        area = np.pi * major * (radius * objects["Ratio"][index] + half)
        assert table["Area"][index] == pytest.approx(area, rel=0.03)
        assert table["X"][index] == pytest.approx(x[index], abs=0.5 * nm)


def _cut(shapes, size: int) -> np.ndarray:
    x = np.stack([shapes.params[:, 0], shapes.params[:, 2]])
    y = np.stack([shapes.params[:, 1], shapes.params[:, 3]])
    far = np.hypot(x[0] - x[1], y[0] - y[1])
    return ((x.mean(0) < far) | (x.mean(0) > size - far)) | ((y.mean(0) < far) | (y.mean(0) > size - far))


def test_filled_loops_are_dark_inside_and_rings_are_not() -> None:
    given = dict(PLAIN, seed=8, size=512, density=1e14, diameter=40.0, diameter_spread=0.0, depth_spread=0.0)
    ring = synthetic.make("loops", fill="ring", first_family=0.0, zone_axis=(0, 1, 1), strain=0.0, **given)
    full = synthetic.make("loops", fill="filled", first_family=0.0, zone_axis=(0, 1, 1), strain=0.0, **given)
    round_ones = np.flatnonzero((ring.tables["objects"]["Ratio"] > 0.8) & ~_cut(ring.instances.shapes, 512))
    assert len(round_ones)
    for index in round_ones:
        x, y = ring.instances.shapes.params[index, :4].reshape(2, 2).mean(axis=0).astype(int)
        inside = np.s_[y - 8 : y + 8, x - 8 : x + 8]
        assert full.ideal[inside].mean() < ring.ideal[inside].mean() - 0.1


def test_variants_and_visibility_are_those_of_the_textbook() -> None:
    cases = {
        ("bcc", 1, (1, 1, 0)): (2, 4), ("bcc", 0, (1, 1, 0)): (2, 3), ("bcc", 1, (2, 0, 0)): (4, 4),
        ("bcc", 0, (2, 0, 0)): (1, 3), ("bcc", 1, (2, 1, 1)): (3, 4), ("bcc", 0, (2, 1, 1)): (3, 3),
        ("fcc", 1, (1, 1, 1)): (3, 6), ("fcc", 0, (1, 1, 1)): (1, 4), ("fcc", 1, (2, 0, 0)): (4, 6),
        ("fcc", 0, (2, 0, 0)): (4, 4), ("fcc", 1, (2, 2, 0)): (5, 6), ("fcc", 0, (2, 2, 0)): (2, 4),
    }  # fmt: skip
    for (name, family, g), (seen, count) in cases.items():
        variants = crystal.FAMILIES[name][family].variants()
        assert len(variants) == count
        visible = sum(crystal.is_visible(crystal.FAMILIES[name][family], variant, g) for variant in variants)
        assert visible == seen, (name, family, g)


def test_the_projection_of_a_circle_is_that_of_its_points() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        normal, axes = rng.standard_normal(3), crystal.image_axes((1, 1, 2), rng.uniform(0, 6))
        assert axes @ axes.T == pytest.approx(np.eye(3), abs=1e-12)
        angle, ratio = crystal.projected(normal, axes)
        unit = normal / np.linalg.norm(normal)
        first = np.cross(unit, [0.3, -0.5, 0.8])
        first /= np.linalg.norm(first)
        phi = np.linspace(0, 2 * np.pi, 2000)
        circle = np.outer(np.cos(phi), first) + np.outer(np.sin(phi), np.cross(unit, first))
        x, y = (circle @ axes.T)[:, :2].T
        along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        assert along.max() == pytest.approx(1.0, abs=1e-4)
        assert across.max() == pytest.approx(ratio, abs=1e-3)


def test_invisible_loops_are_in_the_truth_and_called_buried() -> None:
    made = synthetic.make(
        "loops", seed=2, g=(1, 1, 0), zone_axis=(0, 0, 1), residual=0.0, strain=0.0, crystal="bcc", **PLAIN
    )
    table = made.tables["objects"]
    unseen = table["g.b visible"] == 0
    assert unseen.any()
    assert not unseen.all()
    alone = np.array([_overlaps_none(made, index) for index in range(len(table))])
    assert (table["Buried"][unseen & alone] == 1).all()
    assert (table["Buried"][~unseen] == 0).mean() > 0.8


def _overlaps_none(made: synthetic.Made, index: int) -> bool:
    shapes = made.instances.shapes
    owner, where = rasterise(shapes, 512, 512).pixels(512)
    others = ndimage.binary_dilation(
        np.isin(np.arange(512 * 512), where[owner != index]).reshape(512, 512), iterations=25
    )
    return not others.ravel()[where[owner == index]].any()


@pytest.mark.parametrize("kind", ["voids", "nanopores"])
def test_fresnel_contrast_reverses_with_the_defocus(kind: str) -> None:
    given = PLAIN | {"grain": 0.0, "density": 5e14, "diameter": 6.0, "diameter_spread": 0.0, "absorption": 1e5}
    signs = {}
    for defocus in (-900.0, 900.0):
        made = synthetic.make(kind, seed=3, pixel_size=0.2, defocus=defocus, irregularity=0.0, aspect=1.0, **given)
        inside = mask_of(made)
        core = ndimage.binary_erosion(inside, iterations=8)
        ring = ndimage.binary_dilation(inside, iterations=5) & ~inside
        signs[defocus] = (made.ideal[core].mean() - 1, made.ideal[ring].mean() - 1)
    (under, under_fringe), (over, over_fringe) = signs[-900.0], signs[900.0]
    assert under > 0.02, "underfocus: bright"
    assert under_fringe < -0.01, "with a dark fringe"
    assert over < -0.02, "overfocus: the reverse"
    assert over_fringe > 0.01


def test_the_fringe_is_as_wide_as_the_defocus_says() -> None:
    """The bright and the dark fringe of a straight edge are sqrt(λ|Δf|) apart."""
    n, nm = 1024, 0.1
    thickness = np.zeros((n, n))
    thickness[:, : n // 2] = -0.5
    where = []
    for defocus in (-200.0, -800.0):
        optics = fresnel.Optics(200.0, defocus, 20.0, 1e9, convergence=0.0, focal_spread=0.0)
        row = fresnel.image(thickness, nm, optics)[0]
        edge = row[n // 2 - 150 : n // 2 + 150]
        where.append((np.argmin(edge) - np.argmax(edge)) * nm)
    assert where[1] / where[0] == pytest.approx(2.0, abs=0.15)
    assert where[0] == pytest.approx(fresnel.fringe_width(200.0, -200.0), abs=0.1)


def test_wavelength_and_interaction_constant_are_the_known_ones() -> None:
    assert fresnel.wavelength(200.0) == pytest.approx(2.5079e-3, rel=1e-4)
    assert fresnel.wavelength(300.0) == pytest.approx(1.9687e-3, rel=1e-4)
    assert fresnel.interaction(200.0) == pytest.approx(7.288e-3, rel=1e-3)
    assert fresnel.interaction(300.0) == pytest.approx(6.526e-3, rel=1e-3)


def test_in_focus_a_void_shows_by_absorption_only() -> None:
    thickness = np.zeros((64, 64))
    thickness[20:40, 20:40] = -11.0
    row = fresnel.image(thickness, 0.5, fresnel.Optics(200.0, 0.0, 20.0, 110.0, focal_spread=0.0))
    assert row[30, 30] == pytest.approx(np.exp(0.1), rel=1e-9)
    assert row[5, 5] == pytest.approx(1.0, rel=1e-9)


def test_cracks_are_dark_where_their_outline_says() -> None:
    made = synthetic.make("nanocracks", seed=5, grains=0.0, edge_brightness=0.0, density=0.0, **PLAIN)
    assert len(made.instances) >= 2
    truth, dark = mask_of(made), made.ideal < 1 - 0.5 * 0.8 * 0.7
    assert overlap(truth, dark) > 0.85  # thin ends are partly covered pixels
    wide = ndimage.binary_opening(truth, iterations=1)
    assert dark[wide].mean() > 0.97
    assert not (dark & ~ndimage.binary_dilation(truth)).any()
    # The area of outlines is that which was taken away, to a part of a pixel.
    opened = (1 - made.ideal).sum() / 0.8
    area = rasterise(made.instances.shapes, 512, 512).counts(len(made.instances)).sum()
    assert area * 0.7 <= opened * 1.02
    assert opened <= area * 1.02


def test_cracks_that_enclose_an_island_leave_it_out() -> None:
    from temj.synthetic.cracks import Branch, distance, outline

    turn = np.linspace(0, 2 * np.pi, 60)
    ring = Branch(np.stack([30 + 12 * np.cos(turn), 30 + 12 * np.sin(turn)], axis=1), np.full(60, 2.0))
    shape = outline(*distance([ring], 2.0))
    assert shape.roi_type == RoiType.COMPOSITE
    from temj.data import Shapes

    pixels = rasterise(Shapes.of([shape]), 64, 64).counts(1)[0]
    assert pixels == pytest.approx(np.pi * (14**2 - 10**2), rel=0.03)


def test_rods_add_up_where_they_overlap_and_fill_their_boxes() -> None:
    made = synthetic.make("nanorods", seed=6, orientation_spread=0.0, **PLAIN)
    shapes = made.instances.shapes
    owner, where = rasterise(shapes, 512, 512).pixels(512)
    depth = np.bincount(where, minlength=512 * 512).reshape(512, 512)
    signal = made.ideal - 1
    assert not (signal[ndimage.maximum_filter(depth, 3) == 0] > 1e-6).any(), "nothing shines outside the boxes"
    single, double = signal[depth == 1], signal[depth == 2]
    assert np.median(double) > 1.4 * np.median(single)
    alone = [i for i in range(len(shapes)) if (depth.ravel()[where[owner == i]] == 1).all() and not _near(shapes, i)]
    assert alone
    for index in alone:
        lit = (signal.ravel()[where[owner == index]] > 0).mean()
        length, width = made.tables["objects"]["Length (nm)"][index], made.tables["objects"]["Width (nm)"][index]
        assert lit == pytest.approx(1 - (1 - np.pi / 4) * width / length, abs=0.05)  # only the corners stay dark


def _near(shapes, index: int) -> bool:
    return bool(_cut(shapes, 512)[index])


def test_vesicles_are_pale_dark_and_bright() -> None:
    made = synthetic.make("vesicles", seed=3, size=512, irregularity=0.0, **PLAIN)
    owner, where = rasterise(made.instances.shapes, 512, 512).pixels(512)
    depth = np.bincount(where, minlength=512 * 512)
    values = {name: [] for name in ("large_vesicle", "small_vesicle", "hole")}
    for index, name in enumerate(made.instances.class_name):
        own = where[owner == index]
        values[name] += made.ideal.ravel()[own[depth[own] == 1]].tolist()
    assert 1.0 < np.median(values["large_vesicle"]) < 1.12
    assert np.median(values["small_vesicle"]) < 0.85
    assert np.median(values["hole"]) > 1.2


def test_dark_field_is_bright_on_dark_and_lit_in_two_arcs() -> None:
    canvas = Canvas.of(128, 0.4)
    loop = lines.Loop(64.0, 64.0, 40.0, 1.0, 0.0, partial=0.95, lit=0.6)
    picture = canvas.crop(lines.line_image([loop], canvas, 5.0))
    for turn, lit in ((0.0, True), (np.pi, True), (np.pi / 2, False)):
        x, y = 64 + 40 * np.cos(0.6 + turn), 64 + 40 * np.sin(0.6 + turn)
        value = picture[int(y), int(x)]
        assert value > 0.8 if lit else value < 0.2
    made = synthetic.make("dark-field", seed=1, size=256)
    assert np.median(made.micrograph.pixels) < 60
    mask = mask_of(made)
    assert made.ideal[mask].mean() > 2 * made.ideal[~mask].mean()


def test_shot_noise_is_that_of_the_dose() -> None:
    given = PLAIN | {"density": 0.0, "dose": 25.0, "detector_blur": 0.0, "bits": 16}
    pixels = synthetic.make("loops", seed=1, size=256, **given).micrograph.pixels.astype(float)
    assert pixels.std() / pixels.mean() == pytest.approx(1 / 5, rel=0.02)
    assert pixels.mean() == pytest.approx(0.52 * 65535, rel=0.01)


def test_the_texture_has_the_spectrum_it_is_given() -> None:
    from temj.synthetic.background import texture
    from temj.synthetic.random import Random

    chosen = synthetic.settings_of("loops", {"texture_slope": 3.0, "texture_aspect": 1.0, "texture_length": 60.0})
    canvas = Canvas.of(512, chosen.pixel_size)
    made = texture(chosen, canvas, Random(1, "loops", 0))
    assert made.std() == pytest.approx(1.0)
    power = np.abs(np.fft.fft2(made)) ** 2
    k = np.hypot(*np.meshgrid(np.fft.fftfreq(canvas.total), np.fft.fftfreq(canvas.total)))
    k0, edges = chosen.pixel_size / 60.0, np.geomspace(0.03, 0.3, 12)
    means = [power[(k >= a) & (k < b)].mean() for a, b in itertools.pairwise(edges)]
    slope = np.polyfit(np.log(np.sqrt(edges[:-1] * edges[1:]) / k0), np.log(means), 1)[0]
    assert slope == pytest.approx(-3.0, abs=0.12)
