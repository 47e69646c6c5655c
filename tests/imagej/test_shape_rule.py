"""Classes by shape in ImageJ: a text field, a macro key; ROIs, groups, colours and tables follow."""

import pytest
import tifffile

from temj import resources

pytestmark = [pytest.mark.java, pytest.mark.window]


@pytest.fixture(scope="module")
def facts(script, display, tmp_path_factory):
    path = tmp_path_factory.mktemp("shape") / "loops.tif"
    pixels = tifffile.imread(resources.folder("samples") / "316L_loops.tif")[600:792, 100:356]
    tifffile.imwrite(path, pixels, imagej=True, metadata={"unit": "nm"}, resolution=(2.56, 2.56))
    return script("shape_rule", path, **display)


def test_rois_have_the_classes_groups_and_colours_of_the_rule(facts):
    assert {roi["class"] for roi in facts["rois"]} == {"long loop", "round loop"}
    assert all(roi["name"].startswith(roi["class"]) for roi in facts["rois"])
    look = {(roi["class"], roi["group"], roi["colour"]) for roi in facts["rois"]}
    assert len(look) == 2
    assert len({colour for _, _, colour in look}) == 2
    assert {"long loop", "round loop"} <= set(facts["groups"].split(","))


def test_results_agree_with_the_rule(facts):
    assert facts["results"]
    for row in facts["results"]:
        assert row["GroupName"] == row["Class"]
        assert (row["AR"] > 1.6 and row["Area"] > 60) == (row["Class"] == "long loop")
        assert (row["SkeletonLength"] > 0) == (row["Class"] == "long loop")


def test_the_populations_have_a_table_of_their_own(facts):
    assert facts["populations"] == ["long loop", "round loop", "all"]
    assert sum(facts["counts"][:2]) == facts["counts"][2] == len(facts["results"])


def test_measure_tells_apart_too(facts):
    assert facts["measured"] == ["small" if area < 100 else "large" for area in facts["areas"]]
