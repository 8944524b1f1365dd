"""Both ends of the range of every dependency, on each Python: `make test-matrix`.

    nox --list
    nox -s "core-3.13(end='lowest')"

`core` has what a board's host, the generator and simulation need; `everything` has torch and all
extras as well. A Python that is not installed, or a torch that cannot be had, is skipped and said.
"""

import nox

nox.options.default_venv_backend = "uv"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["core", "everything"]

PYTHONS = ["3.11", "3.12", "3.13"]
#: Of the direct dependencies; what those depend on themselves is as new as they allow.
ENDS = {"lowest": "lowest-direct", "highest": "highest"}
#: The tests' own, as new as they are.
TOOLS = ("pytest", "hypothesis")
#: Amaranth, the golden model, files, and with the last one yosys, Verilator and the compiler.
CORE_TESTS = (
    "tests/golden/basics",
    "tests/golden/files",
    "tests/hw/basics",
    "tests/sim/test_batch.py",
)
TESTS = (*CORE_TESTS, "tests/converter/lower", "tests/converter/interop", "tests/commands")


@nox.session(python=PYTHONS)
@nox.parametrize("end", list(ENDS))
def core(session: nox.Session, end: str) -> None:
    """Without torch."""
    _install(session, ".", end)
    session.install(*TOOLS, "cocotb>=2.0,<3")
    _test(session, CORE_TESTS)


@nox.session(python=PYTHONS)
@nox.parametrize("end", list(ENDS))
def everything(session: nox.Session, end: str) -> None:
    """With all extras; torch's builds for processors come from its own index."""
    try:
        _install(session, ".[all]", end, "--torch-backend", "cpu")
    except nox.command.CommandFailed:
        session.skip(f"no {end} torch without CUDA can be installed on Python {session.python}")
    session.install(*TOOLS, "cocotb>=2.0,<3", "onnxscript", "nirtorch", "snntorch", "sinabs>=2,<3")
    _test(session, TESTS)


def _install(session: nox.Session, what: str, end: str, *options: str) -> None:
    # A version without a wheel is no end that anybody installs.
    session.install(
        "--resolution", ENDS[end], "--only-binary", ":all:", "--no-binary", "rheobase", *options,
        "-e", what,
    )  # fmt: skip


def _test(session: nox.Session, tests: tuple[str, ...]) -> None:
    session.run("uv", "pip", "freeze", silent=True, external=True)
    session.run("python", "-m", "pytest", "-q", "-m", "not slow", *(session.posargs or tests))
