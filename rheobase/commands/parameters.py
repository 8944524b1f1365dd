"""Text of command-line options to values."""

from __future__ import annotations

from ..golden.errors import RheobaseError, shown
from ..golden.network import Network
from ..hw.design.folding import Folding, LayerFolding, check_folding


def number_list(option: str, text: str, kind: type) -> tuple:
    """Numbers separated by commas."""
    try:
        return tuple(kind(part) for part in text.split(","))
    except ValueError:
        name = "integers" if kind is int else "numbers"
        raise RheobaseError(f"{option}: {shown(text)}, accepted is {name} with commas") from None


def check_by_hand(neurons: str | None, lanes: str | None, adders: int | None) -> None:
    """Raise ``RheobaseError`` where -P, -E and --adders do not go together."""
    both = neurons is not None and lanes is not None
    if (neurons is not None or lanes is not None) and (not both or adders is not None):
        raise RheobaseError("-P, -E: accepted is both of them together, or --adders alone, or none")


def given_folding(network: Network, neurons: str, lanes: str) -> Folding:
    """P and E of each layer."""
    values = []
    for option, text in (("-P", neurons), ("-E", lanes)):
        numbers = number_list(option, text, int)
        if len(numbers) != len(network.layers):
            raise RheobaseError(
                f"{option}: {len(numbers)} values, accepted is one for each of the "
                f"{len(network.layers)} layers"
            )
        values.append(numbers)
    folding = tuple(LayerFolding(p, e) for p, e in zip(*values, strict=True))
    check_folding(network, folding)
    return folding
