from __future__ import annotations

import stat
import time
from pathlib import Path

import pytest
from server.release.carrying_out import untold

from maskgate.errors import DatasetError, Refused
from maskgate.release.releaser import DestinationReleaser


class TestLocalFolder:
    """A release to a folder is one rename of a folder that nobody else could look into."""

    def test_nobody_else_can_look_while_it_is_written(self, order_of, tmp_path):
        order = order_of(str(tmp_path / "released"))
        DestinationReleaser().copy(order, untold)
        temporary = tmp_path / "released" / ".maskgate-grant-1-1"
        assert stat.S_IMODE(temporary.stat().st_mode) == 0o700

    def test_what_was_released_can_be_read_as_usual(self, order_of, tmp_path):
        order = order_of(str(tmp_path / "released"))
        DestinationReleaser().copy(order, untold)
        DestinationReleaser().commit(order)
        usual = tmp_path / "usual"
        usual.mkdir()
        (usual / "file").touch()
        version = tmp_path / "released" / order.version
        assert version.stat().st_mode == usual.stat().st_mode
        assert (version / "manifest.json").stat().st_mode == (usual / "file").stat().st_mode

    def test_a_link_with_the_versions_name_is_not_followed(self, order_of, tmp_path):
        order = order_of(str(tmp_path / "released"))
        DestinationReleaser().copy(order, untold)
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        (tmp_path / "released" / order.version).symlink_to(elsewhere)
        with pytest.raises(Refused):
            DestinationReleaser().commit(order)
        assert list(elsewhere.iterdir()) == []

    def test_a_link_with_the_temporary_name_is_removed_and_not_followed(self, order_of, tmp_path):
        order = order_of(str(tmp_path / "released"))
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        (elsewhere / "precious").touch()
        (tmp_path / "released").mkdir()
        (tmp_path / "released" / ".maskgate-grant-1-1").symlink_to(elsewhere)
        DestinationReleaser().copy(order, untold)
        DestinationReleaser().commit(order)
        assert [path.name for path in elsewhere.iterdir()] == ["precious"]

    def test_a_destination_that_is_a_file_is_named(self, order_of, tmp_path):
        (tmp_path / "released").write_text("a file")
        with pytest.raises(DatasetError, match='destination "partner" cannot be written'):
            DestinationReleaser().copy(order_of(str(tmp_path / "released")), untold)

    def test_a_throttle_slows_it_down(self, order_of, tmp_path):
        order = order_of(str(tmp_path / "released"))
        began = time.monotonic()
        steps = []
        DestinationReleaser(order.sealed.size * 4).copy(order, lambda done, _total: steps.append(done))
        assert time.monotonic() - began > 0.2
        assert steps[-1] == order.sealed.size

    def test_the_files_are_not_those_of_the_sealed_copy(self, order_of, tmp_path):
        """Bytes are copied, not linked: whoever changes the release does not change what was sealed."""
        order = order_of(str(tmp_path / "released"))
        DestinationReleaser().copy(order, untold)
        DestinationReleaser().commit(order)
        for file in order.sealed.files:
            released = tmp_path / "released" / order.version / file.path
            assert not released.samefile(Path(order.sealed.folder, file.path))
