"""The same micrograph and model by command line, macro and Python give the same results, byte for byte."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch

from temj import resources, storage
from temj.cores import make_core
from temj.data import Micrograph
from temj.models import Card, write_model

pytestmark = pytest.mark.java
TILE = Path(__file__).parents[2] / "samples" / "loops" / "images" / "16.png"
PIXEL = 0.390625
SHIPPED = ["loops"] if (resources.folder("models") / "loops" / "model.json").exists() else []
PYTHON = """
import sys, temj
from temj import storage
from temj.data.table_text import to_csv
micrograph = temj.open(sys.argv[1])
found = temj.predict(micrograph, model=sys.argv[2])
storage.write_text(sys.argv[3], to_csv(temj.measure(micrograph, found)))
"""


def run(*command, models):
    env = {**os.environ, "OMP_NUM_THREADS": "1", "TEMJ_MODELS": str(models)}
    done = subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True, env=env, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def macro(path, text):
    storage.write_text(path, text)
    return path


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A folder with the model ``random``: a small U-Net with seed 0, whose threshold finds some of everything."""
    torch.manual_seed(0)
    settings = {"classes": ["loop"], "decoder_channels": [16, 16, 8, 8, 8], "split": False}
    core = make_core("semantic", settings)
    card = {
        "name": "random",
        "task": "semantic",
        "description": "nothing in particular",
        "core": {"name": "semantic", "settings": core.settings.model_dump(mode="json")},
        "classes": [{"name": "loop", "diameter": "major"}],
        "pixel_size": {"trained": 0.5, "min": 0.2, "max": 1.0},
    }
    folder = tmp_path_factory.mktemp("models")
    sample = Micrograph(np.random.default_rng(0).integers(0, 255, (256, 256)).astype(np.uint8))
    write_model(folder / "random", Card.model_validate(card), core.network.state_dict(), sample)
    return folder


@pytest.fixture(scope="module", params=["random", *SHIPPED])
def results(request, models, tmp_path_factory):
    """Three folders of results of one calibrated TIFF, and what the macro returned."""
    import cv2

    folder = tmp_path_factory.mktemp("results")
    image = folder / "a b.tif"
    pixels = cv2.imread(str(TILE), cv2.IMREAD_GRAYSCALE)[:200, :260]
    tifffile.imwrite(image, pixels, imagej=True, metadata={"unit": "nm"}, resolution=(1 / PIXEL, 1 / PIXEL))
    name = request.param
    run("-m", "temj", "predict", image, "--model", name, "--output", folder / "cli", "--ellipses", models=models)
    text = (
        f'open("{image.as_posix()}");'
        f'run("TEMJ Predict...", "model={name} ellipses output=[{folder.as_posix()}/macro]");'
        'return "" + nResults + " " + Overlay.size;'
    )
    path = macro(folder / "predict.ijm", text)
    returned = run("-m", "temj", "imagej", "--headless", "--macro", path, models=models).strip().splitlines()[-1]
    run("-c", PYTHON, image, name, folder / "python.csv", models=models)
    return folder, returned


def test_results_are_the_same_by_command_line_macro_and_python(results):
    folder, _ = results
    tables = [folder / "cli" / "a b_Results.csv", folder / "macro" / "a b_Results.csv", folder / "python.csv"]
    first, second, third = (path.read_bytes() for path in tables)
    assert first.count(b"\n") > 1
    assert first == second
    assert first == third


def test_every_file_of_a_macro_is_that_of_the_command_line(results):
    folder, _ = results
    names = sorted(path.name for path in (folder / "cli").iterdir())
    assert sorted(path.name for path in (folder / "macro").iterdir()) == names
    for name in names:
        if name != "run.json":
            assert (folder / "cli" / name).read_bytes() == (folder / "macro" / name).read_bytes(), name


def test_the_macro_sees_rows_and_overlay(results):
    folder, returned = results
    rows = (folder / "cli" / "a b_Results.csv").read_text().count("\n") - 1
    assert returned == f"{rows if rows <= 1000 else 0} {2 * rows}"


def test_the_macro_line_of_run_json_replays(results, models):
    folder, _ = results
    line = json.loads((folder / "cli" / "run.json").read_text())["macro_line"]
    assert line.startswith('run("TEMJ Predict...", "')
    again = line.replace("/cli", "/again")
    image = (folder / "a b.tif").as_posix()
    path = macro(folder / "again.ijm", f'open("{image}"); {again}')
    run("-m", "temj", "imagej", "--headless", "--macro", path, models=models)
    first, second = (folder / name / "a b_Results.csv" for name in ("cli", "again"))
    assert first.read_bytes() == second.read_bytes()
