"""Administrators and deliveries at once, in every order of single calls that chance can think of.

What nobody can repair, and is therefore not asked for here:

- An administrator's own blind write: whoever puts a policy that they made of one read before another's change takes
  that change back, with pipeseal or without.
- Two documents within one second of CloudTrail's time, the later of which does not contain the earlier. S3 keeps no
  history and CloudTrail's times are whole seconds, so that of a document from the second in which pipeseal was looking
  nobody can tell whether it came before the look or after. It is put back where it holds all that pipeseal read.
- For the same reason a statement may come back that was put while pipeseal was at work (a second or so) and taken out
  again before its event came: better one too many, which its owner sees, than one too few.
- An event that reaches pipeseal, and finds the policy sealed, while another delivery that began to look before the call
  has not written down yet what it is about to do. CloudTrail takes seconds, such a look a fraction of one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import boto3
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.account import ACCOUNT, Account, event
from tests.races.flows import Stage
from tests.races.length import whole
from tests.races.schedule import Schedule, TimedOut

from pipeseal.aws.entries import Entry
from pipeseal.controls.s3_tls import deny_insecure

_AT_ONCE = 3
_FEW = 20
_ADMINISTRATORS = "abc"
_RETRIES = 2
_RETRY = 60
_TIMEOUT = 60
Statements = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Put:
    """A policy that an administrator wrote."""

    who: str
    did: str
    statements: Statements
    read: int
    """How many policies administrators had written when they read the one that this is made of."""
    second: int
    """CloudTrail's time."""

    @property
    def sids(self) -> set[str]:
        return {each["Sid"] for each in self.statements}


