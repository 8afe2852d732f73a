"""Keep the user's own settings of Jupyter, matplotlib and Snakemake out of this process."""

from __future__ import annotations

import io
import os
import signal
import sys
import warnings
from collections.abc import Callable

from isoae_lib.files import ROOT

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # SIGHUP: the terminal is closed
CACHE = ROOT / "build" / "cache"
FOREIGN = (
    "IPYTHON", "JUPYTER", "MATPLOTLIB", "MPL", "PAPERMILL_", "PYTHON", "SNAKEMAKE_",
)  # fmt: skip
KEPT = {  # variables of these tools that change no result
    "PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED", "PYTHONHOME", "PYTHONPATH", "PYTHONPYCACHEPREFIX",
}  # fmt: skip
CACHES = {  # of every tool that would write to the home folder or to /tmp
    "XDG_CACHE_HOME": "",  # fontconfig, Snakemake and pooch
    "IPYTHONDIR": "ipython",
    "JUPYTER_CONFIG_DIR": "jupyter/config",
    "JUPYTER_DATA_DIR": "jupyter/data",
    "JUPYTER_RUNTIME_DIR": "jupyter/runtime",
    "JUPYTERCACHE": "jupyter/cache",
    "MPLCONFIGDIR": "matplotlib",
    "NUMBA_CACHE_DIR": "numba",
    "TORCHINDUCTOR_CACHE_DIR": "torchinductor",
}


def settle() -> None:
    """Make this process and its children independent of locale, home folder and variables.

    In a checkout, every cache is below `build/cache`.
    """
    for name in ("ISOAE_STORE", "ISOAE_DATA_DIR"):
        if name in os.environ:  # processes that are started work in other folders
            os.environ[name] = os.path.abspath(os.environ[name])
    for name in [name for name in os.environ if name.startswith(FOREIGN) and name not in KEPT]:
        del os.environ[name]
    os.environ |= {"PYTHONUTF8": "1", "PYTHONSAFEPATH": "1"}  # text is UTF-8; no import from "."
    if (ROOT / "Snakefile").is_file():
        os.environ |= {name: str(CACHE / folder) for name, folder in CACHES.items()}
    if sys.warnoptions:  # PYTHONWARNINGS=error would end the program at any warning
        warnings.resetwarnings()
        warnings.simplefilter("ignore")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")


def at_ending(handler: Callable[..., None]) -> None:
    """Call `handler` on signals that ask to end, but not on those that are ignored, as by nohup."""
    for number in ENDING:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)
