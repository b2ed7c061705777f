from __future__ import annotations

import pytest

from maskgate.datasets.formats.reused_room import Borrowed, ReusedRoom

_KB = 1 << 10


class TestReusedRoom:
    """Buffers are large enough, used again, and together no more than were in use at once."""

    @pytest.mark.parametrize("size", [0, 1, 4095, 4096, 100_000, 1 << 20, (1 << 20) + 1])
    def test_a_buffer_is_large_enough_and_hardly_larger(self, size):
        buffer = ReusedRoom().take(size)
        assert size <= buffer.size <= max(4 * _KB, size + size // 8)
        memoryview(buffer).cast("B")[:] = bytes(buffer.size)

    def test_what_was_given_back_is_taken_again(self):
        room = ReusedRoom()
        first = room.take(100 * _KB)
        address = first.address
        room.give_back(first)
        del first
        assert room.take(100 * _KB - 7).address == address

    def test_what_is_in_use_is_nobody_elses(self):
        room = ReusedRoom()
        taken = [room.take(100 * _KB) for _ in range(5)]
        assert len({each.address for each in taken}) == 5

    def test_there_is_never_more_than_was_in_use_at_once(self):
        room = ReusedRoom()
        most = 0
        for size in range(1, 200):
            borrowed = Borrowed(room)
            taken = [borrowed.take(size * _KB), borrowed.take(2 * size * _KB)]
            most = max(most, sum(each.size for each in taken))
            borrowed.give_back()
            assert room.size <= most

    def test_what_was_borrowed_together_is_given_back_once(self):
        room = ReusedRoom()
        borrowed = Borrowed(room)
        before = {borrowed.take(_KB).address, borrowed.take(_KB).address}
        borrowed.give_back()
        borrowed.give_back()
        assert {room.take(_KB).address, room.take(_KB).address} == before
