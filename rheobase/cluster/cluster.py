"""A Dask cluster as a ``map`` whose calls its workers run."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from distributed import Client, Future, as_completed
from distributed.client import FutureCancelledError
from distributed.scheduler import KilledWorker

from ..golden.errors import MachineError, RheobaseError, shown
from .calls import Outcome, call, packed
from .versions import check_versions

#: Seconds in which a scheduler answers and a first worker is there.
_PATIENCE = 10
#: Seconds in which there is a worker again where all are lost.
_REPLACED = 60
#: Calls that are sent for each worker: one in hand and one that waits, so that few items are in
#: memory at a time.
_AHEAD = 2
#: Workers that a call may lose with all that they held, as often as Dask itself repeats one.
_TRIES = 4


class Cluster:
    """Workers that are connected.

    Args:
        client: of Dask.
        address: as it was given, for messages.
    """

    def __init__(self, client: Client, address: str) -> None:
        self._client, self._address = client, address

    @property
    def workers(self) -> int:
        """Processes, each of which makes one call at a time; they may come and go."""
        return max(1, len(self._client.nthreads()))

    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        """Results in the order of ``items``, like Python's own ``map``; raises as ``completed``."""
        waiting: dict[int, Any] = {}
        wanted = 0
        for index, result in self.completed(function, items):
            waiting[index] = result
            while wanted in waiting:
                yield waiting.pop(wanted)
                wanted += 1

    def completed(
        self, function: Callable[[Any], Any], items: Iterable[Any]
    ) -> Iterator[tuple[int, Any]]:
        """(number of the item, result) as they finish.

        ``function``, with all that it holds, is sent to each worker once, an item with its call.
        What a lost worker had in hand is done again by others.

        Raises:
            RheobaseError: of the first call that failed; a ``MachineError`` that names the worker
                where its machine or program failed, or workers or scheduler were lost.
        """
        sent = packed(function)
        held = self._held(sent)
        remaining = enumerate(items)
        waiting: dict[Future, tuple[int, Any, int]] = {}
        finished = as_completed(loop=self._client.loop)
        limit = _AHEAD * self.workers

        def submit(index: int, item: Any, tries: int) -> None:
            future = self._client.submit(call, held, item, pure=False)
            waiting[future] = index, item, tries
            finished.add(future)

        def fill() -> None:
            while len(waiting) < limit:
                following = next(remaining, None)
                if following is None:
                    return
                submit(*following, 1)

        try:
            fill()
            while waiting:
                future = next(finished)
                index, item, tries = waiting.pop(future)
                result = self._outcome(future)
                if result is None and tries < _TRIES:
                    if held.status != "finished":
                        held = self._held(sent)
                    submit(index, item, tries + 1)
                    continue
                if result is None:
                    raise self._lost(f"{tries} workers were lost with the same work in hand")
                if result.failure is not None:
                    raise result.failure
                yield index, result.value
                fill()
        finally:
            self._client.cancel(list(waiting))

    def _held(self, sent: bytes) -> Future:
        """``sent`` in the memory of every worker, so that none is the only one that has it."""
        try:
            self._client.wait_for_workers(1, timeout=_REPLACED)
            return self._client.scatter(sent, broadcast=True, hash=False)
        except (TimeoutError, OSError) as error:
            raise self._lost(f"no workers are left ({_first_line(error)})") from None

    def _outcome(self, future: Future) -> Outcome | None:
        """What the call gave; None where it was lost together with what it was to work on."""
        try:
            return future.result()
        except KilledWorker:
            raise self._lost("workers end over the same work, as where memory runs out") from None
        except FutureCancelledError as error:
            if "connection" in error.reason or "closed" in error.reason:
                raise self._lost("the scheduler is gone") from None
            return None
        except Exception as error:  # what Dask could not send or unpack
            raise self._lost(f"{type(error).__name__}: {error}") from error

    def _lost(self, why: str) -> MachineError:
        return MachineError(f"cluster {self._address}: {why}")


@contextmanager
def connected(address: str, packages: Iterable[str]) -> Iterator[Cluster]:
    """The cluster whose scheduler is at ``address``.

    Args:
        address: such as ``tcp://HOST:PORT`` or ``HOST:PORT``.
        packages: whose versions must be those of this machine on every worker.

    Raises:
        RheobaseError: no such address; a ``MachineError`` where no scheduler answers, it has no
            workers, or versions differ.
    """
    # Dask reports lost workers at length; what becomes of them is said here.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, TimeoutError) as error:
        raise MachineError(
            f"--scheduler: {shown(address)}: no scheduler answers ({_first_line(error)})"
        ) from error
    except (ValueError, TypeError) as error:
        raise RheobaseError(f"--scheduler: {shown(address)}, must be HOST:PORT") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=_PATIENCE)
        except TimeoutError:
            raise MachineError(f"--scheduler: {address} has no workers") from None
        check_versions(client, address, packages)
        yield Cluster(client, address)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
