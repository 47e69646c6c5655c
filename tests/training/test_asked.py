"""What is asked of a core is refused before any data are read, by the name that the user gave it."""

import re

import pytest

import temj
from temj import commands
from temj.cli import main
from temj.cores.detection import DetectionSettings
from temj.cores.semantic.settings import SemanticSettings
from temj.errors import BadValue
from temj.training import TrainingOptions
from temj.training.asked import require_core

BOXES = {
    "encoder": ("resnet17", r"an encoder of segmentation-models-pytorch.*found 'resnet17'.*Did you mean resnet18"),
    "encoder-depth": ("2", r"a whole number from 3 to 5, found '2'"),
    "finest": ("3", r"one of: 2, 4, 8, found 3"),
    "width": ("4", r"a whole number from 8 to 1,024, found 4"),
    "head": ("8", r"a whole number from 16 to 8,192, found 8"),
    "channels": ("grau", r"one of gray, .*found 'grau'"),
    "anchor-sizes": ("abc", r"a length above 0 such as 4nm, 0\.4um or 12px .*found 'abc'"),
    "aspect-ratios": ("0", r"a number above 0, found 0"),
    "max-objects": ("0", r"a whole number from 1 to 100,000, found 0"),
    "proposals": ("0", r"a whole number from 1 to 100,000, found 0"),
    "nms-iou": ("1.4", r"a number from 0 to 1, found 1\.4"),
    "crop": ("100", r"a multiple of 32.*found 100"),
}
CHOICES = {"pyramid": "perhaps", "norm": "layer", "nms": "hard", "deterministic": "perhaps"}
SEMANTIC = {
    "architecture": ("Unett", r"one of: Unet, .*found 'Unett'\. Did you mean 'Unet'"),
    "encoder": ("resnet17", r"an encoder of segmentation-models-pytorch.*found 'resnet17'"),
    "encoder-depth": ("6", r"a whole number from 3 to 5, found '6'"),
    "channels": ("grau", r"one of gray, .*found 'grau'"),
    "loss": ("bce+dic", r"of bce, dice, .*did you mean 'dice'"),
    "min-pixels": ("-1", r"a whole number of at least 0, found '-1'"),
    "crop": ("50", r"a multiple of 32.*found 50"),
}
UNUSED = [
    ("semantic", "nms-iou", "0.4", "boxes, masks, rotated"),
    ("boxes", "angles", "4", "rotated"),
    ("boxes", "loss", "bce", "semantic"),
    ("forest", "width", "64", "boxes, masks, rotated"),
]


def refused(capsys, tmp_path, *words: str) -> str:
    """What the command line says; the dataset is not there, so that nothing of it can have been read."""
    try:
        code = main(["train", str(tmp_path / "no-dataset"), "--output", str(tmp_path / "model"), *words])
    except SystemExit as ended:
        code = ended.code
    said = capsys.readouterr().err
    assert code == 2
    assert said.count("\n") == 1, said
    assert not (tmp_path / "model").exists()
    return said


@pytest.mark.parametrize("name", BOXES)
def test_every_setting_of_detectors(capsys, tmp_path, name):
    wrong, told = BOXES[name]
    said = refused(capsys, tmp_path, "--core", "boxes", f"--{name}", wrong)
    assert re.search(rf"--{name}[,.: ].*{told}", said), said
    assert "core.settings" not in said


@pytest.mark.parametrize("name", SEMANTIC)
def test_every_setting_of_the_semantic_core(capsys, tmp_path, name):
    wrong, told = SEMANTIC[name]
    said = refused(capsys, tmp_path, f"--{name}={wrong}")
    assert re.search(rf"--{name}[,.: ].*{told}", said), said
    assert "core.settings" not in said


@pytest.mark.parametrize("name", [*CHOICES, "mode", "instances"])
def test_every_choice(capsys, tmp_path, name):
    said = refused(capsys, tmp_path, f"--{name}", CHOICES.get(name, "perhaps"))
    assert re.search(rf"--{name}: invalid choice: '{CHOICES.get(name, 'perhaps')}' \(choose from ", said), said


