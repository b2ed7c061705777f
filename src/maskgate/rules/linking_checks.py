"""Whether rows that belong together stay so, and whether those who may not compare notes can."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from maskgate.keys.sources import is_known_scheme, known_schemes
from maskgate.rules.findings import Finding, Severity
from maskgate.rules.strict_yaml import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from maskgate.rules.subjects import Looked, Subject


def joins_break(looked: Looked) -> Iterator[Finding]:
    """Warn where columns of one name get tokens of different spaces, so that they no longer join."""
    by_name: dict[str, list[tuple[Subject, str]]] = defaultdict(list)
    for subject in looked.subjects:
        for domain in dict.fromkeys(rule.domain for rule in subject.rules if rule.domain is not None):
            by_name[subject.name].append((subject, f"{domain.label}"))
    for found in by_name.values():
        first, label = found[0]
        for subject, other in found[1:]:
            if other != label and subject.table != first.table:
                yield subject.finding(
                    "joins-break",
                    Severity.WARNING,
                    f"its tokens are of the domain '{other}', and those of \"{first.path}\" in table "
                    f"\"{first.table}\" of '{label}': the two no longer join.",
                    "Give both the same domain, if they hold the same things.",
                )


def intervals_break(looked: Looked) -> Iterator[Finding]:
    """Warn where dates of one entity move by different numbers of days."""
    firsts: dict[str, tuple[Subject, tuple[object, str | None]]] = {}
    for subject in looked.subjects:
        entity = looked.rules.tables[subject.table].entity or ""
        for rule in subject.rules:
            if rule.method != "shift_date":
                continue
            moved = rule.options.get("days"), rule.key
            first, expected = firsts.setdefault(entity, (subject, moved))
            if moved != expected:
                yield subject.finding(
                    "intervals-break",
                    Severity.WARNING,
                    f'its dates move by another number of days than those of "{first.path}" in table '
                    f'"{first.table}", which go by the same entity: the time between them is lost.',
                    "Give both the same `days:` and the same key.",
                )


def unscoped_domain(looked: Looked) -> Iterator[Finding]:
    """Warn where some domains are for one recipient alone, and another is for everybody."""
    if not any(domain.scope for domain in looked.rules.domains.values()):
        return
    for subject in looked.subjects:
        for domain in dict.fromkeys(rule.domain for rule in subject.rules if rule.domain is not None):
            if not domain.scope:
                yield subject.finding(
                    "unscoped-domain",
                    Severity.WARNING,
                    f"the tokens of '{domain.name}' are the same for every recipient, and other domains have a "
                    "`scope:`: whoever gets two releases can link them by this column.",
                    "Give the domain a `scope:` as well, or allow it where the link is wanted.",
                )


def unused(looked: Looked) -> Iterator[Finding]:
    """Note keys and domains that no column uses."""
    rules = [rule for subject in looked.subjects for rule in subject.rules]
    domains = {rule.domain.name for rule in rules if rule.domain is not None}
    keys = {rule.key for rule in rules}
    for section, declared, used in (("domains", looked.rules.domains, domains), ("keys", looked.rules.keys, keys)):
        for name in declared:
            # What an included file declares is for other rules as well.
            line = looked.lines.line(section, name)
            if name not in used and line is not None:
                message = f"no column uses the {section[:-1]} '{name}'."
                yield Finding(f"unused-{section[:-1]}", Severity.NOTE, message, "Take it out.", line=line)


def unknown_key_source(looked: Looked) -> Iterator[Finding]:
    """Warn where a reference begins with the name of no source: no run will have this key."""
    for name, reference in looked.rules.keys.items():
        scheme = reference.partition(":")[0]
        if not is_known_scheme(scheme):
            yield Finding(
                "unknown-key-source",
                Severity.WARNING,
                f"the key '{name}' is of a source that is not known here.{did_you_mean(scheme, known_schemes())}",
                "Correct the reference, or install the package that brings the source.",
                line=looked.lines.line("keys", name),
            )


LINKING: tuple[Callable[[Looked], Iterator[Finding]], ...] = (
    joins_break,
    intervals_break,
    unscoped_domain,
    unknown_key_source,
    unused,
)
