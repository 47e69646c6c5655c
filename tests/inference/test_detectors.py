"""Predicting with detectors: thresholds, area, scale, tiles, views, outlines and limits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from temj.cores.detection import Detections
from temj.data import Calibration, Film, Micrograph, RoiType
from temj.errors import BadValue
from temj.geometry.moving import bounds
from temj.geometry.overlap import best_partners, marks, overlaps
from temj.inference import How, candidates, forward, kept, predict, predict_film, raw, read
from temj.inference import network as networks
from temj.inference.detecting import detect
from temj.inference.outlines import outlined
from temj.models import self_test
from temj.models.selftest import compare

NM = Calibration(0.5, 0.5, "nm")
CPU = How(device="cpu", keep=True)


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """One thread, and no answer is kept from another test."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    kept.clear()
    yield
    kept.clear()
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def field(new_discs):
    """192 x 256 pixels with 40 discs."""
    pixels, discs = new_discs(192, 256, 40, 11)
    return Micrograph(pixels, NM, "discs.tif"), discs


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The floors with which an image was looked at."""
    floors: list[float] = []

    def counting(network, image, report, cancelled, floor, **how):
        floors.append(floor)
        return detect(network, image, report, cancelled, floor, **how)

    monkeypatch.setattr("temj.inference.asking.detect", counting)
    return floors


def middles(found) -> np.ndarray:
    shapes = found.shapes
    if len(shapes.points):
        box = bounds(shapes)
        return (box[:, :2] + box[:, 2:]) / 2
    if (shapes.roi_type == RoiType.RECT).all():
        return shapes.params[:, :2] + shapes.params[:, 2:4] / 2
    ends = (shapes.params[:, :2] + shapes.params[:, 2:4]) / 2
    return np.where((shapes.roi_type == RoiType.OVAL)[:, None], shapes.params[:, :2] + shapes.params[:, 2:4] / 2, ends)


def recall(found, discs: np.ndarray) -> float:
    """The share of the discs with an object at its middle, one each."""
    away = np.hypot(*(middles(found)[:, None] - discs[None, :, :2]).transpose(2, 0, 1))
    return float((away < 3).any(axis=0).mean())


def test_masks_are_found_where_the_discs_are(masks_model, field):
    micrograph, discs = field
    found = predict(micrograph, masks_model, device="cpu", threshold=0.7)
    assert recall(found, discs) > 0.9
    assert abs(len(found) - 40) <= 4
    assert set(found.shapes.roi_type) <= {RoiType.TRACED, RoiType.COMPOSITE}
    assert (found.score > found.info["threshold"]).all()
    assert found.name[0] == "disc-0001"


def test_another_threshold_costs_no_pass_and_a_lower_floor_is_asked_for(masks_model, field, passes: list):
    micrograph, _ = field
    counts = [len(predict(micrograph, masks_model, threshold=t, keep=True, device="cpu")) for t in (0.9, 0.5, 0.1)]
    assert counts == sorted(counts)
    assert passes == [0.05]
    more = predict(micrograph, masks_model, threshold=0.01, keep=True, device="cpu")
    assert passes == [0.05, 0.01]
    assert len(more) >= counts[-1]
    again = predict(micrograph, masks_model, threshold=0.5, keep=True, device="cpu")
    assert (len(again), len(passes)) == (counts[1], 2)


def test_a_threshold_below_what_was_looked_at_is_refused_in_words(masks_model, field):
    answer = raw(field[0], masks_model, CPU)
    assert isinstance(answer.answer, Detections)
    assert answer.floor == 0.05
    with pytest.raises(BadValue, match=r"at least 0\.05, the lowest score that was looked at, found 0\.01.*floor"):
        read(answer, 0.01)
    lower = raw(field[0], masks_model, replace(CPU, floor=0.01))
    every = read(lower, 0.01)
    assert len(every) == len(lower.answer.above(0.01))
    assert np.array_equal(np.sort(read(lower, 0.05).score), np.sort(read(answer, 0.05).score))


def test_memory_is_counted_by_what_detections_take(masks_model, field, monkeypatch: pytest.MonkeyPatch):
    size = raw(field[0], masks_model, CPU).answer.nbytes
    kept.clear()
    monkeypatch.setattr(kept, "BYTES", size)
    raw(field[0], masks_model, CPU)
    assert len(kept._answers) == 1
    kept.clear()
    monkeypatch.setattr(kept, "BYTES", size - 1)
    raw(field[0], masks_model, CPU)
    assert not kept._answers


def test_g9_a_full_pass_and_too_many_objects_are_said(masks_model, field, monkeypatch: pytest.MonkeyPatch):
    core = networks.ready(masks_model, "cpu").core
    monkeypatch.setattr(core, "settings", core.settings.model_copy(update={"max_objects": 10}))
    answer = raw(field[0], masks_model, replace(CPU, keep=False))
    assert len(answer.answer) == 10
    lowest = answer.info["complete_from"]
    assert lowest == answer.answer.score.min() > 0.5
    notes = read(answer, 0.3).info["notes"]
    assert any(f"WARNING: too many objects: a pass of the network found as many as it may, and there may be more with "
               f"scores from 0.3 to {lowest:.3g}" in note for note in notes)  # fmt: skip
    assert not any("too many" in note for note in read(answer, lowest).info["notes"])
    monkeypatch.setattr(candidates, "MOST", 4)
    found = read(answer, 0.3)
    assert len(found) == 4
    assert found.score.min() == np.sort(answer.answer.score)[-4]
    assert any(
        "too many objects: 10 above the threshold, the 4 of the highest scores" in n for n in found.info["notes"]
    )


def test_a_crowded_field_is_said(masks_model, field, monkeypatch: pytest.MonkeyPatch):
    answer = raw(field[0], masks_model, CPU)
    assert not any("crowded" in note for note in read(answer, 0.7).info["notes"])
    core = networks.ready(masks_model, "cpu").core
    monkeypatch.setattr(core, "settings", core.settings.model_copy(update={"proposals": 100}))
    found = read(answer, 0.7)
    (note,) = (note for note in found.info["notes"] if "crowded" in note)
    assert note.startswith(f"WARNING: crowded: {len(found)} objects were found at the 100 places")
    assert "more than 15% of the places" in note
    assert "count and density may be too low" in note


def test_more_than_a_hundred_objects_come_out(masks_model, new_discs):
    pixels, discs = new_discs(448, 448, 250, 4)
    found = predict(Micrograph(pixels, NM), masks_model, device="cpu")
    assert len(found) > 200
    assert recall(found, discs) > 0.9


def test_more_is_proposed_in_a_larger_image(masks_model, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("temj.cores.detection.network.PROPOSALS_FOR", 128 * 128)
    core = masks_model.load_core("cpu")
    for side, times in ((64, 1), (128, 1), (256, 4)):
        core.forward(torch.zeros(1, 1, side, side), 0.9)
        assert core.network.rpn.post_nms_top_n() == core.network.rpn.pre_nms_top_n() == times * core.settings.proposals


def test_outside_the_analysed_area_nothing_is_found_and_nothing_counts(masks_model, field):
    micrograph, discs = field
    area = np.ones(micrograph.pixels.shape, bool)
    area[:, :100] = False
    answers = []
    for level in (0, 255):
        pixels = micrograph.pixels.copy()
        pixels[:, :100] = level
        answers.append(raw(replace(micrograph, pixels=pixels, area=area), masks_model, CPU))
    one, other = (answer.answer for answer in answers)
    np.testing.assert_array_equal(one.boxes, other.boxes)
    assert not answers[0].probabilities[:, :, :99].any()
    found = read(answers[0])
    assert recall(found, discs[discs[:, 0] > 112]) > 0.9
    assert bounds(found.shapes)[:, 0].min() >= 99
    assert len(predict(replace(micrograph, area=~area & area), masks_model, device="cpu")) == 0


def test_objects_are_in_the_pixels_of_the_micrograph(masks_model, field):
    """The same field with pixels half as large along x."""
    micrograph, discs = field
    wide = Micrograph(np.repeat(micrograph.pixels, 2, axis=1), Calibration(0.25, 0.5, "nm"))
    found = predict(wide, masks_model, device="cpu")
    assert recall(found, discs * [2, 1, 1]) > 0.85
    plain = predict(micrograph, masks_model, device="cpu")
    box, same = bounds(found.shapes), bounds(plain.shapes)
    wide_sides, sides = (np.median(each[:, 2:] - each[:, :2], axis=0) for each in (box, same))
    np.testing.assert_allclose(wide_sides, sides * [2, 1], rtol=0.1)


def test_tiles_find_what_one_pass_finds(masks_model, new_discs, monkeypatch: pytest.MonkeyPatch):
    pixels, _ = new_discs(400, 440, 150, 5)
    micrograph, how = Micrograph(pixels, NM), {"device": "cpu", "threshold": 0.6}
    whole = predict(micrograph, masks_model, **how)
    monkeypatch.setitem(forward.TILE_PIXELS, "cpu", 280 * 280)
    monkeypatch.setattr("temj.inference.detecting.LEAST_OVERLAP", 64)
    tiled = predict(micrograph, masks_model, **how)
    assert (whole.info["tiles"]["number"], tiled.info["tiles"]["number"]) == (1, 3)
    pairs = overlaps(marks(whole.shapes), marks(tiled.shapes))
    alike = best_partners(pairs.where(pairs.iou > 0.5))
    assert len(alike) >= 0.95 * max(len(whole), len(tiled))


def test_views_are_fused(masks_model, field):
    micrograph, discs = field
    found = predict(micrograph, masks_model, tta=True, device="cpu", threshold=0.6)
    assert found.info["views"] == 8
    assert recall(found, discs) > 0.9
    assert abs(len(found) - 40) <= 6
    assert any("mean of 8 views" in note for note in found.info["notes"])


def test_a_film_is_predicted_plane_by_plane(masks_model, field):
    micrograph, _ = field
    planes = [micrograph, replace(micrograph, pixels=micrograph.pixels[:, ::-1])]
    film = Film("film", (1, 1, 2), lambda index: replace(planes[index], position=(1, 1, index + 1)))
    single = len(predict(micrograph, masks_model, device="cpu"))
    found = predict_film(film, masks_model, device="cpu")
    assert np.count_nonzero(found.position[:, 2] == 1) == single
    assert np.count_nonzero(found.position[:, 2] == 2) > 0.9 * single


class TestOutlines:
    """Module B: the ellipses of boxes."""

    def test_auto_gives_ellipses_along_the_edge_of_the_class(self, boxes_model, field):
        micrograph, discs = field
        found = predict(micrograph, boxes_model, device="cpu")
        kinds = found.shapes.roi_type
        ellipse = kinds == RoiType.ELLIPSE
        assert set(kinds) <= {RoiType.ELLIPSE, RoiType.OVAL}
        assert ellipse.mean() > 0.8
        facts = found.info["ellipses"]
        assert (facts["number"], facts["fallback"]) == (len(found), np.count_nonzero(~ellipse))
        assert found.info["edge"] == {"disc": "half-maximum"}
        assert recall(found, discs) > 0.9
        length = np.hypot(*(found.shapes.params[:, 2:4] - found.shapes.params[:, :2]).T)
        diameter = length * np.sqrt(found.shapes.params[:, 4])
        away = np.hypot(*(middles(found)[:, None] - discs[None, :, :2]).transpose(2, 0, 1))
        near = ellipse & (away.min(axis=1) < 2)
        true = 2 * discs[away.argmin(axis=1), 2]
        assert abs(np.median(diameter[near] / true[near]) - 1) < 0.06

    def test_box_gives_the_boxes_and_both_the_same_objects_but_those_found_twice(self, boxes_model, field):
        one, other = (predict(field[0], boxes_model, device="cpu", outline=kind) for kind in ("box", "ellipse"))
        assert (one.shapes.roi_type == RoiType.RECT).all()
        assert one.info["outline"] == "box"
        twice = ~np.isin(one.score, other.score)
        assert set(other.score) <= set(one.score)
        assert np.count_nonzero(twice) == len(one) - len(other) == other.info["ellipses"]["same"]
        told = f"{np.count_nonzero(twice)} of {len(one)} boxes are left out"
        assert any(told in note for note in other.info["notes"]) == twice.any()
        # a box that is left out overlaps a better one that stays
        apart = np.hypot(*(middles(one)[twice][:, None] - middles(one)[None, ~twice]).transpose(2, 0, 1))
        assert (apart < 20).any(axis=1).all()
        one = one.take(~twice)
        np.testing.assert_allclose(
            middles(one.take(np.argsort(one.score))), middles(other.take(np.argsort(other.score))), atol=6
        )

    def test_of_a_film_the_counts_are_those_of_all_planes(self, boxes_model, field):
        micrograph, _ = field
        flat = replace(micrograph, pixels=np.full_like(micrograph.pixels, 128))
        planes = [
            replace(each, position=(1, 1, number)) for number, each in enumerate((micrograph, flat, micrograph), 1)
        ]
        film = Film("film", (1, 1, 3), planes.__getitem__)
        single = predict(micrograph, boxes_model, device="cpu").info["ellipses"]
        empty = predict(flat, boxes_model, device="cpu").info.get("ellipses", {"number": 0, "fallback": 0, "same": 0})
        found = predict_film(film, boxes_model, device="cpu")
        counts = found.info["ellipses"]
        assert counts["number"] == len(found)
        for name in ("number", "fallback", "same"):
            assert counts[name] == 2 * single[name] + empty[name]

    def test_a_fallback_is_an_oval_in_its_box_and_a_note_counts_it(self, boxes_model):
        flat = Micrograph(np.full((80, 80), 100, np.uint8))
        boxes = Detections(np.array([[10.5, 12, 30, 40]]), np.zeros(1, np.int64), np.ones(1))
        core = boxes_model.load_core("cpu")
        given = core.decode(boxes, 0.5).with_columns(info={"notes": []})
        found = outlined(given, flat, boxes_model.card, "auto")
        assert found.shapes.roi_type.tolist() == [RoiType.OVAL]
        np.testing.assert_allclose(found.shapes.params[0, :4], [10.5, 12, 19.5, 28])
        assert found.info["ellipses"]["fallback"] == 1
        assert any("1 of 1 boxes could not be fitted" in note for note in found.info["notes"])

    def test_it_is_refused_where_no_model_answers_with_boxes(self, masks_model, field):
        with pytest.raises(BadValue, match=r"answers with boxes.*found ellipse for .*core masks"):
            predict(field[0], masks_model, device="cpu", outline="ellipse")
        with pytest.raises(BadValue, match=r"auto, box, ellipse, found 'disc'"):
            predict(field[0], masks_model, device="cpu", outline="disc")

    def test_with_a_model_of_masks_beside_it_each_has_its_own(self, boxes_model, masks_model, field):
        found = predict(field[0], [boxes_model, masks_model], device="cpu")
        alone = predict(field[0], boxes_model, device="cpu")
        assert len(found) <= 1.3 * len(alone)
        assert any("a model before it: the higher score is kept" in note for note in found.info["notes"])


class TestSelfTest:
    def test_a_trained_detector_passes_in_both_precisions(self, masks_model, boxes_model):
        for model in (masks_model, boxes_model):
            assert self_test(model, "cpu").passed
            assert self_test(model, "cpu", "bfloat16").passed

    @pytest.mark.parametrize("what", ["noise", "head", "boxes", "encoder"])
    def test_a_wrong_network_fails(self, masks_model, what: str):
        core = masks_model.load_core("cpu")
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for name, tensor in core.network.named_parameters():
                if what == "noise":
                    tensor += (
                        0.6 * tensor.std() * torch.randn(tensor.shape, generator=generator) if tensor.numel() > 1 else 0
                    )
                elif what == "head" and "cls_score" in name:
                    tensor.zero_()
                elif what == "boxes" and "bbox_pred" in name and "heads" in name:
                    tensor += 0.2
                elif what == "encoder" and "encoder.conv1" in name:
                    tensor.neg_()
        for dtype in ("float32", "bfloat16"):
            assert not compare(masks_model, core, dtype).passed, dtype

    def test_the_folded_network_answers_the_same(self, masks_model, field):
        plain, folded = masks_model.load_core("cpu"), networks.load_folded(masks_model, "cpu")
        assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in folded.network.encoder.modules())
        batch = torch.from_numpy(plain.prepare(field[0].pixels))[None]
        one, other = (core.forward(batch, 0.3)[0] for core in (plain, folded))
        np.testing.assert_allclose(one.boxes, other.boxes, atol=1e-2)
        np.testing.assert_allclose(one.score, other.score, atol=1e-4)
        np.testing.assert_allclose(one.masks, other.masks, atol=1e-3)
