"""A cluster of two processes on this machine."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from distributed import LocalCluster


@pytest.fixture(scope="module")
def local_cluster() -> Iterator[LocalCluster]:
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as cluster:
        yield cluster


@pytest.fixture
def scheduler(local_cluster: LocalCluster) -> str:
    return local_cluster.scheduler_address


def kill_workers(cluster: LocalCluster, count: int = 1) -> None:
    """End ``count`` worker processes at once, as a machine that goes dark does."""
    for nanny in list(cluster.workers.values())[:count]:
        os.kill(nanny.pid, signal.SIGKILL)
