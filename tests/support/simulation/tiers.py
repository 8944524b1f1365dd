"""Both tiers of component tests: seconds in Amaranth's simulator, and the Verilog in Verilator."""

import pytest

from .amaranth_exchange import simulate_exchange
from .components import check_exchange

#: Gives a test ``check``, once for each tier; ``make test-quick`` runs the first one alone.
both_tiers = pytest.mark.parametrize(
    "check",
    [
        pytest.param(simulate_exchange, marks=pytest.mark.quick, id="amaranth"),
        pytest.param(check_exchange, id="verilator"),
    ],
)
