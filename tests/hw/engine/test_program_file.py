"""The file of a compiled network: what is written is read, what is damaged is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from rheobase.golden import Coding, RheobaseError
from rheobase.golden.files.tensor_file import parsed_tensor_file, tensor_file_bytes
from rheobase.hw.engine.compiled import Program
from rheobase.hw.engine.compiler.compile import compile_network
from rheobase.hw.engine.design import EngineDesign
from rheobase.hw.engine.program import pass_record
from rheobase.hw.engine.program_file import _digest, load_program, program_bytes, save_program
from tests.support.networks.residual_networks import residual_network

DESIGN = EngineDesign(lanes=4, neurons=8, weight_words=256)


@pytest.fixture(scope="module")
def program() -> Program:
    return compile_network(residual_network(Coding.RADIX, steps=4), DESIGN).program


def test_what_is_written_is_read(program, tmp_path):
    path = tmp_path / "net.rbe"
    save_program(program, path)
    found = load_program(path)
    assert vars(found).keys() == vars(program).keys()
    for field, value in vars(program).items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(getattr(found, field), value)
        else:
            assert getattr(found, field) == value
    assert program_bytes(found) == path.read_bytes()


def test_a_damaged_file_is_one_line(program, tmp_path):
    content = program_bytes(program)
    path = tmp_path / "net.rbe"
    rng = np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(content)
        damaged[rng.integers(len(damaged))] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            found = load_program(path)
        except RheobaseError as error:
            assert str(error).startswith(str(path)) and "\n" not in str(error)
        else:  # an order or a space of the header, which says nothing
            assert program_bytes(found) == content
    for end in rng.integers(0, len(content), 20):
        path.write_bytes(content[:end])
        with pytest.raises(RheobaseError, match="damaged"):
            load_program(path)


def _rewritten(program: Program, path, change, words=None) -> None:
    """A file with a digest that is right, and a description that ``change`` changes."""
    metadata, tensors = parsed_tensor_file(program_bytes(program))
    description = json.loads(metadata["description"])
    change(description)
    if words is not None:
        tensors = {**tensors, "passes": words}
    text = json.dumps(description)
    metadata |= {"description": text, "sha256": _digest(text, tensors)}
    path.write_bytes(tensor_file_bytes(tensors, metadata))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("maps"), "fields are"),
        (lambda d: d["design"].update(lanes=3), "lanes"),
        (lambda d: d["design"].update(extra=3), "design: fields"),
        (lambda d: d.update(outputs=[99]), "outputs is 99"),
        (lambda d: d.update(outputs=[]), "outputs is"),
        (lambda d: d.update(input_shape=[3, 6]), "input_shape"),
        (lambda d: d["maps"][0].update(kind=0), "maps: 0: kind is 0"),
        (lambda d: d["maps"][0].update(base=0), "map of 'stem' lies in words"),
        (lambda d: d["maps"][0].update(rows=16000), "map of 'stem' lies in words"),
        (lambda d: d["maps"][0].update(order=[0, 0]), "maps: 0: order is"),
        (lambda d: d["maps"][0].update(order=[99]), "maps: 0: order is"),
        (lambda d: d["maps"][0].update(order=["x"]), "order is 'x'"),
        (lambda d: d["maps"][0].update(order=5), "order is 5"),
        (lambda d: d["images"][0].update(base=0), "an image lies in words"),
        (lambda d: d["images"][0].update(supers="x"), "supers is 'x'"),
        (lambda d: d["images"][0].update(pixel_rows=[1]), "have not as many pixels"),
        (lambda d: d["images"][0].update(pixel_rows=[]), "pixel_rows is"),
        (lambda d: d["images"][0].update(pixel_columns=["x"]), "pixel_columns is 'x'"),
        (lambda d: d.update(program_base=1 << 20), ""),
        (lambda d: d.update(name="a\nb"), "name"),
    ],
)
def test_a_wrong_description_is_refused(program, tmp_path, change, message):
    path = tmp_path / "net.rbe"
    _rewritten(program, path, change)
    if not message:  # there is room in front of the program
        assert load_program(path).program_base == 1 << 20
        return
    with pytest.raises(RheobaseError, match=message):
        load_program(path)


def _field(name: str) -> tuple[int, int]:
    """First bit and bits of a field of a pass's head."""
    first = 0
    for field in pass_record(DESIGN).fields:
        if field.name == name:
            return first, field.bits
        first += field.bits
    raise KeyError(name)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("out_base", -1, "pass 0: its map lies in words"),
        ("out_row", -1, "pass 0: its map lies in words"),
        ("weight_words", -1, "pass 0: takes .* words of a lane's memory"),
        ("turns", 0, "pass 0: groups have 0 turns, must be 1 to 1"),
        ("groups", 3, r"pass 0: parameters are those of \d turns, must be of the 3"),
        ("operations", -1, "goes on behind word"),
    ],
)
def test_a_pass_that_leaves_its_maps_is_refused(program, tmp_path, field, value, message):
    path = tmp_path / "net.rbe"
    first, bits = _field(field)
    words = program.passes.copy()
    number = int.from_bytes(words[:12].astype("<u4").tobytes(), "little")
    ones = (1 << bits) - 1
    number = number & ~(ones << first) | (value & ones) << first
    words[:12] = np.frombuffer(number.to_bytes(48, "little"), "<u4")
    _rewritten(program, path, lambda description: None, words)
    with pytest.raises(RheobaseError, match=message):
        load_program(path)
