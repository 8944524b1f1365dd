"""The top level of every board: serial line, host link and accelerator."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth import ClockSignal, Instance, Module, ResetSignal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...golden.network.network import Network
from ...hw.design.folding import Folding
from ...hw.verilog.generation import TOP as ACCELERATOR
from ...hw.verilog.generation import generate, to_verilog
from ..link.host_link import HostLink
from ..link.interface import AcceleratorInterface, accelerator_interface
from ..link.line.uart_receiver import UartReceiver
from ..link.line.uart_transmitter import UartTransmitter

#: Module name of the top level.
TOP = "rheobase_board"


class BoardTop(wiring.Component):
    """UART, host link, and module ``accelerator``, which is not elaborated here.

    The accelerator comes as the Verilog that ``rheobase generate`` writes and that the simulations
    prove, so that the text on the board is that text, byte for byte
    (docs/decisions/0042-one-verilog.md).

    Members:
        rx, tx: the serial line, seen from the device.
        busy: an image is inside the accelerator.
    """

    def __init__(self, interface: AcceleratorInterface, baud: int):
        self.interface = interface
        self.baud = baud
        clock = interface.identity.clock
        self.receiver = UartReceiver(clock, baud)
        self.transmitter = UartTransmitter(clock, baud)
        super().__init__({"rx": In(1, init=1), "tx": Out(1, init=1), "busy": Out(1)})

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.receiver = self.receiver
        m.submodules.transmitter = self.transmitter
        m.submodules.link = link = HostLink(self.interface)
        wiring.connect(m, self.receiver.bytes, link.received)
        wiring.connect(m, link.transmitted, self.transmitter.bytes)
        m.submodules.accelerator = Instance(
            ACCELERATOR,
            i_clk=ClockSignal(),
            i_rst=ResetSignal(),
            i_pixels__payload=link.pixels.payload,
            i_pixels__valid=link.pixels.valid,
            o_pixels__ready=link.pixels.ready,
            i_steps=link.steps,
            i_delay=link.delay,
            o_results__payload=link.results.payload,
            o_results__valid=link.results.valid,
            i_results__ready=link.results.ready,
        )
        m.d.comb += [
            self.receiver.line.eq(self.rx),
            self.tx.eq(self.transmitter.line),
            self.busy.eq(link.busy),
        ]
        return m


@dataclass(frozen=True)
class BoardVerilog:
    """Texts of a board's design.

    Attributes:
        accelerator: what ``rheobase generate`` writes.
        top: UART and host link, with the top module ``rheobase_board``.
        interface: what the host link knows of the accelerator.
    """

    accelerator: str
    top: str
    interface: AcceleratorInterface

    @property
    def text(self) -> str:
        """Both as one file."""
        return f"{self.accelerator}\n{self.top}"


def board_verilog(network: Network, folding: Folding, *, clock: int, baud: int) -> BoardVerilog:
    """Verilog of the whole design.

    Args:
        clock: frequency, Hz.
        baud: of the serial line.

    Raises:
        RheobaseError: a P or E out of range, or the clock is too slow for the baud rate.
    """
    interface = accelerator_interface(network, clock=clock)
    top = to_verilog(BoardTop(interface, baud), TOP)
    return BoardVerilog(generate(network, folding), top, interface)
