"""``rheobase export-nir``: a network file to a NIR graph."""

from __future__ import annotations

from pathlib import Path

from ..options.files import NetworkFile, OutputFile


def export_nir(network: NetworkFile, output: OutputFile = Path("network.nir")) -> None:
    """Write a network as a NIR graph, which snnTorch, sinabs, Norse and others read.

    Its integers stay what they are; docs/interop.md says how initial potentials and max pooling
    stand in it.
    """
    from ..console import OUT
    from ..converter.interop.nir.nir_export import export_nir as export
    from ..golden.basics.output_files import check_writable
    from ..golden.files.file import load_network

    check_writable(output)
    export(load_network(network), output)
    OUT.print(f"wrote {output}", highlight=False, soft_wrap=True)
