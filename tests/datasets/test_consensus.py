import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from temj.annotations import roiset
from temj.data import IGNORE, Instances, RoiType, Shape
from temj.datasets.agreement import summed
from temj.datasets.consensus import Rule, merge, outlines_of, single_points, verdict
from temj.datasets.decisions import UNDECIDED, as_questions, decisions

KINDS = (RoiType.RECT, RoiType.OVAL, RoiType.ELLIPSE, RoiType.POLYGON, RoiType.POINT, RoiType.POLYLINE)
CLASSES = ("loop", "void", "black dot", IGNORE)


def rect(x, y, width=10, height=10) -> Shape:
    return Shape(RoiType.RECT, params=(x, y, width, height), subpixel=False)


def objects(*rows) -> Instances:
    """From (shape, class) pairs."""
    return Instances.of([shape for shape, _ in rows], class_name=np.array([name for _, name in rows], object))


def random_objects(rng: np.random.Generator, count: int, corner: tuple[int, int] = (0, 0)) -> Instances:
    shapes = []
    for _ in range(count):
        kind = KINDS[rng.integers(len(KINDS))]
        (x, y), (width, height) = corner + rng.integers(0, 80, 2), rng.integers(1, 25, 2)
        if kind in (RoiType.RECT, RoiType.OVAL):
            shapes.append(Shape(kind, params=(x, y, width, height), subpixel=False))
        elif kind == RoiType.ELLIPSE:
            shapes.append(Shape(kind, params=(x, y, x + width, y + height, 0.5)))
        else:
            points = 1 if kind == RoiType.POINT else int(rng.integers(3, 7))
            shapes.append(Shape(kind, np.add((x, y), rng.uniform(0, 20, (points, 2)).round(2))))
    return Instances.of(shapes, class_name=np.array(rng.choice(CLASSES, count).tolist(), object))


def encoded(instances: Instances) -> list[bytes]:
    plain = instances.with_columns(name="", class_name="", group=0)
    return roiset.encoded(plain)


def facts(merged, labels) -> list:
    drawn = encoded(outlines_of(merged.clusters, labels)) if merged.clusters else []
    rows = [(c.kind, c.class_name, sorted(c.members.items()), c.outline) for c in merged.clusters]
    return list(zip(rows, drawn, strict=True))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(0, 25), annotators=st.integers(2, 5), whole=st.booleans())
def test_identical_annotators_agree_on_everything_to_the_byte(seed, count, annotators, whole):
    drawn = random_objects(np.random.default_rng(seed), count)
    labels = {f"a{number}": drawn for number in range(annotators)}
    merged = merge(labels, Rule(votes=annotators), (100, 100) if whole else None)
    assert len(merged.clusters) == count
    assert {cluster.kind for cluster in merged.clusters} <= {"agreed"}
    assert all(len(cluster.members) == annotators for cluster in merged.clusters)
    assert sorted(encoded(outlines_of(merged.clusters, labels))) == sorted(encoded(drawn))
    assert sorted(cluster.class_name for cluster in merged.clusters) == sorted(drawn.class_name)
    for pair in merged.pairs:
        assert (pair.matched, pair.only_first, pair.only_second) == (int((~drawn.ignored).sum()), 0, 0)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), votes=st.integers(1, 4))
def test_the_order_of_annotators_decides_about_nothing(seed, votes):
    rng = np.random.default_rng(seed)
    base = random_objects(rng, 12)
    labels = {}
    for name in "abcd":
        kept = rng.random(len(base)) < 0.8
        moved = [
            Shape(s.roi_type, s.points + rng.integers(-1, 2, 2), s.params, s.subpixel) for s in base.take(kept).shapes
        ]
        changed = [rng.choice(CLASSES) if rng.random() < 0.2 else c for c in base.class_name[kept]]
        own = Instances.of(moved, class_name=np.array(changed, object))
        labels[name] = Instances.concatenate([own, random_objects(rng, 2)])
    expected = facts(merge(labels, Rule(votes=votes)), labels)
    for order in itertools.islice(itertools.permutations(labels), 0, 24, 9):
        assert facts(merge({name: labels[name] for name in order}, Rule(votes=votes)), labels) == expected


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(0, 12))
def test_disjoint_sets_are_all_single(seed, count):
    rng = np.random.default_rng(seed)
    labels = {name: random_objects(rng, count, (500 * k, 0)) for k, name in enumerate("abc")}
    merged = merge(labels, Rule(votes=2))
    assert len(merged.clusters) == 3 * count
    assert {cluster.kind for cluster in merged.clusters} <= {"single"}
    assert all(pair.matched == 0 for pair in merged.pairs)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), iou=st.sampled_from([0.01, 0.3, 0.5, 0.8]))
