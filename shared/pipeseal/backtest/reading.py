"""Reads many log files: each worker process reads one file at a time and returns its records in limited portions."""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import NamedTuple

from pipeseal.backtest.logfile import Damaged, batches
from pipeseal.backtest.sources import STANDARD_INPUT, AwsOptions, Source, UnreadableFile

_WORTH_WORKERS = 4 << 20
"""Bytes of log files, as stored, below which reading is faster than starting a process. Above it even a single file is
read by another process: this one imports the controls at the same time."""

_FILES_PER_JOB = 64
_RECORDS_PER_MESSAGE = 500
_PORTIONS_PER_MESSAGE = 200


class Portion(NamedTuple):
    """What was found in a part of a file."""

    file: int
    """The number of the file among all."""
    size: int = 0
    """The number of records in the part."""
    changes: Sequence[tuple[int, bytes]] = ()
    """The records among them of calls that change a resource, each with its position in the file."""
    ended: bool = False
    """Whether this is the last portion of the file."""
    error: str = ""
    """Why the rest of the file cannot be read; "" where it could."""


def read(sources: Sequence[Source], options: AwsOptions, workers: int = 0) -> Iterator[Portion]:
    """Return the portions of all *sources*, in no particular order; the last portion of each file is marked.

    *workers* is the number of processes, 0 for one per processor; they start before this function returns.
    """
    shared = [number for number, source in enumerate(sources) if source.name != STANDARD_INPUT]
    workers = min(workers or os.cpu_count() or 1, len(shared))
    if sum(source.size for source in sources) < _WORTH_WORKERS:
        return (portion for number, source in enumerate(sources) for portion in portions(number, source, options))
    own = [number for number, source in enumerate(sources) if source.name == STANDARD_INPUT]
    pool = _WorkerPool(sources, options, workers, _jobs(sources, shared, workers))
    return _read_all(sources, options, own, pool)


def _read_all(
    sources: Sequence[Source], options: AwsOptions, own: Iterable[int], pool: _WorkerPool
) -> Iterator[Portion]:
    """Yield the portions of the *own* files, which this process reads, then those of the pool."""
    for number in own:
        yield from portions(number, sources[number], options)
    yield from pool.portions()


def portions(number: int, source: Source, options: AwsOptions) -> Iterator[Portion]:
    """Yield the portions of one file."""
    error = ""
    try:
        with source.open(options) as stream:
            for batch in batches(stream):
                yield Portion(number, batch.size, batch.changes)
    except (Damaged, UnreadableFile) as damage:
        error = str(damage)
    except OSError as refusal:
        error = f"cannot be read: {refusal.strerror or refusal}"
    yield Portion(number, ended=True, error=error)


def _jobs(sources: Sequence[Source], numbers: Sequence[int], workers: int) -> list[list[int]]:
    """Return the files in jobs, the largest first and alone, small ones together, so that the workers end together."""
    enough = sum(source.size for source in sources) // (workers * 16)
    jobs: list[list[int]] = []
    size = enough
    for number in sorted(numbers, key=lambda each: -sources[each].size):
        if size >= enough or len(jobs[-1]) >= _FILES_PER_JOB:
            jobs.append([])
            size = 0
        jobs[-1].append(number)
        size += sources[number].size
    return jobs


class _WorkerPool:
    """The worker processes and the files that each is reading; the pipe to each blocks it when it is too far ahead."""

    def __init__(self, sources: Sequence[Source], options: AwsOptions, workers: int, jobs: list[list[int]]) -> None:
        # fork is the fastest, and safe while this process has one thread; otherwise, and elsewhere, spawn.
        fork = sys.platform == "linux" and threading.active_count() == 1
        context = get_context("fork") if fork else get_context("spawn")
        self._jobs = jobs[::-1]
        self._assigned: dict[Connection, set[int]] = {}
        for _ in range(min(workers, len(jobs))):
            here, there = context.Pipe()
            context.Process(target=_work, args=(there, sources, options), daemon=True).start()
            there.close()
            self._assign(here)

    def _assign(self, worker: Connection) -> None:
        job = self._jobs.pop() if self._jobs else None
        self._assigned[worker] = set(job or ())
        try:
            worker.send(job)
        except BrokenPipeError:
            return  # the process died; receiving from it reports that
        if job is None:
            del self._assigned[worker]
            worker.close()

    def portions(self) -> Iterator[Portion]:
        """Yield the portions of all files; where a process dies, its unfinished files end with an error."""
        while self._assigned:
            for worker in wait(list(self._assigned)):
                if isinstance(worker, Connection):
                    yield from self._receive(worker)
        for number in (number for job in self._jobs for number in job):
            yield Portion(number, ended=True, error="not read: every worker process died")

    def _receive(self, worker: Connection) -> Iterator[Portion]:
        try:
            message: list[Portion] | None = worker.recv()
        except (EOFError, OSError):
            for number in self._assigned.pop(worker):
                yield Portion(number, ended=True, error="not read: its worker process died")
            return
        if message is None:
            self._assign(worker)
            return
        self._assigned[worker] -= {portion.file for portion in message if portion.ended}
        yield from message


def _work(pipe: Connection, sources: Sequence[Source], options: AwsOptions) -> None:
    """Do the jobs that arrive on *pipe*, and send None after each, until None arrives."""
    gc.disable()  # no reference cycles are created here, and searching for them takes a fifth of the time
    try:
        while job := pipe.recv():
            for message in _messages(part for number in job for part in portions(number, sources[number], options)):
                pipe.send(message)
            pipe.send(None)
    except (EOFError, KeyboardInterrupt, BrokenPipeError):
        return  # the parent process has ended


def _messages(found: Iterable[Portion]) -> Iterator[list[Portion]]:
    """Group portions into messages of limited size."""
    message: list[Portion] = []
    records = 0
    for portion in found:
        message.append(portion)
        records += len(portion.changes)
        if records >= _RECORDS_PER_MESSAGE or len(message) >= _PORTIONS_PER_MESSAGE:
            yield message
            message, records = [], 0
    if message:
        yield message
