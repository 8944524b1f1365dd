"""Window buffer: a map comes in row by row, the slabs of every window go out."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth import Array, Module, Signal, Value
from amaranth.hdl import unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ..basics.queue import Queue
from ..basics.shapes import count_shape, index_shape
from ..basics.step_words import step_words
from ..design.geometry import WindowGeometry
from ..design.payloads import JobLayout, SlabLayout
from ..design.style import FAST, Style
from ..memories.memory_shape import LARGE_STYLE, flag_memory, row_memory
from ..memories.row_banks import row_banks
from .row_writer import RowWriter
from .window_fetcher import WindowFetcher
from .window_walker import WindowWalker


class WindowBuffer(wiring.Component):
    """A map in, the slabs of its windows that hold events out; a word and a slab in each cycle.

    ::

        words -> row writer -+-> rows (memory) ----------.
                             +-> flags (memory) -.       v
                             +-> row written -> walker -> fetcher -> [slabs] -> slabs
                             <------- released ----------'

    The ring has just the rows that one row of pooled outputs needs, and ``geometry.spare_rows``
    more, so that rows of the same or the next image are written while windows are read. Nothing
    is cleared between images. The parameters are those of the row writer and the window fetcher;
    ``style``: without ``path_registers`` jobs and slabs do not wait in registers of their own.
    ``single_port``: the rows are in a memory of one port, if words suit it, whose reads wait for
    its writes.

    Members:
        words: in, stream; the map, raster order; per pixel each group of ``word_width`` bits, step
            after step.
        steps: in; T of the images under way (not read where neither the map nor ``repeats`` has
            more than one step).
        slabs: out, stream; see ``WindowFetcher``.
    """

    words: stream.Interface
    steps: Signal
    slabs: stream.Interface

    def __init__(
        self,
        geometry: WindowGeometry,
        *,
        word_width: int,
        groups: int,
        plane_by_plane: bool,
        padding_bits: int = 0,
        collapse: bool = True,
        fed: range | None = None,
        repeats: int = 1,
        style: Style = FAST,
        single_port: bool = False,
    ):
        self.geometry = geometry
        self.style = style
        self.writer = RowWriter(geometry, word_width)
        self.row_shape = row_memory(geometry, self.writer.word_width, large=single_port)
        self.row_banks = row_banks(self.row_shape, split=style.memory_banks)
        self.single_port = self.row_shape.style == LARGE_STYLE
        self.walker = WindowWalker(geometry, padding_bits != 0, collapse=collapse)
        self.fetcher = WindowFetcher(
            geometry,
            groups,
            plane_by_plane=plane_by_plane,
            padding_bits=padding_bits,
            fed=fed,
            repeats=repeats,
            style=style,
            single_port=self.single_port,
        )
        super().__init__(
            {
                "words": In(stream.Signature(word_width)),
                "steps": In(count_shape(self.fetcher.largest_steps)),
                "slabs": Out(stream.Signature(SlabLayout(geometry, 1, groups))),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        geometry, style = self.geometry, self.style
        m.submodules.writer = writer = self.writer
        m.submodules.walker = walker = self.walker
        m.submodules.fetcher = fetcher = self.fetcher
        if style.path_registers:
            # The walker needs two cycles for a job, so that one register loses no time.
            m.submodules.jobs = jobs = Queue(JobLayout(geometry), depth=1, reset_less=True)
            # What the lanes are ready for does not reach the memory in the same cycle.
            m.submodules.slabs = slabs = Queue(fetcher.slab_layout, depth=2, reset_less=True)

        rows = self._row_memories(m)
        flags = flag_memory(geometry)
        m.submodules.occupancy = occupancy = memory.Memory(
            shape=unsigned(flags.width), depth=flags.words, init=[], attrs=flags.attributes
        )
        occupancy_write = occupancy.write_port(granularity=1)
        occupancy_read = occupancy.read_port()

        wiring.connect(m, wiring.flipped(self.words), writer.words)
        if not style.path_registers:
            wiring.connect(m, walker.jobs, fetcher.jobs)
            wiring.connect(m, fetcher.slabs, wiring.flipped(self.slabs))
        else:
            wiring.connect(m, walker.jobs, jobs.input)
            wiring.connect(m, jobs.output, fetcher.jobs)
            wiring.connect(m, fetcher.slabs, slabs.input)
            wiring.connect(m, slabs.output, wiring.flipped(self.slabs))
        write_address, read_address = writer.write_address, fetcher.read_address
        if self.single_port:
            m.d.comb += fetcher.hold.eq(writer.group_enables.any())
            # Gates and no selector: yosys would find the write enable to be what it selects by,
            # leave the writer's address alone at the write port, and see ports of two addresses.
            writes = fetcher.hold.replicate(len(write_address))
            write_address = read_address = (write_address & writes) | (read_address & ~writes)
        m.d.comb += [
            writer.steps.eq(
                step_words(self.steps, geometry.step_planes) if geometry.steps > 1 else 1
            ),
            writer.released.eq(fetcher.released),
            fetcher.steps.eq(self.steps),
            walker.row_written.eq(writer.row_written),
        ]
        self._connect_rows(m, rows, write_address, read_address)
        m.d.comb += [
            occupancy_write.addr.eq(writer.occupancy_address),
            occupancy_write.data.eq(writer.occupancy_data),
            occupancy_write.en.eq(writer.occupancy_enable),
            occupancy_read.addr.eq(walker.occupancy_address),
            occupancy_read.en.eq(walker.occupancy_read),
            walker.occupancy_data.eq(occupancy_read.data),
        ]
        return m

    def _row_memories(self, m: Module) -> list[tuple]:
        """Write and read port of each memory of the ring."""
        ports = []
        for number, shape in enumerate(self.row_banks):
            rows = memory.Memory(
                shape=unsigned(shape.width), depth=shape.words, init=[], attrs=shape.attributes
            )
            m.submodules["rows" if len(self.row_banks) == 1 else f"rows_{number}"] = rows
            row_write = rows.write_port(granularity=self.writer.granularity)
            row_read = rows.read_port()
            ports.append((row_write, row_read))
        return ports

    def _connect_rows(
        self, m: Module, ports: Sequence[tuple], write_address: Value, read_address: Value
    ) -> None:
        """Each memory takes and gives the words whose addresses are its own."""
        writer, fetcher = self.writer, self.fetcher
        bank = Signal(index_shape(len(ports)))  # that was read last
        base = 0
        for number, (shape, (write, read)) in enumerate(zip(self.row_banks, ports, strict=True)):
            enabled = writer.enabled_pieces()
            if len(ports) > 1:
                # All but the last are a power of two deep, and begin at a multiple of it.
                bits = (shape.words - 1).bit_length()
                enabled &= (write_address >> bits == base >> bits).replicate(len(enabled))
                with m.If(fetcher.read_enable & (read_address >> bits == base >> bits)):
                    m.d.sync += bank.eq(number)
            m.d.comb += [
                write.addr.eq(write_address),
                write.data.eq(writer.write_data),
                write.en.eq(enabled),
                read.addr.eq(read_address),
                read.en.eq(fetcher.read_enable),
            ]
            base += shape.words
        answers = [read.data for _, read in ports]
        m.d.comb += fetcher.read_data.eq(answers[0] if len(answers) == 1 else Array(answers)[bank])
