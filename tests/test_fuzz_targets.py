"""What `make fuzz` begins with is taken; what it makes of that is taken or refused in a line."""

import numpy as np
import pytest

from rheobase.golden import RheobaseError
from tests.support.fuzz.targets import TARGETS


@pytest.mark.parametrize("parser", TARGETS)
def test_seeds_and_damage(parser, tmp_path):
    target = TARGETS[parser](tmp_path)
    for seed in target.seeds:
        target.read(seed)
    rng, refused = np.random.default_rng(1), 0
    for number in range(24):
        content = target.seeds[number % len(target.seeds)]
        for _ in range(1 + number % 3):
            content = target.damage(rng, content)
        try:
            target.read(content)
        except RheobaseError as error:
            assert "\n" not in str(error)
            refused += 1
    # A line that is damaged has frames that are left out.
    assert refused or parser == "frame"
