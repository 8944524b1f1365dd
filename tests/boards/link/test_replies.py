"""What counts cycles, keeps results and writes replies, against what Python says it must give."""

import numpy as np
import pytest
from amaranth.hdl import Shape, signed, unsigned

from rheobase.boards.link.cycle_counters import DEPTH, SNAPSHOT, CycleCounters, image_cycles
from rheobase.boards.link.reply_writer import ReplyRequest, ReplyWriter, TagLayout
from rheobase.boards.link.result_collector import ResultCollector
from rheobase.boards.protocol import COUNTER_BYTES, SETTING_BYTES, encode_setting
from rheobase.hw.readout.result_writer import ResultLayout
from rheobase.sim.bench import run_bench
from tests.support.simulation.components import encode


@pytest.mark.parametrize("classes", [1, 5])
def test_result_collector(classes):
    rng = np.random.default_rng(8)
    layout = ResultLayout(signed(11), classes)
    scores = rng.integers(-1024, 1024, (12, classes))
    beats = [
        encode(
            layout,
            {"score": int(score), "prediction": index % classes, "last": int(index == classes - 1)},
        )
        for image in scores
        for index, score in enumerate(image)
    ]
    run_bench(
        ResultCollector(layout, classes),
        "tests.boards.benches.result_collector_bench",
        {
            "seed": 1,
            "beats": beats,
            "last": encode(layout, {"score": 0, "prediction": 0, "last": 1}),
            "scores": (scores & 0x7FF).tolist(),
            "answer": classes - 1,
        },
    )


@pytest.mark.parametrize("score", [unsigned(5), signed(11), signed(24)], ids=repr)
def test_reply_writer(score):
    """Each byte comes from where it must; replies stay whole, none of the two senders starves."""
    rng = np.random.default_rng(9)
    score = Shape.cast(score)
    classes, images, prediction, window = 3, 12, unsigned(2), 3
    low = -(2 ** (score.width - 1)) if score.signed else 0
    scores = rng.integers(low, low + 2**score.width, (images, classes))
    answers = rng.integers(0, classes, images)
    wanted = rng.integers(0, 2, images)
    memory = rng.integers(0, 256, DEPTH).astype(np.uint8).tobytes()
    steps, delay = 5, 0x123
    setting = encode_setting(steps, delay)
    bodies = {"results": [], "commands": []}
    for image in range(images):
        body = bytes([0x83, 200 + image, int(answers[image]), 0])
        at = image_cycles(image % window)
        body += memory[at : at + 4]
        if wanted[image]:
            for value in scores[image]:
                body += int(value).to_bytes(-(-score.width // 8), "little", signed=score.signed)
        bodies["results"].append(list(body))
    commands = []
    for index in range(images):
        message, sequence = int(rng.choice([1, 2, 4])), index + 1
        code = int(rng.choice([0, 0, 5, 7]))
        commands.append({"message": message, "sequence": sequence, "code": code})
        body = {
            1: memory[DEPTH - 62 : -SETTING_BYTES] + setting,
            2: setting,
            4: memory[SNAPSHOT : SNAPSHOT + sum(COUNTER_BYTES)],
        }[message]
        head = [0xFF if code else 0x80 | message, sequence]
        bodies["commands"].append([*head, *([code] if code else body)])
    tags = [{"sequence": 200 + i, "scores": int(wanted[i])} for i in range(images)]
    run_bench(
        ReplyWriter(prediction, score, classes, window, unsigned(3), unsigned(9)),
        "tests.boards.benches.reply_writer_bench",
        {
            "seed": 1,
            "steps": steps,
            "delay": delay,
            "memory": list(memory),
            "scores": (scores & (2**score.width - 1)).tolist(),
            "commands": [encode(ReplyRequest(), command) for command in commands],
            "tags": [encode(TagLayout(), tag) for tag in tags],
            "answers": answers.tolist(),
            "bodies": bodies,
        },
    )


@pytest.mark.parametrize("images", [pytest.param(2, marks=pytest.mark.slow), 3])
def test_cycle_counters(images):
    constants = bytes(range(100, 162))
    run_bench(
        CycleCounters(images, constants),
        "tests.boards.benches.cycle_counters_bench",
        {
            "seed": 1,
            "images": images,
            "snapshot": SNAPSHOT,
            "sizes": COUNTER_BYTES,
            "cycles": [image_cycles(image) for image in range(images)],
            "constants": [DEPTH - len(constants), list(constants)],
        },
    )
