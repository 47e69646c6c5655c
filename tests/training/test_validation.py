import math

import cv2
import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from temj.cores import Truth, make_core
from temj.evaluation.agreement import Agreement
from temj.training.fitting import in_words as words_of_a_fit
from temj.training.judging import Judge, comparable, in_words, spaced
from temj.training.sampling import Picture
from temj.training.truths import coarser, known, labels_of
from temj.training.validation import Answers, Scores, View, coarse_view, object_f1, own_view

ONE = make_core("semantic", {"classes": ["disc"]})
TWO = make_core("semantic", {"classes": ["disc", "ring"]})
MANY = make_core("semantic", {"classes": ["disc", "ring"], "mode": "multilabel"})


def discs(places, side=96, value=1) -> np.ndarray:
    """A class map with a disc of each (x, y, radius)."""
    drawn = np.zeros((side, side), np.uint8)
    for x, y, radius in places:
        cv2.circle(drawn, (x, y), radius, value, -1)
    return drawn


FIRST, SECOND = discs([(20, 20, 8), (60, 30, 10), (40, 75, 6)]), discs([(30, 60, 9), (70, 70, 7)])


def picture(name, class_map, core, objects=None) -> Picture:
    shape = class_map.shape[-2:]
    pixels = np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8)
    return Picture.of(name, pixels, Truth(class_map, objects), core)


def perfect(view: View, core, noise: float = 0.0, seed: int = 0) -> Answers:
    """What a network would answer that is right, but for some noise."""
    rng = np.random.default_rng(seed)
    channels = len(core.classes)
    levels = tuple(
        np.clip(0.9 * core.encode(t)[:channels] + rng.normal(0.05, noise, (channels, *known(t).shape)), 0, 1)
        for t in view.truths
    )
    return Answers(view, tuple(level.astype(np.float32) for level in levels), not core.overlapping)


class TestTruths:
    def test_annotated_objects_that_touch_are_two(self):
        mask = np.zeros((20, 20), np.uint8)
        mask[5:15, 2:18] = 1
        objects = np.where(mask > 0, 1 + (np.arange(20) >= 10), 0).astype(np.int32)
        assert labels_of(Truth(mask), 1).max() == 1
        assert np.unique(labels_of(Truth(mask, objects), 1)).tolist() == [0, 1, 2]

    def test_pixels_that_no_object_has_belong_to_the_one_they_touch_or_are_pieces_of_their_own(self):
        mask = np.zeros((20, 20), np.uint8)
        mask[2:8, 2:8] = 1
        mask[12:16, 12:16] = 1
        objects = np.zeros((20, 20), np.int32)
        objects[2:8, 2:7] = 5
        labels = labels_of(Truth(mask, objects), 1)
        assert (labels[2:8, 2:8] == 5).all()
        assert len(np.unique(labels[12:16, 12:16])) == 1
        assert labels[13, 13] not in (0, 5)
        assert ((labels > 0) == (mask > 0)).all()

    def test_classes_that_overlap_keep_their_own_objects(self):
        disc, ring = discs([(40, 40, 20)]), discs([(40, 40, 6), (80, 80, 5)])
        objects = disc.astype(np.int32)
        objects[discs([(40, 40, 6)]) > 0] = 2
        objects[discs([(80, 80, 5)]) > 0] = 3
        truth = Truth(np.stack([disc, ring]), objects)
        assert np.unique(labels_of(truth, 1)).tolist() == [0, 1]
        assert ((labels_of(truth, 1) > 0) == (disc > 0)).all()
        assert np.unique(labels_of(truth, 2)).tolist() == [0, 2, 3]

    def test_coarser_keeps_what_covers_most(self):
        class_map = np.zeros((8, 8), np.uint8)
        class_map[:3, :3] = 1
        class_map[4:, 4:] = 2
        class_map[6:, :2] = 255
        found = coarser(Truth(class_map, (class_map == 1).astype(np.int32) * 9), (4, 4), 2)
        assert found.class_map.tolist() == [[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 2, 2], [255, 0, 2, 2]]
        assert set(np.unique(found.objects)) <= {0, 9}
        planes = coarser(Truth(np.stack([class_map == 1, class_map == 2]).astype(np.uint8)), (4, 4), 2)
        assert planes.class_map.shape == (2, 4, 4)
        assert planes.class_map[1].sum() == 4


