"""An engine's board in Verilator behind a pseudo-terminal, and the host driver as a user has it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from rheobase.boards.engine_protocol import (
    LABEL_WORDS,
    EngineMessage,
    RunFlag,
    join_words,
    request_payload,
    split_words,
)
from rheobase.boards.host.engine_board import EngineBoard
from rheobase.boards.simulation.engine_board import (
    EngineBoardModel,
    build_engine_board,
    running_engine_board,
)
from rheobase.golden import Coding, Network, Readout, RheobaseError
from rheobase.hw.engine.compiled import Program
from rheobase.hw.engine.compiler.compile import compile_network
from rheobase.hw.engine.memory.memory_arbiter import UNDER_WAY
from rheobase.hw.engine.memory_port import BURST_WORDS
from rheobase.hw.engine.model.decoding import decoded_passes
from rheobase.hw.engine.program import ADDRESS_BITS, TABLES, pass_record
from rheobase.hw.engine.words import record_values, record_words
from rheobase.sim.engine.memory_timing import SDRAM_16
from tests.hw.engine import test_rate
from tests.hw.engine.test_engine import SMALL, drawn_network
from tests.support.simulation.engine_maps import golden_maps

DESIGN = replace(SMALL, lanes=2, rate_turns=128)
CLOCK, BAUD = 12_000_000, 3_000_000
MEMORY_WORDS = 1 << 11
#: Seconds of silence: long, so that a busy machine does not look like damage.
TIMEOUT = 10
#: Seconds at the board's clock after which a program that does not end is ended; sound ones take a
#: tenth of it.
LIMIT = 0.005
#: Cycles in which all comes that may be under way when an engine is reset: bursts, each with two
#: rows to open and words that take their time, a refresh, and what the link itself takes.
DRAINS = 100 + SDRAM_16.refresh_cycles * 5
DRAINS += UNDER_WAY * (BURST_WORDS * SDRAM_16.word_cycles + 2 * SDRAM_16.row_cycles)
# One cycle in ten the memory stalls, at random.
DRAINS += DRAINS // 4


@cache
def built() -> EngineBoardModel:
    return build_engine_board(DESIGN, memory_words=MEMORY_WORDS, clock=CLOCK, baud=BAUD)


@cache
def compiled(seed: int) -> tuple[Network, Program]:
    network = drawn_network(seed)
    return network, compile_network(network, DESIGN).program


@pytest.fixture(scope="module")
def line() -> Iterator[tuple]:
    """A board that all tests share, whatever the one before left in it."""
    with running_engine_board(built(), replace(SDRAM_16, stall=10)) as opened:
        yield opened


def check(board: EngineBoard, seed: int, images: int = 2) -> None:
    """Load a network and run images: what is read out is the golden model's."""
    check_network(board, *compiled(seed), seed, images)


def check_network(
    board: EngineBoard, network: Network, program: Program, seed: int, images: int = 2
) -> None:
    board.load(program)
    shown = np.random.default_rng(seed).integers(0, 256, (images, *network.input_shape))
    shown = shown.astype(np.uint8)
    ran = board.run(program, shown, limit=LIMIT)
    assert len(ran.cycles) == images and (ran.cycles > 0).all()
    for number, image in enumerate(shown):
        maps = golden_maps(network, image)
        for found, layer in zip(ran.outputs, network.outputs, strict=True):
            expected = maps[layer]
            if network.coding == Coding.RATE and network.readout == Readout.COUNT:
                expected = expected[network.delay :].sum(axis=0)
            np.testing.assert_array_equal(found[number], expected)


def test_a_board_begins_without_a_network():
    with (
        running_engine_board(built(), SDRAM_16) as opened,
        EngineBoard(opened[0], timeout=TIMEOUT) as board,
    ):
        assert not board.identity.loaded


def test_one_network_after_another(line):
    """No reset in between; what is loaded already is not sent again."""
    with EngineBoard(line[0], timeout=TIMEOUT) as board:
        assert board.identity.design == DESIGN
        assert (board.identity.clock, board.identity.memory_words) == (CLOCK, MEMORY_WORDS)
        for seed in (3, 4, 3):
            check(board, seed)
        written = []
        assert not board.load(compiled(3)[1], progress=written.append) and not written
        assert board.load(compiled(8)[1], progress=written.append)
        program = compiled(8)[1]
        assert sum(written) == len(program.weights) + len(program.passes) + 8
    # What is loaded outlives a connection.
    with EngineBoard(line[0], timeout=TIMEOUT) as board:
        assert board.identity.loaded and board.holds(program)
        check(board, 8)


