"""What MkDocs puts into a page that does not stand in its file: the list of commands."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from typer import Context
from typer.main import get_command

from rheobase.cli import COMMANDS, app

if TYPE_CHECKING:
    from mkdocs.structure.pages import Page


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Add the commands to their page."""
    at = page.file.src_uri == "reference/commands.md"
    return f"{markdown}\n\n{command_line()}" if at else markdown


def command_line() -> str:
    """Markdown of every command and option, as ``--help`` knows them."""
    commands = get_command(app).commands
    parts = []
    for title, functions in COMMANDS.items():
        parts.append(f"## {title}")
        for function in functions:
            parts += _command(commands[function.__name__.replace("_", "-")])
    return "\n\n".join(parts)


def _command(command: Any) -> list[str]:
    context = Context(command, info_name=f"rheobase {command.name}")
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    parts = [f"### {command.name}", command.help, f"    {usage}"]
    panels: dict[str, list[str]] = {}
    for one in command.params:
        title = getattr(one, "rich_help_panel", None) or f"{one.param_type_name}s".capitalize()
        record = one.get_help_record(context)
        if record is not None and one.name != "help":
            form, meaning = (" ".join(text.split()) for text in record)
            # A table's cell ends at a bar, even in Markdown's own code.
            form = escape(form).replace("|", "&#124;")
            meaning = meaning.replace("|", "\\|")
            panels.setdefault(title, []).append(f"| <code>{form}</code> | {meaning} |")
    for title, rows in panels.items():
        parts.append("\n".join([f"| {title} | |", "|---|---|", *rows]))
    return parts
