"""One connection of a layer: from the words of its source to weighted sums."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from amaranth import Cat, Module, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..basics.fork import StreamFork
from ..basics.shapes import count_shape
from ..basics.step_words import step_words
from ..design.connection_design import ConnectionDesign
from ..design.payloads import SlabLayout, UnitLayout, vector
from ..lanes.direct_lane import DirectLane
from ..lanes.event_lane import EventLane
from ..memories.ram_queue import built_queue
from ..window.map_select import MapSelect
from ..window.window_buffer import WindowBuffer
from ..window.window_gather import WindowGather


class ConnectionPath(wiring.Component):
    """Spike words or pixels of a whole map in, weighted sums of its windows out.

    All connections of a layer give out the sums of the same units in the same order. A pixel
    connection beside spikes in ``rate`` gives its sum anew at every step. What lanes there are is
    the matter of the two kinds, ``EventConnection`` and ``DirectConnection``::

        words -> [select] -> buffer -> [gather] -> fork -+-> lane 0 -> lane_0
                                                         +-> lane 1 -> lane_1
                                                         +-> unit queue -> units

    ``select`` is there where the connection does not see all of the map, ``gather`` for pixels.

    Args:
        design: what is built.
        lanes: its lanes.

    Members:
        words: in, ``word_width`` bits; the source's map, in raster order (see ``RowWriter``).
        steps: in; T of the source, of the images under way.
        lane_0 ...: out, P sums of each lane, one beat for each unit.
        units: out; what each sum is for (of the layer's first connection only).
        accumulating: out, one bit for each lane (each neuron of a direct lane): it adds a weight.

    Cycles: a slab in each, as long as every lane takes its own.
    """

    words: stream.Interface
    units: stream.Interface
    steps: Signal
    accumulating: Signal

    def __init__(self, design: ConnectionDesign, lanes: Sequence[EventLane | DirectLane]):
        geometry, groups, style = design.geometry, design.groups, design.style
        self.design = design
        self.lanes = lanes
        self.slab_layout = SlabLayout(geometry, design.slab_columns, groups)
        self.unit_layout = UnitLayout(len(geometry.positions), groups)
        self.buffer = WindowBuffer(
            geometry,
            word_width=design.kept_width,
            groups=groups,
            plane_by_plane=design.radix_spikes,
            padding_bits=pixel_planes(design.network.zero_point) if design.pixels else 0,
            collapse=design.collapses,
            fed=design.fed,
            repeats=design.repeats,
            style=style,
            single_port=design.large,
        )
        self.gather = WindowGather(geometry, groups, style=style) if design.pixels else None
        self.select = None if design.keeps_all else map_select(design)
        members = {
            "words": In(stream.Signature(design.word_width)),
            "steps": In(count_shape(design.largest_steps)),
            "accumulating": Out(sum(len(lane.accumulating) for lane in self.lanes)),
        }
        for index, (lane, shift) in enumerate(zip(self.lanes, design.shifts, strict=True)):
            layout = vector(signed(lane.sum_shape.width + shift), design.neurons)
            members[f"lane_{index}"] = Out(stream.Signature(layout))
        if design.gives_units:
            members["units"] = Out(stream.Signature(self.unit_layout))
        super().__init__(members)

    @property
    def sums(self) -> list:
        """The lanes' output streams."""
        return [getattr(self, f"lane_{lane}") for lane in range(len(self.lanes))]

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.buffer = self.buffer
        branches = len(self.lanes) + self.design.gives_units
        m.submodules.fork = fork = StreamFork(self.slab_layout, branches)
        fill_buffer(m, self, self.buffer.words)
        self._slabs(m, fork)
        for index in range(len(self.lanes)):
            self._lane(m, index, fork.outputs[index])
        m.d.comb += self.accumulating.eq(Cat(lane.accumulating for lane in self.lanes))
        if self.design.gives_units:
            self._units(m, fork.outputs[len(self.lanes)])
        return m

    def _slabs(self, m: Module, fork: StreamFork) -> None:
        """The buffer's slabs, gathered where they are pixels, to the fork."""
        buffer = self.buffer
        m.d.comb += buffer.steps.eq(self.steps if buffer.fetcher.largest_steps > 1 else 1)
        if self.gather is None:
            wiring.connect(m, buffer.slabs, fork.input)
        else:
            m.submodules.gather = gather = self.gather
            wiring.connect(m, buffer.slabs, gather.columns)
            wiring.connect(m, gather.windows, fork.input)

    def _lane(self, m: Module, index: int, shared) -> None:
        """A lane between its branch of the fork and its sums."""
        lane = self.lanes[index]
        m.submodules[f"lane{index}"] = lane
        own = lane.slab
        m.d.comb += [
            own.valid.eq(shared.valid),
            shared.ready.eq(own.ready),
            own.payload.slab.eq(shared.payload.slab),
            own.payload.group.eq(shared.payload.unit.group),
            own.payload.new_plane.eq(shared.payload.new_plane),
            own.payload.last.eq(shared.payload.last),
        ]
        self._deal(m, shared.payload, index, own.payload.bits)
        sums, shift = self.sums[index], self.design.shifts[index]
        m.d.comb += [
            sums.valid.eq(lane.sums.valid),
            lane.sums.ready.eq(sums.ready),
            *(
                worth.eq(own << shift)
                for worth, own in zip(sums.payload, lane.sums.payload, strict=True)
            ),
        ]

    def _deal(self, m: Module, slab: data.View, lane: int, bits: data.View) -> None:
        """``bits`` is what ``lane`` takes of ``slab``."""
        raise NotImplementedError

    def _units(self, m: Module, ends) -> None:
        """What each unit's sums are for, behind its last slab."""
        m.submodules.unit_queue = units = built_queue(self.design.unit_queue, self.unit_layout)
        m.d.comb += [
            units.input.payload.eq(ends.payload.unit),
            units.input.valid.eq(ends.valid & ends.payload.last),
            ends.ready.eq(units.input.ready | ~ends.payload.last),
        ]
        wiring.connect(m, units.output, wiring.flipped(self.units))


def fill_buffer(m: Module, path, words: stream.Interface) -> None:
    """The words of the source's map that a connection keeps, into its window buffer.

    ``path`` is the connection: its ``design``, its ``select`` or None, ``words`` and ``steps``.
    """
    kept, design = wiring.flipped(path.words), path.design
    if path.select is not None:
        m.submodules.select = select = path.select
        wiring.connect(m, wiring.flipped(path.words), select.words)
        kept = select.kept
        planes = step_words(path.steps, design.step_planes)
        m.d.comb += select.steps.eq(planes if design.geometry.steps > 1 else 1)
    m.d.comb += [
        words.payload.eq(kept.payload),
        words.valid.eq(kept.valid),
        kept.ready.eq(words.ready),
    ]


def map_select(design: ConnectionDesign) -> MapSelect:
    """What drops the words of the source's map that the connection does not see."""
    _, rows, columns = design.source_map
    return MapSelect(
        design.part,
        rows=rows,
        columns=columns,
        groups=design.source_groups,
        word_width=design.word_width,
        steps=design.source_steps * design.step_planes,
    )


def pixel_planes(pixel: np.ndarray) -> int:
    """A pixel's channels (uint8) as bit planes, the most significant plane in the lowest bits."""
    bits = [int(value) >> plane & 1 for plane in reversed(range(8)) for value in pixel]
    return sum(bit << index for index, bit in enumerate(bits))
