"""Keys and domains that several rules files share: each names the file that holds them.

An included file holds ``version``, ``keys`` and ``domains``, and includes nothing itself. What it says counts as if it
stood in the rules file: the digest of the rules covers it, and relative references start in the folder of the rules
file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from maskgate.errors import RulesError
from maskgate.rules.domain_reader import DomainReader
from maskgate.rules.key_names import KeyNames, read_keys
from maskgate.rules.model import VERSION
from maskgate.rules.neighbours import read_neighbour
from maskgate.rules.strict_yaml import Reader, parse

if TYPE_CHECKING:
    from maskgate.methods.method import Domain
    from maskgate.rules.strict_yaml import Located

_ELSEWHERE = {
    "include": "an included file includes nothing. Include the other file where this one is included.",
    **{
        name: f"'{name}:' stands in the rules file itself; an included file holds keys and domains."
        for name in ("tables", "unlisted")
    },
}


@dataclass(frozen=True)
class _Part:
    """One file, and the blocks in it.

    Attributes:
        reader: Collects its problems.
        blocks: What stands at its top.
    """

    reader: Reader
    blocks: dict[str, Located]


def read_shared(
    reader: Reader, fields: dict[str, Located], path: Path | None
) -> tuple[dict[str, str], dict[str, Domain]]:
    """Read the keys and domains of a rules file, and of the files that it includes.

    Args:
        reader: Collects the problems.
        fields: What stands at the top of the rules file.
        path: The rules file; None if the rules are text.
    """
    parts = [_Part(reader, fields), *_included(reader, fields.get("include"), path)]
    keys: dict[str, str] = {}
    domains: dict[str, Domain] = {}
    for part in parts:
        _check_new(part, "keys", "key", keys)
        keys = {**read_keys(part.reader, part.blocks.get("keys")), **keys}
    for part in parts:
        _check_new(part, "domains", "domain", domains)
        names = KeyNames(part.reader, keys)
        domains = {**DomainReader(part.reader, names).domains(part.blocks.get("domains")), **domains}
    for part in parts[1:]:
        reader.adopt(part.reader.problems, part.reader.file)
    return keys, domains


def check_version(reader: Reader, version: Located | None) -> None:
    """Refuse a file of a format that this version does not know."""
    if version is not None and (version.value != VERSION or isinstance(version.value, bool)):
        reader.problem(f"this version of Maskgate reads `version: {VERSION}`.", version.line)


def _included(reader: Reader, located: Located | None, path: Path | None) -> list[_Part]:
    if located is None:
        return []
    entries = located.value if isinstance(located.value, list) else [located]
    if not entries:
        reader.problem("include: this list is empty. Name a file, or take it out.", located.line)
    parts: dict[str, _Part] = {}
    for entry in entries:
        name = reader.string(entry, "include")
        if name in parts:
            reader.problem(f"include: '{name}' is included twice. Take one of them out.", entry.line)
        elif name:
            part = _part(reader, name, entry.line, path)
            parts |= {} if part is None else {name: part}
    return list(parts.values())


def _part(reader: Reader, name: str, line: int, path: Path | None) -> _Part | None:
    file = str(PurePath(reader.file).parent / name)
    try:
        root = parse(read_neighbour(path, name), file, RulesError)
    except ValueError as error:
        reader.problem(f"include: {error}.", line)
        return None
    except RulesError as error:
        reader.adopt(error.problems, file)
        return None
    inner = Reader(file)
    blocks = inner.mapping(root, "", ("version", "keys", "domains"), ("version",), _ELSEWHERE)
    check_version(inner, blocks.get("version"))
    return _Part(inner, blocks)


def _check_new(part: _Part, block: str, word: str, known: dict[str, str] | dict[str, Domain]) -> None:
    located = part.blocks.get(block)
    entries = located.value if located is not None and isinstance(located.value, dict) else {}
    for name, entry in entries.items():
        if name in known:
            part.reader.problem(f'{word} "{name}": it is declared in another of these files too. Keep one.', entry.line)
