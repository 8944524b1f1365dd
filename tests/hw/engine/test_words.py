"""Records as memory words: packed another way, and the range of each field."""

from random import Random

import numpy as np
import pytest

from rheobase.golden.errors import RheobaseError
from rheobase.hw.engine.design import EngineDesign
from rheobase.hw.engine.program import TABLES, Field, Record
from rheobase.hw.engine.words import record_values, record_words
from tests.hw.engine.memory.records import packed, random_fields

TWO = Record("pair", (Field("plain", 5), Field("with_sign", 6, signed=True)))


RECORDS = [TWO, *(record(EngineDesign()) for record in TABLES.values())]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_words_of_random_values(record):
    rng = Random(len(record.fields))
    for _ in range(20):
        values = random_fields(record, rng)
        words = packed(record, values)
        assert record_words("here", record, values) == words
        assert record_values(record, np.array([*words, 5], np.uint32)) == values


@pytest.mark.parametrize(("name", "low", "high"), [("plain", 0, 31), ("with_sign", -32, 31)])
def test_range_of_a_field(name, low, high):
    rest = {"plain": 0, "with_sign": 0}
    for value in (low, high):
        record_words("here", TWO, rest | {name: value})
    for value in (low - 1, high + 1, high + 2):
        with pytest.raises(RheobaseError, match=rf"here: {name} of a pair is {value}, must be in"):
            record_words("here", TWO, rest | {name: value})


def test_every_field_has_a_value():
    with pytest.raises(ValueError, match="not those of its fields"):
        record_words("here", TWO, {"plain": 0})
