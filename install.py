"""Make `.venv`, the environment that this project runs in. `make install` runs this file.

It uses the standard library and the syntax of Python 3.6 only, so that an old Python ends in a
sentence. A file in `.venv`, written last, says what the environment was made from. When that still
holds, nothing is done; when it does not, the environment is filled again or made anew.
"""

import contextlib
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, Iterator

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

PYTHONS = ("3.11", "3.12", "3.13")
COST = "2 to 4 minutes and 5.7 GB of disk, or 1.9 GB where pip finds a PyTorch without CUDA"
MARKER = "installed.json"
BYTES = ("utf-8", "surrogateescape")  # a path is the same bytes in every locale

# Variables that would lead Python or pip away from the environment. Where packages come from is
# left to the user's other PIP_ variables.
FOREIGN = {
    "PYTHONHOME", "PYTHONPATH", "PYTHONPLATLIBDIR", "PYTHONSAFEPATH", "__PYVENV_LAUNCHER__",
    "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON", "PIP_NO_DEPS", "PIP_DRY_RUN",
}  # fmt: skip

# Without the user's variables and in UTF-8: the path may have an umlaut, whatever the locale.
ALONE = ("-I", "-X", "utf8")
VERSION = "import sys; print(sys.implementation.name, '%d.%d' % sys.version_info[:2])"


class Stop(Exception):  # noqa: N818
    """Ends the installation with one sentence."""


def say(sentence: str) -> None:
    """Print on the error stream, which no locale can break."""
    print(sentence, file=sys.stderr, flush=True)


def version_of(python: "str | Path") -> "str | None":
    """Return the version of a CPython, such as "3.12", or None where it does not run."""
    try:
        command = [str(python), "-I", "-S", "-c", VERSION]
        kind, version = subprocess.check_output(command, stderr=subprocess.DEVNULL).split()
        return version.decode() if kind == b"cpython" else None
    except (OSError, ValueError, subprocess.CalledProcessError):
        return None


def own_version() -> "str | None":
    """Return the version of the CPython that runs this file, or None for other kinds."""
    if sys.implementation.name != "cpython":
        return None
    return ".".join(str(part) for part in sys.version_info[:2])


def suggestion() -> str:
    """Return how to get a better Python: name the newest one on PATH that will do, if any."""
    path = os.environ.get("PATH", os.defpath).split(os.pathsep)
    for version in reversed(PYTHONS):
        name = "python" + version
        for folder in path:
            found = shutil.which(name, path=folder)
            if found and version_of(found) == version:
                first = shutil.which(name, path=os.pathsep.join(path)) == found
                return f"run make install PYTHON={shlex.quote(name if first else found)}"
    return f"install one of them and run make install PYTHON=python{PYTHONS[-1]}"


def check_place(folder: Path) -> None:
    """Stop on Windows, and where the path has a sign that Python's own tools cannot bear.

    `:` separates paths in variables; distutils fills in variables behind `$` and in braces; the
    others end the quotation in the first lines of pip's commands.
    """
    if fcntl is None:
        raise Stop("This project runs on Linux, macOS and WSL: on Windows, use WSL.")
    found = [sign for sign in ':${}"`\\\n' if sign in str(folder)]
    if found:
        raise Stop(f"Python's tools fail under a path with {found[0]!r}: rename {str(folder)!r}.")


def check_python() -> None:
    """Stop unless the Python that runs this file is one of those promised."""
    if own_version() not in PYTHONS:
        kind = "Python" if sys.implementation.name == "cpython" else sys.implementation.name
        found = ".".join(str(part) for part in sys.version_info[:3])
        raise Stop(
            f"{kind} {found} was found ({sys.executable}), but Python {', '.join(PYTHONS[:-1])} or "
            f"{PYTHONS[-1]} is needed: {suggestion()}."
        )


def facts_of(folder: Path, version: "str | None") -> "dict[str, str | None]":
    """Return what an environment for this folder, made now, is made from."""
    content = hashlib.sha256()
    for name in ("requirements.lock", "pyproject.toml"):
        content.update((folder / name).read_bytes())
    return {
        "folder": os.fsencode(str(folder)).decode(*BYTES),
        "python": version,
        "packages": content.hexdigest(),
    }


