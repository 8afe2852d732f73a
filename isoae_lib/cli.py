"""The command `isoae`: it trains runs, keeps records, makes the pages and judges the claims."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from isoae_lib import cli_canaries, cli_queue, own, progress
from isoae_lib.book.surroundings import settle
from isoae_lib.errors import InputError, Status, Unfinished, choose
from isoae_lib.files import project
from isoae_lib.paper import sections
from isoae_lib.paper.specs import change

if TYPE_CHECKING:
    from isoae_lib.paper.runs import Run

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
runs_app = typer.Typer(no_args_is_help=True, help="What is in the store.")
app.add_typer(runs_app, name="runs")
data_app = typer.Typer(no_args_is_help=True, help="The image data sets.")
app.add_typer(data_app, name="data")
app.command("canaries")(cli_canaries.canaries)
app.add_typer(cli_queue.app, name="queue")
own.add_to(app)

Names = Annotated[list[str], typer.Argument(help="section/data/method, like 3d/s-shape/I-AE")]
Preset = Annotated[str, typer.Option(help=f"scale: {', '.join(sections.PRESETS)}")]
Scale = Annotated[str, typer.Option("--preset", help=f"scale: {', '.join(sections.SCALES)}")]
Device = Annotated[str, typer.Option(help="cpu or cuda")]
Changes = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE ...", help="what to change")
]
Store = Annotated[Path | None, typer.Option(help="folder of the records")]
Seeds = Annotated[
    list[int] | None, typer.Option(help="decides points, weights and batches; may be repeated")
]


@app.callback()
def isoae(
    unverified: Annotated[
        bool, typer.Option("--unverified", help="allow data that are not the official ones")
    ] = False,
) -> None:
    """A reproduction of the paper "Isometric Autoencoders"."""
    if unverified:
        os.environ["ISOAE_ALLOW_UNVERIFIED"] = "1"


@app.command()
def train(
    names: Names,
    preset: Scale = "laptop",
    seed: Seeds = None,
    device: Device = "cpu",
    store: Store = None,
    budget: Annotated[
        str, typer.Option(help="stop at a checkpoint after this time, like 8m or 1h30m")
    ] = "",
    set_: Changes = None,
) -> None:
    """Train runs, or find them in the store; print one line per run, the folder of its record.

    A run that was stopped, for whatever reason, goes on where it was: give the same command.
    """
    settings, names = _settings(set_, names)
    specs = {
        (name, s): change(sections.spec(name, preset, s), settings)
        for name, s in _each(names, seed)
    }
    scale = preset if not settings else "custom"
    stop = progress.stopper(progress.seconds_of(budget) if budget else None)
    import torch  # heavy, and not needed to refuse a misspelt name

    from isoae_lib.paper import runs

    torch.set_num_threads(1)  # independent runs on the cores beat one run on all of them
    if device.startswith("cuda"):
        every = list(specs.values())
        show = progress.shown(f"{len(every)} runs", every[0].steps)
        runs.train_stacks(every, scale, store, device, show, stop)
    for (name, _), spec in specs.items():
        try:
            run = runs.get(spec, scale, store, device, progress.shown(name, spec.steps), stop)
        except Unfinished as reason:
            raise Unfinished(f"{name}: {reason}") from None
        print(f"done {name}", file=sys.stderr, flush=True)
        print(run.folder, flush=True)


def _each(names: list[str], seeds: list[int] | None) -> list[tuple[str, int]]:
    """Return the (name, seed) of every run, seed by seed; a seed given twice counts once."""
    return [(name, seed) for seed in dict.fromkeys(seeds or [0]) for name in names]


def _settings(first: list[str] | None, words: list[str]) -> tuple[list[str], list[str]]:
    """Split words into settings and names; the settings `first` come before those among the words.

    Raises
    ------
    InputError
        If there is no name.
    """
    more = [word for word in words if "=" in word and "/" not in word]
    names = [word for word in words if word not in more]
    if not names:
        raise InputError("say what to run, a name before the settings.")
    return [*(first or []), *more], names


@app.command()
def notebook(
    words: Annotated[
        list[str], typer.Argument(metavar="NAME", help=f"one of {', '.join(sections.NOTEBOOKS)}")
    ],
    preset: Preset = "laptop",
    out: Annotated[Path | None, typer.Option(help="the executed copy")] = None,
    set_: Changes = None,
) -> None:
    """Execute one notebook with papermill, and print where the executed copy is.

    A copy with changed parameters goes to build/PRESET/changed, and never into the book.
    """
    project()
    from isoae_lib.book import copies, execute

    settings, stems = _settings(set_, words)
    if len(stems) != 1:
        raise InputError(f"{len(stems)} notebooks: give one, like 01_theory.")
    stem = stems[0]
    choose("preset", preset, sections.PRESETS)
    parameters = copies.changed(stem, settings)
    target = out or copies.target_of(stem, preset, parameters)
    execute.execute(stem, preset, target, parameters)
    print(target)


@app.command()
def baselines(
    preset: Preset = "smoke",
    publish: Annotated[
        str, typer.Option(metavar="DATA", help="write those of a data set to data/baselines")
    ] = "",
) -> None:
    """Compute U-MAP, t-SNE, LLE and PCA for a preset's pages and keep them in the store."""
    if publish:
        project()
    from isoae_lib.paper import baseline_records
    from isoae_lib.paper.data import images

    if publish:
        surfaces = sections.SECTIONS["3d"].all_data
        of_images = [name for name in images.DATA_SETS if name != sections.FEW_DIGITS]
        choose("data set", publish, (*surfaces, *of_images))
        print(*baseline_records.publish(publish), sep="\n")
    else:
        baseline_records.compute(preset)


