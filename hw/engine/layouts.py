"""Payloads between an engine's components."""

from __future__ import annotations

from amaranth import signed
from amaranth.lib import data

from ..basics.shapes import index_shape
from .design import DIGIT_BITS, LANE_DIGITS, EngineDesign

#: Bits of a lane in a word of the row buffer.
LANE_BITS = LANE_DIGITS * DIGIT_BITS


class BeatLayout(data.StructLayout):
    """A word of the row buffer that a window sees, or the end of a window.

    Members:
        bits: ``LANE_BITS`` of each lane.
        mask: lanes that have weights for them.
        weight: address of the weights of a lane's lowest digit, within a group.
        signed_source, sign_bit: numbers are signed, and which bit of a byte is their sign.
        odd: odd lanes have the upper digits of bytes.
        ends_window: nothing but the end of a window; none of the above counts.
        ends_strip: with ``ends_window``, also that of a strip.
    """

    def __init__(self, design: EngineDesign):
        super().__init__(
            {
                "bits": data.ArrayLayout(LANE_BITS, design.lanes),
                "mask": design.lanes,
                "weight": index_shape(design.weight_words),
                "signed_source": 1,
                "sign_bit": 3,
                "odd": 1,
                "ends_window": 1,
                "ends_strip": 1,
            }
        )


class LaneWordLayout(data.StructLayout):
    """The part of a beat that a lane scans.

    Members:
        bits: with at least one set bit, or none where a window has no event in the lane.
        weight: as in a beat.
        signed_source, sign_bit: which bit of a digit counts negative, if any.
        ends_window, ends_strip: with the last event of these bits.
    """

    def __init__(self, design: EngineDesign):
        super().__init__(
            {
                "bits": LANE_BITS,
                "weight": index_shape(design.weight_words),
                "signed_source": 1,
                "sign_bit": index_shape(DIGIT_BITS),
                "ends_window": 1,
                "ends_strip": 1,
            }
        )


class EventLayout(data.StructLayout):
    """An event of a lane, or the end of a window that has none there.

    Members:
        weight: address of its weights, within a group.
        shift: weights count 2 ** shift times.
        negative: and are subtracted.
        add: it is an event.
        ends_window: the sum is complete with it.
        ends_strip: and it is the strip's last.
    """

    def __init__(self, design: EngineDesign):
        super().__init__(
            {
                "weight": index_shape(design.weight_words),
                "shift": index_shape(DIGIT_BITS),
                "negative": 1,
                "add": 1,
                "ends_window": 1,
                "ends_strip": 1,
            }
        )


def sums_layout(design: EngineDesign) -> data.ArrayLayout:
    """P sums of a lane."""
    return data.ArrayLayout(signed(design.sum_bits), design.neurons)


def turn_sums_layout(design: EngineDesign) -> data.ArrayLayout:
    """F of them, those of a turn."""
    return data.ArrayLayout(signed(design.sum_bits), design.firing)


def currents_layout(design: EngineDesign) -> data.ArrayLayout:
    """Currents of F neurons."""
    return data.ArrayLayout(signed(design.current_bits), design.firing)


class TurnTagLayout(data.StructLayout):
    """Which part of which unit a turn is.

    Members:
        index: group * turns + turn.
        first_chunk, last_chunk: of its window.
        shift: what was summed up in the chunks before counts 2 ** (4 * shift) times.
        odd: sums of odd lanes count 16 times.
        last_turn: of its group.
        last_window: of its strip.
        last_group: of its strip.
        row_ends: the strip is the last of its row.
        pass_ends: the very last turn.
    """

    def __init__(self, design: EngineDesign):
        super().__init__(
            {
                "index": index_shape(design.groups * design.turns),
                "first_chunk": 1,
                "last_chunk": 1,
                "shift": 2,
                "odd": 1,
                "last_turn": 1,
                "last_window": 1,
                "last_group": 1,
                "row_ends": 1,
                "pass_ends": 1,
            }
        )


class TurnLayout(data.StructLayout):
    """What F neurons get or give in a turn, and which turn it is.

    Args:
        values: layout of the F values.
    """

    def __init__(self, design: EngineDesign, values: data.ArrayLayout):
        super().__init__({"values": values, "tag": TurnTagLayout(design)})
