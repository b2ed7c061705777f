"""Reads the token spaces of a rules file."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from maskgate.methods.method import Domain
from maskgate.methods.token_format import FORMATS, VERSION_PLACE
from maskgate.methods.token_input import NORMALIZERS
from maskgate.methods.token_scheme import NOT_FPE, ONLY_FPE, SCHEMES, scheme_of

if TYPE_CHECKING:
    from maskgate.rules.key_names import KeyNames
    from maskgate.rules.strict_yaml import Located, Reader

_KNOWN = tuple(item.name for item in fields(Domain) if item.name != "name")
_PLACES = re.compile(r"\{[^{}]*\}?|\}")


def domain_problem(domain: Domain) -> str | None:
    """Say why no token can be made in a domain; None if one can."""
    try:
        scheme_of(domain)
    except ValueError as error:
        return str(error)
    return None


@dataclass(frozen=True)
class DomainReader:
    """Reads domains.

    Attributes:
        reader: Collects the problems.
        keys: The keys that the file declares.
    """

    reader: Reader
    keys: KeyNames

    def domains(self, located: Located | None) -> dict[str, Domain]:
        """Read the block ``domains:``."""
        return {name: self._domain(name, entry) for name, entry in self.reader.mapping(located, "domains").items()}

    def _domain(self, name: str, located: Located) -> Domain:
        where, before = f'domain "{name}"', len(self.reader.problems)
        if not name or ":" in name:
            self.reader.problem(f"{where}: a domain's name is not empty and has no colon in it.", located.line)
        domain = self._read(name, where, located)
        problem = domain_problem(domain) if len(self.reader.problems) == before else None
        if problem is not None:
            self.reader.problem(f"{problem}.", located.line)
        return domain

    def _read(self, name: str, where: str, located: Located) -> Domain:
        said = self.reader.mapping(located, where, _KNOWN, ("scheme",))
        scheme = self.reader.choice(said.get("scheme"), f"{where}, scheme", SCHEMES)
        self._check_scheme(where, scheme, said)
        normalize = said.get("normalize")
        steps = self.reader.sequence(normalize, f"{where}, normalize") if normalize else []
        length, digits = said.get("length"), said.get("digits")
        return Domain(
            name,
            scheme,
            self._key(where, said.get("key"), located),
            self._prefix(where, said.get("prefix")),
            tuple(self.reader.choice(step, f"{where}, normalize", NORMALIZERS) for step in steps),
            scope=self.reader.string(said.get("scope"), f"{where}, scope"),
            format=self.reader.choice(said.get("format"), f"{where}, format", FORMATS),
            length=self.reader.integer(length, f"{where}, length", minimum=1) if length else None,
            alphabet=self.reader.string(said.get("alphabet"), f"{where}, alphabet"),
            digits=self.reader.integer(digits, f"{where}, digits", minimum=1) if digits else None,
            luhn=self.reader.boolean(said.get("luhn"), f"{where}, luhn"),
        )

    def _prefix(self, where: str, located: Located | None) -> str:
        prefix = self.reader.string(located, f"{where}, prefix")
        if located is not None and any(place != VERSION_PLACE for place in _PLACES.findall(prefix)):
            self.reader.problem(f"{where}, prefix: braces are for {VERSION_PLACE} alone.", located.line)
        return prefix

    def _key(self, where: str, located: Located | None, domain: Located) -> str:
        key = self.keys.named(located, where) or self.keys.only
        if key is None:
            declared = self.keys.declared.replace("none", "no key")
            self.reader.problem(f"{where}: it needs `key:`. {declared}.", domain.line)
        return key or ""

    def _check_scheme(self, where: str, scheme: str, said: dict[str, Located]) -> None:
        """Refuse what the scheme would take no notice of."""
        if not scheme:
            return
        for name in NOT_FPE if scheme == "fpe" else ONLY_FPE:
            if name in said:
                reason = "a token of 'fpe' looks like its value" if scheme == "fpe" else "it belongs to 'fpe'"
                self.reader.problem(
                    f"{where}: the scheme '{scheme}' has no '{name}:'; {reason}. Take it out.", said[name].line
                )