@pytest.mark.parametrize("seed", [1, 2, 4, 8])
def test_a_network_in_rate(line, seed):
    """Both readouts; what is read are net counts, or currents, behind t0."""
    network = test_rate.drawn_network(seed)
    with EngineBoard(line[0], timeout=TIMEOUT) as board:
        check(board, 3)
        check_network(board, network, compile_network(network, DESIGN).program, seed)


def test_another_program_is_not_run(line):
    network, program = compiled(4)
    images = np.zeros((1, *network.input_shape), np.uint8)
    with EngineBoard(line[0], timeout=TIMEOUT) as board:
        board.load(compiled(3)[1])
        with pytest.raises(RheobaseError, match=r"is not loaded \(rheobase load --port"):
            board.run(program, images)
        other = replace(program, design=replace(DESIGN, lanes=4))
        with pytest.raises(RheobaseError, match="compiled for an engine with lanes 4, the board's"):
            board.load(other)
        large = replace(program, program_base=MEMORY_WORDS)
        with pytest.raises(RheobaseError, match="must be at most the 8192 of the board"):
            board.load(large)


def test_a_load_that_breaks_off(line):
    """The board answers, has no program, and takes the next one."""
    program = compiled(8)[1]

    class BrokenOffError(Exception):
        pass

    def breaks_off(_: int) -> None:
        raise BrokenOffError

    with EngineBoard(line[0], timeout=TIMEOUT) as board:
        board.load(compiled(3)[1])
        with pytest.raises(BrokenOffError):
            board.load(program, progress=breaks_off)
        # In the middle of a frame.
        board._port.write(b"\x7e\x10\x05\x41" + bytes(20))
    with EngineBoard(line[0], timeout=TIMEOUT) as board:
        assert not board.identity.loaded
        with pytest.raises(RheobaseError, match="no program is loaded"):
            board._ask(EngineMessage.RUN, request_payload(join_words([1000])), "run")
        check(board, 3)


def test_abort_in_the_middle_of_a_pass(line):
    """The run says so, and what is loaded stays."""
    program = compiled(4)[1]
    with EngineBoard(line[0], timeout=TIMEOUT) as board:
        board.load(program)
        run = board._send(EngineMessage.RUN, request_payload(join_words([10**6])))
        abort = board._send(EngineMessage.ABORT, b"")
        replies = []
        while len(replies) < 2:
            replies += board._receive()
        assert [sequence for _, sequence, _ in replies] == [run, abort]
        flags, cycles = split_words(replies[0][2])
        assert flags == RunFlag.ABORTED and 0 < cycles < 10**6
        assert board.holds(program)
        check(board, 4)


def test_reset_in_the_middle_of_a_pass(line):
    path, reset = line
    for _ in range(3):
        with EngineBoard(path, timeout=TIMEOUT) as board:
            board.load(compiled(8)[1])
            for _ in range(40):
                board._send(EngineMessage.RUN, request_payload(join_words([10**6])))
            board._receive()
            reset()
        with EngineBoard(path, timeout=TIMEOUT) as board:
            assert not board.identity.loaded
            check(board, 4)


def test_reset_at_any_cycle(line):
    """A program that is ended after more and more cycles: nothing of it is left in the next run."""
    network, program = compiled(8)
    image = np.random.default_rng(3).integers(0, 256, (1, *network.input_shape)).astype(np.uint8)
    expected = golden_maps(network, image[0])
    with EngineBoard(line[0], timeout=TIMEOUT) as board:
        board.load(program)
        for most in range(60, 10**4, 29):
            reply = board._ask(EngineMessage.RUN, request_payload(join_words([most])), "run")
            if split_words(reply)[0] != RunFlag.OVERRUN:
                break
            board.configure(program)
            ran = board.run(program, image, limit=LIMIT)
            for found, layer in zip(ran.outputs, network.outputs, strict=True):
                np.testing.assert_array_equal(found[0], expected[layer], err_msg=str(most))
        assert 500 < most < 5000


