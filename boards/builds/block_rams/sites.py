"""The block RAMs of an ECP5's die, by their places."""

from __future__ import annotations

from dataclasses import dataclass

from ....hw.memories.devices import Device, Family

#: Block RAMs of a group, and how far apart its first columns are from one group to the next.
_GROUP, _COLUMNS_OF_A_GROUP = 4, 9
#: Columns of a group's block RAMs, from its first one.
_STEP = 2
_FIRST_COLUMN = 4


@dataclass(frozen=True)
class _Die:
    """Rows of a die that have block RAMs, and groups of them left and right of its spine.

    nextpnr's names of ``DP16KD``, as it gives them to a design that fills the die.
    """

    rows: tuple[int, ...]
    left: int
    right: int
    right_column: int


#: By the last part of a device's name.
_DIES = {
    "12F": _Die((25, 37), 3, 4, 33),
    "25F": _Die((25, 37), 3, 4, 33),
    "45F": _Die((10, 34, 58), 4, 5, 42),
    "85F": _Die((22, 46, 70, 82), 7, 6, 69),
}


def block_ram_rows(device: Device) -> list[list[str]]:
    """Places of ``device``'s block RAMs as nextpnr calls them, row by row, each from the left.

    Raises:
        ValueError: it is no ECP5.
    """
    if device.family is not Family.ECP5:
        raise ValueError(f"{device.name} is no ECP5")
    die = _DIES[device.name.rsplit("-", 1)[-1]]
    groups = [_FIRST_COLUMN + _COLUMNS_OF_A_GROUP * group for group in range(die.left)]
    groups += [die.right_column + _COLUMNS_OF_A_GROUP * group for group in range(die.right)]
    return [
        [
            f"X{first + _STEP * place}/Y{row}/EBR{place}"
            for first in groups
            for place in range(_GROUP)
        ]
        for row in die.rows
    ]
