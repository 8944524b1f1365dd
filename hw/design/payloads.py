"""Layouts of what travels between the components of a layer."""

from __future__ import annotations

from amaranth.hdl import Shape, Value
from amaranth.lib import data

from ..basics.shapes import count_shape, index_shape
from .connection_design import MAP_UNIT_BITS, unit_fields
from .geometry import WindowGeometry
from .sliding import SlidingGeometry


def vector(shape: Shape, neurons: int) -> data.ArrayLayout:
    """One value of ``shape`` for each of the P neurons of a group."""
    return data.ArrayLayout(shape, neurons)


def member_bits(
    view: data.View, *path: str | int, start: int = 0, stop: int | None = None
) -> Value:
    """Bits ``start``..``stop`` of the member at ``path``, as one slice of the whole payload.

    A slice of a slice costs as much as the wider one is wide, for every bit that is taken of it:
    seconds where a word has hundreds of bits, hours where it has ten thousands.
    """
    layout, offset = view.shape(), 0
    for key in path:
        field = layout[key]
        layout, offset = field.shape, offset + field.offset
    width = Shape.cast(layout).width
    stop = width if stop is None else min(stop, width)
    return view.as_value()[offset + start : offset + stop]


class UnitLayout(data.StructLayout):
    """What one weighted sum (a *unit*) is for: which position, group and step it belongs to.

    A unit is a window at one step in ``rate``, and a window over its whole train otherwise. The
    units of one pooled output and step follow one another, from ``first_position`` to
    ``last_position``; ``first_step`` and ``last_step`` bound the steps of one group.
    """

    def __init__(self, positions: int, groups: int):
        super().__init__(unit_fields(positions, groups))


class MapUnitLayout(data.StructLayout):
    """What a streamed readout's sum is for: ``last`` says that it is the image's last."""

    def __init__(self):
        super().__init__({"last": MAP_UNIT_BITS})


class WindowMarks(data.StructLayout):
    """What a plane of a window is for, from the sliding windows to the graph lane.

    Members:
        first_plane, last_plane: of the window's train.
        second: the only or the second plane of its step.
        first_step, last_step: of the train.
        first_position, last_position: the window is the pooled output's first, or last.
    """

    def __init__(self):
        super().__init__(
            dict.fromkeys(
                (
                    "first_plane",
                    "last_plane",
                    "second",
                    "first_step",
                    "last_step",
                    "first_position",
                    "last_position",
                ),
                1,
            )
        )


class WindowLayout(data.StructLayout):
    """All bits of a window's plane, and what it is for.

    Members:
        bits: kernel row by kernel row, of each its kernel columns; of each tap plane by plane (of a
            pixel, most significant first) one bit per channel.
    """

    def __init__(self, sliding: SlidingGeometry):
        super().__init__({"bits": sliding.window_bits, "marks": WindowMarks()})


class SumLayout(data.StructLayout):
    """A complete weighted sum for each neuron of a group, and what it is for."""

    def __init__(self, shape: Shape, neurons: int, unit: UnitLayout | MapUnitLayout):
        super().__init__({"sums": vector(shape, neurons), "unit": unit})


class CurrentLayout(data.StructLayout):
    """A pooled current for each neuron of a group, and the step and group it belongs to."""

    def __init__(self, shape: Shape, neurons: int, groups: int):
        super().__init__(
            {
                "currents": vector(shape, neurons),
                "first_step": 1,
                "last_step": 1,
                "group": index_shape(groups),
            }
        )


def tap_bits(geometry: WindowGeometry, axis: int) -> int:
    """Bits that say which taps of all position rows (columns) lie inside a summed map."""
    if geometry.valid_taps is None:
        return 1
    return geometry.pool_kernel[axis] * geometry.kernel[axis]


