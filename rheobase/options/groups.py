"""Commands whose parameters may be groups of options.

A group is a frozen dataclass: each field with a ``typer.Option`` is an option, under the title
``PANEL`` in the help. So an option stands in one place, and a command takes the group whole.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from copy import copy
from dataclasses import MISSING, fields, is_dataclass
from functools import wraps
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from typer.models import OptionInfo

Command = Callable[..., None]


def with_groups(command: Command) -> Command:
    """``command`` as Typer takes it: options in place of each parameter that is a group.

    A field without a ``typer.Option`` is no option and keeps its default.
    """
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, type] = {}
    parameters: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(command).parameters.items():
        if is_dataclass(hints[name]):
            groups[name] = hints[name]
            parameters += _options(hints[name])
        else:
            parameters.append(
                parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
            )
    options = {name: [option.name for option in _options(kind)] for name, kind in groups.items()}

    @wraps(command)
    def called(**values: Any) -> None:
        made = {
            name: kind(**{option: values.pop(option) for option in options[name]})
            for name, kind in groups.items()
        }
        command(**values, **made)

    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {one.name: one.annotation for one in parameters}
    return called


def _options(group: type) -> list[inspect.Parameter]:
    """The fields of ``group`` that are options, as keyword parameters with the group's title."""
    hints = get_type_hints(group, include_extras=True)
    found = []
    for field in fields(group):
        option = _option(hints[field.name])
        if option is None:
            continue
        kind, described = option
        described = copy(described)
        described.rich_help_panel = group.PANEL
        found.append(
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=inspect.Parameter.empty if field.default is MISSING else field.default,
                annotation=Annotated[kind, described],
            )
        )
    return found


def _option(hint: Any) -> tuple[Any, OptionInfo] | None:
    """Type and description of an option; None where ``hint`` is none."""
    if get_origin(hint) is not Annotated:
        return None
    kind, *extras = get_args(hint)
    described = [extra for extra in extras if isinstance(extra, OptionInfo)]
    return (kind, described[0]) if described else None
