from __future__ import annotations

from contextlib import suppress

import pytest

from maskgate.errors import UsageError
from maskgate.gate.locations import parse_location
from maskgate.gate.model import Destination
from maskgate.release.destinations import MODES, check_mode, open_destination
from maskgate.release.local import LocalFolder
from maskgate.release.objects import ObjectPrefix


class TestMode:
    """A mode that there is not is refused, and never treated as another."""

    @pytest.mark.parametrize("mode", ["", "New_Version", "overwrite"])
    def test_modes_that_are_none(self, mode):
        with pytest.raises(UsageError, match=r"no mode is called .*") as caught:
            check_mode(mode)
        assert all(each in str(caught.value) for each in MODES)

    def test_every_mode_that_it_names_is_one(self):
        taken = []
        for mode in ("new_version", "replace", "append", "overwrite"):
            with suppress(UsageError):
                check_mode(mode)
                taken.append(mode)
        assert tuple(taken) == MODES


class TestLocation:
    """A root or destination is one place, written out, of a known protocol."""

    @pytest.mark.parametrize(
        ("uri", "written"),
        [
            pytest.param("/srv/released", "/srv/released", id="a folder"),
            pytest.param("/srv/released/", "/srv/released", id="a slash at the end"),
            pytest.param("file:///srv/released", "/srv/released", id="a folder as a URI"),
            pytest.param("s3://bucket/prefix/", "s3://bucket/prefix", id="a prefix"),
            pytest.param("gs://bucket", "gs://bucket", id="a whole bucket"),
            pytest.param("postgresql://db:5432/lake?table=a.b", "postgresql://db:5432/lake?table=a.b", id="a table"),
            pytest.param("postgresql://db/lake?schema=a", "postgresql://db/lake?schema=a", id="a schema of tables"),
        ],
    )
    def test_is_understood(self, uri, written):
        assert parse_location(uri).uri == written

    @pytest.mark.parametrize(
        ("uri", "words"),
        [
            pytest.param("", "empty", id="nothing"),
            pytest.param("released", "not absolute", id="a relative path"),
            pytest.param("simplecache::s3://bucket/x", "chained", id="a chained address"),
            pytest.param("zip://x.zip::/srv", "chained", id="an archive in a folder"),
            pytest.param("https://example.com/x", "no protocol", id="the web"),
            pytest.param("github://org:repo@main/", "no protocol", id="a repository"),
            pytest.param("/srv/../etc", "`..`", id="a way up in a path"),
            pytest.param("s3://bucket/../other", "`..`", id="a way up in a prefix"),
            pytest.param("s3:///prefix", "bucket is missing", id="no bucket"),
            pytest.param("postgresql://db/lake", "table=schema.name", id="a database without a table"),
            pytest.param("postgresql://me:secret@db/lake?table=a.b", "under `options:`", id="a login to a database"),
            pytest.param("postgresql://db/lake?table=a.b&sslmode=disable", "table=schema.name", id="more of a query"),
            pytest.param('postgresql://db/lake?table=a."b"', "table=schema.name", id="a quoted table"),
            pytest.param("s3://key:secret@bucket/x", "options", id="a login"),
            pytest.param("s3://bucket/x?versionId=1", "options", id="a query"),
            pytest.param("s3://bucket/\u202ex", "cannot be seen", id="a character that turns text round"),
        ],
    )
    def test_is_refused(self, uri, words):
        with pytest.raises(UsageError, match=words) as caught:
            parse_location(uri)
        assert "secret" not in str(caught.value)

    def test_a_folder_and_a_bucket_are_released_to_differently(self):
        assert isinstance(open_destination(Destination("a", "/srv", "internal")), LocalFolder)
        assert isinstance(open_destination(Destination("a", "s3://bucket", "internal")), ObjectPrefix)

    def test_options_appear_in_no_representation(self):
        assert "secret" not in repr(Destination("a", "s3://bucket", "internal", options={"secret": "secret"}))
