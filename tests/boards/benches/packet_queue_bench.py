"""PacketQueue against a model of its own: frames that are too many or too large are refused."""

import random

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge

from rheobase.sim.bench_parameters import bench_parameters
from rheobase.sim.streams import collect, expect_quiet, start

#: Cycles that a piece may wait for: the line brings a byte in 40 at the least.
MOST_WAITING = 4


async def _offer(dut, piece):
    """A piece, from after one edge to after another."""
    dut.pieces__payload.value = piece
    dut.pieces__valid.value = 1
    await FallingEdge(dut.clk)
    waited = 0
    while not dut.pieces__ready.value:
        waited += 1
        assert waited <= MOST_WAITING, "the line cannot wait"
        await FallingEdge(dut.clk)
    await RisingEdge(dut.clk)
    dut.pieces__valid.value = 0


async def _begun(dut):
    """What the test is given and its randomness, once the queue has been reset."""
    given = bench_parameters()
    dut.pieces__valid.value = 0
    dut.words__ready.value = 0
    await start(dut)
    return given, random.Random(given["seed"])


@cocotb.test()
async def refuses_what_it_has_no_room_for(dut):
    """Nothing is taken until all has come, so that what fits is known."""
    given, rng = await _begun(dut)
    for _ in range(3):
        await RisingEdge(dut.clk)
        for piece in given["pieces"]:
            await _offer(dut, piece)
            for _ in range(rng.randrange(3)):
                await RisingEdge(dut.clk)
        words = await collect(dut, "words", len(given["words"]), rng, 0.3)
        for found, wanted, mask in zip(words, given["words"], given["masks"], strict=True):
            assert found & mask == wanted & mask, (words, given["words"])
        await expect_quiet(dut, "words", 5)


async def _take_all(dut, rng, words):
    while True:
        dut.words__ready.value = int(rng.random() < 0.12)
        await FallingEdge(dut.clk)
        if dut.words__valid.value and dut.words__ready.value:
            words.append(int(dut.words__payload.value))
        await RisingEdge(dut.clk)


@cocotb.test()
async def keeps_frames_whole_while_words_leave(dut):
    """Frames of any bytes come out whole and in order, or are refused, or leave nothing."""
    given, rng = await _begun(dut)
    words, frames = [], []
    taking = cocotb.start_soon(_take_all(dut, random.Random(rng.random()), words))
    for _ in range(1500):
        frame = [rng.randrange(256) for _ in range(rng.randrange(1, 9))]
        frames.append(frame)
        for piece in (*frame, given["end"]):
            await _offer(dut, piece)
            for _ in range(rng.randrange(3)):
                await RisingEdge(dut.clk)
    for _ in range(200):
        await RisingEdge(dut.clk)
    taking.cancel()
    refused, packets = 0, []
    for word in words:
        if not word & given["mark"]:
            packets[-1].append(word)
        elif word & given["status"] == given["busy"]:
            refused += 1
        else:
            assert word & given["status"] == 0
            packets.append([])
    offered = iter(frames)
    assert all(packet in offered for packet in packets), "a frame that nobody sent"
    assert min(len(packets), refused, len(frames) - len(packets) - refused) > 20
