"""``maskgate releaser``: the part that holds credentials, as a process of its own."""

from __future__ import annotations

from pathlib import Path

import click

from maskgate.errors import UsageError


@click.command(name="releaser")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The releaser.yaml: the gate's address, a token, the pinned ring, destinations with their credentials.",
)
def releaser(config: Path) -> None:
    """Run a releaser until it is stopped.

    Run it as a user of its own, who alone can read the credentials. It releases what a key of its pinned ring has
    signed, and believes nothing else that the gate says.
    """
    try:
        from maskgate.server.releaser_configuration import load_releaser  # noqa: PLC0415  the server is an extra
        from maskgate.server.releasing import run  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise UsageError(
            f"the releaser needs the extra: pip install 'maskgate[server]' ({error.name} is missing)"
        ) from None
    run(load_releaser(config), say=lambda line: click.echo(line, err=True))
