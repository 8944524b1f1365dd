"""Frames and messages: known vectors, and no damage that yields a body that was not sent."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rheobase.boards.protocol import (
    ERROR,
    ESCAPE,
    FLAG,
    IDENTITY_BYTES,
    FrameDecoder,
    Identity,
    Message,
    decode_identity,
    decode_setting,
    encode_frame,
    encode_setting,
)

#: Bytes that stuffing is about come often.
BODIES = st.lists(
    st.sampled_from([FLAG, ESCAPE, FLAG ^ 0x20, ESCAPE ^ 0x20]) | st.integers(0, 255),
    min_size=2,
    max_size=40,
).map(bytes)


def test_known_frames():
    """CRC-32 of "123456789" is 0xCBF43926 in every catalogue."""
    assert encode_frame(b"123456789").hex() == "7e3132333435363738392639f4cb7e"
    # CRC-32 of 7e 7d is 0x35f2b07f; flag and escape are stuffed.
    import binascii

    check = struct.pack("<I", binascii.crc32(b"\x7e\x7d"))
    stuffed = b"\x7d\x5e\x7d\x5d" + check.replace(b"\x7d", b"\x7d\x5d").replace(
        b"\x7e", b"\x7d\x5e"
    )
    assert encode_frame(b"\x7e\x7d") == b"\x7e" + stuffed + b"\x7e"


@given(st.lists(BODIES, max_size=6), st.randoms())
def test_frames_survive_any_splitting(bodies, random):
    wire = b"".join(map(encode_frame, bodies))
    assert all(frame.count(FLAG) == 2 for frame in map(encode_frame, bodies))
    decoder, found = FrameDecoder(), []
    while wire:
        count = random.randint(1, 7)
        found += decoder.feed(wire[:count])
        wire = wire[count:]
    assert found == bodies and decoder.damaged == 0


@settings(max_examples=300)
@given(st.lists(BODIES, min_size=1, max_size=5), st.data())
def test_damage_yields_nothing_that_was_not_sent(bodies, data):
    """Bytes flipped, lost, doubled and added; a good frame behind it all arrives."""
    wire = bytearray(b"".join(map(encode_frame, bodies)))
    for _ in range(data.draw(st.integers(1, 6))):
        position = data.draw(st.integers(0, max(0, len(wire) - 1)))
        kind = data.draw(st.sampled_from(["flip", "lose", "double", "add", "cut"]))
        if kind == "flip":
            wire[position : position + 1] = (
                bytes([wire[position] ^ (1 << data.draw(st.integers(0, 7)))]) if wire else b""
            )
        elif kind == "lose":
            del wire[position : position + 1]
        elif kind == "double":
            wire[position:position] = wire[position : position + 1]
        elif kind == "add":
            wire[position:position] = data.draw(st.binary(max_size=5))
        else:
            del wire[position:]
    decoder = FrameDecoder()
    found = decoder.feed(bytes(wire))
    assert set(found) <= set(bodies)
    behind = b"\x01behind"
    assert decoder.feed(encode_frame(behind))[-1:] == [behind]


@given(st.binary(max_size=200))
def test_noise_is_never_a_frame(noise):
    assert FrameDecoder().feed(bytes([FLAG]) + noise + bytes([FLAG])) == []


IDENTITIES = st.builds(
    Identity,
    network_hash=st.binary(min_size=32, max_size=32).map(bytes.hex),
    input_shape=st.tuples(*[st.integers(1, 65535)] * 3),
    classes=st.integers(1, 65535),
    steps=st.integers(1, 1024),
    delay=st.integers(0, 1023),
    radix=st.booleans(),
    current=st.booleans(),
    score_bytes=st.integers(1, 8),
    score_signed=st.booleans(),
    window=st.integers(1, 255),
    clock=st.integers(1, 2**32 - 1),
)


@given(IDENTITIES, st.integers(0, 65535), st.integers(0, 65535))
def test_identity(identity, steps, delay):
    payload = identity.encode() + encode_setting(steps, delay)
    assert len(payload) == IDENTITY_BYTES == 62
    assert decode_identity(payload) == (identity, (steps, delay))
    # Byte by byte as docs/host-link.md has it.
    assert payload[:5] == b"RHEO\x01"
    assert struct.unpack_from("<HHHH", payload, 8) == (*identity.input_shape, identity.classes)
    assert payload[26:58].hex() == identity.network_hash


def test_foreign_replies_are_refused():
    with pytest.raises(ValueError, match="no identity"):
        decode_identity(bytes(62))
    good = bytearray(
        Identity("00" * 32, (1, 2, 2), 2, 1, 0, False, True, 1, False, 2, 1).encode() + bytes(4)
    )
    good[4] = 9
    with pytest.raises(ValueError, match="protocol version 9, must be 1"):
        decode_identity(bytes(good))
    with pytest.raises(ValueError, match="no setting"):
        decode_setting(b"\x01")
    assert ERROR not in {message | 0x80 for message in Message}