@dataclass
class Drama:
    """One bucket, those who write to it, and all that they wrote."""

    stage: Stage
    schedule: Schedule
    bucket: str
    copies: int
    """How often each event is delivered."""
    puts: list[Put] = field(default_factory=list)
    news: list[tuple[dict[str, Any], Callable[[], bool]]] = field(default_factory=list)
    """Events that are still under way, each with whether it may have come by now."""
    failures: list[BaseException] = field(default_factory=list)
    delivered: int = 0

    def play(self, cast: list[list[str]]) -> None:
        """Let each administrator do what is in *cast*, and deliver each event of it."""
        with self.schedule.holding():
            for who, does in zip(_ADMINISTRATORS, cast, strict=False):
                self.schedule.begin(who, partial(self.administer, who, does))
            self.schedule.run(self.openings)

    def administer(self, who: str, does: list[str]) -> None:
        """Get, modify, put; a change at a time."""
        for did in does:
            found, read = self.live(), len(self.puts)
            after = [each for each in found if (each["Sid"] != who if did != "unseal" else each["Effect"] == "Allow")]
            if did == "add":
                after.append(self.statement(who))
            text = json.dumps({"Version": "2012-10-17", "Statement": after})
            boto3.client("s3").put_bucket_policy(Bucket=self.bucket, Policy=text)
            self.wrote(Put(who, did, after, read, int(self.schedule.clock.now.timestamp())))

    def wrote(self, put: Put) -> None:
        """Note a write; from now on its event may come, as often as it likes, and after any other."""
        self.puts.append(put)
        told = event(
            "PutBucketPolicy",
            {"bucketName": self.bucket, "bucketPolicy": {"Version": "2012-10-17", "Statement": put.statements}},
            eventTime=f"{self.schedule.clock.now:%Y-%m-%dT%H:%M:%SZ}",
            userIdentity={"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/{put.who}", "userName": put.who},
            eventID=f"{self.bucket}-{len(self.puts)}",
        )
        self.news += [(told, self.schedule.looks())] * self.copies

    def openings(self) -> list[Callable[[], None]]:
        """Any event that has not come yet may come now."""
        at_work = sum(actor.name == "pipeseal" for actor in self.schedule.actors)
        return [partial(self.comes, each) for each in self.news if each[1]()] if at_work < _AT_ONCE else []

    def comes(self, piece: tuple[dict[str, Any], Callable[[], bool]]) -> None:
        """Have an event delivered."""
        self.news.remove(piece)
        self.delivered += 1
        self.schedule.begin("pipeseal", partial(self.deliver, piece[0]))

    def deliver(self, told: dict[str, Any]) -> None:
        """Deliver as Lambda does: twice again where it fails."""
        for number in range(_RETRIES + 1):
            try:
                with self.schedule.limited(_TIMEOUT):
                    self.stage.deliver(told)
            except (TimedOut, Exception) as problem:  # noqa: BLE001 - so does Lambda
                if number == _RETRIES:
                    self.failures.append(problem)
                self.schedule.sleep(_RETRY)
            else:
                return

    # ----------------------------------------------------------------- the end

    def statement(self, who: str) -> dict[str, Any]:
        """Return what an administrator wants in the policy."""
        return {
            "Sid": who,
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{self.bucket}/{who}/*",
        }

    def live(self) -> Statements:
        """Return the statements of the policy."""
        try:
            return list(json.loads(boto3.client("s3").get_bucket_policy(Bucket=self.bucket)["Policy"])["Statement"])
        except ClientError:
            return []

    def entries(self) -> list[Entry]:
        """Return what the ledger holds of the bucket."""
        return self.stage.world().ledger.latest(f"arn:aws:s3:::{self.bucket}", 100)

    def lost(self) -> list[str]:
        """Return the administrators who do not find what they wanted, and could have."""
        there = {each["Sid"] for each in self.live()}
        missed = []
        for who in _ADMINISTRATORS:
            last = max(
                (at for at, put in enumerate(self.puts) if (put.who, put.did != "unseal") == (who, True)), default=-1
            )
            if last < 0 or any(put.read <= last and put.who != who for put in self.puts[last + 1 :]):
                continue  # somebody else wrote blindly over it
            put = self.puts[last]
            if put.did == "add" and who not in there and not self.indistinct(put):
                missed.append(f"{who} lost")
            if put.did == "remove" and who in there and not self.untold(who, last):
                missed.append(f"{who} undead")
        return missed

    def indistinct(self, put: Put) -> bool:
        """Say whether it was put in a second in which pipeseal was looking, and lacks something of what that read."""
        return any(
            _began(entry) <= put.second <= int(entry.opened.timestamp())
            and {each["Sid"] for each in (entry.before["policy"] or {"Statement": ()})["Statement"]} - put.sids
            for entry in self.entries()
        )

    def untold(self, who: str, removed: int) -> bool:
        """Say whether it was put while pipeseal was at work, so that it may have been overtaken."""
        return any(
            _began(entry) <= put.second <= int((entry.closed or entry.opened).timestamp())
            for entry in self.entries()
            for put in self.puts[:removed]
            if who in put.sids
        )


def _began(entry: Entry) -> int:
    return int((entry.looked or entry.opened).timestamp())


def test_no_statement_is_lost_to_pipeseal(account: Account, record_property: Callable[[str, object], None]) -> None:
    """Nor comes one back that was taken out; the bucket is sealed, and there is an alert for each entry."""
    count = {"interleavings": 0, "turns": 0, "puts": 0, "deliveries": 0, "restored": 0}

    @settings(max_examples=settings().max_examples if whole() else _FEW)
    @given(
        st.lists(st.integers(0, 7), min_size=60, max_size=120),
        st.lists(
            st.lists(st.sampled_from(["add", "remove", "unseal"]), min_size=1, max_size=3), min_size=1, max_size=3
        ),
        st.sampled_from([0.03, 0.3, 1.1]),
        st.integers(1, 2),
    )
    def holds(choices: list[int], cast: list[list[str]], pace: float, copies: int) -> None:
        count["interleavings"] += 1
        schedule = Schedule(choices, pace)
        stage = Stage(account, schedule.clock, {"WAR_LIMIT": "99"}, schedule.sleep)
        drama = Drama(stage, schedule, f"harbor-{count['interleavings']}", copies)
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=drama.bucket)
        start = {"Version": "2012-10-17", "Statement": [drama.statement("start")]}
        s3.put_bucket_policy(Bucket=drama.bucket, Policy=json.dumps(start))
        drama.play(cast)
        entries, alerts = drama.entries(), [alert["id"] for alert in account.alerts()]
        count["turns"] += schedule.turns
        count["puts"] += len(drama.puts)
        count["deliveries"] += drama.delivered
        count["restored"] += sum("S3.LOST_UPDATE" in entry.controls for entry in entries)
        assert not drama.failures
        assert not drama.lost(), [(put.who, put.did, sorted(put.sids), put.read, put.second) for put in drama.puts]
        assert deny_insecure(f"arn:aws:s3:::{drama.bucket}").statement in drama.live()
        assert set(alerts) == {entry.id for entry in entries if entry.outcome == "remediated"}
        unseals = sum(put.did == "unseal" or put.read == 0 for put in drama.puts)
        assert sum("S3.TLS" in entry.controls for entry in entries) <= 1 + unseals + len(drama.puts)
        assert all(entry.outcome for entry in entries)

    holds()
    record_property("interleavings", ", ".join(f"{number} {what}" for what, number in count.items()))
