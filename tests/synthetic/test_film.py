"""Films: drift, tracks and events agree with each other and with the pixels."""

import itertools

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.registration import phase_cross_correlation

from temj import synthetic
from temj.data import Film

CLEAR = {"dose": 200.0, "detector_blur": 0.7, "size": 256}


def test_drift_is_found_by_phase_correlation() -> None:
    made = synthetic.make(
        "film", seed=3, frames=6, drift_x=2.5, drift_y=-1.2, growth=0.0, nucleation=0.0, lifetime=0.0, **CLEAR
    )
    drift = made.tables["drift"]
    frames = [frame.pixels.astype(float) for frame in made.film]
    # A rough texture that is cut by the edges pulls the maximum to 0: high-pass and window, as one does with real ones.
    window = np.outer(np.hanning(256), np.hanning(256))
    frames = [(frame - gaussian_filter(frame, 8)) * window for frame in frames]
    for index in range(1, len(frames)):
        found, _, _ = phase_cross_correlation(frames[0], frames[index], upsample_factor=20, normalization=None)
        expected = -drift["Y (px)"][index], -drift["X (px)"][index]
        assert found == pytest.approx(expected, abs=0.3)
    assert abs(drift["X (px)"][-1]) > 3
    assert drift["X (nm)"][-1] == pytest.approx(drift["X (px)"][-1] * 0.390625)


@pytest.fixture(scope="module", params=["loops", "voids"])
def busy(request: pytest.FixtureRequest) -> synthetic.Made:
    """A film in which much happens."""
    given = {"pixel_size": 0.4, "size": 160, "frames": 14, "density": 1.5e15, "nucleation": 4e14, "growth": 2.0}
    given |= {"drift_x": 3.0, "lifetime": 12.0, "thickness": 20.0, "diameter": 6.0}
    return synthetic.make("film", seed=11, feature=request.param, **given)


def present(made: synthetic.Made) -> dict[int, list[int]]:
    """track → frames in which it is seen."""
    found: dict[int, list[int]] = {}
    for track, frame in zip(made.instances.track.tolist(), made.instances.position[:, 2].tolist(), strict=True):
        found.setdefault(track, []).append(frame)
    return found


def test_it_is_a_lazy_film_of_equal_frames(busy: synthetic.Made) -> None:
    film = busy.film
    assert isinstance(film, Film)
    assert (len(film), film.frame_interval, film.dimensions) == (14, 0.5, (1, 1, 14))
    later = film[9]
    assert later.position == (1, 1, 10)
    assert np.array_equal(film[9].pixels, later.pixels)
    assert not np.array_equal(film[9].pixels, film[8].pixels)
    assert busy.labels().shape == (14, 160, 160)


def test_tracks_are_stable_and_each_is_once_in_a_frame(busy: synthetic.Made) -> None:
    found, drift = busy.instances, busy.tables["drift"]
    pairs = list(zip(found.track.tolist(), found.position[:, 2].tolist(), strict=True))
    assert len(set(pairs)) == len(pairs)
    assert (found.track > 0).all()
    params = found.shapes.params
    centre = (params[:, :2] + params[:, 2:4]) / 2
    fixed = centre - np.stack([drift["X (px)"], drift["Y (px)"]], axis=1)[found.position[:, 2] - 1]
    merging = set(busy.tables["events"]["Into"].tolist())
    for track in set(found.track.tolist()) - merging:
        places = fixed[found.track == track]
        assert np.ptp(places, axis=0).max(initial=0) < 1e-6, "in the sample, an object stays where it is"


def test_events_tell_what_the_tracks_show(busy: synthetic.Made) -> None:
    events, tracks = busy.tables["events"], present(busy)
    rows = list(zip(events["Frame"], events["Event"], events["Track"], events["Into"], strict=True))
    kinds = {kind for _, kind, _, _ in rows}
    assert kinds >= {"initial", "nucleation", "coalescence", "disappearance"}
    begins = {track: frame for frame, kind, track, _ in rows if kind in ("initial", "nucleation")}
    ends = {track: frame for frame, kind, track, _ in rows if kind in ("coalescence", "disappearance")}
    enters, leaves = ({(t, f) for f, k, t, _ in rows if k == kind} for kind in ("enters", "leaves"))
    for track, frames in tracks.items():
        first, last = frames[0], frames[-1]
        assert begins[track] == first or (track, first) in enters
        assert first >= begins[track]
        if track in ends:
            assert last < ends[track]
            assert last + 1 == ends[track] or (track, last + 1) in leaves
        else:
            assert last == 14 or (track, last + 1) in leaves
        for before, after in itertools.pairwise(frames):
            assert after == before + 1 or ({(track, before + 1)} <= leaves and {(track, after)} <= enters)
    assert np.array_equal(events["Time (s)"], (events["Frame"] - 1) * 0.5)


def test_coalescence_keeps_area_or_volume_and_the_larger_track(busy: synthetic.Made) -> None:
    events, table = busy.tables["events"], busy.tables["objects"]
    size = {
        (track, frame): diameter
        for track, frame, diameter in zip(table["Track"], table["Frame"], table["Diameter (nm)"], strict=True)
    }
    checked = 0
    for frame, kind, track, into in zip(*(events[name] for name in ("Frame", "Event", "Track", "Into")), strict=True):
        before, after = (into, frame - 1), (into, frame)
        if kind != "coalescence" or before not in size or after not in size:
            continue
        assert size[after] > size[before] - 1e-6
        assert (track, frame) not in size
        checked += 1
    assert checked
    power = 2 if busy.facts["settings"]["feature"] == "loops" else 3
    still = synthetic.make(
        "film", seed=4, feature=busy.facts["settings"]["feature"], frames=1, density=2e16, growth=0.0, size=128,
        thickness=8.0, nucleation=0.0,
    )  # fmt: skip
    loose = synthetic.make(
        "film", seed=4, feature=busy.facts["settings"]["feature"], frames=1, density=2e16, growth=0.0, size=128,
        thickness=8.0, nucleation=0.0, coalescence=False,
    )  # fmt: skip
    history = [made.film.read.history.frames[0] for made in (still, loose)]
    assert len(history[0]) < len(history[1])
    kept, all_of = (sum(d**power for _, _, _, d in frame.values()) for frame in history)
    assert kept <= all_of * (1 + 1e-9)
    if max(d for _, _, _, d in history[0].values()) < 24.9:
        assert kept == pytest.approx(all_of)


def test_objects_grow() -> None:
    made = synthetic.make(
        "film", seed=1, frames=10, growth=2.0, nucleation=0.0, coalescence=False, lifetime=0, size=160
    )
    table = made.tables["objects"]
    for track in np.unique(table["Track"]):
        sizes = table["Diameter (nm)"][table["Track"] == track]
        assert (np.diff(sizes) > 0).all()
    assert set(made.tables["events"]["Event"]) <= {"initial", "enters", "leaves"}


def test_one_frame_and_no_objects_are_films_too() -> None:
    made = synthetic.make("film", seed=1, frames=1, density=0, nucleation=0, size=64)
    assert len(made.film) == 1
    assert made.film[0].position == (0, 0, 0)
    assert len(made.tables["events"]) == 0
    assert len(made.tables["drift"]) == 1
    assert made.labels().shape == (1, 64, 64)