@app.command()
def book(
    preset: Preset = "laptop",
    jobs: Annotated[int, typer.Option(help="processes side by side; 0: one per core")] = 0,
    target: Annotated[str, typer.Option(help="book, or notebooks to leave out the html")] = "book",
    profile: Annotated[Path | None, typer.Option(help="folder of a Snakemake profile")] = None,
) -> None:
    """Train what is missing, execute the notebooks and build the book."""
    project()
    from isoae_lib.book import workflow

    workflow.build(preset, jobs, target, profile)


@app.command("paper")
def paper_(
    estimate: Annotated[bool, typer.Option("--estimate", help="print the cost and stop")] = False,
    preset: Preset = "paper",
    device: Device = "cpu",
) -> None:
    """Print what the paper's own scale costs on this device, then build the book at it."""
    if not estimate:
        project()
    import torch

    from isoae_lib.paper import estimate as cost

    torch.set_num_threads(1)
    print(f"{'tables and figures':<28s}{'runs':>6s}{'steps':>13s}{'hours of one process':>23s}")
    for row in cost.costs(preset, device):
        print(f"{row.shows:<28s}{row.runs:>6d}{row.steps:>13,d}{row.seconds / 3600:>23.2f}")
    if not estimate:
        from isoae_lib.book import workflow

        workflow.build(preset)


@app.command()
def site(preset: Preset = "laptop") -> None:
    """Build the html from notebooks that are executed already."""
    project()
    from isoae_lib.book import site

    site.assemble(preset)


@app.command("manifest")
def manifest_() -> None:
    """List every published file with its size and checksum; print the path of the list."""
    project()
    from isoae_lib.book import manifest

    print(manifest.write())


@runs_app.command("list")
def list_(store: Store = None) -> None:
    """List the records: key, run, scale, status, and the settings that tell runs apart."""
    for run in _readable(store):
        print(run)


@runs_app.command()
def show(
    key: Annotated[str, typer.Argument(help="a record's key, or its beginning")],
    store: Store = None,
) -> None:
    """Print a record: its spec, its numbers, and where they come from."""
    found = [run for run in _readable(store) if run.spec.key.startswith(key)]
    if len(found) != 1:
        raise InputError(f"{len(found)} records begin with '{key}': see `isoae runs list`.")
    print(_as_text(found[0]))


@runs_app.command()
def verify(store: Store = None) -> None:
    """Check every file of every record, also of published ones; exit status 1 if one is damaged."""
    from isoae_lib.paper import runs

    sound, damaged = 0, []
    for folder in runs.folders(store):
        try:
            runs.read(folder)
            sound += 1
        except InputError as error:
            damaged.append(str(error))
    print(f"{sound} records are sound, {len(damaged)} damaged", *damaged, sep="\n")
    if damaged:
        raise typer.Exit(Status.DAMAGED)


