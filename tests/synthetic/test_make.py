"""What every kind must keep: walks the table."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import label

from temj import registry, synthetic
from temj.data import RoiType
from temj.errors import BadValue
from temj.geometry import rasterise

KINDS = sorted(synthetic.KINDS)
STILLS = [kind for kind in KINDS if kind != "film"]
SMALL = {"size": 224}
FEW_FRAMES = {"frames": 3, "size": 96, "density": 4e15}


def small(kind: str, **given: object) -> dict:
    return (FEW_FRAMES if kind == "film" else SMALL) | given


def pixels(made: synthetic.Made) -> list[np.ndarray]:
    return [made.micrograph.pixels] if made.film is None else [frame.pixels for frame in made.film]


@pytest.mark.parametrize("kind", KINDS)
def test_equal_seeds_give_equal_bytes_and_others_do_not(kind: str) -> None:
    one, again = (synthetic.make(kind, seed=5, index=2, **small(kind)) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(pixels(one), pixels(again), strict=True))
    assert np.array_equal(one.instances.shapes.params, again.instances.shapes.params, equal_nan=True)
    assert np.array_equal(one.instances.shapes.points, again.instances.shapes.points)
    assert one.facts == again.facts
    for other in (synthetic.make(kind, seed=6, index=2, **small(kind)), synthetic.make(kind, seed=5, **small(kind))):
        assert not np.array_equal(pixels(one)[0], pixels(other)[0])


@pytest.mark.parametrize("kind", STILLS)
def test_dose_and_detector_leave_every_object_in_its_place(kind: str) -> None:
    plain = synthetic.make(kind, seed=3, **SMALL)
    other = synthetic.make(kind, seed=3, dose=100.0, detector_blur=0.0, bits=16, **SMALL)
    assert np.array_equal(plain.ideal, other.ideal)
    assert np.array_equal(plain.instances.shapes.params, other.instances.shapes.params, equal_nan=True)
    assert other.micrograph.pixels.dtype == np.uint16
    # Many electrons and no blur: the picture is the ideal one, up to noise.
    bright = plain.facts["settings"]["brightness"] * 65535
    share = np.corrcoef(other.micrograph.pixels.ravel(), np.minimum(other.ideal * bright, 65535).ravel())[0, 1]
    assert share > 0.5


@pytest.mark.parametrize("kind", KINDS)
def test_no_objects_is_a_normal_picture(kind: str) -> None:
    model = synthetic.kind(kind).settings
    none = {name: 0.0 for name in model.model_fields if name.endswith("density") or name == "nucleation"}
    made = synthetic.make(kind, seed=1, **small(kind) | none)
    assert len(made.instances) == 0
    assert made.instances.info["buried"] == []
    assert all(picture.std() > 0 for picture in pixels(made))
    assert not made.labels().any()
    assert len(made.tables["objects"]) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_truth_is_complete(kind: str) -> None:
    made = synthetic.make(kind, seed=2, **small(kind))
    found, table = made.instances, made.tables["objects"]
    assert len(found) == len(table) > 0
    names = {entry.name for entry in synthetic.kind(kind).classes(synthetic.settings_of(kind, {}))}
    assert set(found.class_name) <= names == set(found.info["edge"])
    assert list(found.name) == list(table["Name"])
    assert set(found.info["buried"]) == set(found.name[table["Buried"] > 0])
    assert len(set(found.name)) == len(found)
    json.dumps(dict(made.facts), allow_nan=False)
    json.dumps(dict(found.info), allow_nan=False)
    micrograph = made.micrograph or made.film[0]
    assert micrograph.calibration.nm == (made.facts["settings"]["pixel_size"],) * 2
    if kind != "film":
        runs = rasterise(found.shapes, micrograph.width, micrograph.height)
        assert np.array_equal(runs.counts(len(found)), table["Pixels"])
    if kind == "nanorods":
        assert (found.shapes.roi_type == RoiType.ROTATED_RECT).all()


@given(
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 2**63),
    size=st.sampled_from((64, 65, 101, 128, 200)),
    nm=st.sampled_from((0.1, 0.4, 1.0, 3.0)),
    bars=st.tuples(st.booleans(), st.booleans()),
    dose=st.sampled_from((0.01, 1.0, 500.0)),
)
@settings(max_examples=40, deadline=None)
def test_any_seed_and_size_gives_a_sound_picture(kind, seed, size, nm, bars, dose) -> None:
    given = {
        "size": size,
        "pixel_size": nm,
        "dose": dose,
        "info_bar": bars[0],
        "scale_bar": bars[1],
        "scan_jitter": 0.5,
    }
    if kind == "film":
        given |= {"frames": 2}
    made = synthetic.make(kind, seed=seed, **given)
    micrograph = made.micrograph or made.film[1]
    assert micrograph.pixels.shape == (size, size)
    assert (micrograph.area is None) == (not any(bars))
    shapes = made.instances.shapes
    assert np.isfinite(shapes.points).all()
    counts = rasterise(shapes, size, size).counts(len(shapes))
    assert (counts > 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_settings_say_what_they_are_and_are_in_the_documentation(kind: str) -> None:
    from pathlib import Path

    told = Path(__file__).parents[2].joinpath("docs", "synthetic.md").read_text("utf-8")
    for name, field in synthetic.kind(kind).settings.model_fields.items():
        assert field.description.endswith("."), name
        assert f"`{name}`" in told, name


def test_mistakes_are_told() -> None:
    with pytest.raises(BadValue, match="Did you mean 'loops'"):
        synthetic.make("loop")
    with pytest.raises(BadValue, match="Did you mean 'density'"):
        synthetic.make("loops", densty=1)
    with pytest.raises(BadValue, match="a number above 0 and at most 100,000, found -1"):
        synthetic.make("loops", dose=-1)
    with pytest.raises(BadValue, match="right angles"):
        synthetic.make("loops", g=(1, 1, 2))
    with pytest.raises(BadValue, match="20,000 objects"):
        synthetic.make("loops", pixel_size=100)
    with pytest.raises(BadValue, match="3,000 objects"):
        synthetic.make("film", pixel_size=20, drift_x=0, drift_y=0)
    with pytest.raises(BadValue, match="needs a diffraction vector"):
        synthetic.make("dark-field", g=None)
    with pytest.raises(BadValue, match="whole number from 0"):
        synthetic.make("loops", seed=-1)


def test_bars_are_left_out_of_the_area_and_objects_under_them_of_the_truth() -> None:
    made = synthetic.make("black-dots", seed=1, size=256, info_bar=True, scale_bar=True)
    area, picture = made.micrograph.area, made.micrograph.pixels
    assert not area[-1].any()
    assert area[0].all()
    assert picture[~area].max() == 255
    assert np.median(picture[~area]) == 0
    labels = made.labels()
    assert all(
        (area & (labels == number)).any() or number not in labels for number in range(1, len(made.instances) + 1)
    )
    bare = synthetic.make("black-dots", seed=1, size=256)
    assert np.array_equal(bare.micrograph.pixels[area], picture[area])
    assert len(bare.instances) >= len(made.instances)
    loose = synthetic.make("black-dots", seed=1, size=256, scale_bar=True)
    changed = loose.micrograph.pixels != bare.micrograph.pixels
    assert changed.any()
    assert not (changed & loose.micrograph.area).any()
    assert label(~loose.micrograph.area).max() == 1


def test_kinds_are_importable_and_named_as_in_the_table() -> None:
    for name, target in synthetic.KINDS.items():
        kind = registry.load(target)
        assert kind.name == name
        assert (kind.draw is None) != (kind.film is None)
        assert kind.title
