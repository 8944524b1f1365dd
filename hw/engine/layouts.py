"""Payloads between an engine's components."""

from __future__ import annotations

from amaranth import Value, signed
from amaranth.lib import data

from ..basics.shapes import index_shape
from .design import DIGIT_BITS, LANE_DIGITS, TRAIN_DIGITS, EngineDesign

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
        flat: every bit counts once (a step of a train); there where the engine knows ``rate``.
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
                "flat": int(design.rate),
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
        flat: as in a beat.
        ends_window, ends_strip: with the last event of these bits.
    """

    def __init__(self, design: EngineDesign):
        super().__init__(
            {
                "bits": LANE_BITS,
                "weight": index_shape(design.weight_words),
                "signed_source": 1,
                "sign_bit": index_shape(DIGIT_BITS),
                "flat": int(design.rate),
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


class TrainTagLayout(data.StructLayout):
    """Which step of a spike train a turn is of; nothing in an engine for ``radix`` alone.

    Members:
        first: the first step.
        ends_digit: no other step has its spikes in the same digit.
        digit: the digit's number.
    """

    def __init__(self, design: EngineDesign):
        one = int(design.rate)
        super().__init__(
            {
                "first": one,
                "ends_digit": one,
                "digit": index_shape(TRAIN_DIGITS) if design.rate else 0,
            }
        )


class TurnTagLayout(data.StructLayout):
    """Which part of which unit a turn is.

    Members:
        index: group * turns + turn.
        step_index: and the turns of the steps before; there where the engine knows ``rate``.
        first_chunk, last_chunk: of its window.
        fires: neurons fire with what has been summed up so far.
        level: digit of the weights, 0 the lowest.
        odd: sums of odd lanes count 16 times.
        last_turn: of its group.
        last_window: of its strip.
        last_group: of its strip, in the last chunk.
        row_ends: the strip is the last of its row.
        pass_ends: the very last turn.
        train: see ``TrainTagLayout``.
    """

    def __init__(self, design: EngineDesign):
        super().__init__(
            {
                "index": index_shape(design.groups * design.turns),
                "step_index": index_shape(design.window_turns) if design.rate else 0,
                "first_chunk": 1,
                "last_chunk": 1,
                "fires": 1,
                "level": index_shape(design.weight_digits),
                "odd": 1,
                "last_turn": 1,
                "last_window": 1,
                "last_group": 1,
                "row_ends": 1,
                "pass_ends": 1,
                "train": TrainTagLayout(design),
            }
        )


def fired_index(design: EngineDesign, tag: data.View) -> Value:
    """Number of a turn among those of its window that neurons fire in."""
    return tag.step_index if design.rate else tag.index


class TurnLayout(data.StructLayout):
    """What F neurons get or give in a turn, and which turn it is.

    Args:
        values: layout of the F values.
    """

    def __init__(self, design: EngineDesign, values: data.ArrayLayout):
        super().__init__({"values": values, "tag": TurnTagLayout(design)})