@runs_app.command()
def publish(
    names: Names,
    preset: Scale = "published",
    seed: Seeds = None,
    to: Annotated[str, typer.Option(help="folder in data: see data/README.md")] = "runs",
    store: Store = None,
) -> None:
    """Copy finished records into data: all of them, or none if one is missing.

    Only records that this code trained: a record and the code beside it belong together. Networks
    are copied only to `weights`.
    """
    project()
    from isoae_lib.paper import runs

    choose("folder of published records", to, runs.PUBLISHED)
    found = []
    for name, s in _each(names, seed):
        run = runs.current(sections.spec(name, preset, s), store)
        if run is None:
            raise InputError(
                f"{name}, seed {s}, is not in the store at scale {preset} as this code makes "
                "it: train it."
            )
        found.append((run, name))
    for run, name in found:
        print(runs.publish(run, name, to))


@app.command("claims")
def claims_(
    as_json: Annotated[
        bool, typer.Option("--json", help="print all that is known, as JSON")
    ] = False,
) -> None:
    """Judge the published runs; exit status 1 if a verdict is not that of data/verdicts.json."""
    project()
    from isoae_lib.paper import claims, runs
    from isoae_lib.paper.claims import committed, rule

    outcomes = claims.ledger(rule.table(runs.published()))
    if as_json:
        print(json.dumps(committed.rows(outcomes), indent=1, ensure_ascii=False))
    else:
        print(*committed.lines(outcomes), sep="\n")
    if differing := committed.differing(outcomes):
        print(f"isoae: other verdicts than committed: {', '.join(differing)}.", file=sys.stderr)
        raise typer.Exit(Status.DAMAGED)


@runs_app.command("verdicts")
def verdicts_() -> None:
    """Judge the published runs, and write data/verdicts.json and the pages that count verdicts.

    Takes a few minutes: for each claim, 1,000 tables with relabelled methods are judged, too.
    """
    project()
    from isoae_lib.paper import runs
    from isoae_lib.paper.claims import committed, rule

    print(committed.renew(rule.table(runs.published())), end="")


@data_app.command()
def status() -> None:
    """Show which data sets are in the data folder, their licences and their official pages."""
    from isoae_lib.paper.data import images

    print(f"data folder: {images.folder()}")
    for name, known in images.DATA_SETS.items():
        print(f"{name:<15s}{known.title:<22s}{images.present(name)}")
        print(f"{'':<15s}licence: {known.licence}; pictures: {known.pictures}; {known.page}")


@data_app.command()
def fetch(name: Annotated[str, typer.Argument(help="a data set, like mnist")]) -> None:
    """Download a data set from its official mirrors; interrupted downloads resume."""
    from isoae_lib.paper.data import downloads, images

    print(downloads.fetch(choose("data set", name, images.DATA_SETS)))


@data_app.command("verify")
def verify_data() -> None:
    """Compare what is there with the official content; exit status 1 if something is damaged."""
    from isoae_lib.paper.data import images

    states = {name: images.state(name) for name in images.DATA_SETS}
    for name, state in states.items():
        print(f"{name:<15s}{state}")
    if not set(states.values()) <= {"official", "unofficial", "missing"}:
        raise typer.Exit(Status.DAMAGED)


def _readable(store: Path | None) -> Iterator[Run]:
    from isoae_lib.paper import runs

    for folder in runs.folders(store):
        try:
            yield runs.read(folder)
        except InputError as error:
            print(f"isoae: {error}", file=sys.stderr)


def _as_text(run: Run) -> str:
    """Return a record as text, one `name: value` per line."""
    lines = [str(run), f"folder: {run.folder}"]
    for name, value in run.record.items():
        if isinstance(value, dict):
            lines += [f"{name}.{key}: {inner}" for key, inner in value.items()]
        else:
            lines.append(f"{name}: {value}")
    return "\n".join(lines)


def main() -> None:
    """Run the command line; an error that a user can mend ends in one sentence and a `Status`."""
    settle()
    try:
        app()
    except (InputError, ModuleNotFoundError, OSError) as error:
        print(f"isoae: {_sentence(error)}", file=sys.stderr)
        sys.exit(getattr(error, "status", Status.BAD_INPUT))


def _sentence(error: Exception) -> str:
    """Say what went wrong; an error that is a fault of this library is raised again."""
    if isinstance(error, ModuleNotFoundError):
        if (error.name or "").startswith("isoae_lib"):
            raise error
        return (
            f"the package {error.name} is not installed: `pip install 'isoae-lib[book]'` brings "
            "it, and in the project `make install`."
        )
    if isinstance(error, OSError):  # a full disk, a folder that is read-only or not a folder
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}."
    return str(error)


if __name__ == "__main__":
    main()
