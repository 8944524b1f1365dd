"""How a network is folded onto hardware: P and E of each layer, by hand or by the planner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from ..boards.platforms.registry import BOARDS, BoardDescription
from ..boards.platforms.registry import board as find_board
from ..golden.errors import RheobaseError
from ..hw.design.folding import LaneChoice

_PANEL = "Folding: how much hardware each layer gets"
Board = Annotated[
    str | None,
    typer.Option(
        "--board",
        rich_help_panel=_PANEL,
        help=f"Board to fill with the fastest folding: {', '.join(BOARDS)}.",
        autocompletion=lambda: list(BOARDS),
    ),
]
Baud = Annotated[int, typer.Option("--baud", min=1, help="Bits per second of the serial line.")]


@dataclass(frozen=True)
class FoldingOptions:
    """What is asked of the folding.

    Attributes:
        neurons, lanes: P and E of each layer, with commas; "graph" in the place of an E is a graph
            lane, "serial" a serial layer. ``lanes`` alone may be a ``LaneChoice``.
        adders: P x E in all.
        luts, memory_bits: look-up tables and bits of block RAM that may be used.
        target_fps: images a second that are to be reached.
        clock: MHz; the board's usual one where None.
        plan_images: what to count events on, as ``load_images`` takes it.
        board: whose device is to be filled; None for none.
    """

    PANEL = _PANEL

    neurons: Annotated[
        str | None,
        typer.Option(
            "--neurons", "-P", help="P, neurons at a time, of each layer with commas: 8,16,16,2."
        ),
    ] = None
    lanes: Annotated[
        str | None,
        typer.Option(
            "--lanes",
            "-E",
            help="E, event lanes, of each layer with commas, or graph or serial: graph,3,3,serial "
            "(with -P). Or the kinds that a search may choose: events, graph, serial, auto.",
        ),
    ] = None
    adders: Annotated[
        int | None,
        typer.Option("--adders", help="Adders (P x E) that the planned layers have in all."),
    ] = None
    luts: Annotated[
        int | None,
        typer.Option("--luts", help="LUT4 (iCE40, Gowin: logic cells) that the plan may take."),
    ] = None
    memory_bits: Annotated[
        int | None, typer.Option("--memory-bits", help="Bits of block RAM that the plan may take.")
    ] = None
    target_fps: Annotated[
        float | None,
        typer.Option(
            "--target-fps", help="Images a second: the smallest plan that reaches them at --clock."
        ),
    ] = None
    clock: Annotated[
        float | None,
        typer.Option("--clock", help="Design clock, MHz (default: the board's usual one)."),
    ] = None
    plan_images: Annotated[
        str | None,
        typer.Option(
            "--plan-images",
            help="Images that tell the planner how many events (spikes, set bits of pixels) to "
            "expect, in place of what the network file says of its calibration images.",
        ),
    ] = None
    board: BoardDescription | None = None

    @property
    def lane_choice(self) -> LaneChoice | None:
        """The kinds of lanes that a search may choose; None where they are not named."""
        known = self.neurons is None and self.lanes in list(LaneChoice)
        return LaneChoice(self.lanes) if known else None

    @property
    def by_hand(self) -> bool:
        """Whether P, E or their product is given."""
        lanes = None if self.lane_choice else self.lanes
        return any(value is not None for value in (self.neurons, lanes, self.adders))

    @property
    def searched(self) -> bool:
        """Whether something is asked for that the search is to keep to."""
        wanted = (self.board, self.luts, self.memory_bits, self.target_fps)
        return not self.by_hand and any(value is not None for value in wanted)

    @property
    def hertz(self) -> float | None:
        """The design's clock; None where nothing says it."""
        if self.clock is not None:
            if not 0 < self.clock < 1000:
                raise RheobaseError(f"--clock: {self.clock:g}, must be 0 .. 1000 (MHz)")
            return self.clock * 1e6
        return None if self.board is None else float(self.board.clock)


def named_board(name: str | None) -> BoardDescription | None:
    """The board of that name, None without one.

    Raises:
        RheobaseError: there is no such board.
    """
    return None if name is None else find_board(name)
