"""Exceptions whose message is one sentence, and the check of a name that suggests close ones."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from enum import IntEnum


class Status(IntEnum):
    """The exit status of the command `isoae`."""

    DONE = 0
    DAMAGED = 1  # a check found damaged records or data, or other verdicts
    BAD_INPUT = 2
    UNFINISHED = 75  # training stopped at a checkpoint; to the shell it means "try again"


class InputError(ValueError):
    """Bad input. The message is one sentence that names the thing and what to do.

    Attributes
    ----------
    status : Status
        The exit status of a command that this error ends.
    """

    status = Status.BAD_INPUT


class Unfinished(InputError):  # noqa: N818
    """A training run that was asked to stop. Its checkpoint is written."""

    status = Status.UNFINISHED


def choose(kind: str, name: str, known: Iterable[str]) -> str:
    """Return `name` if it is one of `known`.

    Parameters
    ----------
    kind : str
        What is being chosen, for the message: "method", "surface", "preset".
    name : str
        What was asked for.
    known : iterable of str
        The valid names.

    Raises
    ------
    InputError
        If `name` is unknown; the message holds the close matches, or all names.
    """
    names = list(known)
    if name in names:
        return name
    lowered = {n.lower(): n for n in names}
    close = [lowered[n] for n in get_close_matches(str(name).lower(), list(lowered), 3, 0.5)]
    hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(names)}."
    raise InputError(f"unknown {kind} '{name}': {hint}")
