"""``maskgate doctor``: what is not as it should be about a gate and its workers, why it matters, and what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from maskgate.cli.doctor_probe import probe
from maskgate.errors import UsageError

if TYPE_CHECKING:
    from maskgate.server.doctor_checks import Facts

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command(name="doctor")
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="The gate.yaml; usually in the home.")
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), help="The gate's home.")
@click.option("--checkpoint", type=_FILE, help="The newest checkpoint that is kept elsewhere.")
@click.option("--ask", is_flag=True, help="Print what workers are to look for, as JSON.")
@click.option("--probe", "asked", type=_FILE, help="On a worker: print what it has of what this file asks for.")
@click.option(
    "--export",
    "exports",
    type=_FILE,
    multiple=True,
    help="With --probe: what `airflow connections export` or `variables export` wrote; may be given again.",
)
@click.option("--report", "reports", type=_FILE, multiple=True, help="What a worker has found; may be given again.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def doctor(
    config: Path | None,
    home: Path | None,
    checkpoint: Path | None,
    asked: Path | None,
    reports: tuple[Path, ...],
    *,
    exports: tuple[Path, ...],
    ask: bool,
    as_json: bool,
) -> int:
    """Look the gate over, from its own machine and as its own user. Exits with 1 if something is found.

    What a worker reaches, only the worker can tell: --ask here, --probe there, --report here.
    """
    if asked is not None:
        click.echo(json.dumps(probe(_read(asked, "maskgate-questions/1"), exports), indent=2))
        return 0
    facts = _facts(config, home, checkpoint, tuple(_read(each, "maskgate-probe/1") for each in reports))
    from maskgate.server.doctor_checks import diagnose  # noqa: PLC0415  the server is an extra
    from maskgate.server.doctor_facts import questions  # noqa: PLC0415  likewise

    if ask:
        click.echo(json.dumps(questions(facts), indent=2))
        return 0
    findings = diagnose(facts)
    levels = {place.id: place.level for place in facts.destinations}
    if as_json:
        told = {"ok": not findings, "levels": levels, "findings": [each.as_json() for each in findings]}
        click.echo(json.dumps(told, indent=2))
        return int(bool(findings))
    for name, level in levels.items():
        click.echo(f"destination {name} is enforced at level {level}")
    for each in findings:
        click.echo(f"{each.check}: {each.what}\n    why: {each.why}\n    do:  {each.do}")
    click.echo(f"{len(findings)} found" if findings else "nothing found")
    return int(bool(findings))


def _facts(
    config: Path | None, folder: Path | None, checkpoint: Path | None, workers: tuple[dict[str, Any], ...]
) -> Facts:
    try:
        from maskgate.server.configuration import load_configuration  # noqa: PLC0415  the server is an extra
        from maskgate.server.doctor_facts import collect  # noqa: PLC0415
        from maskgate.server.home import Home  # noqa: PLC0415
        from maskgate.store import Store  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise UsageError(f"this needs the extra: pip install 'maskgate[server]' ({error.name} is missing)") from None
    home = Home.find(folder)
    home.must_have_store()
    configuration = load_configuration(config or home.configuration)
    store = Store.open(home.store)
    try:
        return collect(configuration, home, store, checkpoint, workers)
    finally:
        store.close()


def _read(file: Path, format_: str) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict) or found.get("format") != format_:
        raise UsageError(f"{file} is no {format_}. Make it with `maskgate doctor --ask` or `--probe`")
    return found
