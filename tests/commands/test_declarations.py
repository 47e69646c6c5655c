"""The contract of every command: walks the table, so that registering is being tested."""

import pytest

from temj import commands
from temj.cli import parser
from temj.commands.base import views
from temj.commands.check import validated
from temj.commands.options import read_options, write_options
from temj.commands.repeat import is_positional
from temj.errors import BadValue

NAMES = sorted(commands.COMMANDS)


@pytest.fixture(params=NAMES)
def command(request: pytest.FixtureRequest) -> object:
    return commands.command(request.param)


def test_name_and_summary_are_those_of_the_table(command) -> None:
    assert commands.COMMANDS[command.name][1] == command.summary


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
    assert len(set(menus)) == len(menus)
    assert all(menu.startswith("TEMJ ") for menu in menus)


def test_a_macro_line_means_the_same_as_the_keywords() -> None:
    predict = commands.command("predict")
    given = {"model": "my model", "threshold": 0.25, "ellipses": True, "output": "/a b/[c]"}
    line = write_options(given)
    assert validated(predict, read_options(line)) == validated(predict, given)
    assert validated(predict, read_options("ellipses=false overwrite=true")) == validated(predict, {"overwrite": True})