class TestAnswers:
    @pytest.mark.parametrize("core", [ONE, TWO, MANY], ids=["one", "two", "overlapping"])
    def test_a_perfect_answer_agrees_in_all(self, core):
        if core.overlapping:
            maps = [np.stack([FIRST, SECOND]), np.stack([SECOND, FIRST])]
        else:
            rings = discs([(75, 75, 6)], value=2) if len(core.classes) > 1 else 0 * FIRST
            maps = [np.maximum(FIRST, rings), SECOND]
        pictures = [picture(str(number), each, core) for number, each in enumerate(maps)]
        for view in (own_view(pictures, core), coarse_view(pictures, core)):
            answers = perfect(view, core)
            scores = Scores.of([answers])
            assert scores.views == (1.0,)
            assert object_f1(core, answers, 0.5) == 1
            calibrated = Judge(core, {}).calibrated([answers])
            assert set(calibrated.thresholds) == {"auto", "area", "count"}
            total = Agreement.total(p for n in range(2) for p in answers.agreement(core, n, 0.5, {}))
            assert total.metrics()["area error"] == pytest.approx(0, abs=0.05)
            assert total.metrics()["count error"] == 0

    def test_scores_are_the_best_threshold_of_a_brute_force(self):
        view = own_view([picture("a", FIRST, ONE), picture("b", SECOND, ONE)], ONE)
        answers = perfect(view, ONE, 0.3)
        level = np.concatenate([each.ravel() for each in answers.levels])
        truth = np.concatenate([t.class_map.ravel() for t in view.truths]) == 1
        grid = np.arange(5, 96) / 100
        iou = [np.count_nonzero((level > t) & truth) / np.count_nonzero((level > t) | truth) for t in grid]
        scores = Scores.of([answers])
        assert scores.mean == pytest.approx(max(iou), abs=2e-3)
        assert iou[round(scores.threshold * 100) - 5] == pytest.approx(max(iou), abs=2e-3)

    def test_ignored_pixels_count_nowhere(self):
        unknown = FIRST.copy()
        unknown[:48] = 255
        seen, whole = own_view([picture("a", unknown, ONE)], ONE), own_view([picture("a", FIRST, ONE)], ONE)
        wrong = perfect(whole, ONE).levels[0].copy()
        wrong[:, :40] = 1
        answers = Answers(seen, (wrong,))
        assert Scores.of([answers]).mean == 1
        assert object_f1(ONE, answers, 0.5) == 1

    def test_where_classes_exclude_each_other_the_likelier_one_has_the_pixel(self):
        view = own_view([picture("a", FIRST, TWO)], TWO)
        level = np.stack([np.full(FIRST.shape, 0.4), np.full(FIRST.shape, 0.5)]).astype(np.float32)
        assert (Answers(view, (level,)).probabilities(0)[0] == 0).all()
        assert (Answers(view, (level,), alone=False).probabilities(0)[0] == np.float32(0.4)).all()

    def test_noise_is_not_read(self):
        view = own_view([picture("a", discs([(100, 100, 9)], 320), ONE)], ONE)
        noise = np.random.default_rng(0).random((1, 320, 320)).astype(np.float32)
        assert math.isnan(object_f1(ONE, Answers(view, (noise,)), 0.8))


