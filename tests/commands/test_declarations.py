"""The contract of every command: walks the table, so that registering is being tested."""

import pytest

from temj import commands
from temj.cli import main, parser
from temj.commands.base import views
from temj.commands.check import validated
from temj.commands.options import read_options, write_options
from temj.commands.repeat import is_positional
from temj.errors import BadValue

TABLE = commands.COMMANDS | commands.IMAGEJ_COMMANDS
NAMES = sorted(TABLE)


@pytest.fixture(params=NAMES)
def command(request: pytest.FixtureRequest) -> object:
    return commands.command(request.param)


def test_name_and_summary_are_those_of_the_table(command) -> None:
    assert TABLE[command.name][1] == command.summary


def test_parameter_names_cannot_be_confused(command) -> None:
    names = list(command.parameters.model_fields)
    assert all(name == name.lower() and name.isidentifier() for name in names)
    assert not [(a, b) for a in names for b in names if a.endswith(f"_{b}")]


def test_every_parameter_has_help_and_a_unique_label(command) -> None:
    for host in ("cli", "imagej"):
        shown = views(command.parameters, host)
        assert all(view.text.endswith(".") for view in shown)
        keys = [view.label.split(" ")[0].lower() for view in shown]
        assert keys == [view.name for view in shown], "ImageJ records the first word of the label"


def test_the_command_line_reads_what_the_declaration_holds(command, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as ended:
        parser(command).parse_args(["--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    for view in views(command.parameters, "cli"):
        assert (view.name.rstrip("s").upper() if is_positional(view) else view.option) in told


def test_an_unknown_parameter_is_refused_with_the_nearest_name(command) -> None:
    for name in command.parameters.model_fields:
        if len(name) < 4:
            continue
        with pytest.raises(BadValue, match=f"Did you mean '{name}'"):
            validated(command, {name[:-1] + "q": "x"})
        return


def test_menu_names_are_unique_and_end_in_dots_where_a_dialog_opens() -> None:
    menus = [commands.command(name).menu for name in NAMES]
    menus = [menu for menu in menus if menu]
    menus += [label for name in NAMES for label in commands.command(name).entries]
    assert len(set(menus)) == len(menus)
    assert all(menu.startswith("TEMJ ") for menu in menus)


def test_entries_without_a_dialog_fix_what_must_be_given() -> None:
    for name in NAMES:
        command = commands.command(name)
        required = {view.name for view in views(command.parameters, "imagej") if view.required}
        for label, fixed in command.entries.items():
            assert label.startswith("TEMJ ")
            assert not label.endswith("...")
            assert required <= set(fixed)
            validated(command, fixed)


def test_what_only_imagej_offers_is_not_on_the_command_line(capsys: pytest.CaptureFixture) -> None:
    assert not commands.COMMANDS.keys() & commands.IMAGEJ_COMMANDS.keys()
    for name in commands.IMAGEJ_COMMANDS:
        assert commands.command(name).menu or commands.command(name).entries
        assert main([name]) == 2
        assert main(name.split()) == 2
        assert "unknown-command" in capsys.readouterr().err
        if commands.command(name).menu:
            source = (
                {"source": "a.json"} if "source" in commands.command(name).parameters.model_fields else {"output": "a"}
            )
            with pytest.raises(BadValue, match="an image that is open in ImageJ"):
                commands.run(name, source)


def test_a_macro_line_means_the_same_as_the_keywords() -> None:
    predict = commands.command("predict")
    given = {"model": "my model", "threshold": 0.25, "ellipses": True, "output": "/a b/[c]"}
    line = write_options(given)
    assert validated(predict, read_options(line)) == validated(predict, given)
    assert validated(predict, read_options("ellipses=false overwrite=true")) == validated(predict, {"overwrite": True})
