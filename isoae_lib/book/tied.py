"""Run a program that ends when its parent does: `python -m ...tied GRACE MODULE:FUNCTION`.

A killed process cannot stop its children. So each child checks whether its parent is still there.
"""

from __future__ import annotations

import fcntl
import importlib
import os
import signal
import sys
import threading
import time

from isoae_lib import files  # noqa: F401  (where the project is, before a program changes folder)

PARENT = "ISOAE_PARENT"  # id of the process that starts others
WORKING = "ISOAE_WORKING"  # file on which every process of a build holds a shared lock
INTERVAL = 0.3  # seconds between two checks


def command(program: str, *words: str, grace: float = 0) -> list[str]:
    """Return the command that runs a Python program tied to the process that starts it.

    Parameters
    ----------
    program : str
        `module:function`, as in an entry point.
    *words : str
        Its arguments.
    grace : float
        Seconds between SIGTERM and the end; 0 for no SIGTERM.
    """
    os.environ[PARENT] = str(os.getpid())
    return [sys.executable, "-m", "isoae_lib.book.tied", str(grace), program, *words]


def main() -> None:
    """Run the program that the command line names."""
    grace, program, *words = sys.argv[1:]
    parent = int(os.environ[PARENT])
    os.environ[PARENT] = str(os.getpid())
    if WORKING in os.environ:  # the system frees the lock when this process ends
        fcntl.flock(os.open(os.environ[WORKING], os.O_RDONLY), fcntl.LOCK_SH)
    threading.Thread(target=_follow, args=(parent, float(grace)), daemon=True).start()
    sys.argv = [program, *words]
    module, _, function = program.partition(":")
    sys.exit(getattr(importlib.import_module(module), function)())


def _follow(parent: int, grace: float) -> None:
    """End this process when its parent has ended."""
    while os.getppid() == parent:
        time.sleep(INTERVAL)
    if grace:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(grace)
    os._exit(1)


if __name__ == "__main__":
    main()
