"""Features of pixels against scikit-image and formulas, and the same in tiles as in the whole image."""

import numpy as np
from skimage.feature import hessian_matrix, hessian_matrix_eigvals

from temj.cores.classical.features import REACH, feature_names, features, scale_space

SCALES = (1.0, 2.0, 4.0)


def picture() -> np.ndarray:
    rng = np.random.default_rng(2)
    y, x = np.mgrid[:120, :150]
    return (np.sin(x / 9) * np.cos(y / 13) + rng.normal(0, 0.3, x.shape)).astype(np.float32)


def named(image: np.ndarray) -> dict[str, np.ndarray]:
    return dict(zip(feature_names(SCALES), features(scale_space(image[None], SCALES), SCALES), strict=True))


def test_eigenvalues_of_the_hessian_are_those_of_scikit_image():
    image = picture()
    found = named(image)
    matrix = hessian_matrix(found["gaussian 4"], sigma=0.3, use_gaussian_derivatives=False, mode="nearest", order="rc")
    largest, smallest = hessian_matrix_eigvals(matrix) * 16
    inner = np.s_[8:-8, 8:-8]
    np.testing.assert_allclose(found["hessian largest 4"][inner], largest[inner], atol=0.02)
    np.testing.assert_allclose(found["hessian smallest 4"][inner], smallest[inner], atol=0.02)


def test_a_slope_has_a_gradient_and_a_parabola_a_laplacian():
    y, x = np.mgrid[:80, :90].astype(np.float32)
    inner = np.s_[30:-30, 30:-30]
    found = named(3 * x - 4 * y)
    np.testing.assert_allclose(found["gradient 2"][inner], 2 * 5, rtol=1e-3)
    np.testing.assert_allclose(found["laplacian 2"][inner], 0, atol=2e-2)
    np.testing.assert_allclose(found["structure largest 2"][inner], 4 * 25, rtol=1e-3)
    np.testing.assert_allclose(found["structure smallest 2"][inner], 0, atol=2e-1)
    found = named((x - 40) ** 2 / 100)
    np.testing.assert_allclose(found["laplacian 2"][inner], 4 * 0.02, rtol=1e-2)
    np.testing.assert_allclose(found["difference 1-2"][inner], -0.03, rtol=2e-2)


def test_features_turn_with_the_image():
    turned = features(scale_space(np.rot90(picture())[None].copy(), SCALES), SCALES)
    np.testing.assert_allclose(
        turned, np.rot90(features(scale_space(picture()[None], SCALES), SCALES), 1, (1, 2)), atol=1e-4
    )


def test_a_tile_has_the_features_of_the_whole_image_beyond_the_reach():
    smooth = scale_space(picture()[None], SCALES)
    whole, tile = features(smooth, SCALES), features(smooth[:, 20:100, 30:120], SCALES)
    inner = np.s_[:, REACH:-REACH, REACH:-REACH]
    np.testing.assert_allclose(tile[inner], whole[:, 20:100, 30:120][inner], atol=1e-5)