class JobLayout(data.StructLayout):
    """One pooled output to compute, from the window walker to the window fetcher.

    Members:
        slot: ring slot of the footprint's first row (which may lie in the padding).
        address: buffer address of the footprint's first column at step 0, in the first slot. Modulo
            a power of two, as is all that is added: a column of padding may lie before the map.
        occupied: per footprint column, which rows have a pixel with any spike or set bit: each
            row, or each position's rows together where a slab has all of them.
        row_valid, column_valid: footprint rows and columns that lie inside the map.
        busy: pooling positions inside the convolution's output whose window has any event.
        visits: positions that are visited.
        row_taps, column_taps: taps of each position row (column) that lie inside a summed map;
            one bit that is not read without a ``sum_pool``.
        release: rows to give back after this job.
    """

    def __init__(self, geometry: WindowGeometry):
        rows, columns = geometry.span
        super().__init__(
            {
                "slot": index_shape(geometry.slots),
                "address": index_shape(geometry.depth),
                "occupied": data.ArrayLayout(geometry.flag_rows, columns),
                "row_valid": rows,
                "column_valid": columns,
                "busy": len(geometry.positions),
                "visits": len(geometry.positions),
                "row_taps": tap_bits(geometry, 0),
                "column_taps": tap_bits(geometry, 1),
                "release": count_shape(geometry.slots),
            }
        )


class SlabLayout(data.StructLayout):
    """Bits of one slab of a window, from the window buffer to the lanes.

    Members:
        bits: per kernel row and kernel column of the slab, per bit plane (most significant first),
            one bit per channel.
        slab: index of the slab in the window.
        new_plane: the first slab of a plane other than the first of its unit.
        last: the unit's last slab.
        unit: what the unit is for.
    """

    def __init__(self, geometry: WindowGeometry, slab_columns: int, groups: int):
        row = data.ArrayLayout(data.ArrayLayout(geometry.channels, geometry.planes), slab_columns)
        super().__init__(
            {
                "bits": data.ArrayLayout(row, geometry.slab_rows),
                "slab": index_shape(len(geometry.slabs) // slab_columns),
                "new_plane": 1,
                "last": 1,
                "unit": UnitLayout(len(geometry.positions), groups),
            }
        )


class LaneWordLayout(data.StructLayout):
    """A lane's share of a slab, queued for its event scanner.

    Members:
        bits: per bit plane, one bit per tap of the lane.
        address: weight word of the share's first tap.
        shift: planes begun since the unit's last queued word.
        last: nothing of the unit follows.
        negative: the bits are those of the unit's first plane (of signed trains only).
    """

    def __init__(
        self, taps: int, planes: int, words: int, largest_shift: int, *, signed_trains: bool = False
    ):
        super().__init__(
            {
                "bits": data.ArrayLayout(taps, planes),
                "address": index_shape(words),
                "shift": count_shape(largest_shift),
                "last": 1,
                **_sign(signed_trains),
            }
        )


def _sign(signed_trains: bool) -> dict[str, int]:
    """What says that an event subtracts its weights, where there are such events."""
    return {"negative": 1} if signed_trains else {}


class EventLayout(data.StructLayout):
    """One step of an accumulation: acc = (acc << shift) + (weights[address] if add).

    ``last`` ends the unit: the sum is complete with this event. With ``signed_trains`` weights are
    subtracted where the event is ``negative``.
    """

    def __init__(self, words: int, largest_shift: int, *, signed_trains: bool = False):
        super().__init__(
            {
                "address": index_shape(words),
                "add": 1,
                "shift": count_shape(largest_shift),
                "last": 1,
                **_sign(signed_trains),
            }
        )


class LaneSlabLayout(data.StructLayout):
    """A lane's share of a slab: its bits, which slab of which group, and the unit's marks."""

    def __init__(self, taps: int, planes: int, slabs: int, groups: int):
        super().__init__(
            {
                "bits": data.ArrayLayout(taps, planes),
                "slab": index_shape(slabs),
                "group": index_shape(groups),
                "new_plane": 1,
                "last": 1,
            }
        )
