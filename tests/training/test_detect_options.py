"""Recipes of papers, options of the command for each core, and searching settings of detectors."""

import json
import re

import pytest
import torch

from temj import commands
from temj.cli import main
from temj.cores import make_core
from temj.datasets import open_dataset
from temj.errors import BadValue
from temj.training.options import TrainingOptions
from temj.training.recipes import RECIPES, with_recipe
from temj.training.schedules import make_schedule
from temj.training.search import Objective, Plan, read_space, search
from temj.training.search.space import options_of
from temj.training.suited import IN_WORDS, suited
from temj.workflows import train as workflow

CLASSES = ("loop",)


def asked(monkeypatch, *words: str) -> tuple[str, TrainingOptions]:
    """What a command line asks of a training, which is not begun."""
    seen = []

    class Asked(Exception):
        pass

    def instead(_dataset, core, _output, options, **_more):
        seen.append((core, options))
        raise Asked

    monkeypatch.setattr(workflow, "run_training", instead)
    with pytest.raises(Asked):
        main(["train", *words])
    return seen[0]


class TestRecipes:
    def test_shen_2021_is_that_of_the_paper(self, discs, monkeypatch, tmp_path):
        core, options = asked(
            monkeypatch, str(discs), "--output", str(tmp_path / "m"), "--core", "boxes", "--recipe", "shen2021"
        )
        assert core == "boxes"
        options = suited(options, core, open_dataset(discs))
        assert (options.optimizer, options.learning_rate, options.steps) == ("sgd", 1e-4, 90_000)
        assert (options.batch, options.crop, options.schedule) == (1, 1024, "step:20000")
        settings = make_core(core, {**options.settings, "classes": CLASSES}).settings
        assert (settings.encoder, settings.encoder_depth, settings.pyramid) == ("vgg16", 4, False)
        assert settings.channels == "gray+clahe+gaussian"
        assert settings.strides == (16,)

    def test_its_rate_falls_to_a_tenth_every_20_000_of_90_000_steps(self):
        weight = torch.nn.Parameter(torch.zeros(1))
        values = RECIPES["shen2021"].values
        optimizer = torch.optim.SGD([weight], values["learning_rate"])
        schedule = make_schedule(values["schedule"], optimizer, values["steps"])
        factor = schedule.lr_lambdas[0]
        steps = (0, 19_999, 20_000, 39_999, 40_000, 60_000, 80_000, 89_999)
        assert [factor(step) for step in steps] == pytest.approx([1, 1, 0.1, 0.1, 1e-2, 1e-3, 1e-4, 1e-4])

    def test_salvador_2026_reaches_its_anchors_in_its_field_of_view(self, discs):
        options = TrainingOptions(**with_recipe("salvador2026", "masks", {}))
        options = suited(options, "masks", open_dataset(discs))
        assert (options.field_of_view, options.crop) == (400.0, 512)
        settings = make_core("masks", {**options.settings, "classes": CLASSES}).settings
        sizes = [size for level in settings.anchor_sizes for size in level]
        assert (min(sizes), max(sizes), settings.max_objects) == (8, 256, 512)
        assert (min(settings.aspect_ratios), max(settings.aspect_ratios)) == (0.1, 10)

    def test_what_is_given_wins(self, discs, monkeypatch, tmp_path):
        words = ["--core", "boxes", "--recipe", "shen2021", "--encoder", "resnet18", "--pyramid", "yes", "--batch", "2"]
        words += ["--steps", "12", "--optimizer", "adamw", "--anchor-sizes", "4nm,8nm"]
        _, options = asked(monkeypatch, str(discs), "--output", str(tmp_path / "m"), *words)
        assert (options.batch, options.steps, options.optimizer) == (2, 12, "adamw")
        assert options.settings["encoder"] == "resnet18"
        assert options.settings["pyramid"] is True
        assert options.settings["anchor_sizes"] == "4nm,8nm"
        assert options.settings["channels"] == "gray+clahe+gaussian", "what is not given is that of the recipe"

    @pytest.mark.parametrize("name", RECIPES)
    def test_every_recipe_is_one_of_its_cores(self, name, discs):
        assert RECIPES[name].cores
        for core in RECIPES[name].cores:
            options = suited(TrainingOptions(**with_recipe(name, core, {})), core, open_dataset(discs))
            made = make_core(core, {**options.settings, "classes": CLASSES})
            reached = options.model_dump() | made.settings.model_dump()
            plain = {key: value for key, value in RECIPES[name].values.items() if key not in IN_WORDS}
            assert {key: reached[key] for key in plain} == plain
            assert options.crop % made.stride == 0

    def test_unknown_ones_and_those_of_other_cores_are_told(self):
        with pytest.raises(BadValue, match="Did you mean 'shen2021'"):
            with_recipe("shen21", "boxes", {})
        with pytest.raises(BadValue, match=r"the core boxes, which it is of, found 'semantic'\. Give --core boxes"):
            with_recipe("shen2021", "semantic", {})


