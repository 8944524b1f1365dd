"""What a failed command says to install does install it: extras as pyproject.toml has them."""

import re
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from rheobase.golden.basics.extras import EXTRAS

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]


@cache
def modules() -> dict[str, list[str]]:
    """Distributions by the module that they bring: reading them takes seconds."""
    return dict(packages_distributions())


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=; ]", requirement)[0] for requirement in requirements}


@pytest.mark.parametrize("module", EXTRAS)
def test_a_module_comes_with_its_extra(module):
    (distribution,) = {name.lower() for name in modules()[module]}
    extra = EXTRAS[module]
    wanted = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    assert distribution in names(wanted)
    if extra:
        assert distribution not in names(PROJECT["dependencies"])
        assert extra in PROJECT["optional-dependencies"]["all"][0]


def test_tests_have_all_of_it():
    (whole,) = (r for r in PROJECT["optional-dependencies"]["test"] if r.startswith("rheobase"))
    assert "all" in whole and "bench" in whole
