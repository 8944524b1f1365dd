"""Options: one name for one thing, help that is grouped, and documents that name what is there."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from rheobase.cli import COMMANDS, app
from rheobase.options.groups import with_groups

ROOT = Path(__file__).parents[2]
#: Decisions name what was there before them.
DOCUMENTS = [
    path
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*.py"))
    if path.parent.name != "decisions"
]
PARAMETERS = {name: command.params for name, command in get_command(app).commands.items()}
#: Options in front of a command.
OWN = {option for one in get_command(app).params for option in one.opts}


def names(command: str) -> set[str]:
    opts = (option for one in PARAMETERS[command] for option in (*one.opts, *one.secondary_opts))
    return {*opts, "-h", "--help"}


def test_a_group_is_its_fields_as_options():
    @dataclass(frozen=True)
    class Pair:
        PANEL = "Both of them"

        first: Annotated[int, typer.Option("--first", "-f")]
        second: Annotated[str, typer.Option("--second")] = "two"
        hidden: int = 3

    seen = []
    small = typer.Typer()

    @small.command()
    @with_groups
    def command(pair: Pair, other: Annotated[bool, typer.Option("--other")] = False) -> None:
        """Takes a pair."""
        seen.append((pair, other))

    run = CliRunner().invoke(small, ["-f", "1", "--other"])
    assert run.exit_code == 0, run.output
    assert seen == [(Pair(1), True)]
    assert CliRunner().invoke(small, []).exit_code == 2  # --first has no default
    shown = CliRunner().invoke(small, ["--help"]).output
    assert "Both of them" in shown and "--hidden" not in shown and "Takes a pair." in shown


def test_an_option_of_several_commands_has_one_form():
    """The same short names and the same field behind a name, whichever command has it."""
    forms: dict[str, set] = {}
    for parameters in PARAMETERS.values():
        for one in parameters:
            for option in one.opts:
                if option.startswith("--"):
                    forms.setdefault(option, set()).add((tuple(one.opts), one.name))
    assert {name: form for name, form in forms.items() if len(form) > 1} == {}


@pytest.mark.parametrize("command", sorted(PARAMETERS))
def test_images_are_read_alike(command):
    """Wherever images are taken, everything that says how to read them is."""
    reading = {"--data-root", "--download", "--resize", "--crop"}
    takes = {"--images", "--plan-images"} & names(command) or command in ("classify", "run")
    if takes:
        assert reading <= names(command)


@pytest.mark.parametrize("command", sorted(PARAMETERS))
def test_help(command):
    shown = CliRunner().invoke(app, [command, "-h"], env={"COLUMNS": "120"})
    assert shown.exit_code == 0
    for one in PARAMETERS[command]:
        assert one.name == "help" or one.help, f"{one.name} says nothing of itself"


def test_help_explains_its_words():
    def words(command: str) -> str:
        shown = CliRunner().invoke(app, [command, "-h"], env={"COLUMNS": "400"}).output
        return " ".join(shown.replace("│", " ").split())

    assert "T, the time steps" in words("convert") and "t0, the steps before" in words("simulate")
    assert "first spike is expected, eq. 19" in words("convert")
    assert "Thresholds are balanced on images" in words("convert")
    assert "network is lowered: weights, biases and thresholds become integers" in words("convert")
    assert "SOP90 and SOP95 are the synaptic operations" in words("energy")


def test_every_command_has_its_file():
    files = {path.stem for path in (ROOT / "rheobase" / "commands").glob("[!_]*.py")}
    assert files == {name.replace("-", "_") for name in PARAMETERS}
    assert files == {one.__name__ for commands in COMMANDS.values() for one in commands}


def documented() -> list[tuple[str, str]]:
    """(where, command line) of every command that a document shows, lines joined."""
    found = []
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8").replace("\\\n", " ")
        shown = re.findall(r"^ {4,}(rheobase +\S.*)$", text, re.M)
        shown += re.findall(r"`(rheobase [a-z][^`]*)`", text)
        found += [(path.relative_to(ROOT).as_posix(), " ".join(line.split())) for line in shown]
    return found


def test_documents_name_commands_and_options_that_are_there():
    lines = documented()
    assert len(lines) > 30
    wrong = []
    for where, line in lines:
        _, command, *words = line.split()
        if command in OWN:
            continue
        if command not in PARAMETERS:
            wrong.append((where, line))
            continue
        options = [word.split("=")[0] for word in words if re.match(r"-{1,2}[A-Za-z]", word)]
        wrong += [(where, line, one) for one in options if one not in names(command)]
    assert wrong == []


def test_every_command_says_how_it_prints():
    for command in PARAMETERS:
        assert {"--json", "--quiet", "-q", "--verbose", "-v"} <= names(command), command


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell, run_command, monkeypatch):
    """What the shell's script asks for: commands, options, boards."""

    def completed(*words):
        line = " ".join(words)
        monkeypatch.setenv("_RHEOBASE_COMPLETE", f"complete_{shell}")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        monkeypatch.setenv("_TYPER_COMPLETE_ARGS", line)
        monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
        return run_command()[1]

    assert "convert" in completed("rheobase", "conv")
    assert "--verbose" in completed("rheobase", "generate", "--verb")
    assert "icebreaker" in completed("rheobase", "build", "--board", "ice")
    assert "ulx3s" not in completed("rheobase", "build", "--board", "ice")
