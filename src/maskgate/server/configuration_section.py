"""One block of the configuration file, read field by field, with every problem collected."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from maskgate.errors import ConfigurationError, Problem
from maskgate.rules.strict_yaml import Located
from maskgate.server.secret_references import find_secret, is_reference

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_SECRET_NAMES = ("secret", "password", "token", "credential")


class Problems:
    """What is wrong in one file, collected so that all of it is shown together.

    Args:
        file: What messages call the file.
        base: The folder that relative paths start from.
    """

    def __init__(self, file: str, base: Path) -> None:
        self.file = file
        self.base = base
        self.found: list[Problem] = []

    def add(self, message: str, line: int | None) -> None:
        """Note one problem."""
        self.found.append(Problem(message, line))

    def error(self) -> ConfigurationError:
        """Return the problems as one error, in the order of the file."""
        ordered = sorted(self.found, key=lambda problem: problem.line or 0)
        return ConfigurationError(self.file, tuple(dict.fromkeys(ordered)))

    def finish(self) -> None:
        """Raise if there were any.

        Raises:
            ConfigurationError: With all of them.
        """
        if self.found:
            raise self.error()


class Section:
    """A mapping of the file whose fields are known beforehand.

    Args:
        problems: Where problems go.
        located: The mapping.
        where: What messages call it, such as ``destinations.partner``; empty for the whole file.
        known: Its fields.
    """

    def __init__(self, problems: Problems, located: Located, where: str, known: Sequence[str]) -> None:
        self.problems = problems
        self.where = where
        self.line = located.line
        self._fields: dict[str, Located] = {}
        if not isinstance(located.value, dict):
            problems.add(f"`{where}` must be a mapping with {_listed(known)}", located.line)
            return
        for name, value in located.value.items():
            if name in known:
                self._fields[name] = value
            else:
                self._unknown(name, value.line, known)

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    @property
    def name(self) -> str:
        """The last part of where it stands: its id."""
        return self.where.rpartition(".")[2]

    def problem(self, name: str, message: str) -> None:
        """Note a problem with one field."""
        line = self._fields[name].line if name in self._fields else self.line
        self.problems.add(f"`{self._path(name)}` {message}", line)

    def required(self, *names: str) -> None:
        """Note which of these are missing."""
        for name in names:
            if name not in self._fields:
                self.problems.add(f"`{self._path(name)}` is missing", self.line)

    def string(self, name: str) -> str:
        """Return a text; empty if it is not there."""
        found = self._fields.get(name)
        if found is None:
            return ""
        if not isinstance(found.value, str) or not found.value.strip() or not found.value.isprintable():
            self.problem(name, "must be text")
            return ""
        return found.value.strip()

    def strings(self, name: str) -> tuple[str, ...]:
        """Return a list of texts; empty if it is not there."""
        found = self._fields.get(name)
        if found is None:
            return ()
        if not isinstance(found.value, list) or not all(
            isinstance(each.value, str) and each.value for each in found.value
        ):
            self.problem(name, "must be a list of texts")
            return ()
        return tuple(each.value for each in found.value)

    def lists(self, name: str) -> dict[str, tuple[str, ...]]:
        """Return a mapping of names to lists of texts; empty if it is not there."""
        found = self._fields.get(name)
        if found is None:
            return {}
        if not isinstance(found.value, dict) or not all(isinstance(each.value, list) for each in found.value.values()):
            self.problem(name, "must be a mapping of names to lists of texts")
            return {}
        below = Section(self.problems, found, self._path(name), tuple(found.value))
        return {each: below.strings(each) for each in found.value}

    def integer(self, name: str, default: int) -> int:
        """Return a whole number of at least 1."""
        found = self._fields.get(name)
        if found is None:
            return default
        if not isinstance(found.value, int) or isinstance(found.value, bool) or found.value < 1:
            self.problem(name, "must be a whole number of at least 1")
            return default
        return found.value

    def boolean(self, name: str, *, default: bool) -> bool:
        """Return true or false."""
        found = self._fields.get(name)
        if found is None:
            return default
        if not isinstance(found.value, bool):
            self.problem(name, "must be true or false")
            return default
        return found.value

    def choice(self, name: str, choices: Sequence[str], *, default: str) -> str:
        """Return one of a few words."""
        text = self.string(name) or default
        if text not in choices:
            self.problem(name, f"must be {' or '.join(choices)}")
            return default
        return text

    def path(self, name: str, default: str) -> Path:
        """Return a path, from the file's folder."""
        return self.problems.base / (self.string(name) or default)

    def url(self, name: str, default: str) -> str:
        """Return an http or https address without a slash at the end, a login, a query or a fragment."""
        text = self.string(name) or default
        if not text:
            return ""
        try:
            parts = urlsplit(text)
            sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            sound = False
        if not sound:
            self.problem(name, "must be an http or https URL, such as http://127.0.0.1:8470")
            return default
        if "@" in parts.netloc or parts.query or parts.fragment:
            self.problem(name, "must be an address alone, without a login, a query or a fragment")
        return text.rstrip("/")

    def secret(self, name: str) -> str:
        """Return the secret that a reference leads to; empty if there is none."""
        text = self.string(name)
        return self._resolved(name, text) if text else ""

    def options(self, name: str) -> dict[str, Any]:
        """Return storage options, with the references in them resolved."""
        found = self._fields.get(name)
        if found is None:
            return {}
        if not isinstance(found.value, dict):
            self.problem(name, "must be a mapping of storage options")
            return {}
        return {key: self._option(f"{name}.{key}", key, value) for key, value in found.value.items()}

    def section(self, name: str, known: Sequence[str]) -> Section:
        """Return a mapping below; an empty one if it is not there."""
        found = self._fields.get(name, Located({}, self.line))
        return Section(self.problems, found, self._path(name), known)

    def sections(self, name: str, known: Sequence[str], *, may_be_empty: bool = False) -> tuple[Section, ...]:
        """Return the mappings below, by id."""
        found = self._fields.get(name)
        if found is None:
            return ()
        if not isinstance(found.value, dict) or not (found.value or may_be_empty):
            self.problem(name, "must be a mapping" + ("" if may_be_empty else " with at least one id"))
            return ()
        for identifier, value in found.value.items():
            if not is_identifier(identifier):
                self.problems.add(
                    f"`{self._path(name)}`: an id is made of letters, digits, `-` and `_`: {identifier[:40]!r} is not",
                    value.line,
                )
        return tuple(
            Section(self.problems, value, f"{self._path(name)}.{identifier}", known)
            for identifier, value in found.value.items()
            if is_identifier(identifier)
        )

    def _option(self, path: str, key: str, located: Located) -> Any:
        if isinstance(located.value, dict):
            return {inner: self._option(f"{path}.{inner}", inner, value) for inner, value in located.value.items()}
        if isinstance(located.value, str):
            if is_reference(located.value) or any(part in key.lower() for part in _SECRET_NAMES):
                return self._resolved(path, located.value, located.line)
            return located.value
        return located.plain()

    def _resolved(self, name: str, reference: str, line: int | None = None) -> str:
        found = find_secret(reference, self.problems.base)
        if found.problem is not None:
            known = self._fields.get(name)
            place = line if line is not None else known.line if known is not None else self.line
            self.problems.add(f"`{self._path(name)}`: {found.problem}", place)
        return found.secret

    def _unknown(self, name: str, line: int, known: Sequence[str]) -> None:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"Did you mean `{close[0]}`?" if close else f"There are {_listed(known)}"
        self.problems.add(f"`{self._path(name)}` is not known, so it cannot be enforced. {hint}", line)

    def _path(self, name: str) -> str:
        return f"{self.where}.{name}" if self.where else name


def is_identifier(text: str) -> bool:
    """Whether a text can be an id: letters, digits, ``-`` and ``_`` of ASCII."""
    return bool(text) and text.isascii() and text.replace("-", "a").replace("_", "a").isalnum()


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
