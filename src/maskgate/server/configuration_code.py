"""``authors:`` of an Airflow instance: the repository of its code, and whose the addresses in it are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.gate.authors import CodeRepository

if TYPE_CHECKING:
    from maskgate.server.configuration_section import Section

_AUTHORS = ("repository", "folder", "people")


def read_code(section: Section) -> CodeRepository | None:
    """Read where the gate finds the code of an instance; None if the configuration does not say."""
    if "authors" not in section:
        return None
    authors = section.section("authors", _AUTHORS)
    authors.required("repository", "people")
    path = authors.path("repository", ".")
    if authors.string("repository") and not path.is_dir():
        authors.problem("repository", "is no folder. Name a clone that is kept up to date")
    folder = authors.string("folder")
    if folder.startswith(("/", "-")) or ".." in folder.split("/"):
        authors.problem("folder", "must be a folder of the repository, such as dags")
    return CodeRepository(path, _people(authors), folder)


def _people(authors: Section) -> dict[str, str]:
    whose: dict[str, str] = {}
    for person, addresses in authors.lists("people").items():
        for address in addresses:
            if "@" not in address:
                authors.problem("people", f"{person}: must be e-mail addresses, as the commits have them")
            elif whose.setdefault(address.lower(), person) != person:
                authors.problem("people", f"one address belongs to {whose[address.lower()]} and {person}")
    return whose
