"""What every chapter has: its runs at the head, verdicts and provenance at the tail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd
from IPython.display import HTML, Markdown, display
from numpy.typing import NDArray

from isoae_lib.book import canary_tables, cards, style, verdicts
from isoae_lib.core.arrays import Array
from isoae_lib.paper import baseline_records, canaries, claims, runs, sections
from isoae_lib.paper.baseline_records import Accuracies, Numbers
from isoae_lib.paper.claims.rule import Table, stand_ins, table
from isoae_lib.paper.runs import Run

PUBLISHED, HERE = "published", "this machine"  # the sources of numbers, beside "paper"
NOTHING: dict[str, Any] = {"planes": {}, "metrics": {}, "labels": ()}  # of a data set
Named = list[tuple[str, Run]]
Row = dict[str, tuple[Array, NDArray]]  # method -> codes (n, 2), classes (n,)


@dataclass(frozen=True)
class Chapter:
    """A chapter: the parameters of its notebook, and the runs of this machine and of the project.

    At preset `laptop` the page argues from published runs, and the runs of this machine are
    canaries.
    """

    notebook: str
    preset: str
    parameters: dict[str, object]
    of_build: Named
    of_repository: Named

    @cached_property
    def here(self) -> Table:
        """The runs of this machine, by experiment and method."""
        return table(self.of_build)

    @cached_property
    def published(self) -> Table:
        """The published runs, by experiment and method."""
        return table(self.of_repository)

    @property
    def from_published(self) -> bool:
        """Whether the page argues from published runs."""
        return self.preset == sections.CANARIES

    @property
    def source(self) -> str:
        """What tables call the runs that the page argues from."""
        return PUBLISHED if self.from_published else HERE

    @property
    def evidence(self) -> Table:
        """The runs that the page argues from: published ones, or those of a preset that trains."""
        return self.published if self.from_published else self.here

    @cached_property
    def drawn(self) -> Table:
        """What figures draw: `evidence`, with records that keep networks in the place of others.

        Those were trained again from the same seed. They keep all that figures need.
        """
        networks = table(runs.published("weights")) if self.from_published else {}
        return {**self.evidence, **networks}

    @property
    def sources(self) -> dict[str, Table]:
        """All runs that tables show, under the names that they print."""
        published = {PUBLISHED: self.published}
        return published if self.from_published else published | {HERE: self.here}

    def embeddings(self, surface: str) -> dict[str, Array]:
        """Return what U-MAP, t-SNE, LLE and PCA make of a surface, by method: codes (n, 2)."""
        if self.from_published:
            return baseline_records.published_planes().get(surface, {})
        return baseline_records.embeddings(surface, self.preset)

    def classic(self, data: str) -> tuple[Row, dict[str, Numbers]]:
        """Return what U-MAP, t-SNE and PCA make of images: codes with classes, and numbers."""
        if self.from_published:
            record = baseline_records.published_embeddings().get(data, NOTHING)
            planes, numbers, labels = (record[name] for name in NOTHING)
        else:
            planes, numbers, labels = baseline_records.image_embeddings(data, self.preset)
        return {method: (codes, labels) for method, codes in planes.items()}, numbers

    def pca(self, data: str) -> dict[str, Mapping[str, Mapping[int, Numbers]]]:
        """Return what PCA scores, by source as in `sources`, then by data set, d and metric.

        `data` is what this machine trains on. What 5,000 digits give stands in for MNIST.
        """
        found: dict[str, Mapping[str, Mapping[int, Numbers]]] = {
            PUBLISHED: baseline_records.published_pca()
        }
        if not self.from_published:
            here = baseline_records.pca(data, self.preset)
            found[HERE] = {"mnist" if data == sections.FEW_DIGITS else data: here, data: here}
        return found

    def accuracies(self, data: str) -> dict[str, Mapping[tuple[str, int], Accuracies]]:
        """Return Table 2's accuracies of PCA and pixels in the same way, by data set and d."""
        found: dict[str, Mapping[tuple[str, int], Accuracies]] = {
            PUBLISHED: baseline_records.published_accuracies()
        }
        if not self.from_published:
            here = baseline_records.accuracies(data, self.preset)
            found[HERE] = here | {("mnist", d): known for (_, d), known in here.items()}
        return found

    def at(self, experiments: Mapping[str, str]) -> dict[str, str]:
        """Return the experiments, by title, that the page has runs of; print the other titles.

        What 5,000 digits give stands in for MNIST.
        """
        known = {experiment for experiment, _ in self.evidence}
        found = {}
        for title, experiment in experiments.items():
            there = [name for name in stand_ins(experiment) if name in known]
            if there:
                found[title] = there[0]
            else:
                print(f"{title}: no run is {'published' if self.from_published else 'here'} yet.")
        return found

    def verdicts(self) -> None:
        """Show the claims that the runs of this chapter decide, judged on the published ones."""
        display(verdicts.of_chapter(claims.ledger(self.published, self.notebook)), raw=True)

    def this_machine(self) -> None:
        """Show whether this machine repeats the canaries of this chapter; a build trained them."""
        if self.from_published:
            checks = canaries.checks(self.notebook)
            display(canary_tables.checked(checks), Markdown(canaries.summary(checks)))
        else:
            print(f"Preset {self.preset} trains the runs above, and no canaries.")

    def provenance(self, *wanted: str) -> None:
        """Show where the numbers come from: the published runs of sections, and this machine's."""
        settings = "".join(f" --set {name}={value}" for name, value in self.parameters.items())
        repeat = f"isoae notebook {self.notebook} --preset {self.preset}{settings}"
        if not self.from_published:
            display(Markdown("This machine:"), cards.provenance(self.of_build, self.preset, repeat))
        display(Markdown("Published:"), self.published_card(*wanted))

    def published_card(self, *wanted: str, sweep: bool = False) -> HTML:
        """Return the card of the published runs of some sections, or of the sweep in them."""
        swept = sections.swept()
        found = [
            (name, run)
            for name, run in self.of_repository
            if name.partition("/")[0] in wanted and (name in swept) == sweep
        ]
        if not found:
            return HTML("<p>No run of this chapter is published yet.</p>")
        repeat = "isoae train NAME --preset published --seed SEED"
        return cards.provenance(found, "published", repeat)


def head(notebook: str, preset: str, *, seed: int, **others: object) -> Chapter:
    """Set how pages look and return a chapter's runs, training those that are missing.

    At preset `laptop` nothing is trained: a build has trained the canaries before.

    Parameters
    ----------
    notebook : str
        Its name without `.py`.
    seed : int
        The first seed of the runs of this build.
    **others
        The notebook's other parameters; the provenance card repeats them.
    """
    style.use()
    pd.set_option("display.max_rows", None)  # else pandas leaves out the middle of long tables
    wanted = [] if preset == sections.CANARIES else sections.notebook_runs(notebook, preset, seed)
    return Chapter(
        notebook, preset, {"seed": seed} | others, runs.named(wanted, preset),
        list(runs.published()),
    )  # fmt: skip