@pytest.mark.parametrize(("core", "name", "value", "others"), UNUSED)
def test_what_a_core_has_no_use_for(capsys, tmp_path, core, name, value, others):
    said = refused(capsys, tmp_path, "--core", core, f"--{name}", value)
    assert f"--{name}. Expected none: the core '{core}' has no use for it, found '{value}'" in said
    assert said.rstrip().endswith(f"choose a core that has: {others}.")


def test_angles_are_of_rotated_boxes(capsys, tmp_path):
    said = refused(capsys, tmp_path, "--core", "rotated", "--angles", "0")
    assert "--angles. Expected a whole number from 1 to 36, found 0. Give another value, or leave it out" in said


def test_no_setting_is_forgotten():
    def dashed(kind, *others):
        return {name.replace("_", "-") for name in kind.model_fields} - {"classes", *others}

    assert dashed(DetectionSettings, "mask-side", "angles") <= BOXES.keys() | CHOICES.keys()
    # these three have no option of the command; Python names them
    assert dashed(SemanticSettings, "decoder-channels", "class-weights", "neck", "mode", "instances") <= SEMANTIC.keys()


@pytest.mark.parametrize(
    ("core", "settings", "told"),
    [
        ("boxes", {"nms_iou": 1.4}, r"settings\.nms_iou\. Expected a number from 0 to 1, found 1\.4"),
        ("boxes", {"anchor_sizes": "abc"}, r"settings\.anchor_sizes\. .*found 'abc'"),
        ("boxes", {"aspect_ratios": "1,x"}, r"settings\.aspect_ratios\. .*found 'x'"),
        ("boxes", {"aspect_ratios": [1, 0]}, r"settings\.aspect_ratios, value 2\. Expected a number above 0, found 0"),
        ("boxes", {"nms_io": 0.4}, r"settings\.nms_io\. .*Did you mean 'nms_iou'"),
        ("boxes", {"anchor_sizes": [[4]] * 6}, r"settings\.anchor_sizes\. Expected of at most 5 levels.*found \[\[4\]"),
        ("semantic", {"encoder": "resnet17"}, r"settings\.encoder\. "),
        ("semantic", {"neck": 2}, r"settings\.neck\. Expected a number from 0 to 1, found 2"),
        (
            "semantic",
            {"decoder_channels": [8, 8]},
            r"settings\.decoder_channels\. Expected 5 numbers.*found \[8, 8\]",
        ),
        ("semantic", {"class_weights": [1, -2]}, r"settings\.class_weights, value 2\. Expected a number above 0"),
        ("threshold", {"polarity": "grey"}, r"settings\.polarity\. Expected one of: "),
    ],
)
def test_python_names_the_keyword(tmp_path, core, settings, told):
    with pytest.raises(BadValue, match=told) as caught:
        temj.train(tmp_path / "no-dataset", tmp_path / "m", core, settings=settings)
    assert "core.settings" not in caught.value.message


def test_a_dialog_and_a_macro_name_the_parameter(tmp_path):
    asked = {"dataset": str(tmp_path / "none"), "output": str(tmp_path / "m"), "core": "boxes", "nms_iou": 1.4}
    with pytest.raises(BadValue, match=r"BadValue/core-setting: nms_iou\. Expected a number from 0 to 1"):
        commands.run("train", asked)


@pytest.mark.parametrize(
    ("core", "settings"),
    [
        ("boxes", {"anchor_sizes": "4nm,8nm/16nm,32nm", "aspect_ratios": "0.5,1,2"}),
        ("semantic", {"class_weights": [1.0, 2.0, 3.0]}),
        ("forest", {}),
    ],
)
def test_what_is_right_or_hangs_on_the_data_is_let_through(core, settings):
    require_core(core, TrainingOptions(settings=settings))
    require_core(core, TrainingOptions(settings=settings, crop=96))
    if core == "forest":
        require_core(core, TrainingOptions(settings=settings, crop=97))  # it has no crops
        return
    with pytest.raises(BadValue, match="a multiple of 32"):
        require_core(core, TrainingOptions(settings=settings, crop=97))
