"""A client of a memory port: random commands, and what they read and leave behind."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

BURSTS = (1, 1, 1, 2, 5, 9, 64)


@dataclass(frozen=True)
class ClientCase:
    """Commands within a region, the words that they write, and what is seen by one alone there.

    Attributes:
        read: words that the commands read.
        region: what is in the region in the end.
    """

    commands: list[dict[str, int]]
    written: list[int]
    read: list[int]
    region: list[int]


def client_case(
    first: int, content: list[int], commands: int, rng: Random, *, writes: bool
) -> ClientCase:
    """``commands`` random bursts in the region of ``content`` from word ``first`` on."""
    region = list(content)
    case = ClientCase([], [], [], region)
    for _ in range(commands):
        count = rng.choice(BURSTS)
        offset = rng.randrange(len(region) - count + 1)
        write = writes and rng.random() < 0.5
        if write:
            words = [rng.getrandbits(32) for _ in range(count)]
            region[offset : offset + count] = words
            case.written.extend(words)
        else:
            case.read.extend(region[offset : offset + count])
        case.commands.append({"address": first + offset, "count": count - 1, "write": write})
    return case
