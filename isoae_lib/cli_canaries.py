"""The command `isoae canaries`: it tells whether this machine repeats the short published runs."""

from __future__ import annotations

from typing import Annotated

import typer

from isoae_lib.errors import Status
from isoae_lib.files import project


def canaries(
    fix: Annotated[
        bool, typer.Option("--fix", help="write the margins of canaries that were published anew")
    ] = False,
) -> None:
    """Compare the canaries with their records; exit status 1 if one is outside its margin."""
    project()
    from isoae_lib.paper import canaries

    if fix:
        canaries.fix()
    found = canaries.checks()
    for check in found:
        print(
            f"{check.name:<42s}{check.number:<20s}{check.published:>12.6g}{check.here:>12.6g}"
            f"{check.margin:>10.3g}  {check.answer}"
        )
    print(canaries.summary(found))
    if any(check.answer == canaries.Answer.OUTSIDE for check in found):
        raise typer.Exit(Status.DAMAGED)
