"""How often a rule passes by chance: on tables whose methods are relabelled at random."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from isoae_lib.paper import sections
from isoae_lib.paper.claims.classic import beside
from isoae_lib.paper.claims.rule import Claim, Key, Table, Verdict

TABLES = 1000
OFTEN = 0.05  # a rule that passes by chance more often says so


def chance(claim: Claim, runs: Table, tables: int = TABLES) -> float | None:
    """Return the share of relabelled tables on which a claim counts as reproduced.

    On each data set, the methods' names are dealt anew to their runs. The gates are open, since
    they would stop most of these tables. Everything else is as it was: the seeds of a method stay
    together. U-MAP, t-SNE and LLE are methods where a claim compares them.

    Returns
    -------
    float or None
        None where no names can be dealt: nothing was trained, or no method is judged.
    """
    runs = beside(runs)
    judged = claim.judge(runs, gated=False).judged
    decks = [[key for key in deck if key in runs] for deck in _decks(judged)]
    if not any(len(deck) > 1 for deck in decks):
        return None
    rng, passed = np.random.default_rng(0), 0
    for _ in range(tables):
        dealt = dict(runs)
        for deck in decks:
            dealt |= {key: runs[deck[k]] for key, k in zip(deck, rng.permutation(len(deck)))}
        passed += claim.judge(dealt, gated=False).verdict == Verdict.REPRODUCED
    return passed / tables


def _decks(judged: Iterable[Key]) -> Iterator[list[Key]]:
    """Yield the keys among which names are dealt.

    They are those of one experiment with one setting, like "latent=16". A method that is judged
    alone is one of those that its section compares; where settings are compared, they are dealt.
    """
    by_setting: dict[tuple[str, str], list[Key]] = {}
    by_experiment: dict[str, list[Key]] = {}
    for experiment, name in judged:
        _, _, setting = name.partition(",")
        by_setting.setdefault((experiment, setting), []).append((experiment, name))
        by_experiment.setdefault(experiment, []).append((experiment, name))
    for (experiment, setting), keys in by_setting.items():
        if len(keys) > 1:
            yield keys
        elif len(by_experiment[experiment]) == 1:
            compared = sections.SECTIONS[experiment.partition("/")[0]].compared
            yield [(experiment, f"{m},{setting}" if setting else m) for m in compared]
    for keys in by_experiment.values():
        if len(keys) > 1 and len({name.partition(",")[0] for _, name in keys}) == 1:
            yield keys
