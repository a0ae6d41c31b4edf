"""All log files at once: worker processes scan, a file each; what they find comes back in bounded portions."""

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
from pipeseal.backtest.sources import STANDARD_INPUT, Account, Source, Unreadable

_WORTH_WORKERS = 4 << 20
"""Bytes of log files, as stored, that are read sooner than a process starts; a single large file is worth one too, for
who is to judge what it holds can get ready meanwhile."""

_FILES_AT_ONCE = 64
_RECORDS_AT_ONCE = 500
_PORTIONS_AT_ONCE = 200


class Portion(NamedTuple):
    """What was found in a part of a file."""

    file: int
    """The number of the file among all."""
    size: int = 0
    """How many records the part holds."""
    telling: Sequence[tuple[int, bytes]] = ()
    """Of those, the ones that tell of a resource, each with its position in the file."""
    ended: bool = False
    """Whether the file has nothing more."""
    error: str = ""
    """Why the rest of the file cannot be read, where that is so."""


def read(sources: Sequence[Source], account: Account, workers: int = 0) -> Iterator[Portion]:
    """Return what is found in *sources*, in no order; each file ends with a portion that says so.

    *workers* is a number of processes, 0 for one a processor; they are started before this returns.
    """
    several = [number for number, source in enumerate(sources) if source.name != STANDARD_INPUT]
    workers = min(workers or os.cpu_count() or 1, len(several))
    if sum(source.size for source in sources) < _WORTH_WORKERS:
        return (portion for number, source in enumerate(sources) for portion in portions(number, source, account))
    own = [number for number, source in enumerate(sources) if source.name == STANDARD_INPUT]
    team = _Team(sources, account, workers, _jobs(sources, several, workers))
    return _both(sources, account, own, team)


def _both(sources: Sequence[Source], account: Account, own: Iterable[int], team: _Team) -> Iterator[Portion]:
    for number in own:
        yield from portions(number, sources[number], account)
    yield from team.portions()


def portions(number: int, source: Source, account: Account) -> Iterator[Portion]:
    """Yield what is found in one file."""
    error = ""
    try:
        with source.opened(account) as stream:
            for batch in batches(stream):
                yield Portion(number, batch.size, batch.telling)
    except (Damaged, Unreadable) as damage:
        error = str(damage)
    except OSError as refusal:
        error = f"cannot be read: {refusal.strerror or refusal}"
    yield Portion(number, ended=True, error=error)


def _jobs(sources: Sequence[Source], numbers: Sequence[int], workers: int) -> list[list[int]]:
    """Share the files out: the largest first and alone, many small ones together, so that all end at one time."""
    enough = sum(source.size for source in sources) // (workers * 16)
    jobs: list[list[int]] = []
    size = enough
    for number in sorted(numbers, key=lambda each: -sources[each].size):
        if size >= enough or len(jobs[-1]) >= _FILES_AT_ONCE:
            jobs.append([])
            size = 0
        jobs[-1].append(number)
        size += sources[number].size
    return jobs


class _Team:
    """The worker processes and what each has in hand; a pipe each, which holds back who is too fast."""

    def __init__(self, sources: Sequence[Source], account: Account, workers: int, jobs: list[list[int]]) -> None:
        # Forking is the quickest, and safe while there is one thread; else, and elsewhere, a process is made anew.
        fork = sys.platform == "linux" and threading.active_count() == 1
        context = get_context("fork") if fork else get_context("spawn")
        self._jobs = jobs[::-1]
        self._in_hand: dict[Connection, set[int]] = {}
        for _ in range(min(workers, len(jobs))):
            here, there = context.Pipe()
            context.Process(target=_work, args=(there, sources, account), daemon=True).start()
            there.close()
            self._give(here)

    def _give(self, worker: Connection) -> None:
        job = self._jobs.pop() if self._jobs else None
        self._in_hand[worker] = set(job or ())
        try:
            worker.send(job)
        except BrokenPipeError:
            return  # reading from it tells the same
        if job is None:
            del self._in_hand[worker]
            worker.close()

    def portions(self) -> Iterator[Portion]:
        """Yield what they find until all is read; the files of a process that dies are errors, not the end."""
        while self._in_hand:
            for worker in wait(list(self._in_hand)):
                if isinstance(worker, Connection):
                    yield from self._heard(worker)
        for number in (number for job in self._jobs for number in job):
            yield Portion(number, ended=True, error="not read: every process that was to read it died")

    def _heard(self, worker: Connection) -> Iterator[Portion]:
        try:
            heard: list[Portion] | None = worker.recv()
        except (EOFError, OSError):
            for number in self._in_hand.pop(worker):
                yield Portion(number, ended=True, error="not read: the process that was to read it died")
            return
        if heard is None:
            self._give(worker)
            return
        self._in_hand[worker] -= {portion.file for portion in heard if portion.ended}
        yield from heard


def _work(pipe: Connection, sources: Sequence[Source], account: Account) -> None:
    """Read what is asked for until nothing is; None says that a job is done."""
    gc.disable()  # nothing here goes round in a circle, and looking for that costs a fifth of the time
    try:
        while job := pipe.recv():
            for parcel in _parcels(part for number in job for part in portions(number, sources[number], account)):
                pipe.send(parcel)
            pipe.send(None)
    except (EOFError, KeyboardInterrupt, BrokenPipeError):
        return  # nobody listens any more


def _parcels(found: Iterable[Portion]) -> Iterator[list[Portion]]:
    """Put several portions into one message, but never much at a time."""
    parcel: list[Portion] = []
    records = 0
    for portion in found:
        parcel.append(portion)
        records += len(portion.telling)
        if records >= _RECORDS_AT_ONCE or len(parcel) >= _PORTIONS_AT_ONCE:
            yield parcel
            parcel, records = [], 0
    if parcel:
        yield parcel
