"""Reads the token spaces of a rules file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from maskgate.methods.method import Domain

if TYPE_CHECKING:
    from maskgate.rules.key_names import KeyNames
    from maskgate.rules.strict_yaml import Located, Reader

SCHEMES = ("hmac", "cmac", "encrypt", "fpe")
NORMALIZERS = ("trim", "lower", "nfc", "digits")
FORMATS = ("hex", "base32", "base58", "integer", "uuid")
_KNOWN = ("scheme", "key", "prefix", "normalize", "scope", "format", "length", "alphabet", "digits", "luhn")
_FOR_FPE = ("alphabet", "digits", "luhn")
_NOT_FOR_FPE = ("format", "length")


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
        where = f'domain "{name}"'
        if not name or ":" in name:
            self.reader.problem(f"{where}: a domain's name is not empty and has no colon in it.", located.line)
        fields = self.reader.mapping(located, where, _KNOWN, ("scheme",))
        scheme = self.reader.choice(fields.get("scheme"), f"{where}, scheme", SCHEMES)
        self._check_scheme(where, scheme, fields)
        normalize = fields.get("normalize")
        steps = self.reader.sequence(normalize, where) if normalize else []
        length, digits = fields.get("length"), fields.get("digits")
        return Domain(
            name,
            scheme,
            self._key(where, fields.get("key"), located),
            self.reader.string(fields.get("prefix"), f"{where}, prefix"),
            tuple(self.reader.choice(step, f"{where}, normalize", NORMALIZERS) for step in steps),
            scope=self.reader.string(fields.get("scope"), f"{where}, scope"),
            format=self.reader.choice(fields.get("format"), f"{where}, format", FORMATS),
            length=self.reader.integer(length, f"{where}, length", minimum=1) if length else None,
            alphabet=self.reader.string(fields.get("alphabet"), f"{where}, alphabet"),
            digits=self.reader.integer(digits, f"{where}, digits", minimum=1) if digits else None,
            luhn=self.reader.boolean(fields.get("luhn"), f"{where}, luhn"),
        )

    def _key(self, where: str, located: Located | None, domain: Located) -> str:
        key = self.keys.named(located, where) or self.keys.only
        if key is None:
            declared = self.keys.declared.replace("none", "no key")
            self.reader.problem(f"{where}: it needs `key:`. {declared}.", domain.line)
        return key or ""

    def _check_scheme(self, where: str, scheme: str, fields: dict[str, Located]) -> None:
        """Refuse what the scheme would take no notice of."""
        if not scheme:
            return
        for name in _NOT_FOR_FPE if scheme == "fpe" else _FOR_FPE:
            if name in fields:
                reason = "a token of 'fpe' looks like its value" if scheme == "fpe" else "it belongs to 'fpe'"
                self.reader.problem(
                    f"{where}: the scheme '{scheme}' has no '{name}:'; {reason}. Take it out.", fields[name].line
                )
