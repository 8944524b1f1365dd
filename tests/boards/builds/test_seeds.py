"""Seeds of nextpnr: which are tried, whose result is kept, and what the build says of it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rheobase.boards.builds.bitstream import build_bitstream
from rheobase.boards.builds.placement import WORTH_ANOTHER, best_placement
from rheobase.boards.builds.reports import PlacedDesign
from rheobase.boards.platforms.registry import board
from rheobase.golden import RheobaseError
from tests.support.networks.random_networks import smallest_folding, tiny_network

CLOCK = 80e6


@given(st.lists(st.floats(0.5, 1.2), min_size=1, max_size=6))
def test_the_fastest_of_the_seeds_that_are_worth_a_try_is_kept(tmp_path_factory, reached):
    folder = tmp_path_factory.mktemp("placed")

    def place(seed):
        (folder / "result").write_text(f"seed {seed}")
        return PlacedDesign(reached[seed - 1] * CLOCK, CLOCK, {})

    placement = best_placement(place, folder, ["result"], seeds=len(reached))
    far = reached[0] * CLOCK < WORTH_ANOTHER * CLOCK
    stops = [0] if far else [index for index, part in enumerate(reached) if part >= 1]
    tried = reached[: stops[0] + 1] if stops else reached
    assert list(placement.tried) == list(range(1, len(tried) + 1))
    assert placement.placed.frequency == max(tried) * CLOCK
    assert placement.seed == tried.index(max(tried)) + 1
    assert (folder / "result").read_text() == f"seed {placement.seed}"


def test_no_seeds(tmp_path):
    with pytest.raises(RheobaseError, match="seeds is 0, must be an integer >= 1"):
        best_placement(lambda seed: None, tmp_path, [], seeds=0)


@pytest.fixture
def design():
    network = tiny_network(3)
    return network, smallest_folding(network)


def _build(design, folder, **options):
    return build_bitstream(
        *design, board("ulx3s-85f"), folder, clock=40_000_000, baud=3_000_000, **options
    )


def test_a_build_takes_the_seed_that_meets_its_clock(design, place_at, tmp_path):
    place_at(38.0, 37.5, 41.25, 60.0)
    build = _build(design, tmp_path / "build")
    assert build.bitstream.read_text() == "bits: placement of 3"
    assert (build.folder / "reports" / "nextpnr.txt").read_text() == "log of 3"
    assert json.loads((build.folder / "reports" / "nextpnr.json").read_text())["fmax"] == {
        "c": {"achieved": 41.25, "constraint": 40.0}
    }
    clock = json.loads((build.folder / "manifest.json").read_text())["clock"]
    assert clock["meets_timing"] and clock["seed"] == 3 and clock["achieved_hz"] == 41_250_000
    assert clock["tried_hz"] == {"1": 38_000_000, "2": 37_500_000, "3": 41_250_000}


def test_a_miss_keeps_the_best_seed_or_says_how_many_were_tried(design, place_at, tmp_path):
    place_at(38.0, 39.0, 37.5, 41.0)
    with pytest.raises(RheobaseError, match=r"runs at 39\.00 MHz, .* 40 MHz.*seeds tried: 3"):
        _build(design, tmp_path / "build")
    # Reports stay, and nothing that could be taken for a build.
    assert [path.name for path in (tmp_path / "build").iterdir()] == ["failed"]
    kept = _build(design, tmp_path / "build", allow_timing_fail=True)
    assert kept.bitstream.read_text() == "bits: placement of 2"
    assert not kept.manifest["clock"]["meets_timing"]
    kept = _build(design, tmp_path / "more", seeds=4)
    assert kept.bitstream.read_text() == "bits: placement of 4"


def test_a_far_miss_is_not_tried_again(design, place_at, tmp_path):
    place_at(20.0, 50.0)
    with pytest.raises(RheobaseError, match=r"runs at 20\.00 MHz.*seeds tried: 1"):
        _build(design, tmp_path / "build")
