"""Which augmentations happen: defaults, what a dataset declares, what a user says."""

import numpy as np
import pytest
import tifffile

from temj.datasets import open_dataset
from temj.errors import BadValue
from temj.training import TrainingOptions
from temj.training.augmentations import AUGMENTATIONS, checked, effective, parse


class TestWords:
    def test_probabilities_and_ranges(self):
        words = ("inversion=0.5", "elastic=0", "noise.deviation=0..0.3", "rotation.angle=-9..9", "blur.deviation=1")
        assert parse(words) == {
            "inversion": {"probability": 0.5},
            "elastic": {"probability": 0.0},
            "noise": {"deviation": [0.0, 0.3]},
            "rotation": {"angle": [-9.0, 9.0]},
            "blur": {"deviation": [1.0, 1.0]},
        }

    @pytest.mark.parametrize(
        "wrong", ["inversion", "inversion=", "inversion=x", "inversion=0..1", "noise.deviation=1..2..3"]
    )
    def test_what_cannot_be_read_is_shown_with_an_example(self, wrong):
        with pytest.raises(BadValue, match=r"inversion=0.5") as caught:
            parse([wrong])
        assert wrong in caught.value.message

    def test_twice_the_same_is_refused(self):
        with pytest.raises(BadValue, match="once"):
            parse(["noise=0.5", "noise=0.4"])

    @pytest.mark.parametrize(
        ("given", "near"), [({"invertion": 0.5}, "inversion"), ({"noise": {"deviatoin": [0, 1]}}, "deviation")]
    )
    def test_unknown_names_give_the_nearest(self, given, near):
        with pytest.raises(BadValue, match=f"Did you mean '{near}'"):
            checked(given)

    @pytest.mark.parametrize(
        "wrong",
        [{"noise": 2}, {"noise": {"deviation": [1, 0]}}, {"scale": {"factor": [0, 1]}}, {"blur": {"deviation": 3}}],
    )
    def test_values_out_of_bounds_are_refused_with_bounds_and_units(self, wrong):
        with pytest.raises(BadValue, match=r"probability from 0 to 1, (deviation|factor) from .*\("):
            checked(wrong)

    def test_options_take_words_and_mappings_alike(self):
        words = TrainingOptions(augmentation=("inversion=0.5", "noise.deviation=0..0.3"))
        mapping = TrainingOptions(augmentation={"inversion": 0.5, "noise": {"deviation": (0, 0.3)}})
        assert words == mapping
        assert words.recipe()["augmentation"] == {"inversion": {"probability": 0.5}, "noise": {"deviation": [0.0, 0.3]}}


class TestFromTheDataset:
    def of(self, make_dataset, tmp_path, given=None, **description):
        return effective(open_dataset(make_dataset(tmp_path / "data", **description)), given)

    def test_everything_is_said(self, make_dataset, tmp_path):
        found = self.of(make_dataset, tmp_path)
        assert list(found) == list(AUGMENTATIONS)
        assert checked(found) == found

    def test_symmetry_limits_rotation_and_flips(self, make_dataset, tmp_path):
        layered = {"rotation": 9, "flip_horizontal": True, "flip_vertical": False}
        found = self.of(make_dataset, tmp_path, symmetry=layered)
        assert found["rotation"]["angle"] == [-9, 9]
        assert found["flip_horizontal"]["probability"] == 0.5
        assert found["flip_vertical"]["probability"] == 0

    @pytest.mark.parametrize(("polarity", "expected"), [("fixed", 0.0), ("both", 0.3)])
    def test_contrast_is_inverted_only_where_the_polarity_is_free(self, make_dataset, tmp_path, polarity, expected):
        assert self.of(make_dataset, tmp_path, polarity=polarity)["inversion"]["probability"] == expected

    @pytest.mark.parametrize(
        ("declared", "factor", "coarser"),
        [
            (None, [0.7, 1.4], (0.4, 1.3, 3.0)),
            ([0.45, 0.55], [0.9, 1.1], (0.0, 1.3, 3.0)),
            ([0.1, 1.0], [0.7, 1.4], (0.4, 1.3, 2.0)),
            ([0.6, 0.9], [1.0, 1.4], (0.4, 1.3, 1.8)),
        ],
    )
    def test_zoom_stays_within_the_declared_pixel_sizes(self, make_dataset, tmp_path, declared, factor, coarser):
        found = self.of(make_dataset, tmp_path, pixel_size=0.5, pixel_size_range=declared)
        assert found["scale"]["factor"] == pytest.approx(factor)
        assert (found["coarser"]["probability"], *found["coarser"]["factor"]) == pytest.approx(coarser)

    def test_the_dataset_says_more_and_the_user_has_the_last_word(self, make_dataset, tmp_path):
        own = {"noise": 0.1, "scale": {"factor": [0.9, 1.1]}, "inversion": 0.2}
        found = self.of(make_dataset, tmp_path, {"noise": {"deviation": (0, 0.1)}, "inversion": 0.4}, augmentation=own)
        assert found["noise"] == {"probability": 0.1, "deviation": [0, 0.1]}
        assert found["scale"] == {"probability": 1.0, "factor": [0.9, 1.1]}
        assert found["inversion"] == {"probability": 0.4}

    def test_a_mistake_in_the_dataset_names_its_file(self, make_dataset, tmp_path):
        with pytest.raises(BadValue, match=r"dataset.json.*probability"):
            self.of(make_dataset, tmp_path, augmentation={"noise": 3})

    def test_nothing_is_bent_whose_annotation_is_an_ellipse(self, make_dataset, tmp_path):
        import roifile

        folder = make_dataset(tmp_path / "data", augmentation={"gamma": 0.5})
        bent = {"elastic": {"probability": 0.5}}
        assert effective(open_dataset(folder))["elastic"]["probability"] == 0.1
        (folder / "masks" / "1.tif").unlink()
        oval = roifile.ImagejRoi.frompoints(np.array([[10, 10], [30, 30]]))
        oval.roitype = roifile.ROI_TYPE.OVAL
        oval.name = "disc-0001"
        (folder / "rois").mkdir()
        roifile.roiwrite(folder / "rois" / "1_RoiSet.zip", [oval])
        dataset = open_dataset(folder)
        assert dataset.instances(dataset.items[1]).shapes.roi_type[0] == 2
        found = effective(dataset)
        assert found["elastic"]["probability"] == found["folding"]["probability"] == 0
        assert effective(dataset, bent)["elastic"]["probability"] == 0.5, "asked for by name it is done"


def test_a_run_is_resumed_only_with_the_same_augmentations(make_dataset, tmp_path, tiny):
    from temj.errors import Cancelled
    from temj.training import train

    folder = make_dataset(tmp_path / "data")
    with pytest.raises(Cancelled):
        train(open_dataset(folder), "semantic", tmp_path / "m", TrainingOptions(**tiny), cancelled=lambda: True)
    text = (folder / "dataset.json").read_text()
    (folder / "dataset.json").write_text(text.replace('"licence"', '"augmentation": {"noise": 0.9}, "licence"'))
    with pytest.raises(BadValue, match=r"augmentation.noise.probability: was 0.5, now 0.9"):
        train(open_dataset(folder), "semantic", tmp_path / "m", TrainingOptions(**tiny, resume=True))
    assert tifffile.imread(folder / "images" / "0.tif").shape == (128, 128)
