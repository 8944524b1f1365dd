"""Serial line: whole and broken ratios of clock and baud, both ends' clocks apart, and damage."""

import numpy as np
import pytest

from rheobase.boards.link.line.bit_timer import BitTimer
from rheobase.boards.link.line.uart_receiver import UartReceiver
from rheobase.boards.link.line.uart_transmitter import UartTransmitter
from rheobase.golden import RheobaseError
from rheobase.sim.bench import run_bench

RATES = {"4 clocks": (12_000_000, 3_000_000), "8.33 clocks": (25_000_000, 3_000_000)}


@pytest.mark.parametrize("rate", RATES)
def test_receiver(rate):
    clock, baud = RATES[rate]
    rng = np.random.default_rng(1)
    # A sender that is 2 % fast, exact, or 2 % slow; byte after byte, and with pauses.
    for drift in (0.98, 1.0, 1.02):
        line = [
            (int(rng.integers(256)), int(rng.random() > 0.1), int(rng.integers(3)) * (index % 2))
            for index in range(60)
        ]
        expected = [byte | (0 if stop else 0x100) for byte, stop, _ in line]
        run_bench(
            UartReceiver(clock, baud),
            "tests.boards.benches.line_bench",
            {
                "component": "receiver",
                "seed": 2,
                "clocks_per_bit": drift * clock / baud,
                "line": line,
                "expected": expected,
                "spikes": clock > 6 * baud,
            },
        )


def test_receiver_marks_what_follows_a_lost_byte():
    run_bench(
        UartReceiver(12_000_000, 3_000_000),
        "tests.boards.benches.line_bench",
        {
            "component": "slow",
            "seed": 2,
            "clocks_per_bit": 4,
            "line": [(0x35, 1, 0), (0x53, 1, 0), (0xA5, 1, 0)],
            "spikes": False,
        },
    )


@pytest.mark.parametrize("rate", RATES)
def test_transmitter(rate):
    clock, baud = RATES[rate]
    run_bench(
        UartTransmitter(clock, baud),
        "tests.boards.benches.line_bench",
        {
            "component": "transmitter",
            "seed": 3,
            "clocks_per_bit": clock / baud,
            "bytes": [0x00, 0xFF, 0x55, 0xAA, 0x7E, 0x01, 0x80],
        },
    )


def test_rates():
    for clock, baud in ((12_000_000, 3_000_000), (25_000_000, 3_000_000), (80_000_000, 9600)):
        timer = BitTimer(clock, baud)
        made = clock * timer.increment / 2**timer.phase_bits
        assert abs(made / baud - 1) < 1e-4
    with pytest.raises(RheobaseError, match="3000001 at a clock of 12000000 Hz, must be at most"):
        BitTimer(12_000_000, 3_000_001)
    with pytest.raises(RheobaseError, match="baud is 0, must be an integer >= 1"):
        BitTimer(12_000_000, 0)
