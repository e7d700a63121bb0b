"""Workers on a Ray cluster: every batch is a task of one CPU, and only this process writes results."""

from __future__ import annotations

import logging
import os
import socket
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from gendr import _check
from gendr.tools.bench.tasks import Run
from gendr.tools.bench.workers import Results, RunBatch, attempt, single_threaded

ANSWER = 5.0
"""Seconds for a cluster's address to answer."""

_LOOK = 10.0
"""Seconds between two looks at how many CPUs the cluster has."""

_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
"""An HTTP/2 client's first words, with empty settings. A gRPC server, which Ray's is, answers with its settings."""

_SETTINGS = 4


class RayWorkers:
    """As many tasks at a time as the cluster has CPUs; see `workers.Workers` for the methods.

    A task is never repeated by Ray itself: a batch whose worker or machine is lost comes back as lost. gendr has to be
    installed on the cluster's machines, and mesh files have to be there under the same paths.

    Args:
        run_batch: what they do with a batch.
        address: `HOST:PORT` of the cluster's head, or `auto`: the one that RAY_ADDRESS names, or that `ray start` began
            on this machine.
        workers: most tasks at a time.

    Raises:
        ModuleNotFoundError: Ray is not installed.
        OSError: the address does not answer within 5 seconds, or not as Ray does.
    """

    def __init__(self, run_batch: RunBatch, address: str, workers: int | None = None) -> None:
        self._most = None if workers is None else int(_check.number("workers", workers, 1, 100_000))
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # what goes wrong is told in one line below
        import ray

        self._ray: Any = ray
        self._address = found(address)
        check_answers(self._address)
        try:
            # As it was given: for auto, Ray looks by itself for the token that a cluster on this machine may want.
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        except Exception as error:
            wanted = f"a cluster that takes work at {self._address} (with RAY_AUTH_MODE=token if it wants a token)"
            raise ConnectionError(f"ray: expected {wanted}, got: {_line(error)}") from None
        self._task = ray.remote(num_cpus=1, max_retries=0)(_attempt)
        self._run_batch = ray.put(run_batch)
        self._at_work: dict[Any, tuple[Run, ...]] = {}
        self._cpus = self._looked = 0.0

    def __str__(self) -> str:
        return f"Ray at {self._address}, {self._size} at a time"

    @property
    def idle(self) -> int:
        """How many more batches would be worked on now."""
        return self._size - len(self._at_work)

    @property
    def _size(self) -> int:
        if time.monotonic() - self._looked > _LOOK or not self._cpus:
            self._cpus = float(self._ray.cluster_resources().get("CPU", 0.0))
            self._looked = time.monotonic()
        size = max(1, int(self._cpus))
        return size if self._most is None else min(size, self._most)

    def submit(self, runs: Sequence[Run]) -> None:
        """Hand a batch to the cluster."""
        self._at_work[self._task.remote(tuple(runs), self._run_batch)] = tuple(runs)

    def wait(self, seconds: float) -> list[Results]:
        """The batches that ended; raises OSError when the cluster is gone or its workers cannot run gendr at all."""
        if not self._at_work:
            time.sleep(seconds)
            return []
        waiting = list(self._at_work)
        try:
            ready, _ = self._ray.wait(waiting, num_returns=1, timeout=seconds)
            if ready:  # and whatever else has ended by now
                ready, _ = self._ray.wait(waiting, num_returns=len(waiting), timeout=0)
        except self._ray.exceptions.RayError as error:
            raise ConnectionError(f"ray: expected the cluster at {self._address}, got: {_line(error)}") from None
        return [self._result(task) for task in ready]

    def close(self) -> None:
        """End what is at work, and leave the cluster."""
        for task in self._at_work:
            with suppress(Exception):  # it may have ended, and the cluster may be gone
                self._ray.cancel(task, force=True)
        self._at_work.clear()
        self._ray.shutdown()

    def _result(self, task: Any) -> Results:
        runs = self._at_work.pop(task)
        errors = self._ray.exceptions
        try:
            results: Results = self._ray.get(task)
        except errors.RayTaskError as error:  # `attempt` catches what a run raises: this is the worker's own trouble
            told = str(error).strip().rpartition("\n")[2]
            raise OSError(f"ray: expected workers that can run gendr, got: {told}") from None
        except errors.RayError as error:
            return Results(runs, None, None, f"the worker ended ({type(error).__name__})")
        return results


def found(address: str) -> str:
    """The address of a cluster as host and port.

    Raises:
        ValueError: neither `auto` nor HOST:PORT.
        OSError: `auto`, and there is none.

    >>> found("10.0.0.1:6379")
    '10.0.0.1:6379'
    """
    if address == "auto":
        address = os.environ.get("RAY_ADDRESS", "")
        if address in ("", "auto"):
            folder = Path(os.environ.get("RAY_TMPDIR") or tempfile.gettempdir(), "ray")
            with suppress(OSError):
                address = (folder / "ray_current_cluster").read_text(encoding="utf-8").strip()
        if address in ("", "auto"):
            raise ConnectionError("ray: expected a running cluster (ray start --head) or its HOST:PORT, got none")
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        _check.fail("ray", "auto or HOST:PORT", repr(address))
    return address


def check_answers(address: str, seconds: float = ANSWER) -> None:
    """See that there is a gRPC server at an address, as Ray's own calls would wait for minutes.

    Raises:
        OSError: it does not answer in time, or is something else.

    >>> check_answers("127.0.0.1:9")
    Traceback (most recent call last):
    ConnectionError: ray: expected a cluster that answers within 5 s at 127.0.0.1:9, got: Connection refused
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    wanted = f"a cluster that answers within {seconds:g} s at {address}"
    until = time.monotonic() + seconds
    answer = b""
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=seconds) as link:
            link.sendall(_GREETING)
            while len(answer) < 9:
                link.settimeout(max(until - time.monotonic(), 0.01))
                part = link.recv(9 - len(answer))
                if not part:
                    break
                answer += part
    except OSError as error:
        told = "no answer" if isinstance(error, TimeoutError) else error.strerror or str(error)
        raise ConnectionError(f"ray: expected {wanted}, got: {told}") from None
    if len(answer) < 9 or answer[3] != _SETTINGS:
        raise ConnectionError(f"ray: expected {wanted}, got an answer that is not Ray's")


def _attempt(runs: Sequence[Run], run_batch: RunBatch) -> Results:
    single_threaded()
    return attempt(runs, run_batch)


def _line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
