"""Programs that stand for those that place and route, of what a build makes of their results."""

import os
import sys

import pytest

#: Programs that leave what the real ones leave; a placement of seed n reaches the n-th Fmax.
TOOLS = {
    "yosys": (
        "Yosys 0.70",
        """
names = [f'top.engine.lane_{lane}.list' for lane in range(8)] + ['top.port']
cells = {name: {'type': 'DP16KD', 'attributes': {}} for name in names}
open('rheobase.json', 'w').write(json.dumps({'modules': {'top': {'cells': cells}}}))
open('rheobase.rpt', 'w')
""",
    ),
    "nextpnr-ecp5": (
        "nextpnr-ecp5 (Version nextpnr-0.9)",
        """
seed = int(sys.argv[sys.argv.index('--seed') + 1])
if '--tmg-ripup' in sys.argv and {ENDLESS}:
    import time
    with open('rheobase.tim', 'w') as log:
        for number in range(1, 202):
            print(f'Info:     iter={number} wires=9 overused=0 overuse=0 tmgfail=3', file=log)
    time.sleep(600)
fmax = {FMAX}[seed - 1]
clock = {'achieved': fmax, 'constraint': 40.0}
usage = {kind: {'used': {CELLS}, 'available': 24288}
         for kind in ('TRELLIS_COMB', 'TRELLIS_FF', 'DP16KD')}
open('rheobase.report.json', 'w').write(json.dumps({'fmax': {'c': clock}, 'utilization': usage}))
settled = open('rheobase.json').read().count('"BEL"')
told = f', {settled} block RAMs settled' if settled else ''
open('rheobase.tim', 'w').write(f'log of {seed}{told}')
open('rheobase.config', 'w').write(f'placement of {seed}')
""",
    ),
    "ecppack": (
        "Project Trellis ecppack Version 1.4",
        "open('rheobase.bit', 'w').write('bits: ' + open('rheobase.config').read())",
    ),
}


@pytest.fixture
def place_at(tmp_path, monkeypatch):
    """Puts the programs on PATH, with an Fmax in MHz for each seed, and cells of each kind.

    ``endless``: the router comes to no end where wires are to be laid anew.
    """

    def put(*fmax, cells=1, endless=False):
        values = {"{FMAX}": repr(fmax), "{CELLS}": str(cells), "{ENDLESS}": str(endless)}
        for name, (version, body) in TOOLS.items():
            for place, value in values.items():
                body = body.replace(place, value)
            version = f"if len(sys.argv) == 2: print({version!r}); sys.exit()"
            tool = tmp_path / name
            tool.write_text(f"#!{sys.executable}\nimport json, sys\n{version}\n{body}\n")
            tool.chmod(0o755)

    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return put
