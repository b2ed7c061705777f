"""``maskgate policy``: look a policy file over, and ask why a request fell under which policy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.gate.policy_reader import PolicyLook


@click.group(name="policy")
def policy() -> None:
    """Check a policy, and ask why it counts."""


@policy.command(name="check")
@click.argument("file", metavar="FILE", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def check(file: str, *, as_json: bool) -> int:
    """Look the policy in FILE over: what is wrong, and what to think over.

    Exits with 2 if the gate would not take it.
    """
    from maskgate.gate.policy_reader import look_over_policy  # noqa: PLC0415  `maskgate --help` needs no pyarrow

    look = look_over_policy(_text(file), file)
    if as_json:
        click.echo(json.dumps(_look_as_json(file, look), ensure_ascii=False, indent=2))
    else:
        _show_look(file, look)
    return 2 if look.problems else 0


@policy.command(name="explain")
@click.argument("request", required=False)
@click.option("--facts", metavar="FILE", type=click.Path(), help="JSON of what is known of an action.")
@click.option("--policy", "policy_file", metavar="FILE", type=click.Path(), help="With --facts: the policy to try.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def explain(request: str | None, facts: str | None, policy_file: str | None, *, as_json: bool) -> None:
    """Say which policy REQUEST fell under and why, and what failed in each policy above it.

    Asks the gate, with MASKGATE_URL and MASKGATE_TOKEN. With --facts and --policy instead of REQUEST it asks nobody.
    """
    is_offline = facts is not None and policy_file is not None
    if (request is None) != is_offline or (facts is None) != (policy_file is None):
        raise click.UsageError("Give REQUEST, or both --facts and --policy.")
    explained = _asked(request) if request is not None else _tried(str(facts), str(policy_file))
    if as_json:
        click.echo(json.dumps(explained, ensure_ascii=False, indent=2))
    else:
        _show_explanation(explained)


def _asked(request: str) -> dict[str, Any]:
    from maskgate.gate.client import GateClient  # noqa: PLC0415  likewise

    with GateClient.from_environment() as client:
        return client.explain(request)


def _tried(facts: str, policy_file: str) -> dict[str, Any]:
    from maskgate.errors import UsageError  # noqa: PLC0415  likewise
    from maskgate.gate.action_facts import ActionFacts  # noqa: PLC0415  likewise
    from maskgate.gate.explaining import explain_facts  # noqa: PLC0415  likewise
    from maskgate.gate.policy_reader import read_policy  # noqa: PLC0415  likewise

    read = read_policy(_text(policy_file), policy_file)
    try:
        known = json.loads(_text(facts))
    except (ValueError, RecursionError):
        raise UsageError(f"{facts}: this is no JSON.") from None
    return explain_facts(read, ActionFacts.from_json(known))


def _text(file: str) -> str:
    from pathlib import Path  # noqa: PLC0415  likewise

    from maskgate.errors import UsageError  # noqa: PLC0415  likewise

    try:
        return Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file} cannot be read: it is not text in UTF-8.") from None


def _look_as_json(file: str, look: PolicyLook) -> dict[str, Any]:
    read = look.policy
    return {
        "file": file,
        "ok": not look.problems,
        "digest": None if read is None else read.digest,
        "policies": [] if read is None else [rule.name for rule in read.rules],
        "problems": [{"line": each.line, "message": each.message} for each in look.problems],
        "warnings": [{"line": each.line, "message": each.message} for each in look.warnings],
    }


def _show_look(file: str, look: PolicyLook) -> None:
    for name, colour, found in (("error", "red", look.problems), ("warning", "yellow", look.warnings)):
        for problem in found:
            place = file if problem.line is None else f"{file}:{problem.line}"
            click.echo(f"{place}: {click.style(name, fg=colour)}: {problem.message}")
    counts = [(len(look.problems), "error"), (len(look.warnings), "warning")]
    click.echo(f"{file}: " + ", ".join(f"{count} {word}{'s' * (count != 1)}" for count, word in counts))


def _show_explanation(explained: Mapping[str, Any]) -> None:
    what = explained["request"] or f"an action {explained['action']}"
    if not explained["is_chosen"]:
        click.echo(f"{what}: the gate chooses the policy once it has measured the staged files.")
        return
    name = explained["policy"]["name"]
    click.echo(f'{what}: policy "{name}" counts' if name else f"{what}: no policy permits it, so it is refused")
    for reason in explained["policy"]["because"]:
        click.echo(f"  because {reason}")
    for each in explained["considered"]:
        if each["name"] != name:
            click.echo(f'policy "{each["name"]}": {_ANSWERS.get(each["matches"], each["matches"])}')
            for reason in each["because"]:
                click.echo(f"  {reason}")


_ANSWERS = {"yes": "matches, and asks for less", "no": "does not match", "cannot be told": "it cannot be told"}
