"""What a user installs: the built wheel, away from the checkout, with everything that travels in it."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LARGEST = 100_000_000


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return next(folder.glob("temj-*.whl"))


def test_it_holds_what_travels_and_no_litter(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for folder in ("models", "macros", "samples"):
        assert any(name.startswith(f"temj/_resources/{folder}/") for name in names), folder
    assert "temj/imagej/bridge/temj/Bridge.class" in names
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests")]
    assert wheel.stat().st_size < LARGEST


def test_it_predicts_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    installed = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(installed)
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import temj\n"
        "assert temj.__file__.startswith(sys.argv[1]), temj.__file__\n"
        "from temj import cli, resources\n"
        "image = str(resources.folder('samples') / '316L_loops.tif')\n"
        "sys.exit(cli.main(['predict', image, '--output', 'out']))\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    told = subprocess.run(
        [sys.executable, "-c", script, str(installed)],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    assert "loops, number density" in told.stdout
    assert (tmp_path / "out" / "316L_loops_Results.csv").exists()