def test_every_object_is_in_one_cluster_and_its_annotator_once(seed, iou):
    rng = np.random.default_rng(seed)
    labels = {name: random_objects(rng, 15) for name in "abc"}
    merged = merge(labels, Rule(iou=iou, votes=2))
    members = [member for cluster in merged.clusters for member in cluster.members.items()]
    assert sorted(members) == [(name, index) for name in "abc" for index in range(15)]
    for cluster in merged.clusters:
        assert cluster.outline in cluster.members
        assert cluster.iou[cluster.outline] == 1


def test_the_kept_outline_is_the_one_nearest_to_the_others():
    labels = {
        "anna": objects((rect(0, 0), "loop")), "ben": objects((rect(1, 0), "loop")),
        "carl": objects((rect(2, 0), "loop")),
    }  # fmt: skip
    (cluster,) = merge(labels, Rule(votes=3)).clusters
    assert (cluster.outline, cluster.kind, cluster.votes) == ("ben", "agreed", 3)
    assert cluster.mean_iou == pytest.approx(90 / 110)


def test_a_chain_is_one_cluster_only_where_one_outline_overlaps_all_others():
    labels = {name: objects((rect(3 * k, 0), "loop")) for k, name in enumerate("abcd")}
    # neighbours overlap with 70 / 130, next but one with 40 / 160
    kinds = [tuple(cluster.members) for cluster in merge(labels, Rule(votes=4)).clusters]
    assert kinds == [("a", "b", "c"), ("d",)]
    three = {name: labels[name] for name in "abc"}
    assert [tuple(cluster.members) for cluster in merge(three, Rule(votes=3)).clusters] == [("a", "b", "c")]


@pytest.mark.parametrize(
    ("said", "unsure", "votes", "expected"),
    [
        (["loop", "loop", "loop"], False, 3, ("agreed", "loop")),
        (["loop", "loop"], False, 3, ("few", "loop")),
        (["loop"], False, 2, ("single", "loop")),
        (["loop", "loop", "void"], False, 2, ("agreed", "loop")),
        (["loop", "loop", "void"], False, 3, ("conflict", "loop")),
        (["loop", "void"], False, 1, ("conflict", "")),
        (["loop", "loop", "void", "void"], False, 2, ("conflict", "")),
        (["loop", "loop", IGNORE], True, 3, ("unsure", "loop")),
        (["loop", "loop", IGNORE], True, 2, ("agreed", "loop")),
        ([IGNORE, IGNORE], True, 2, ("agreed", IGNORE)),
        ([IGNORE], True, 2, ("single", IGNORE)),
        (["loop", "void", IGNORE], True, 2, ("conflict", "")),
    ],
)
def test_what_votes_amount_to(said, unsure, votes, expected):
    assert verdict(dict(zip("abcd", said, strict=False)), unsure, votes) == expected


def test_a_region_that_someone_ignores_is_no_vote_and_left_out_of_the_counts():
    labels = {
        "anna": objects((rect(0, 0), "loop"), (rect(50, 0), "loop")),
        "ben": objects((rect(0, 0, 30, 30), IGNORE), (rect(50, 0), "loop")),
    }
    merged = merge(labels, Rule(votes=2))
    assert [(c.kind, c.class_name, c.unsure) for c in merged.clusters] == [
        ("unsure", "loop", ("ben",)), ("agreed", "loop", ()), ("single", IGNORE, ("ben",)),
    ]  # fmt: skip
    (pair,) = merged.pairs
    assert (pair.matched, pair.only_first, pair.only_second, pair.left_out) == (1, 0, 0, 1)