def read_marker(venv: Path) -> "dict[str, str]":
    """Return what an environment was made from; nothing where it was never finished."""
    try:
        marker = json.loads((venv / MARKER).read_text(encoding="utf-8"))
        return {name: marker[name] for name in ("folder", "python", "packages")}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def write_marker(venv: Path, facts: "dict[str, str | None]") -> None:
    """Write what the environment was made from, whole or not at all."""
    aside = venv / (MARKER + ".part")
    aside.write_text(json.dumps(facts, indent=2), encoding="utf-8")
    os.replace(str(aside), str(venv / MARKER))


def is_same_folder(noted: str, folder: Path) -> bool:
    """Return whether a path that was noted down still leads to the folder."""
    try:
        return os.path.samefile(noted.encode(*BYTES), str(folder))
    except OSError:
        return False


def why_anew(venv: Path, folder: Path, asked: "str | None") -> "str | None":
    """Return why an environment cannot be used, or None; without `asked` any Python will do."""
    marker = read_marker(venv)
    if not marker:
        return "make install did not finish it"
    if not is_same_folder(marker["folder"], folder):
        return f"it was made in {marker['folder']}, and the folder was moved or copied"
    version = version_of(venv / "bin" / "python")
    if version is None:
        return "its Python does not run any more"
    if version != marker["python"]:
        return f"its Python was {marker['python']} and has become {version}"
    if version not in PYTHONS:
        return f"its Python is {version}"
    if asked not in (None, version):
        return f"its Python is {version}, and {asked} was asked for"
    if not os.access(str(venv / "bin" / "isoae"), os.X_OK):
        return "its command isoae is gone"
    return None


def remove(venv: Path) -> None:
    """Remove the environment, its marker first: a half removed one must not look whole."""
    if venv.is_symlink() or venv.is_file():
        venv.unlink()
        return
    with contextlib.suppress(FileNotFoundError):
        (venv / MARKER).unlink()
    shutil.rmtree(str(venv))


@contextlib.contextmanager
def alone(folder: Path) -> "Iterator[int]":
    """Wait for other installations into this folder, and give the lock to child processes."""
    with open(str(folder / "install.py"), "rb+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another installation is at work in this folder: waiting for it.")
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:  # a file system without locks
            pass
        yield file.fileno()


