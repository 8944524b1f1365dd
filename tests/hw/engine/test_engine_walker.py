"""The walker against loops over windows, segments, rows and operations."""

import numpy as np
import pytest

from rheobase.hw.engine.design import EngineDesign
from rheobase.hw.engine.layouts import BeatLayout
from rheobase.hw.engine.program import operation_record, pass_record, row_record, segment_record
from rheobase.hw.engine.window.engine_walker import EngineWalker
from tests.hw.engine.started import record_values, run_started

DESIGN = EngineDesign(
    lanes=4,
    buffer_words=64,
    weight_words=128,
    segments=4,
    rows=16,
    operations=32,
    windows=4,
    rate_turns=64,
)
ROWS, COLUMNS, STRIP = 3, 5, 2


def _segment(rng, number, first_row, first_operation):
    """Random records of one segment: (segment, rows, phases of operations)."""
    slots, super_words = int(rng.integers(3, 6)), int(rng.integers(1, 3))
    supers = int(rng.integers(2, 4))
    row_step, start = int(rng.integers(1, 3)), int(rng.integers(-1, 1))
    slot_words = supers * super_words
    rows = [
        {
            "row": row,
            "slot_offset": row % slots * slot_words,
            "weight": int(rng.integers(64)),
            "last": int(place == 1),
        }
        for place, row in enumerate((int(rng.integers(-1, 1)), int(rng.integers(1, 3))))
    ]
    phases = []
    for _phase in range(int(rng.integers(1, 3))):
        operations = []
        for _place in range(int(rng.integers(1, 4))):
            offset, word = int(rng.integers(-1, 2)), int(rng.integers(super_words))
            operations.append(
                {
                    "super_offset": offset,
                    "offset": (offset * super_words + word) % DESIGN.buffer_words,
                    "weight": int(rng.integers(64)),
                    "mask": int(rng.integers(16)),
                    "digits": int(rng.integers(1, 16)),
                    "last": 0, "wraps": 0, "advance": 0, "advance_words": 0,
                    "word": word,
                }
            )  # fmt: skip
        advance = int(rng.integers(0, 2))
        operations[-1] |= {"last": 1, "advance": advance, "advance_words": advance * super_words}
        phases.append(operations)
    phases[-1][-1]["wraps"] = 1
    segment = record_values(
        segment_record(DESIGN),
        row_entry=first_row, operation=first_operation, rows=4, supers=supers, row_step=row_step,
        super_start=start, super_start_words=start * super_words % DESIGN.buffer_words,
        buffer_base=20 * number, ring_words=slots * slot_words,
        slot_step=row_step % slots * slot_words, signed_source=number % 2, sign_bit=number,
        odd=int(number == 1), ends_chunk=int(number != 0),
        planes=int(rng.integers(16)) if number else 15, flat=int(rng.integers(2)),
    )  # fmt: skip
    return segment, rows, phases, (slots, super_words)


def _expected(parts, words, strip):
    """Beats, as loops."""
    for y in range(ROWS):
        starts = [segment["super_start"] for segment, *_ in parts]
        phase = [0] * len(parts)
        for x in range(COLUMNS):
            for number, (segment, rows, phases, (slots, super_words)) in enumerate(parts):
                operations = phases[phase[number] % len(phases)]
                for row in rows:
                    at = y * segment["row_step"] + row["row"]
                    for operation in operations:
                        pixel = starts[number] + operation["super_offset"]
                        if not (0 <= at < segment["rows"] and 0 <= pixel < segment["supers"]):
                            continue
                        slot = at % slots * segment["supers"] * super_words
                        word = segment["buffer_base"] + slot + pixel * super_words
                        counts = sum(
                            segment["planes"] << 4 * digit
                            for digit in range(4)
                            if operation["digits"] >> digit & 1
                        )
                        seen = words[(word + operation["word"]) % DESIGN.buffer_words]
                        yield {
                            "bits": [bits & counts for bits in seen],
                            "mask": operation["mask"],
                            "weight": operation["weight"] + row["weight"],
                            "signed_source": segment["signed_source"],
                            "sign_bit": segment["sign_bit"],
                            "odd": segment["odd"],
                            "flat": segment["flat"],
                            "ends_window": 0,
                            "ends_strip": 0,
                        }
                phase[number] += 1
                starts[number] += operations[-1]["advance"]
                if segment["ends_chunk"]:
                    yield {
                        "ends_window": 1,
                        "ends_strip": int((x + 1) % strip == 0 or x == COLUMNS - 1),
                    }


@pytest.mark.quick
@pytest.mark.parametrize("seed", range(6))
def test_beats_of_every_window(seed):
    rng = np.random.default_rng(seed)
    words = rng.integers(1, 1 << 16, (DESIGN.buffer_words, DESIGN.lanes)).tolist()
    parts, tables, first_row, first_operation = [], [], 0, 0
    component = EngineWalker(DESIGN)
    for number in range(seed % 3 + 1):
        part = _segment(rng, number, first_row, first_operation)
        if seed % 3 == 0:
            part[0]["ends_chunk"] = 1
        segment, rows, phases, _ = part
        parts.append(part)
        tables.append(("segments", number, segment))
        for row in rows:
            tables.append(("row_entries", first_row, row))
            first_row += 1
        for operation in (one for phase in phases for one in phase):
            record = {f.name: operation[f.name] for f in operation_record(DESIGN).fields}
            tables.append(("operations", first_operation, record))
            first_operation += 1
    assert {f.name for f in row_record(DESIGN).fields} == set(parts[0][1][0])
    strip = STRIP if sum(segment["ends_chunk"] for segment, *_ in parts) == 1 else 1
    header = record_values(
        pass_record(DESIGN), rows=ROWS, columns=COLUMNS, strip=strip, segments=len(parts)
    )
    ready, read, asked = [0], [0], []

    def memory(context):
        # A word comes a cycle after it was read; rows get ready now and then.
        context.set(component.word, dict(enumerate(words[read[0]])))
        if context.get(component.read):
            asked.append(read[0])
            read[0] = context.get(component.address)
        if len(asked) % 17 == 0 and ready[0] < ROWS:
            ready[0] += 1
            context.set(component.rows_ready, ready[0])

    taken = run_started(
        component,
        ports={"header": (component.header_layout, header)},
        tables=tables,
        outputs={"beats": BeatLayout(DESIGN)},
        each_cycle=memory,
        seed=seed,
    )["beats"]
    found = [
        {name: beat[name] for name in ("ends_window", "ends_strip")}
        if beat["ends_window"]
        else beat
        for beat in taken
    ]
    assert found == list(_expected(parts, words, strip))
