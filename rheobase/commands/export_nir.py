"""``rheobase export-nir``: a network file to a NIR graph."""

from __future__ import annotations

from pathlib import Path

from ..options.files import NetworkFile, OutputFile
from ..results.listings import Exported


def export_nir(network: NetworkFile, output: OutputFile = Path("network.nir")) -> Exported:
    """Write a network as a NIR graph, which snnTorch, sinabs, Norse and others read.

    Its integers stay what they are; docs/interop.md says how initial potentials and max pooling
    stand in it.
    """
    from ..console import wrote
    from ..converter.interop.nir.nir_export import export_nir as export
    from ..golden.basics.output_files import check_writable
    from ..golden.files.file import load_network

    check_writable(output)
    export(load_network(network), output)
    wrote(output)
    return Exported(str(output))
