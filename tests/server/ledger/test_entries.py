"""Entries are appended in the transaction of the change that they record."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest

from maskgate.errors import LedgerError
from maskgate.ledger import append, entries_after, head
from maskgate.ledger.merkle import EMPTY_ROOT, root
from maskgate.testing.still_clock import StillClock

NOW = StillClock().now()


class TestAppend:
    """An entry has the next number, a time not before the last one, and a body that holds both."""

    def test_an_empty_ledger_has_the_root_of_nothing(self, store):
        with store.read() as work:
            assert (head(work).size, head(work).root) == (0, EMPTY_ROOT)
            assert entries_after(work) == []

    def test_numbers_start_at_zero_and_have_no_gaps(self, store):
        with store.write() as work:
            assert [append(work, "request.created", {}, NOW).seq for _ in range(3)] == [0, 1, 2]

    def test_the_body_is_canonical_and_hashed_as_a_leaf(self, store):
        with store.write() as work:
            entry = append(work, "request.created", {"b": 1, "a": "é"}, NOW)
        assert entry.body == (
            '{"a":"é","at":"2026-11-24T12:00:00.000Z","b":1,"seq":0,"type":"request.created"}'.encode()
        )
        assert entry.leaf_hash == sha256(b"\x00" + entry.body).digest()

    def test_the_head_is_the_root_over_all_leaves(self, store):
        with store.write() as work:
            leaves = [append(work, "gate.started", {"n": n}, NOW).leaf_hash for n in range(11)]
            assert (head(work).size, head(work).root) == (11, root(leaves))

    def test_what_fails_afterwards_takes_the_entry_with_it(self, store):
        def fail():
            with store.write() as work:
                append(work, "request.created", {}, NOW)
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fail()
        with store.read() as work:
            assert head(work).size == 0

    @pytest.mark.parametrize("name", ["seq", "at", "type"])
    def test_facts_cannot_pose_as_number_time_or_type(self, store, name):
        with pytest.raises(LedgerError, match=name), store.write() as work:
            append(work, "request.created", {name: 1}, NOW)

    def test_entries_are_read_in_pieces(self, store):
        with store.write() as work:
            for number in range(5):
                append(work, "gate.started", {"n": number}, NOW)
            assert [entry.seq for entry in entries_after(work, 1, 2)] == [2, 3]
            assert json.loads(entries_after(work, 3)[0].body)["n"] == 4


class TestTime:
    """The ledger's time never runs backwards; a clock that jumped back stops the gate."""

    def test_a_clock_that_is_a_little_behind_does_not_show(self, store):
        clock = StillClock()
        with store.write() as work:
            append(work, "gate.started", {}, clock.now())
            clock.forward(seconds=-3)
            assert append(work, "gate.started", {}, clock.now()).at == NOW

    def test_a_clock_that_jumped_back_is_refused(self, store):
        clock = StillClock()
        with store.write() as work:
            append(work, "gate.started", {}, clock.now())
            clock.forward(minutes=-1)
            with pytest.raises(LedgerError, match="Set the clock right"):
                append(work, "gate.started", {}, clock.now())
