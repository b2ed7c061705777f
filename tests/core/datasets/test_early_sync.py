from __future__ import annotations

import errno
import io
import os
import threading

import pytest

from maskgate.datasets.early_sync import EarlySync

ENOUGH = 40 << 20


@pytest.fixture
def synced(monkeypatch):
    """Names of the threads that have brought something to the disk."""
    found = []
    fdatasync = os.fdatasync

    def seen(descriptor):
        found.append(threading.current_thread().name)
        fdatasync(descriptor)

    monkeypatch.setattr(os, "fdatasync", seen)
    return found


class TestEarlySync:
    """A large file is brought to the disk while it is written; whatever fails is told."""

    def test_a_large_file_is_brought_there_by_another_thread(self, tmp_path, synced):
        with (tmp_path / "part").open("wb") as file:
            sync = EarlySync(file)
            sync.wrote(ENOUGH)
            sync.finish()
        assert synced == ["maskgate-sync_0"]

    def test_a_small_file_needs_no_thread(self, tmp_path, synced):
        with (tmp_path / "part").open("wb") as file:
            sync = EarlySync(file)
            sync.wrote(1000)
            sync.finish()
        assert synced == []

    def test_what_is_in_memory_has_nothing_to_bring(self, synced):
        sync = EarlySync(io.BytesIO())
        sync.wrote(ENOUGH)
        sync.finish()
        assert synced == []

    @pytest.fixture
    def full(self, monkeypatch):
        def refuse(_descriptor):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fdatasync", refuse)

    def test_a_failure_is_told_at_the_end(self, tmp_path, full):
        with (tmp_path / "part").open("wb") as file:
            sync = EarlySync(file)
            sync.wrote(ENOUGH)
            with pytest.raises(OSError, match="No space"):
                sync.finish()

    def test_a_failure_is_told_before_more_is_brought_there(self, tmp_path, full):
        with (tmp_path / "part").open("wb") as file:
            sync = EarlySync(file)
            sync.wrote(ENOUGH)
            sync.stop()
            with pytest.raises(OSError, match="No space"):
                sync.wrote(ENOUGH)
