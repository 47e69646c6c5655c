"""What all tests share."""

import os
import signal

import pytest

# A shell that starts the tests in the background makes them ignore Ctrl-C, and their children with them;
# the tests of Ctrl-C need it as a user has it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long runs of the fuzz tests, marked slow, are for TEMJ_SLOW=1."""
    if not os.environ.get("TEMJ_SLOW"):
        skipped = pytest.mark.skip(reason="a long run: set TEMJ_SLOW=1")
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(skipped)


@pytest.fixture(scope="session")
def masks_model(tmp_path_factory: pytest.TempPathFactory):
    """A small Mask R-CNN that finds dark discs on noise (pixels of 0.5 nm), trained here in half a minute."""
    from temj.datasets import open_dataset
    from temj.training import TrainingOptions, train

    folder = tmp_path_factory.mktemp("discs")
    options = TrainingOptions(
        epochs=48, batch=2, crop=64, seed=3, threads=1, precision="float32", validations=1, learning_rate=3e-3,
        settings={"encoder": "resnet18", "encoder_depth": 3, "width": 16, "head": 32},
    )  # fmt: skip
    return train(open_dataset(discs_dataset(folder / "data")), "masks", folder / "discs-masks", options)


@pytest.fixture(scope="session")
def boxes_model(masks_model, tmp_path_factory: pytest.TempPathFactory):
    """The same network without its masks, a Faster R-CNN; the outlines of its class follow the half maximum."""
    from temj import readers
    from temj.models import Card, write_model

    settings = masks_model.card.core.settings
    card = masks_model.card.model_dump() | {
        "name": "discs-boxes", "core": {"name": "boxes", "settings": settings}, "files": {},
        "classes": [{"name": "disc", "diameter": "geometric", "edge": "half-maximum"}],
    }  # fmt: skip
    state = masks_model.load_core("cpu").network.state_dict()
    state = {name: tensor for name, tensor in state.items() if ".mask_" not in name}
    sample = readers.open(masks_model.folder / "sample.tif")
    folder = tmp_path_factory.mktemp("boxes") / "discs-boxes"
    return write_model(folder, Card.model_validate(card), state, sample)


def draw_discs(height: int, width: int, count: int, seed: int):
    """Dark discs of 4 to 8 pixels radius on noise, which do not touch: pixels uint8, and x, y, radius of each."""
    import numpy as np

    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] + 0.5
    mask, discs = np.zeros((height, width), bool), []
    while len(discs) < count:
        radius = rng.uniform(4, 8)
        middle = rng.uniform(10, width - 10), rng.uniform(10, height - 10)
        if all(np.hypot(middle[0] - a, middle[1] - b) > radius + r + 3 for a, b, r in discs):
            discs.append((*middle, radius))
            mask |= np.hypot(x - middle[0], y - middle[1]) < radius
    return (rng.normal(140, 12, mask.shape) - 60 * mask).clip(0, 255).astype(np.uint8), np.array(discs)


@pytest.fixture(scope="session")
def new_discs():
    """:func:`draw_discs`."""
    return draw_discs


def discs_dataset(folder):
    """A dataset of four images of 128 x 128 pixels, the last one for validation."""
    import json

    import cv2
    import numpy as np
    import tifffile

    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for number in range(4):
        pixels, discs = draw_discs(128, 128, 10, number)
        mask = np.zeros((128, 128), np.uint8)
        for x, y, radius in discs:
            cv2.circle(mask, (round(x - 0.5), round(y - 0.5)), round(radius), 1, -1)
        tifffile.imwrite(folder / "images" / f"{number}.tif", pixels)
        tifffile.imwrite(folder / "masks" / f"{number}.tif", mask)
    facts = {
        "format": 1, "classes": ["disc"], "pixel_size": 0.5, "licence": "MIT",
        "split": {"train": ["0", "1", "2"], "validation": ["3"]},
    }  # fmt: skip
    (folder / "dataset.json").write_text(json.dumps(facts))
    return folder
