"""The map of a cluster: order, lost workers, and what is said where something is wrong."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from distributed import Client

from rheobase.cluster import cluster as room
from rheobase.cluster.cluster import connected
from rheobase.golden.errors import MachineError, RheobaseError
from rheobase.sim.harness_process import SimulationError
from tests.cluster.conftest import kill_workers


class Scaled:
    """Multiplies, slowly, by what it holds."""

    def __init__(self, factor: np.ndarray, folder: Path | None = None) -> None:
        self.factor, self.folder = factor, folder

    def __call__(self, item: np.ndarray) -> np.ndarray:
        time.sleep(0.05)
        if self.folder is not None:
            (self.folder / str(item[0])).touch()
        return item * self.factor


def test_results_come_in_the_order_of_the_items(scheduler):
    items = [np.arange(3) + index for index in range(9)]
    factor = np.array([2, 3, 5])
    with connected(scheduler, []) as cluster:
        assert cluster.workers == 2
        found = list(cluster.map(Scaled(factor), iter(items)))
        assert list(cluster.map(Scaled(factor), [])) == []
    for result, item in zip(found, items, strict=True):
        np.testing.assert_array_equal(result, item * factor)


def test_items_are_read_as_they_are_needed(scheduler):
    read = []

    def items():
        for index in range(20):
            read.append(index)
            yield np.array([index])

    with connected(scheduler, []) as cluster:
        results = cluster.map(Scaled(np.array([1])), items())
        next(results)
        assert len(read) <= 8
        results.close()


@pytest.mark.parametrize("count", [1, 2])
def test_lost_workers_lose_no_work(local_cluster, scheduler, tmp_path, count):
    """One of two workers is killed in the middle; then both, with all that they were sent."""
    items = [np.array([index, 1]) for index in range(30)]
    factor = np.arange(2) + 7
    with connected(scheduler, []) as cluster:
        found = []
        for index, result in cluster.completed(Scaled(factor, tmp_path), items):
            found.append((index, result))
            if len(found) == 4:
                before = set(local_cluster.scheduler_info["workers"])
                kill_workers(local_cluster, count)
    assert sorted(index for index, _ in found) == list(range(30))
    for index, result in found:
        np.testing.assert_array_equal(result, items[index] * factor)
    # Others came in their place.
    assert set(local_cluster.scheduler_info["workers"]) != before


def raising(error: Exception):
    def raise_it(item: int) -> None:
        raise error

    return raise_it


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (RheobaseError("images: none"), RheobaseError, "^images: none$"),
        (MachineError("no compiler"), MachineError, "^worker tcp://[^ ]*: no compiler$"),
        (MemoryError(), MachineError, "^worker tcp://[^ ]*: out of memory$"),
        (ZeroDivisionError("a\nb"), MachineError, "^worker tcp://[^ ]*: ZeroDivisionError: a b$"),
    ],
)
def test_what_fails_on_a_worker_is_one_line(scheduler, error, kind, message):
    with connected(scheduler, []) as cluster, pytest.raises(kind, match=message) as raised:
        list(cluster.map(raising(error), range(3)))
    assert raised.value.status == kind.status


def test_a_simulation_that_hangs_says_at_which_image(scheduler):
    with connected(scheduler, []) as cluster, pytest.raises(SimulationError) as raised:
        list(cluster.map(raising(SimulationError("simulation: hangs", 7)), range(1)))
    assert raised.value.image == 7 and "worker tcp://" in str(raised.value)


def test_no_scheduler(monkeypatch):
    monkeypatch.setattr(room, "_PATIENCE", 1)
    with (
        pytest.raises(MachineError, match=r"--scheduler: '127.0.0.1:9': no scheduler answers \("),
        connected("127.0.0.1:9", []),
    ):
        pass
    with (
        pytest.raises(RheobaseError, match=r"^--scheduler: 'nonsense://a', must be HOST:PORT$"),
        connected("nonsense://a", []),
    ):
        pass


def test_other_versions_are_refused(scheduler, monkeypatch):
    found = Client.get_versions

    def older(client: Client, packages: list[str]) -> dict:
        versions = found(client, packages=packages)
        first = next(iter(versions["workers"].values()))
        first["packages"]["rheobase"] = "0.0.9"
        first["packages"]["torch"] = None
        return versions

    with connected(scheduler, ["torch"]):
        pass
    monkeypatch.setattr(Client, "get_versions", older)
    with pytest.raises(MachineError) as raised, connected(scheduler, ["torch"]):
        pass
    text = str(raised.value)
    assert "worker tcp://" in text and "has rheobase 0.0.9, here " in text
    assert "torch absent, here " in text and text.endswith("; must be the same everywhere")


def test_work_that_ends_every_worker(scheduler, monkeypatch):
    """The last test here: not all workers come back from it."""
    monkeypatch.setattr(room, "_REPLACED", 3)

    def leave(item: int) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    said = r"^cluster tcp://[^ ]*: (workers end over|no workers are left|\d workers were lost)"
    with connected(scheduler, []) as cluster, pytest.raises(MachineError, match=said):
        list(cluster.map(leave, range(1)))