def test_planes_of_a_stack_do_not_mix_but_none_stands_for_all():
    square = objects((rect(0, 0), "loop"))
    first, second = (square.with_columns(position=np.array([[1, 1, frame]])) for frame in (1, 2))
    assert len(merge({"a": first, "b": second}, Rule()).clusters) == 2
    assert len(merge({"a": first, "b": square}, Rule()).clusters) == 1


def test_kappa_and_shares_are_those_of_the_formula():
    rows = [("loop", "loop")] * 20 + [("loop", "void")] * 5 + [("void", "loop")] * 10 + [("void", "void")] * 15
    one = objects(*((rect(20 * k, 0), a) for k, (a, _) in enumerate(rows)))
    other = objects(*((rect(20 * k, 0), b) for k, (_, b) in enumerate(rows)))
    parts = [merge({"a": one.take(part), "b": other.take(part)}, Rule()).pairs[0] for part in (range(7), range(7, 50))]
    (pair,) = summed(parts)
    # the example of two readers with 35 of 50 equal answers: expected by chance 0.5
    assert (pair.images, pair.matched, pair.same_class) == (2, 50, 0.7)
    assert pair.kappa == pytest.approx(0.4)
    assert math.isnan(merge({"a": one.take(range(5)), "b": one.take(range(5))}, Rule()).pairs[0].kappa)


def test_points_of_one_roi_are_objects_of_their_own():
    several = objects((Shape(RoiType.POINT, [(1, 1), (30, 1)]), "dot"), (rect(50, 50), "loop"))
    split = single_points(several)
    assert split.class_name.tolist() == ["dot", "dot", "loop"]
    alone = objects((Shape(RoiType.POINT, [(2, 1)]), "dot"))
    merged = merge({"anna": split, "ben": alone}, Rule())
    assert sorted(cluster.kind for cluster in merged.clusters) == ["agreed", "single", "single"]


def asked_about() -> tuple[Instances, list[str]]:
    labels = {
        "anna": objects((rect(0, 0), "loop"), (rect(50, 0), "loop"), (rect(0, 50), "a.b")),
        "ben": objects((rect(50, 0), "void")),
    }
    clusters = merge(labels, Rule(votes=2)).clusters
    return as_questions(clusters, labels, 2), [cluster.class_name for cluster in clusters]


def test_questions_say_what_is_in_question_and_nobody_trains_on_them():
    asked, proposed = asked_about()
    assert asked.name.tolist() == ["single-anna-loop-0001", "conflict-loop-void-0002", "single-anna-a_b-0003"]
    assert set(asked.class_name) == {UNDECIDED}
    assert proposed == ["loop", "", "a.b"]


def test_what_is_left_is_accepted_and_what_was_deleted_rejected():
    asked, proposed = asked_about()
    edited = asked.take([0, 1]).with_columns(name=np.array(["single-anna-loop-0001", "void-0002"], object))
    made, problems = decisions(asked, proposed, edited, ["loop", "void"])
    assert problems == []
    assert [(d.cluster, d.class_name) for d in made] == [(0, "loop"), (1, "void")]


def test_what_cannot_be_understood_is_all_reported():
    asked, proposed = asked_about()
    new = objects((rect(200, 200), UNDECIDED)).with_columns(name="0200-0200")
    edited = Instances.concatenate([asked, new]).with_columns(group=np.array([0, 0, 3, 0]))
    _, problems = decisions(asked, proposed, edited, ["loop", "void"])
    assert len(problems) == 3
    assert "still has several classes" in problems[0]
    assert "group 3" in problems[1]
    assert "'0200-0200' has no class" in problems[2]


def test_other_ways_to_say_a_class():
    asked, proposed = asked_about()
    names = ["void", "?", "my-loop-0007"]
    edited = asked.with_columns(name=np.array(names, object), class_name=np.array([UNDECIDED, IGNORE, "void"], object))
    made, problems = decisions(asked, proposed, edited, ["loop", "void"])
    assert problems == []
    assert [(d.cluster, d.class_name) for d in made] == [(0, "void"), (1, IGNORE), (2, "void")]
