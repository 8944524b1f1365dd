"""A build that fails: by how much, what it leaves, and the smaller plan that is tried next."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from rheobase.boards.builds.bitstream import Build
from rheobase.boards.builds.failure import BuildError, keep_reports, missed_by
from rheobase.boards.builds.output import check_output
from rheobase.boards.builds.placement import Placement
from rheobase.boards.builds.reports import PlacedDesign, Usage, parse_utilisation
from rheobase.boards.platforms.registry import board
from rheobase.building import board_build
from rheobase.building.board_build import PlannedBuild, Settings, build_planned
from rheobase.building.smaller_plan import ATTEMPTS, smaller_options
from rheobase.commands.build import print_summary
from rheobase.golden import (
    Coding,
    PoolRule,
    Provenance,
    Readout,
    RheobaseError,
    save_network,
)
from rheobase.hw.memories.devices import Family
from rheobase.hw.planning.items import Area
from rheobase.hw.planning.plan import Plan
from rheobase.options.folding import FoldingOptions
from tests.support.networks.random_networks import random_network

#: What nextpnr-ice40 0.8 says before it places a design that is too large.
LOG = """\
Info: Packing constants..
Info: Device utilisation:
Info: 	         ICESTORM_LC:  5671/ 5280   107%
Info: 	        ICESTORM_RAM:    24/   30    80%
Info: 	               SB_IO:     5/   96     5%
Info: 	      ICESTORM_SPRAM:     1/    4    25%