class TestCommand:
    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (
                ["--core", "boxes", "--architecture", "FPN"],
                "--architecture.*'boxes' has no use for it, found 'FPN'.*a core that has: semantic",
            ),
            (["--core", "masks", "--loss", "bce"], "--loss.*a core that has: semantic"),
            (["--core", "boxes", "--angles", "4"], "--angles.*a core that has: rotated"),
            (["--core", "semantic", "--nms", "soft"], "--nms.*a core that has: boxes, masks, rotated"),
            (["--core", "boxes", "--polarity", "dark"], "--polarity.*a core that has: threshold, watershed, blobs"),
            (["--core", "boxes", "--finest", "3"], "--finest.*one of: 2, 4, 8"),
            (["--core", "boxes", "--crop", "100"], "--crop.*a multiple of 32"),
            (["--core", "boxes", "--field-of-view", "4px"], "--field-of-view.*such as 400nm"),
        ],
    )
    def test_options_of_other_cores_and_mistakes_are_refused_in_words(self, discs, tmp_path, capsys, words, told):
        assert main(["train", str(discs), "--output", str(tmp_path / "m"), *words]) == 2
        error = capsys.readouterr().err
        assert re.search(told, error), error
        assert not (tmp_path / "m").exists()

    def test_all_settings_of_detectors_can_be_given(self, discs, monkeypatch, tmp_path):
        words = {
            "encoder": "resnet50", "encoder-depth": 4, "pyramid": "no", "width": 64, "head": 100, "norm": "group",
            "anchor-sizes": "8px", "aspect-ratios": "1,2", "max-objects": 5000, "proposals": 900, "nms": "agnostic",
            "nms-iou": 0.3, "channels": "gray:3", "field-of-view": "200nm", "steps": 10, "finest": 8,
        }  # fmt: skip
        line = [part for name, value in words.items() for part in (f"--{name}", str(value))]
        core, options = asked(monkeypatch, str(discs), "--output", str(tmp_path / "m"), "--core", "masks", *line)
        settings = suited(options, core, open_dataset(discs)).settings
        made = make_core(core, {**settings, "classes": CLASSES}).settings.model_dump()
        assert (made["anchor_sizes"], made["aspect_ratios"], made["pyramid"]) == (((8.0,),), (1.0, 2.0), False)
        plain = ("encoder", "encoder-depth", "width", "head", "norm", "max-objects", "proposals", "nms", "nms-iou")
        for name in (*plain, "channels", "finest"):
            assert made[name.replace("-", "_")] == words[name]
        assert (options.field_of_view, options.steps) == (200.0, 10)

    def test_what_is_not_given_is_left_to_the_core(self, discs, monkeypatch, tmp_path):
        for core in ("semantic", "boxes", "forest"):
            _, options = asked(monkeypatch, str(discs), "--output", str(tmp_path / "m"), "--core", core)
            assert options.settings == {}
            assert not {"batch", "crop", "optimizer", "ema"} & options.model_fields_set

    def test_every_setting_of_a_detector_is_an_option(self):
        names = set(make_core("boxes", {"classes": CLASSES}).settings.model_dump()) - {"classes", "mask_side"}
        assert names <= set(commands.command("train").parameters.model_fields)


class TestSearch:
    def test_anchors_fields_and_encoders_are_read(self):
        words = ["anchor_sizes=4nm+8nm+16nm,8px+16px", "field_of_view=200nm,400nm", "nms_iou=0.3..0.7", "pyramid=true"]
        space = read_space(words, "boxes", CLASSES)
        assert space.as_json()["anchor_sizes"] == ["4nm+8nm+16nm", "8px+16px"]
        assert space.as_json()["field_of_view"] == [200.0, 400.0]
        options = options_of({}, {"anchor_sizes": "4nm+8nm", "nms": "soft", "crop": 128}, "boxes", CLASSES)
        assert options.settings == {"anchor_sizes": "4nm+8nm", "nms": "soft"}

    @pytest.mark.parametrize(
        ("word", "told"),
        [
            ("anchor_sizes=4nn,8nm", "a length above 0"),
            ("nms=class,sof", "one of: class, agnostic, soft"),
            ("architecture=Unet,FPN", "unknown-setting"),
            ("finest=3,4", "one of: 2, 4, 8"),
            ("encoder=resnet17,resnet18", "unknown-encoder"),
        ],
    )
    def test_mistakes_are_told(self, word, told):
        with pytest.raises(BadValue, match=told):
            read_space([word], "boxes", CLASSES)

    def test_objectives_are_those_of_the_core(self, discs, tmp_path):
        plan = Plan(read_space(["nms_iou=0.3,0.5"], "boxes", CLASSES), objective=Objective("pr_auc"))
        with pytest.raises(BadValue, match=r"a figure of the core 'boxes': .*ap50, ap50_95"):
            search(open_dataset(discs), "boxes", tmp_path / "s", plan)
        assert not (tmp_path / "s").exists()
        with pytest.raises(BadValue, match="a figure of the core 'semantic'"):
            Objective("ap50").require_of("semantic")

    def test_the_best_of_two_short_trainings_is_the_model(self, discs, tmp_path):
        small = {"encoder": "tu-tf_mobilenetv3_small_minimal_100", "encoder_depth": 4, "width": 16, "head": 32}
        base = {
            "steps": 4, "batch": 2, "crop": 64, "threads": 1, "precision": "float32", "validations": 1,
            "settings": small,
        }  # fmt: skip
        space = read_space(["anchor_sizes=5nm+9nm,64px"], "boxes", ("disc",))
        plan = Plan(space, 2, method="grid", objective=Objective("ap50"), drop="no", base=base)
        found = search(open_dataset(discs), "boxes", tmp_path / "s", plan)
        assert [trial.state for trial in found.trials] == ["finished", "finished"]
        chosen = {"5nm+9nm": [[10.0, 18.0]], "64px": [[64.0]]}[found.best.settings["anchor_sizes"]]
        assert found.model.card.core.settings["anchor_sizes"] == chosen
        written = json.loads((tmp_path / "s" / "search.json").read_text())
        assert written["identity"]["space"]["anchor_sizes"] == ["5nm+9nm", "64px"]
