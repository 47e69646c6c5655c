"""Profiles across ROIs in ImageJ: plots, the table of edges, files without a window."""

import numpy as np
import pytest
import tifffile

pytestmark = pytest.mark.java


@pytest.fixture(scope="module")
def rings(tmp_path_factory):
    """Two dark rings of radius 16 around (40, 40) and (100, 40); the ROIs of the script are squares around them."""
    y, x = np.mgrid[:80, :140] + 0.5
    pixels = np.full(y.shape, 150.0)
    for centre in (40, 100):
        pixels -= 90 * np.exp(-0.5 * ((np.hypot(x - centre, y - 40) - 16) / 2) ** 2)
    path = tmp_path_factory.mktemp("rings") / "rings.tif"
    tifffile.imwrite(path, pixels.astype(np.uint8), imagej=True, metadata={"unit": "nm"}, resolution=(2, 2))
    return path


@pytest.mark.window
def test_a_plot_for_each_roi_and_a_table_of_their_edges(script, display, rings):
    facts = script("edge_profile", rings, **display)
    assert facts["edge"] == {"loop": "middle of the line"}
    assert facts["properties"] == ["middle of the line"] * 2
    assert facts["slices"] == facts["results"] == 2
    assert facts["labels"] == ["rings.tif:loop-1", "rings.tif:loop-2"]
    assert facts["shades"] > 4
    assert [(row["Edge"], row["Contrast"]) for row in facts["rows"]] == [("middle", "dark")] * 2
    radius = 0.5 * 20 * 2 / np.sqrt(np.pi)  # nm, of the circle with the moments of the square
    assert [float(row["Middle"]) for row in facts["rows"]] == pytest.approx([8 - radius] * 2, abs=0.1)


def test_without_a_window_they_are_files(script, rings, tmp_path):
    facts = script("edge_profile", rings, tmp_path / "r.csv")
    assert "Profiles are not shown without a window" in facts["output"]
    assert {file.name for file in tmp_path.iterdir()} == {"r.csv", "r_profiles.csv", "r_edges.csv", "r_profiles.png"}
