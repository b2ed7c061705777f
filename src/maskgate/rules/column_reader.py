"""Reads the rule of one column against what its method declares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from maskgate.methods.method import Kind
from maskgate.methods.registry import METHODS
from maskgate.rules.model import ColumnRule
from maskgate.rules.strict_yaml import Located, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.methods.method import Declaration, Domain, Parameter
    from maskgate.rules.strict_yaml import Reader

# What a rule may hold beside the options of its method.
_FRAME = ("method", "domain", "key")


@dataclass(frozen=True)
class ColumnReader:
    """Reads rules of columns of one table.

    Attributes:
        reader: Collects the problems.
        keys: The keys that the file declares.
        domains: The domains that the file declares.
        table_key: The key that the table names.
        has_entity: Whether the table says whose row it is.
    """

    reader: Reader
    keys: Mapping[str, str]
    domains: Mapping[str, Domain]
    table_key: str | None
    has_entity: bool

    def rule(self, column: str, located: Located) -> ColumnRule:
        """Read what happens to a column: a bare word, or a mapping with ``method:``."""
        where = f'column "{column}"'
        before = len(self.reader.problems)
        self._check_name(column, where, located.line)
        fields = self._fields(where, located)
        method = self._method(where, fields.get("method"))
        if method is None:
            return ColumnRule("drop")
        declaration = METHODS[method].declaration
        options = self._options(where, declaration, fields, located.line)
        domain = self._domain(where, declaration, fields.get("domain"), located.line)
        key = self._key(where, declaration, domain, fields.get("key"), located.line)
        if declaration.needs_entity and not self.has_entity:
            self.reader.problem(
                f"{where}: '{method}' needs to know whose row it is. Add `entity:` to the table.", located.line
            )
        rule = ColumnRule(method, options, domain, key)
        if len(self.reader.problems) == before:
            self._try(where, rule, located.line)
        return rule

    def _check_name(self, column: str, where: str, line: int) -> None:
        if not column:
            self.reader.problem("a column needs a name.", line)
        elif "*" in column:
            self.reader.problem(f"{where}: this version does not enforce patterns of names. Write each column.", line)
        elif "." in column or "[]" in column:
            self.reader.problem(f"{where}: this version does not enforce rules inside nested columns.", line)

    def _fields(self, where: str, located: Located) -> dict[str, Located]:
        if isinstance(located.value, str):
            return {"method": located}
        if isinstance(located.value, list):
            self.reader.problem(f"{where}: this version does not enforce conditional rules. Write one.", located.line)
            return {}
        if not isinstance(located.value, dict):
            self.reader.problem(
                f"{where}: a method is expected here, such as `drop`. To make every cell null, write `nullify`.",
                located.line,
            )
            return {}
        if "method" not in located.value:
            self.reader.problem(f"{where}: 'method' is missing.", located.line)
        return dict(located.value)

    def _method(self, where: str, located: Located | None) -> str | None:
        name = self.reader.string(located, f"{where}, method")
        if not name or located is None:
            return None
        if name not in METHODS:
            message = f"{where}: no method is called '{name}'.{did_you_mean(name, METHODS)}"
            self.reader.problem(message, located.line)
            return None
        return name

    def _options(
        self, where: str, declaration: Declaration, fields: Mapping[str, Located], line: int
    ) -> dict[str, Any]:
        parameters = {each.name: each for each in declaration.parameters}
        options = {}
        for name, entry in fields.items():
            if name in parameters:
                options[name] = self._option(f"{where}, {name}", parameters[name], entry)
            elif name not in _FRAME:
                near = did_you_mean(name, parameters) or " It has none."
                self.reader.problem(f"{where}: '{declaration.name}' has no option '{name}'.{near}", entry.line)
        for parameter in parameters.values():
            if parameter.required and parameter.name not in fields:
                self.reader.problem(
                    f"{where}: '{declaration.name}' needs '{parameter.name}': {parameter.description}", line
                )
        return options

    def _option(self, where: str, parameter: Parameter, located: Located) -> Any:
        reader = self.reader
        read: Any
        match parameter.kind:
            case Kind.INTEGER:
                read = reader.integer(located, where, minimum=parameter.minimum, maximum=parameter.maximum)
            case Kind.NUMBER:
                read = self._number(where, parameter, located)
            case Kind.NUMBERS if isinstance(located.value, list):
                read = [self._number(where, parameter, entry) for entry in located.value]
            case Kind.NUMBERS:
                read = self._number(where, parameter, located)
            case Kind.BOOLEAN:
                read = reader.boolean(located, where)
            case Kind.CHOICE:
                read = reader.choice(located, where, parameter.choices)
            case _:
                # An empty text is a text here: `redact` may leave nothing.
                read = "" if located.value == "" else reader.string(located, where)
        return read

    def _number(self, where: str, parameter: Parameter, located: Located) -> float:
        return self.reader.number(located, where, minimum=parameter.minimum, maximum=parameter.maximum)

    def _domain(self, where: str, declaration: Declaration, located: Located | None, line: int) -> Domain | None:
        if located is None:
            if declaration.needs_domain:
                names = ", ".join(sorted(self.domains)) or "none; add `domains:`"
                self.reader.problem(f"{where}: '{declaration.name}' needs `domain:`. The file declares: {names}.", line)
            return None
        if not declaration.needs_domain:
            self.reader.problem(f"{where}: '{declaration.name}' takes no domain.", located.line)
            return None
        name = self.reader.string(located, f"{where}, domain")
        if name and name not in self.domains:
            near = did_you_mean(name, self.domains)
            self.reader.problem(f"{where}: no domain is called '{name}'.{near}", located.line)
        return self.domains.get(name)

    def _key(
        self, where: str, declaration: Declaration, domain: Domain | None, located: Located | None, line: int
    ) -> str | None:
        if located is not None and (declaration.needs_domain or not declaration.needs_key):
            reason = "has the key of its domain" if declaration.needs_domain else "needs no key"
            self.reader.problem(f"{where}: '{declaration.name}' {reason}. Take `key:` out.", located.line)
        if declaration.needs_domain:
            return domain.key if domain else None
        if not declaration.needs_key:
            return None
        if located is not None:
            name = self.reader.string(located, f"{where}, key")
            if name and name not in self.keys:
                self.reader.problem(f"{where}: no key is called '{name}'.{did_you_mean(name, self.keys)}", located.line)
            return name
        if self.table_key is not None:
            return self.table_key
        if len(self.keys) == 1:
            return next(iter(self.keys))
        declared = f"Declared are {', '.join(sorted(self.keys))}" if self.keys else "The file declares none"
        self.reader.problem(
            f"{where}: '{declaration.name}' needs a key. Add `key:` to the column or the table. {declared}.", line
        )
        return None

    def _try(self, where: str, rule: ColumnRule, line: int) -> None:
        try:
            rule.build()
        except ValueError as error:
            self.reader.problem(f"{where}: {error}", line)
