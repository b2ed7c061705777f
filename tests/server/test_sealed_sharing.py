"""Whether gates of one database share the folder of their sealed copies is told when they start."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from maskgate.errors import MaskgateError
from maskgate.server.home import Home
from maskgate.server.sealed_sharing import MARK, doubts_about_sealed
from maskgate.testing.new_store import open_store


@pytest.fixture
def store(postgres_url):
    opened = open_store(postgres_url)
    yield opened
    opened.close()


def doubts(tmp_path, store, name, *, sealed=None, elsewhere=True):
    home = Home(tmp_path / name)
    home.make()
    configured = SimpleNamespace(sealed=sealed, releases_elsewhere=elsewhere)
    return doubts_about_sealed(configured, home, store)


class TestDoubts:
    """A gate that serves alone has none; others are told what is missing."""

    def test_a_file_of_its_own_serves_one_gate(self, tmp_path):
        store = open_store(tmp_path / "gate.db")
        assert doubts(tmp_path, store, "home") == ()
        store.close()

    def test_a_releaser_process_and_no_shared_folder(self, tmp_path, store):
        (said,) = doubts(tmp_path, store, "home")
        assert "name a folder that all of them share: `sealed:`" in said
        assert doubts(tmp_path, store, "home", elsewhere=False) == ()

    def test_the_same_folder_at_two_gates(self, tmp_path, store):
        shared = tmp_path / "shared"
        assert doubts(tmp_path, store, "first", sealed=shared) == ()
        assert doubts(tmp_path, store, "second", sealed=shared) == ()
        assert doubts(tmp_path, store, "first", sealed=shared) == ()

    def test_two_folders_under_one_name(self, tmp_path, store):
        assert doubts(tmp_path, store, "first", sealed=tmp_path / "here") == ()
        (said,) = doubts(tmp_path, store, "second", sealed=tmp_path / "there")
        assert "is not the folder that another gate of this database has" in said
        assert (tmp_path / "there" / MARK).exists()

    def test_a_mark_that_was_half_written_is_made_anew(self, tmp_path, store):
        shared = tmp_path / "shared"
        shared.mkdir(mode=0o700)
        (shared / MARK).touch()
        assert doubts(tmp_path, store, "first", sealed=shared) == ()
        assert (shared / MARK).read_text() != ""
        assert doubts(tmp_path, store, "second", sealed=shared) == ()

    def test_a_folder_that_cannot_be_marked_is_named(self, tmp_path, store):
        shared = tmp_path / "shared"
        (shared / MARK).mkdir(parents=True)
        shared.chmod(0o700)
        with pytest.raises(MaskgateError, match=r"`sealed:` .*shared cannot be used"):
            doubts(tmp_path, store, "first", sealed=shared)