class Environment:
    """The commands that run in the environment, with the lock held by each of them.

    A command may live on when this process is killed. As it holds the lock, too, the next
    installation waits for its end.
    """

    def __init__(self, folder: Path, lock: int) -> None:
        self.folder = folder
        self.lock = lock
        self.python = str(folder / ".venv" / "bin" / "python")

    def run(
        self, command: "list[str]", show: "Callable[[str], None]" = lambda line: None
    ) -> "tuple[int, list[str]]":
        """Run a command, show each line it prints, and return its status and all lines."""
        variables = {name: text for name, text in os.environ.items() if name not in FOREIGN}
        process = subprocess.Popen(
            command,
            cwd=str(self.folder),
            env=dict(variables, PIP_USER="0", PYTHONUTF8="1"),
            pass_fds=[self.lock],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        lines = []
        for line in process.stdout or ():
            lines.append(line.decode("utf-8", "replace").rstrip())
            show(lines[-1])
        return process.wait(), lines

    def create(self) -> None:
        """Make the environment with pip alone in it, from the Python that runs this file."""
        base = getattr(sys, "_base_executable", None) or sys.executable
        status, lines = self.run([base, *ALONE, "-m", "venv", ".venv"])
        if status:
            say(errors_in(lines))
            raise Stop(
                f"{base} could not make .venv, for the reason above{full_disk(self.folder)}: it "
                "needs its modules venv and ensurepip (the package python3-venv on Debian)."
            )

    def pip(self, *arguments: str) -> None:
        """Run `pip install`, and show those of its many lines that explain a long wait."""
        began = time.monotonic()

        def show(line: str) -> None:
            short = in_short(line)
            if short:
                say(f"  {clock(began)}  {short}")

        command = [
            self.python, *ALONE, "-m", "pip", "install", "--disable-pip-version-check",
            "--no-compile", "--no-input", "--progress-bar", "off", *arguments,
        ]  # fmt: skip
        status, lines = self.run(command, show)
        if status:
            say(errors_in(lines))
            raise Stop(
                f"pip failed, for the reason above{full_disk(self.folder)}: put it right (often it "
                "is the network, or an index without the package) and run make install again."
            )

    def check(self) -> None:
        """Import what the project is about."""
        status, lines = self.run([self.python, *ALONE, "-c", "import torch, isoae_lib"])
        if status:
            reason = lines[-1] if lines else f"Python ended with status {status}"
            raise Stop(f"The packages are installed, but the library cannot be imported: {reason}")


def in_short(line: str) -> "str | None":
    """Return what to show of a line of pip's, or None."""
    found = re.match(r"\s*(Downloading|Using cached) (\S+) \((\d{2,}\.\d MB|[\d.]+ GB)\)", line)
    if found:
        verb, file, size = found.groups()
        name, version = file.rsplit("/", 1)[-1].split("-")[:2]
        return f"{verb.lower()} {name} {version}, {size}"
    if line.startswith("Installing collected packages:") and "," in line:
        return f"unpacking {line.count(',') + 1} packages, which takes a while"
    if line.startswith("WARNING: Retrying"):
        return "no answer from the network, pip tries again"
    return None


def errors_in(lines: "list[str]") -> str:
    """Return what a command printed from its first error on; of a traceback, the last line."""
    if any(line.startswith("Traceback") for line in lines):
        return lines[-1]
    first = [i for i, line in enumerate(lines) if line.lstrip().lower().startswith("error")]
    return "\n".join(lines[first[0] :] if first else lines[-20:])


def clock(began: float) -> str:
    """Return the time since then in minutes and seconds."""
    seconds = int(time.monotonic() - began)
    return f"{seconds // 60}:{seconds % 60:02d}"


def full_disk(folder: Path) -> str:
    """Return a remark where a disk that pip writes to is nearly full, or nothing."""
    for where in (str(folder), tempfile.gettempdir()):
        free = shutil.disk_usage(where).free
        if free < 1e9:
            return f" (the disk is nearly full: {free // 10**6} MB are left for {where})"
    return ""


def install(folder: Path, asked: "str | None") -> None:
    """Bring `.venv` to what the lock says, with the Python asked for. Do nothing if it is so."""
    venv = folder / ".venv"
    if is_current(venv, folder, asked):
        return
    with alone(folder) as lock:
        if is_current(venv, folder, asked):
            return
        environment = Environment(folder, lock)
        there = os.path.lexists(str(venv))
        reason = why_anew(venv, folder, asked) if there else None
        anew = reason is not None or not there
        if anew:
            check_python()
            version = own_version()
            if reason:
                say(f".venv is made anew: {reason}.")
                remove(venv)
            say(f"Installing into .venv, with Python {version}: {COST}.")
            environment.create()
        else:
            say("requirements.lock or pyproject.toml has changed: installing again into .venv.")
            version = read_marker(venv)["python"]
            (venv / MARKER).unlink()
        fill(environment, venv, facts_of(folder, version), anew)


def is_current(venv: Path, folder: Path, asked: "str | None") -> bool:
    """Return whether there is nothing to do."""
    marker = read_marker(venv)
    return (
        marker.get("packages") == facts_of(folder, None)["packages"]
        and why_anew(venv, folder, asked) is None
    )


def link(venv: Path) -> None:
    """Lead Python to the project by a relative path: pip's absolute one fails in some locales."""
    for packages in venv.glob("lib/python*/site-packages"):
        back = os.path.relpath(str(venv.parent), str(packages))
        (packages / "isoae_project.pth").write_text(back + "\n", encoding="ascii")


def fill(environment: Environment, venv: Path, facts: "dict[str, str | None]", anew: bool) -> None:
    """Install all packages and the project itself, and try them.

    Where pip fails, a new environment is removed. An older one is kept, for the next try.
    """
    began = time.monotonic()
    unfinished = dict(facts, packages=None)
    try:
        environment.pip("-r", "requirements.lock")
        environment.pip("--no-deps", "--no-build-isolation", "--editable", ".")
        link(venv)
    except Stop:
        if anew:
            remove(venv)
        elif not full_disk(venv):
            write_marker(venv, unfinished)
        raise
    try:
        environment.check()
    except Stop:
        write_marker(venv, unfinished)
        raise
    write_marker(venv, facts)
    say(f"  {clock(began)}  installed")


def main(origin: str = "command line") -> int:
    """Run the installation.

    Parameters
    ----------
    origin : str
        Where make has the variable PYTHON from. "file" is the Makefile's own default, which
        leaves an environment of another promised version in place.
    """
    folder = Path(os.path.realpath(__file__)).parent
    default = origin == "file"
    try:
        check_place(folder)
        if not default:
            check_python()
        install(folder, None if default else own_version())
    except Stop as stop:
        say(f"make install: {stop}")
        return 1
    except OSError as error:
        say(f"make install: {error.strerror}: {error.filename or folder}")
        return 1
    except KeyboardInterrupt:
        say("make install: stopped; the next make install begins anew.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
