"""Where the command `isoae` starts: in UTF-8, before anything else is imported."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line; under a locale without UTF-8, start anew in UTF-8 first.

    NumPy and PyTorch cannot be imported otherwise, where the project's path has an umlaut.
    """
    if sys.getfilesystemencoding() != "utf-8":
        in_utf8 = os.environ | {"PYTHONUTF8": "1"}
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], in_utf8)
    from isoae_lib import cli

    cli.main()
