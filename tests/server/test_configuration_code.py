"""``authors:`` of an instance: where its code is, and whose the addresses in it are."""

from __future__ import annotations

import pytest
from server.test_configuration import SMALLEST, read

from maskgate.errors import ConfigurationError

AIRFLOW = """
airflow:
  prod:
    url: http://127.0.0.1:8080
    username: gate
    password: env:A_SECRET
    authors: {repository: code, %s}
"""


@pytest.fixture(autouse=True)
def _surroundings(tmp_path, monkeypatch):
    monkeypatch.setenv("A_SECRET", "s3cr3t")
    (tmp_path / "code").mkdir()


class TestAuthors:
    """The file says it, or is refused."""

    def test_is_read(self, tmp_path):
        people = "folder: dags, people: {data.owner: [Owner@company.example, o@company.example]}"
        code = read(SMALLEST + AIRFLOW % people, tmp_path).airflow["prod"].code
        assert (code.path, code.folder) == (tmp_path / "code", "dags")
        assert code.people == {"owner@company.example": "data.owner", "o@company.example": "data.owner"}

    def test_of_its_own_files(self, tmp_path):
        own = read(SMALLEST + "authors: {repository: code, people: {a: [a@x]}}\n", tmp_path).own_code
        assert (own.path, own.people) == (tmp_path / "code", {"a@x": "a"})

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            pytest.param("folder: dags", "`airflow.prod.authors.people` is missing", id="nobody"),
            pytest.param("people: {a: [a@x]}, folder: ../..", "must be a folder of the repository", id="outside"),
            pytest.param("people: {a: [a@x], b: [A@x]}", "one address belongs to a and b", id="two people"),
            pytest.param("people: {a: [anna]}", "must be e-mail addresses", id="a name"),
            pytest.param("people: {a: a@x}", "must be a mapping of names to lists", id="no list"),
            pytest.param("people: {a: [a@x]}, branch: main", "is not known", id="an unknown key"),
        ],
    )
    def test_is_refused(self, tmp_path, given, words):
        with pytest.raises(ConfigurationError, match=words):
            read(SMALLEST + AIRFLOW % given, tmp_path)

    def test_a_repository_that_is_not_there(self, tmp_path):
        (tmp_path / "code").rmdir()
        with pytest.raises(ConfigurationError, match="is no folder"):
            read(SMALLEST + AIRFLOW % "people: {a: [a@x]}", tmp_path)