ERROR: Unable to place cell 'x', no BELs remaining to implement cell type 'ICESTORM_LC'
"""
TOO_LARGE = {"LUT4": Usage(5671, 5280), "block RAMs": Usage(24, 30), "large RAMs": Usage(1, 4)}


def _plan(luts: float, blocks: int) -> Plan:
    return Plan((), Area(luts, blocks), 100.0)


def test_utilisation_of_a_log():
    assert parse_utilisation(LOG, Family.ICE40) == TOO_LARGE
    assert parse_utilisation(LOG, Family.ECP5) == {}
    assert parse_utilisation("ERROR: no netlist\n", Family.ICE40) == {}


def test_missed_by():
    """What is over alone; where nothing is and it could not be placed, everything."""
    assert missed_by(TOO_LARGE) == "5,671 of 5,280 LUT4 (391 over)"
    full = {"LUT4": Usage(5270, 5280), "block RAMs": Usage(24, 30)}
    assert missed_by(full) == "5,270 of 5,280 LUT4, 24 of 30 block RAMs"


def test_status():
    """Too large or too slow is what was asked for; else a tool failed."""
    full = {"LUT4": Usage(5270, 5280)}
    assert BuildError("", TOO_LARGE).status == BuildError("", full, too_slow=True).status == 2
    assert BuildError("", full).status == BuildError("", {}).status == 3
    named = BuildError("too slow", full, too_slow=True).with_reports(Path("out"))
    assert (str(named), named.usage, named.status) == ("too slow; reports in out", full, 2)


def test_reports_are_kept_and_no_build(tmp_path):
    """In a folder that the next build may replace; those of a build before leave."""
    work, output = tmp_path / "work", tmp_path / "out"
    work.mkdir()
    (work / "rheobase.tim").write_text(LOG)
    names = {"rheobase.tim": "reports/nextpnr.txt", "rheobase.rpt": "reports/yosys.txt"}
    for attempt in (1, 2):
        folder = keep_reports(work, output, attempt, names)
        assert folder == output / "failed" / str(attempt)
        assert (folder / "nextpnr.txt").read_text() == LOG
        assert [path.name for path in folder.iterdir()] == ["nextpnr.txt"]
        check_output(output)
    keep_reports(work, output, 1, names)
    assert [path.name for path in (output / "failed").iterdir()] == ["1"]
    (output / "thesis.txt").write_text("important")
    with pytest.raises(RheobaseError, match="exists and is no build"):
        check_output(output)


def test_smaller_options():
    """The tools' count corrects the model's; what was given stays a limit."""
    options = FoldingOptions(board=board("icebreaker"))
    plan = _plan(3000, 20)
    smaller = smaller_options(options, plan, BuildError("", TOO_LARGE))
    # Without the link's 1000 it takes 4671 where 3000 were predicted; 0.92 * 5280 are to be filled.
    assert smaller.luts == int(3000 * (0.92 * 5280 - 1000) / 4671)
    assert smaller.memory_bits is None
    blocks = {"LUT4": Usage(4000, 5280), "block RAMs": Usage(33, 30)}
    smaller = smaller_options(options, plan, BuildError("", blocks))
    assert (smaller.luts, smaller.memory_bits) == (2700, 17 * 4096)
    slow = BuildError("", {"LUT4": Usage(4000, 5280)}, too_slow=True)
    assert smaller_options(options, plan, slow).luts == 2700
    assert smaller_options(replace(options, luts=2000), plan, slow).luts == 2000
    # A plan by hand stays; and what fails for another reason fails again.
    assert smaller_options(replace(options, neurons="1", lanes="1"), plan, slow) is None
    for usage in ({}, {"LUT4": Usage(4000, 5280), "block RAMs": Usage(24, 30)}):
        assert smaller_options(options, plan, BuildError("a tool was killed", usage)) is None


@pytest.mark.parametrize("failing", [2, ATTEMPTS])
def test_the_next_smaller_plan_is_tried(tmp_path, monkeypatch, failing):
    """Each try takes less than the one before; after the last one, or as one fits, it ends."""
    network = random_network(
        np.random.default_rng(3),
        coding=Coding.RADIX,
        readout=Readout.CURRENT,
        rule=PoolRule.STEP,
        steps=2,
        hidden=1,
        largest_channels=6,
        largest_map=6,
    )
    save_network(network, tmp_path / "net")
    limits: list[int | None] = []

    def planned(network, options, images):
        limits.append(options.luts)
        return _plan(3000.0 if options.luts is None else options.luts, 20)

    def built(*arguments, attempt, **others):
        if attempt <= failing:
            raise BuildError(f"too large, try {attempt}", TOO_LARGE)
        return SimpleNamespace(attempt=attempt)

    monkeypatch.setattr(board_build, "folding_plan", planned)
    monkeypatch.setattr(board_build, "build_bitstream", built)
    target = board("icebreaker")
    options, said = FoldingOptions(board=target), []
    arguments = network, target, tmp_path / "out", options, None, Settings()
    if failing == ATTEMPTS:
        with pytest.raises(BuildError, match=f"too large, try {ATTEMPTS}"):
            build_planned(*arguments, failed=said.append)
    else:
        made = build_planned(*arguments, failed=said.append)
        assert made.build.attempt == made.attempts == failing + 1
    assert limits[0] is None and len(limits) == min(failing + 1, ATTEMPTS)
    assert all(after <= 0.9 * before for before, after in pairwise([3000, *limits[1:]]))
    assert len(said) == min(failing, ATTEMPTS - 1)
    assert said[-1].startswith(f"try {len(said)} of {ATTEMPTS} failed: too large, try {len(said)}")


def test_summary_has_ten_lines(capsys):
    """And the accuracy where the network file says it."""
    network = random_network(
        np.random.default_rng(3),
        coding=Coding.RADIX,
        readout=Readout.CURRENT,
        rule=PoolRule.STEP,
        steps=2,
        hidden=1,
        largest_channels=6,
        largest_map=6,
    )
    known = Provenance(cnn_accuracy=96.5, network_accuracy=95.25, test_images=360)
    placed = PlacedDesign(33.6e6, 12e6, TOO_LARGE)
    clock = {"made_hz": 12_000_000, "achieved_hz": 33_600_000, "meets_timing": True}
    build = Build(
        Path("out"),
        Path("out/rheobase.bin"),
        Placement(1, placed, {1: 33_600_000}),
        {"clock": clock, "files": {"rheobase.bin": ""}},
    )
    for provenance, count in ((None, 9), (known, 10)):
        changed = replace(network, provenance=provenance)
        made = PlannedBuild(_plan(3000, 20), build, 1)
        print_summary(changed, made, board("icebreaker"), 75.0)
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == count
        assert "95.25 % of 360 images, the CNN's 96.50 %" in "".join(lines) or provenance is None
        assert lines[0] == "iCEBreaker in 1 min 15 s"
        assert "120,000 images/s predicted (100 cycles an image)" in lines[2]
        assert lines[4].split(maxsplit=1)[1] == "5,671 of 5,280 (107.4%), 4,000 predicted"
