"""Work on an existing Dask cluster, in place of this machine."""
