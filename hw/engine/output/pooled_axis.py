"""The pooling windows that a position is in, along one axis."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth import Module, Mux, Shape, Signal, Value
from amaranth.lib import data

from ...basics.shapes import count_shape
from ..design import EngineDesign
from ..program import ADDRESS_BITS, EXTENT_BITS


def words_shape(design: EngineDesign) -> Shape:
    """Of words of the pool's memory, and of sums of two such numbers."""
    return count_shape(2 * design.pool_words)


def axis_layout(design: EngineDesign) -> data.StructLayout:
    """Where a position is among the windows of an axis.

    Members:
        count: windows that it is in.
        some, single: it is in one at all, and in no other.
        left: positions that the first of them has after this one.
        until: positions until the next one begins.
        unopened: windows that have not begun.
        opened: the last of them begins here.
        begins: it is position 0.
        positions: it and those after it.
        words: of the pool's memory, where the first of them lies.
        slot: of the columns' memory, likewise.
        out: memory words of the written map, likewise.
    """
    return data.StructLayout(
        {
            "count": EXTENT_BITS,
            "some": 1,
            "single": 1,
            "left": EXTENT_BITS,
            "until": EXTENT_BITS,
            "unopened": EXTENT_BITS,
            "opened": 1,
            "begins": 1,
            "positions": EXTENT_BITS,
            "words": words_shape(design),
            "slot": count_shape(2 * design.column_words),
            "out": ADDRESS_BITS,
        }
    )


def first_position(m: Module, header: data.View, axis: str, at: data.View) -> None:
    """Make of ``at`` the first position of ``axis``, "row" or "column"."""
    opened = header[f"pool_{axis}_open"]
    m.d.comb += [
        at.count.eq(opened),
        at.some.eq(opened != 0),
        at.single.eq(opened == 1),
        at.left.eq(header[f"pool_{axis}_left"]),
        at.until.eq(header[f"pool_{axis}_until"]),
        at.unopened.eq(header[f"pooled_{axis}s"] - opened),
        at.begins.eq(1),
        at.positions.eq(header[f"{axis}s"]),
        at.out.eq(header.out_base if axis == "row" else 0),
    ]


def next_position(m: Module, header: data.View, axis: str, now: data.View, then: data.View) -> None:
    """Make of ``then`` the position after ``now``."""
    stride = header[f"pool_{axis}_stride"]
    closes = Signal(name=f"{axis}_closes")
    opens = Signal(name=f"{axis}_opens")
    words = Signal(now.words.shape(), name=f"{axis}_words_on")
    m.d.comb += [
        closes.eq(now.some & (now.left == 0)),
        opens.eq((now.until == 1) & (now.unopened != 0)),
        then.count.eq(now.count + opens - closes),
        then.some.eq(then.count != 0),
        then.single.eq(then.count == 1),
        then.left.eq(now.left - 1),
        then.until.eq(Mux(now.until == 1, stride, now.until - 1)),
        then.unopened.eq(now.unopened - opens),
        then.opened.eq(opens),
        then.positions.eq(now.positions - 1),
        then.out.eq(now.out),
        then.words.eq(now.words),
        then.slot.eq(now.slot),
    ]
    with m.If(closes):
        m.d.comb += [then.left.eq(now.left + stride - 1), then.words.eq(words)]
        m.d.comb += then.out.eq(now.out + (header.out_row if axis == "row" else header.out_pixel))
    if axis == "row":
        beyond = Signal(len(words) + 1)
        m.d.comb += [
            beyond.eq(now.words + header.pool_row_words),
            words.eq(Mux(beyond >= header.pool_ring_words, 0, beyond)),
        ]
    else:
        slot = Signal(len(now.slot) + 1)
        m.d.comb += [
            words.eq(now.words + header.pool_column_words),
            slot.eq(now.slot + header.pool_column_words),
        ]
        with m.If(closes):
            m.d.comb += then.slot.eq(Mux(slot >= header.pool_open_words, 0, slot))


@dataclass(frozen=True)
class WindowSteps:
    """Which of a position's windows is the turn's next one.

    Attributes:
        number, following: its number among those that the position is in, and the one after it.
        words, out: of the pool's memory and of the written map, from the first of them on.
        done: it is the last one, or there is none that counts.
    """

    number: Signal
    following: Signal
    words: Signal
    out: Signal
    done: Signal


def window_steps(
    m: Module, at: data.View, *, counts: Value, steps: Value, words: Value, out: Value
) -> WindowSteps:
    """Go through the windows of the position ``at``, one with each of ``steps``.

    Args:
        counts: the position is in a window, and its numbers are written.
        words, out: from one window to the next.
    """
    number, following = Signal(EXTENT_BITS), Signal(EXTENT_BITS, init=1)
    words_on, out_on = Signal(at.words.shape(), name="words"), Signal(ADDRESS_BITS, name="out")
    # Whether it is the last one, where it is not the first.
    first, later_last = Signal(init=1), Signal()
    done = Signal()
    m.d.comb += done.eq(~counts | Mux(first, at.single, later_last))
    with m.If(steps & done):
        m.d.sync += [number.eq(0), following.eq(1), first.eq(1), words_on.eq(0), out_on.eq(0)]
    with m.Elif(steps):
        m.d.sync += [
            number.eq(following),
            following.eq(following + 1),
            first.eq(0),
            later_last.eq(following + 1 == at.count),
            words_on.eq(words_on + words),
            out_on.eq(out_on + out),
        ]
    return WindowSteps(number, following, words_on, out_on, done)


def is_first(at: data.View, following: Value) -> Value:
    """Whether the window before ``following`` of those that the position is in begins with it."""
    return at.begins | (at.opened & (following == at.count))


def is_last(at: data.View, number: Value) -> Value:
    """Whether that window ends with it."""
    return (at.positions == 1) | ((at.left == 0) & (number == 0))
