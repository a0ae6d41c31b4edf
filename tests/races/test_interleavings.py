"""Administrators and deliveries at once, in every order of single calls that chance can think of."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.account import ACCOUNT, ENVIRONMENT, Account, Context, event
from tests.races.schedule import Schedule

import remediate
from pipeseal.aws.clients import client
from pipeseal.aws.world import World
from pipeseal.controls.s3_tls import deny_insecure

_MOST_DELIVERIES = 3
Document = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Put:
    """A policy that somebody wrote."""

    who: str
    op: str
    statements: Document
    read: int
    """How many policies had been written when they read the one that this is made of."""
    second: int


@dataclass
class Drama:
    """One bucket, those who write to it, and all that they wrote."""

    account: Account
    schedule: Schedule
    bucket: str
    copies: list[int]
    log: list[Put] = field(default_factory=list)
    news: list[tuple[dict[str, Any], Callable[[], bool]]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def seal(self) -> dict[str, Any]:
        return deny_insecure(f"arn:aws:s3:::{self.bucket}").statement

    def theirs(self, who: str) -> dict[str, Any]:
        return {
            "Sid": who,
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{self.bucket}/{who}/*",
        }

    def live(self) -> Document:
        try:
            return list(json.loads(boto3.client("s3").get_bucket_policy(Bucket=self.bucket)["Policy"])["Statement"])
        except ClientError:
            return []

    def administer(self, who: str, ops: list[str]) -> None:
        """Get, modify, put; a change at a time."""
        for op in ops:
            s3 = boto3.client("s3")
            found = self.live()
            read = len(self.log)
            after = [each for each in found if each["Sid"] != who] if op != "unseal" else list(found)
            if op == "add":
                after.append(self.theirs(who))
            if op == "unseal":
                after = [each for each in found if each["Effect"] != "Deny"]
            if not after:
                continue
            s3.put_bucket_policy(Bucket=self.bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": after}))
            self.wrote(Put(who, op, after, read, int(self.schedule.clock.now.timestamp())))

    def wrote(self, put: Put) -> None:
        self.log.append(put)
        request = {
            "bucketName": self.bucket,
            "bucketPolicy": {"Version": "2012-10-17", "Statement": put.statements},
            "policy": "",
        }
        told = event(
            "PutBucketPolicy",
            request,
            eventTime=self.schedule.clock.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            userIdentity={"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/{put.who}", "userName": put.who},
            eventID=f"event-{len(self.log)}",
        )
        self.news += [(told, self.schedule.looks())] * self.copies[len(self.log) % len(self.copies)]

    def openings(self) -> list[Callable[[], None]]:
        """Any event that has not come yet may come now."""
        at_work = sum(not actor.done and actor.name == "pipeseal" for actor in self.schedule.actors)
        if at_work >= _MOST_DELIVERIES:
            return []
        return [lambda piece=piece: self.open(piece) for piece in self.news if piece[1]()]  # type: ignore[misc]

    def open(self, piece: tuple[dict[str, Any], Callable[[], bool]]) -> None:
        self.news.remove(piece)
        self.schedule.begin("pipeseal", lambda: self.deliver(piece[0]))

    def deliver(self, told: dict[str, Any], retries: int = 2) -> None:
        try:
            remediate.handler(told, Context())
        except Exception as problem:
            if not retries:
                self.failures.append(repr(problem))
                return
            self.schedule.sleep(60)
            self.deliver(told, retries - 1)

    def play(self, casts: list[list[str]]) -> None:
        schedule = self.schedule

        def world() -> World:
            return World({**ENVIRONMENT, "WAR_LIMIT": "99"}, client, schedule.clock, schedule.sleep)

        remediate.world = world  # type: ignore[assignment]
        with schedule.holding():
            for number, ops in enumerate(casts):
                who = "abc"[number]
                schedule.begin(who, lambda who=who, ops=ops: self.administer(who, ops))  # type: ignore[misc]
            schedule.run(self.openings)

    def indistinct(self, put: Put) -> bool:
        """Say whether nobody can tell that a document was not overtaken before pipeseal read the policy.

        It was put in a second in which pipeseal was looking, and lacks something of what pipeseal found.
        """
        sids = {each["Sid"] for each in put.statements}
        return any(
            entry.looked is not None
            and int(entry.looked.timestamp()) <= put.second <= int(entry.opened.timestamp())
            and {each["Sid"] for each in (entry.before["policy"] or {"Statement": []})["Statement"]} - sids
            for entry in remediate.world().ledger.latest(f"arn:aws:s3:::{self.bucket}", 50)
        )

    def untold(self, who: str, removed: int) -> bool:
        """Say whether nobody can tell that a statement was put before it was taken out.

        It was put in a second in which pipeseal was still looking, and taken out before that look was over; or in the
        second in which pipeseal was done, and so perhaps before that.
        """
        ledger = remediate.world().ledger
        puts = [put for put in self.log[:removed] if who in [each["Sid"] for each in put.statements]]
        return any(
            entry.looked is not None
            and int(entry.looked.timestamp()) <= put.second
            and (
                self.log[removed].second <= int(entry.opened.timestamp())
                or (entry.closed is not None and put.second == int(entry.closed.timestamp()))
            )
            for entry in ledger.latest(f"arn:aws:s3:::{self.bucket}", 50)
            for put in puts
        )

    def lost(self) -> list[str]:
        """Return the statements that somebody put, nobody took out, and that are gone all the same."""
        end = {each["Sid"] for each in self.live()}
        bad = []
        for who in {put.who for put in self.log}:
            own = [number for number, put in enumerate(self.log) if put.who == who and put.op in ("add", "remove")]
            if not own:
                continue
            last = own[-1]
            blind = [p for p in self.log[last + 1 :] if p.read <= last and p.who != who]
            if self.log[last].op == "add" and who not in end and not blind and not self.indistinct(self.log[last]):
                bad.append(f"{who} lost")
            if self.log[last].op == "remove" and who in end and not blind and not self.untold(who, last):
                bad.append(f"{who} undead")
        return bad


counter = [0, 0, 0]


@given(
    st.lists(st.integers(0, 7), min_size=60, max_size=120),
    st.lists(st.lists(st.sampled_from(["add", "remove", "unseal"]), min_size=1, max_size=3), min_size=1, max_size=3),
    st.sampled_from([0.03, 0.3, 1.1]),
    st.lists(st.integers(1, 2), min_size=1, max_size=3),
)
@settings(max_examples=int(__import__("os").environ.get("N","100")), derandomize=False)
def play(choices: list[int], casts: list[list[str]], pace: float, copies: list[int]) -> None:
    counter[0] += 1
    name = f"harbor-{counter[0]}"
    boto3.client("s3").create_bucket(Bucket=name)
    drama = Drama(ACC[0], Schedule(choices, pace), name, copies)
    start = [{**drama.theirs("start")}]
    boto3.client("s3").put_bucket_policy(
        Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": start})
    )
    drama.play(casts)
    counter[1] += drama.schedule.turns
    end = drama.live()
    assert not drama.failures, drama.failures
    if drama.log:
        assert drama.seal in end, end
    bad = drama.lost()
    log = [(p.who, p.op, [s["Sid"][:5] for s in p.statements], p.read, p.second % 1000) for p in drama.log]
    assert not bad, (bad, [e["Sid"] for e in end], log)
    # assert len(told) ...


ACC: list[Account] = []


def test_play(account: Account) -> None:
    ACC[:] = [account]
    play()
    print(counter)