def run_damaged(board: EngineBoard, program: Program, damaged: Program) -> RunFlag:
    """Run ``damaged`` in the place of ``program``: it ends, and nothing outside its maps changes.

    Returns:
        How it ended.
    """
    board.load(program)
    board.write(damaged.program_base, damaged.passes)
    end = program.memory_words + LABEL_WORDS
    outside = [
        (0, len(program.weights)),
        (program.program_base, end - program.program_base),
        (end, MEMORY_WORDS - end),
    ]
    before = [board.sum(*words) for words in outside]
    board.configure(damaged)
    most = int(LIMIT * CLOCK)
    reply = board._ask(EngineMessage.RUN, request_payload(join_words([most])), "run")
    flags, cycles = split_words(reply)
    assert cycles < most + DRAINS
    assert [board.sum(*words) for words in outside] == before
    board.identity = board._identify()
    assert board.identity.loaded == (flags == 0) and not board.identity.running
    return RunFlag(flags)


def with_head(program: Program, **changed: int) -> Program:
    """The program with other values in the head of its first pass."""
    record = pass_record(program.design)
    values = record_values(record, program.passes) | changed
    passes = program.passes.copy()
    passes[: record.words] = record_words("", record, values)
    return replace(program, passes=passes)


DAMAGES = {
    "weights": ({"out_base": 0}, RunFlag.REFUSED),
    "behind": ({"out_base": MEMORY_WORDS - 4}, RunFlag.REFUSED),
    "beyond": ({"out_base": (1 << ADDRESS_BITS) - 2}, RunFlag.REFUSED),
    "no end": ({"weight_words": 2 * DESIGN.weight_words - 1}, RunFlag.OVERRUN),
    "no channels": ({"groups": 0}, RunFlag.OVERRUN),
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_program_that_is_damaged_on_purpose(line, kind):
    changed, expected = DAMAGES[kind]
    program = compiled(3)[1]
    with EngineBoard(line[0], timeout=TIMEOUT) as board:
        assert run_damaged(board, program, with_head(program, **changed)) & expected
        check(board, 3)


def test_reads_that_nobody_takes(line):
    """The last pass asks for more of a row than it takes, and ends: the board goes on."""
    program = compiled(5)[1]
    record, base = pass_record(program.design), 0
    for decoded in decoded_passes(program.design, program.passes, 0):
        source = base + record.words + sum(
            TABLES[name](program.design).words * decoded.head[name]
            for name in list(TABLES)[: list(TABLES).index("sources")]
        )  # fmt: skip
        tables = ((TABLES[name](program.design), decoded.head[name]) for name in TABLES)
        base += record.words + sum(table.words * count for table, count in tables)
    fields = TABLES["sources"](program.design)
    values = record_values(fields, program.passes[source : source + fields.words])
    passes = program.passes.copy()
    passes[source : source + fields.words] = record_words(
        "", fields, values | {"pieces": values["pieces"] + 32}
    )
    with EngineBoard(line[0], timeout=TIMEOUT) as board:
        assert run_damaged(board, program, replace(program, passes=passes)) == 0
        check(board, 5)


def check_flips(line: tuple, seed: int, flips: int) -> None:
    """A program with bits turned over, and then the sound one."""
    rng = np.random.default_rng(seed)
    network = (3, 4, 5)[seed % 3]
    program = compiled(network)[1]
    passes = program.passes.copy()
    for word, bit in zip(
        rng.integers(0, len(passes), flips), rng.integers(0, 32, flips), strict=True
    ):
        passes[word] ^= np.uint32(1 << int(bit))
    with EngineBoard(line[0], timeout=TIMEOUT) as board:
        run_damaged(board, program, replace(program, passes=passes))
        check(board, network, 1)


def test_programs_with_bits_turned_over(line):
    for seed in range(2):
        check_flips(line, seed, 1 + seed % 3)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
def test_many_programs_with_bits_turned_over(line, block):
    for seed in range(100 + 50 * block, 150 + 50 * block):
        check_flips(line, seed, 1 + seed % 5)


@pytest.mark.slow
def test_words_of_a_program_by_chance(line):
    """No pass of it makes sense."""
    program = compiled(4)[1]
    with EngineBoard(line[0], timeout=TIMEOUT) as board:
        for seed in range(2):
            rng = np.random.default_rng(seed)
            passes = rng.integers(0, 1 << 32, len(program.passes)).astype(np.uint32)
            run_damaged(board, program, replace(program, passes=passes))
        check(board, 4)