class TestJudge:
    def test_views_of_one_image_are_one_unit_and_networks_may_differ(self):
        pictures = [picture(name, each, ONE) for name, each in (("a", FIRST), ("b", SECOND), ("c", FIRST.T.copy()))]
        views = [view for p in pictures for view in (own_view([p], ONE), coarse_view([p], ONE))]
        answers = [perfect(view, ONE, 0.3, seed) for seed, view in enumerate(views)]
        calibrated = Judge(ONE, {}).calibrated(answers)
        assert calibrated.images == 3
        low, high = calibrated.bias["area"]["area"][1:]
        assert low < high
        assert Judge(ONE, {}).calibrated(answers, images=2).images == 2

    def test_metrics_have_intervals_and_areas_under_curves(self):
        view = own_view([picture("a", FIRST, ONE), picture("b", SECOND, ONE)], ONE)
        answers = perfect(view, ONE, 0.25)
        rows = Judge(ONE, {}).metrics(answers, {"area": 0.4, "auto": 0.5}, "validation images")
        assert rows[0]["data"] == "validation images at own pixel size, threshold 'auto'"
        found = {(row["name"], row["data"].rpartition("threshold ")[2]): row for row in rows}
        assert found["IoU", "'auto'"]["interval"][0] < found["IoU", "'auto'"]["value"]
        level = np.concatenate([each.ravel() for each in answers.levels])
        truth = np.concatenate([t.class_map.ravel() for t in view.truths])
        data = "validation images at own pixel size"
        assert found["PR-AUC", data]["value"] == pytest.approx(average_precision_score(truth, level), abs=1e-3)
        assert found["ROC-AUC", data]["value"] == pytest.approx(roc_auc_score(truth, level), abs=1e-3)

    def test_a_class_that_is_not_annotated_is_left_out_of_the_mean(self):
        view = own_view([picture("a", FIRST, TWO)], TWO)
        assert Judge(TWO, {}).mean_iou(perfect(view, TWO), 0.5) == 1


@pytest.mark.parametrize(
    ("pair", "says"),
    [
        (
            (0.84, 0.57),
            "training IoU 0.84 against validation 0.57: the network has learned the training images by heart",
        ),
        ((0.60, 0.57), "they agree"),
        ((0.50, 0.70), "validation images are easier"),
        ((0.12, 0.10), "little was learned"),
    ],
)
def test_what_the_two_say(pair, says):
    assert says in in_words(*pair, 0.9)
    assert ("was best after 30 %" in in_words(*pair, 0.3)) == (pair[0] == 0.84)


@pytest.mark.parametrize(
    ("pair", "says"),
    [
        ((math.nan, 0.57), "validation IoU 0.57; no object is annotated in the training images"),
        ((0.57, math.nan), "training IoU 0.57; no object is annotated in the validation images"),
        ((math.nan, math.nan), "no object is annotated in the training and validation images"),
    ],
)
@pytest.mark.parametrize("words", [lambda *pair: in_words(*pair, 0.9), words_of_a_fit])
def test_nothing_is_compared_with_images_without_objects(words, pair, says):
    assert words(*pair).startswith(says)
    assert "easier" not in words(*pair)


def test_training_images_to_compare_with_have_objects_where_any_have():
    empty = [picture(name, np.zeros_like(FIRST), TWO) for name in "ab"]
    full = [picture(name, FIRST, TWO) for name in "cd"]
    both = [empty[0], full[0], empty[1], full[1]]
    assert comparable(both, 4) == full
    assert comparable(both, 1) == full[:1]
    assert comparable(empty, 1) == empty[:1]
    assert math.isnan(Judge(TWO, {}).annotated_iou(perfect(own_view(empty, TWO), TWO), 0.5))
    assert Judge(TWO, {}).annotated_iou(perfect(own_view(full, TWO), TWO), 0.5) == 1


def test_spaced_images():
    assert spaced("abcdefgh", 4) == ["a", "c", "e", "g"]
    assert spaced("abc", 5) == spaced("abc", None) == ["a", "b", "c"]
