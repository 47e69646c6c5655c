"""Thickness of the foil with its error, the choice of t_eff, and a simulation of which one is right when."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from temj.errors import BadValue
from temj.physics import foil
from temj.physics.foil import Foil, effective_thickness, volume_density


def test_thickness_by_eels_and_fringes_with_errors_in_quadrature() -> None:
    one = foil.eels_foil(0.8, 100.0, 0.04, 15.0)
    assert one.thickness_nm == pytest.approx(80)
    assert one.error_nm == pytest.approx(80 * np.hypot(0.05, 0.15))
    assert one.in_words() == "t = 80 ± 12.6 nm (EELS, t/λ = 0.8, λ = 100 nm)"
    two = foil.fringes_foil(4, 25.0, 0.5)
    assert (two.thickness_nm, two.error_nm, two.method) == (100.0, pytest.approx(12.5), "fringes")
    assert np.isnan(foil.eels_foil(0.8, 100.0).relative_error)
    assert "±" not in foil.eels_foil(0.8, 100.0).in_words()


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("EELS", "EELS"), ("eels t/lambda", "EELS"), ("EELS-log-ratio", "EELS"), ("cbed", "CBED"),
        ("FIB", "FIB nominal"), ("Fringes", "fringes"), ("weighed it", "weighed it"), (None, ""), ("", ""),
    ],
)  # fmt: skip
def test_methods_as_people_write_them(told, name) -> None:
    assert foil.method_name(told) == name


@pytest.mark.parametrize("thickness", [0, -5, float("nan"), float("inf"), "thin"])
def test_impossible_thickness_is_refused(thickness) -> None:
    with pytest.raises(BadValue, match=r"foil thickness.*above 0 in nm"):
        Foil(thickness)
    with pytest.raises(BadValue, match="t/λ"):
        foil.eels_foil(thickness, 100)


def test_a_foil_of_a_sample_sheet() -> None:
    assert foil.known_foil(None, 5.0, "EELS") is None
    assert foil.known_foil(80, 8, "eels") == Foil(80, 8, "EELS")
    assert foil.known_foil(80).in_words() == "t = 80 nm (method not given)"
    with pytest.raises(BadValue, match="found 0"):
        foil.known_foil(0)


def test_a_negative_error_is_refused() -> None:
    with pytest.raises(BadValue, match=r"error of the foil thickness.*0 or more"):
        Foil(50, -1)


def test_effective_thickness() -> None:
    assert effective_thickness(80.0) == 80
    np.testing.assert_allclose(
        effective_thickness(80.0, "foil+diameter", diameter_nm=np.array([10, np.nan])), [90, np.nan]
    )
    assert effective_thickness(80.0, "foil-denuded", denuded_nm=15) == 50
    assert np.isnan(effective_thickness(0.0))
    assert np.isnan(volume_density(1e14, effective_thickness(0.0)))
    assert volume_density(1e14, 100.0) == pytest.approx(1e21)


def test_effective_thickness_refuses_what_cannot_be() -> None:
    with pytest.raises(BadValue, match=r"Did you mean 'foil\+diameter'"):
        effective_thickness(80.0, "foil+diametre")
    with pytest.raises(BadValue, match="2 δ below the thickness of 80 nm"):
        effective_thickness(80.0, "foil-denuded", denuded_nm=40)
    with pytest.raises(BadValue, match="denuded zone"):
        effective_thickness(80.0, "foil-denuded", denuded_nm=-1)
    with pytest.raises(BadValue, match="mean diameter"):
        effective_thickness(80.0, "foil+diameter")


def test_which_thickness_gives_the_true_number_per_volume() -> None:
    """Spheres everywhere in a slab that is cut out of a larger body: all that reach into it are seen."""
    random = np.random.default_rng(4)
    depth, thickness, side, true = 400.0, 60.0, 20_000.0, 1e-6  # nm, nm, nm, nm^-3
    number = random.poisson(true * depth * side**2)
    z, d = random.uniform(-depth / 2, depth / 2, number), random.lognormal(np.log(20), 0.3, number)
    seen = np.abs(z) < thickness / 2 + d / 2
    whole = np.abs(z) < thickness / 2 - 10
    per_area = 1e18 / side**2
    cut_too = volume_density(
        seen.sum() * per_area, effective_thickness(thickness, "foil+diameter", diameter_nm=d.mean())
    )
    assert cut_too == pytest.approx(true * 1e27, rel=0.02)
    assert volume_density(seen.sum() * per_area, thickness) > 1.3 * true * 1e27
    denuded = effective_thickness(thickness, "foil-denuded", denuded_nm=10)
    assert volume_density(whole.sum() * per_area, denuded) == pytest.approx(true * 1e27, rel=0.02)


@given(st.floats(1, 1e4), st.floats(0, 0.5), st.floats(0, 1e3))
def test_the_part_of_the_thickness_in_the_error(thickness, relative, diameter) -> None:
    """Against the difference that one standard deviation of t makes."""
    one = Foil(thickness, relative * thickness)
    at = effective_thickness(thickness, "foil+diameter", diameter_nm=diameter)
    step = 1e-6
    by_step = 1 - volume_density(1.0, at + step * one.error_nm) / volume_density(1.0, at)
    assert foil.thickness_part(one, at) == pytest.approx(by_step / step, rel=1e-3, abs=1e-6)


def test_pooled_foils_keep_numbers_over_volumes() -> None:
    foils, areas, counts = [Foil(50, 5, "EELS"), Foil(100, 10, "CBED")], [1.0, 3.0], np.array([10, 90])
    both = foil.pooled_foil(foils, areas)
    assert counts.sum() / (np.sum(areas) * both.thickness_nm) == pytest.approx(100 / (1 * 50 + 3 * 100))
    assert both.relative_error == pytest.approx(0.1)
    assert both.method == "EELS, CBED"
    assert foil.pooled_foil([foils[0]] * 3, [1, 2, 3]) == foils[0]
    with pytest.raises(BadValue, match="analysed area"):
        foil.pooled_foil(foils, [0, 0])


def test_notes() -> None:
    assert foil.notes(90, 30, 0.2) == ()
    assert foil.notes(90) == ()
    thick, dense = foil.notes(90, 30.1, 0.21)
    assert "exceeds a third" in thick
    assert "21 % of the projected area" in dense
