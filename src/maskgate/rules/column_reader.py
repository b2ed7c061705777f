"""Reads the rule of one column against what its method declares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from maskgate.errors import UsageError
from maskgate.methods.method import Kind
from maskgate.methods.registry import METHODS, find_method, method_names
from maskgate.rules.condition_reader import ConditionReader
from maskgate.rules.domain_reader import domain_problem
from maskgate.rules.option_reader import FRAME, OptionReader
from maskgate.rules.path import Path
from maskgate.rules.rule import ON_INVALID, Case, ColumnRule, ConditionalRule
from maskgate.rules.strict_yaml import Located, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.methods.method import Declaration, Domain
    from maskgate.rules.conditions import Condition
    from maskgate.rules.key_names import KeyNames
    from maskgate.rules.rule import AnyRule
    from maskgate.rules.strict_yaml import Reader

_DROP = ColumnRule("drop")


@dataclass(frozen=True)
class ColumnReader:
    """Reads rules of columns of one table.

    Attributes:
        reader: Collects the problems.
        options: Reads what a method declares.
        keys: The keys that the file declares.
        domains: The domains that the file declares.
        table_key: The key that the table names.
        has_entity: Whether the table says whose row it is.
        plugins: Whether methods of plugins may be loaded.
    """

    reader: Reader
    options: OptionReader
    keys: KeyNames
    domains: Mapping[str, Domain]
    table_key: str | None
    has_entity: bool
    plugins: bool

    def columns(self, entries: Mapping[str, Located]) -> dict[str, AnyRule]:
        """Read the rules of a table by the paths they are written for."""
        first: dict[Path, str] = {}
        for name, entry in entries.items():
            path = self._path(name, entry.line)
            if path is not None and first.setdefault(path, name) != name:
                self.reader.problem(f'column "{name}": this is the same column as "{first[path]}".', entry.line)
        return {name: self._any_rule(f'column "{name}"', entry) for name, entry in entries.items()}

    def _path(self, name: str, line: int) -> Path | None:
        if not name:
            self.reader.problem("a column needs a name.", line)
            return None
        try:
            return Path.parse(name)
        except ValueError as error:
            self.reader.problem(f'column "{name}": {error}.', line)
            return None

    def _any_rule(self, where: str, located: Located) -> AnyRule:
        if isinstance(located.value, list):
            return self._conditional(where, located)
        return self._rule(where, located)

    def _conditional(self, where: str, located: Located) -> AnyRule:
        entries: list[Located] = located.value
        cases = [self._case(where, at, entry, is_last=at == len(entries)) for at, entry in enumerate(entries, 1)]
        if len(cases) < 2:  # noqa: PLR2004  one case and everyone else
            self.reader.problem(
                f"{where}: a list holds cases with `when:`, and last what happens to everyone else. "
                "If nothing depends on the row, write the rule alone.",
                located.line,
            )
            return _DROP
        return ConditionalRule(tuple(cases))

    def _case(self, where: str, at: int, located: Located, *, is_last: bool) -> Case:
        has_when = isinstance(located.value, dict) and "when" in located.value
        if is_last and has_when:
            self.reader.problem(
                f"{where}: the last entry is for everyone else, and has no `when:`. Add one.", located.line
            )
        if not is_last and not has_when:
            self.reader.problem(
                f"{where}: entry {at} has no `when:`, so that those after it would never count. "
                "Only the last one is for everyone else.",
                located.line,
            )
        when: tuple[Condition, ...] = ()
        if has_when:
            when = ConditionReader(self.reader, self.options).conditions(where, located.value["when"])
            rest = {name: entry for name, entry in located.value.items() if name != "when"}
            located = Located(rest, located.line)
        rule = self._rule(where, located)
        if rule.method == "drop" and rule is not _DROP:
            self.reader.problem(
                f"{where}: a column is dropped for all rows or for none. To empty it for some, write `nullify`.",
                located.line,
            )
        return Case(when, rule)

    def _rule(self, where: str, located: Located) -> ColumnRule:
        """Read what happens to a column: a bare word, or a mapping with ``method:``."""
        before = len(self.reader.problems)
        fields = self._fields(where, located)
        name = self.reader.string(fields.get("method"), f"{where}, method")
        if not name:
            return _DROP
        on_invalid = self.reader.choice(fields.get("on_invalid"), f"{where}, on_invalid", ON_INVALID, "fail")
        declaration = self._declaration(where, name, fields["method"].line)
        if declaration is None:
            return self._opaque(where, name, fields, on_invalid) if "." in name and not self.plugins else _DROP
        options = self.options.options(where, declaration, fields, located.line)
        domain = self._domain(where, declaration, fields.get("domain"), located.line)
        key = self._key(where, declaration, domain, fields.get("key"), located.line)
        if declaration.needs_entity and not self.has_entity:
            self.reader.problem(
                f"{where}: '{name}' needs to know whose row it is. Add `entity:` to the table.", located.line
            )
        if "." in name:
            options = _raw_options(fields)
        rule = ColumnRule(name, options, domain, key, on_invalid)
        if len(self.reader.problems) == before:
            self._try(where, rule, located.line)
        return rule

    def _fields(self, where: str, located: Located) -> dict[str, Located]:
        if isinstance(located.value, str):
            return {"method": located}
        if not isinstance(located.value, dict):
            self.reader.problem(
                f"{where}: a method is expected here, such as `drop`. To make every cell null, write `nullify`.",
                located.line,
            )
            return {}
        if "method" not in located.value:
            self.reader.problem(f"{where}: 'method' is missing.", located.line)
        return dict(located.value)

    def _declaration(self, where: str, name: str, line: int) -> Declaration | None:
        try:
            method = find_method(name, plugins=self.plugins)
        except UsageError as error:
            self.reader.problem(f"{where}: {error}", line)
            return None
        if method is not None:
            return self._checked(where, method.declaration, line)
        if "." not in name or self.plugins:
            is_plugin = "." in name
            # Only to suggest a plugin's method are the installed packages looked through, which takes long.
            near = did_you_mean(name, [each for each in method_names() if "." in each] if is_plugin else METHODS)
            package = " A name with a dot is a plugin's: install its package." if is_plugin else ""
            self.reader.problem(f"{where}: no method is called '{name}'.{near}{package}", line)
        return None

    def _checked(self, where: str, declaration: Declaration, line: int) -> Declaration:
        if "." in declaration.name and any(each.kind is Kind.FILE for each in declaration.parameters):
            self.reader.problem(
                f"{where}: '{declaration.name}' reads a file, which a plugin's method cannot: "
                "a gate that does not load it could not tell that the file belongs to the rules.",
                line,
            )
        return declaration

    def _opaque(self, where: str, name: str, fields: Mapping[str, Located], on_invalid: str) -> ColumnRule:
        """Take the rule of a plugin's method as it is written, where the plugin must not be loaded."""
        domain = self._domain_named(where, fields["domain"]) if "domain" in fields else None
        key = domain.key if domain else self.keys.named(fields.get("key"), where)
        return ColumnRule(name, _raw_options(fields), domain, key, on_invalid, is_opaque=True)

    def _domain(self, where: str, declaration: Declaration, located: Located | None, line: int) -> Domain | None:
        if located is None:
            if declaration.needs_domain:
                names = ", ".join(sorted(self.domains)) or "none; add `domains:`"
                self.reader.problem(f"{where}: '{declaration.name}' needs `domain:`. The file declares: {names}.", line)
            return None
        if not declaration.needs_domain and not declaration.takes_domain:
            self.reader.problem(f"{where}: '{declaration.name}' takes no domain.", located.line)
            return None
        return self._domain_named(where, located)

    def _domain_named(self, where: str, located: Located) -> Domain | None:
        name = self.reader.string(located, f"{where}, domain")
        if name and name not in self.domains:
            near = did_you_mean(name, self.domains)
            self.reader.problem(f"{where}: no domain is called '{name}'.{near}", located.line)
        return self.domains.get(name)

    def _key(
        self, where: str, declaration: Declaration, domain: Domain | None, located: Located | None, line: int
    ) -> str | None:
        has_domain = declaration.needs_domain or domain is not None
        if located is not None and (has_domain or not declaration.needs_key):
            reason = "has the key of its domain" if has_domain else "needs no key"
            self.reader.problem(f"{where}: '{declaration.name}' {reason}. Take `key:` out.", located.line)
        is_plugin = "." in declaration.name
        if has_domain:
            return domain.key if domain else None
        if not declaration.needs_key:
            return None
        if located is not None:
            return self.keys.named(located, where)
        # Where a plugin is not loaded, nobody knows whether it needs a key: what its rule says must be all there is.
        default = None if is_plugin else self.table_key or self.keys.only
        if default is None:
            place = "to the column" if is_plugin else "to the column or the table"
            declared = self.keys.declared.replace("; add `keys:`", "")
            self.reader.problem(f"{where}: '{declaration.name}' needs a key. Add `key:` {place}. {declared}.", line)
        return default

    def _try(self, where: str, rule: ColumnRule, line: int) -> None:
        try:
            rule.build()
        except ValueError as error:
            # What is wrong with a domain is said where it stands, once.
            if rule.domain is None or domain_problem(rule.domain) is None:
                self.reader.problem(f"{where}: {str(error).rstrip('.')}.", line)
        except Exception as error:
            if "." not in rule.method:
                raise
            failure = type(error).__name__
            self.reader.problem(f"{where}: '{rule.method}' fails on these options ({failure}). Ask its author.", line)


def _raw_options(fields: Mapping[str, Located]) -> dict[str, Any]:
    return {name: entry.plain() for name, entry in fields.items() if name not in FRAME}
