"""Checks of a program that comes from a file: what its passes read and write."""

from __future__ import annotations

from ...golden.errors import RheobaseError
from .compiled import Program
from .design import WORD_BITS, WORD_DIGITS
from .model.decoding import DecodedPass, decoded_passes, pass_turns
from .program import NUMBER_BITS, Kind, weights_record
from .words import record_values, stream_words


def check_program(program: Program) -> None:
    """Check that passes stay within what is theirs.

    They must read images and maps, write maps, take all weights, and end where the file does.

    Raises:
        RheobaseError: the first thing that is wrong.
    """
    first, end = len(program.weights), program.program_base
    for place in program.images:
        _check_range("an image", place.base, place.base + place.words, first, end)
    bases = [place.base for place in program.images]
    if bases[1:] != [place.base + place.words for place in program.images[:-1]]:
        raise RheobaseError("description: images do not lie one behind another")
    for place in program.maps:
        _check_range(f"the map of {place.name!r}", place.base, place.base + place.words, first, end)
    # The passes' words as if the memory began with them: what they say is not followed here.
    words = 0
    design = program.design
    for number, decoded in enumerate(decoded_passes(design, program.passes, 0)):
        where = f"pass {number}"
        words += _check_weights(where, program, decoded, words)
        for source in decoded.tables["sources"]:
            last = _extent(source["rows"], source["row_stride"])
            last += _extent(source["pieces"], source["piece_stride"]) + source["piece_words"]
            _check_range(f"{where}: a source", source["base"], source["base"] + last, first, end)
        _check_written(where, decoded, first, end)
        _check_buffer(where, program, decoded)
    if words != len(program.weights):
        raise RheobaseError(
            f"passes take {words} words of weights, must be the {len(program.weights)} that "
            "there are"
        )


def _check_weights(where: str, program: Program, decoded: DecodedPass, base: int) -> int:
    """Memory words of a pass's weights, from word ``base`` of the stream on, as its front says."""
    design, head = program.design, decoded.head
    turns = head["turns"]
    if not design.fewest_turns <= turns <= design.turns:
        raise RheobaseError(
            f"{where}: groups have {turns} turns, must be {design.fewest_turns} to {design.turns}"
        )
    fired = head["groups"] * turns * sum(chunk["fires"] for chunk in decoded.tables["chunks"])
    if head["parameters"] != fired or not fired:
        raise RheobaseError(
            f"{where}: parameters are those of {head['parameters']} turns, must be of the "
            f"{fired} that its chunks fire in"
        )
    stride, record = head["weight_stride"], weights_record(design)
    if head["weight_words"] != head["groups"] * stride:
        raise RheobaseError(
            f"{where}: takes {head['weight_words']} words of a lane's memory, must take "
            f"{head['groups'] * stride}, those of its groups"
        )
    first = base
    for each in pass_turns(head):
        expected = {"addresses": stride, "parts": design.weight_parts(each)}
        front = program.weights[base : base + record.words]
        if len(front) < record.words or record_values(record, front) != expected:
            raise RheobaseError(
                f"{where}: the weights of a group do not begin at word {base} of the weights"
            )
        base += stream_words(design, stride, [each])
    return base - first


def _check_written(where: str, decoded: DecodedPass, first: int, end: int) -> None:
    head = decoded.head
    turn = WORD_DIGITS * NUMBER_BITS[Kind(head["kind"])] // WORD_BITS
    last = _extent(head["pooled_rows"], head["out_row"])
    last += _extent(head["pooled_columns"], head["out_pixel"]) + head["out_turns"] * turn
    digits = sum(chunk["ends_digit"] for chunk in decoded.tables["chunks"])
    last += _extent(digits, head["out_digit"])
    _check_range(f"{where}: its map", head["out_base"], head["out_base"] + last, first, end)


def _check_buffer(where: str, program: Program, decoded: DecodedPass) -> None:
    """Rows of sources lie in the row buffer, each in a place of its own."""
    free = 0
    for source in sorted(decoded.tables["sources"], key=lambda source: source["buffer_base"]):
        if source["buffer_base"] < free:
            raise RheobaseError(f"{where}: two sources share words of the row buffer")
        free = source["buffer_base"] + source["slots"] * source["slot_words"]
    if free > program.design.buffer_words:
        raise RheobaseError(
            f"{where}: sources take {free} words of the row buffer, must be at most "
            f"{program.design.buffer_words}"
        )


def _extent(count: int, stride: int) -> int:
    return max(count - 1, 0) * stride


def _check_range(what: str, base: int, last: int, first: int, end: int) -> None:
    if base < first or last > end:
        raise RheobaseError(
            f"{what} lies in words {base} to {last - 1}, must lie in {first} to {end - 1}"
        )
