"""What an accelerator can have at its edge."""

from __future__ import annotations

from enum import StrEnum


class Interface(StrEnum):
    """Its own streams, or those of a bus."""

    STREAM = "stream"
    AXI_STREAM = "axi-stream"
    WISHBONE = "wishbone"


#: What the name of the module around the accelerator goes on with.
SUFFIXES = {Interface.AXI_STREAM: "_axis", Interface.WISHBONE: "_wb"}
