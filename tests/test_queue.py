"""The queue of runs: what is left of it, in which order, and what travels between stores."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import numpy as np
import pytest

from isoae_lib import cli
from isoae_lib.errors import Unfinished
from isoae_lib.paper import (
    choice,
    claims,
    entries,
    estimate,
    parcels,
    queue,
    records,
    runs,
    sections,
)
from isoae_lib.paper.data import images
from isoae_lib.paper.entries import ENTRIES, Entry

ROOT = Path(__file__).resolve().parent.parent
SMALL = "points=200,batch=20,steps=400,width=24,depth=2"
AE = "toy/curve/I-AE,width=8,depth=1,steps=5"


def entry(name="small", runs=(AE,), **changed):
    return Entry(name=name, runs=runs, **({"replaces": "nothing", "seeds": (0,)} | changed))


@pytest.fixture
def holds(monkeypatch):
    """Let the queue hold these entries alone."""
    return lambda *held: monkeypatch.setattr(queue, "ENTRIES", held)


def trained(name, seed=0):
    return runs.get(sections.spec(name, "published", seed), "published")


def test_every_entry_has_its_own_name_and_runs_that_can_be_trained():
    names = [e.name for e in ENTRIES]
    assert len(set(names)) == len(names)
    for each in ENTRIES:
        specs = [spec for _, spec in each.specs()]
        assert len({spec.key for spec in specs}) == len(each.runs) * len(each.seeds)
        assert each.to in runs.PUBLISHED and each.replaces
        assert len({spec.data for spec in specs if spec.of_images}) <= 1


def test_a_sweep_comes_before_what_it_chooses_and_tries_a_quarter_of_its_steps():
    by_name = {e.name: e for e in ENTRIES}
    for each in ENTRIES:
        if each.after:
            sweep = by_name[each.after]
            assert ENTRIES.index(sweep) < ENTRIES.index(each)
            (full,) = {spec.steps for _, spec in each.specs()}
            assert {spec.steps for _, spec in sweep.specs()} == {full // 4}
            assert {spec.width_factor for e in (sweep, each) for _, spec in e.specs()} == {1.0}
            tuned = {entries.method_of(name) for name in sweep.runs}
            assert tuned | {"I-AE", "AE"} == {entries.method_of(name) for name in each.runs}


def test_the_cost_of_every_entry_is_known_where_its_data_are_there(monkeypatch):
    """Whatever networks, methods and batches it has: batches of all points among them."""
    monkeypatch.setattr(estimate, "CALIBRATION", 0.1)
    there = [
        spec for each in ENTRIES for _, spec in each.specs()
        if not spec.of_images or images.present(spec.data) != "missing"
    ]  # fmt: skip
    assert "whole" in {spec.batches for spec in there}
    assert all(0 < seconds < np.inf for seconds in estimate.seconds_of(there))


@pytest.fixture
def published(monkeypatch):
    """Nothing is published but what is given: kind -> {key: metrics}."""

    def only(**kinds):
        monkeypatch.setattr(
            queue, "_published", lambda: {**{k: {} for k in runs.PUBLISHED}, **kinds}
        )

    only()
    return only


def test_what_is_published_or_in_the_store_is_left_out(holds, published, store):
    names = tuple(f"{AE},weight={weight}" for weight in (0.1, 0.2, 0.3))
    holds(entry(runs=names))
    first, second, third = (sections.spec(name, "published") for name in names)
    published(curves={first.key: {}})
    trained(names[1])
    (row,) = queue.rows()
    assert [spec for _, spec in row.unpublished] == [second, third]
    assert row.left == [(names[2], third)] and queue.specs() == [second, third]
    trained(names[2])
    assert queue.rows() == []


def test_networks_are_wanted_of_runs_whose_records_are_published(holds, published):
    holds(entry(), entry("networks", to="weights"))
    key = sections.spec(AE, "published").key
    published(runs={key: {}})
    assert [row.entry.name for row in queue.rows()] == ["networks"]
    assert queue.rows()[0].claims == []
    published(weights={key: {}})
    assert queue.rows() == []


def test_rivals_wait_for_the_sweep_and_take_what_it_chooses(holds, published):
    """The sweep decides by the edge ratios, the lowest; a diverged run is not chosen."""
    tried = tuple(f"3d/s-shape/CAE,steps=9,weight={weight}" for weight in (0.1, 0.2, 0.3))
    sweep = entry("sweep", tried)
    holds(sweep, entry("after", ("3d/s-shape/I-AE", "3d/s-shape/CAE"), after="sweep"))
    keys = [spec.key for _, spec in sweep.specs()]
    numbers = dict(zip(keys, ({"edge_ratio_std": 0.5}, {"edge_ratio_std": 0.4}, {})))
    published(curves=dict(list(numbers.items())[:2]))
    first, after = queue.rows()
    assert [spec.weight for _, spec in first.left] == [0.3]
    assert [name for name, _ in after.waiting] == ["3d/s-shape/CAE"]
    assert [name for name, _ in after.left] == ["3d/s-shape/I-AE"]
    published(curves=numbers)
    (after,) = queue.rows()
    assert not after.waiting
    assert [(n, s.weight) for n, s in after.left][1:] == [("3d/s-shape/CAE,weight=0.2", 0.2)]


SPHERE = "3d/open-sphere/I-AE"  # two claims of its chapter, as below, look at no other surface
ROLL = "3d/swiss-roll/I-AE"


@pytest.fixture
def undecided(monkeypatch):
    """These claims are undecided, all others are decided."""

    def only(*names):
        known = {"claims": {name: {"verdict": "undecided"} for name in names}}
        monkeypatch.setattr(queue.committed, "read", lambda: known)

    return only


def order(**of):
    return [row.entry.name for row in queue.rows(**of)]


def test_the_order_is_that_of_open_claims_per_hour(holds, published, undecided):
    """Twice the claims in less than twice the time come first; no claims come last."""
    undecided("lowest std, Open sphere", "lowest std, Swiss roll")
    both = entry("both", (f"{SPHERE},steps=900", f"{ROLL},steps=900"))
    one = entry("one", (f"{SPHERE},steps=1000",))
    short = entry("short", (f"{SPHERE},steps=800",))
    none = [entry(f"none {n}", (f"toy/curve/I-AE,steps={n}",)) for n in (3, 2)]
    holds(none[0], one, both, none[1], short)
    assert order() == ["short", "both", "one", "none 2", "none 3"]
    undecided()
    assert order()[:2] == ["none 2", "none 3"]


def test_a_sweep_counts_with_what_it_opens_and_stays_before_it(holds, published, undecided):
    undecided("lowest std, S shape")
    sweep = entry("sweep", ("3d/s-shape/CAE,steps=1000,weight=0.1",))
    opened = entry("opened", ("3d/s-shape/CAE,steps=100",), after="sweep")
    holds(entry("longer", ("3d/s-shape/AE,steps=9000",)), sweep, opened,
          entry("between", ("3d/s-shape/CAE,steps=1050",)))  # fmt: skip
    assert order() == ["between", "sweep", "opened", "longer"]
    published(curves={spec.key: {"edge_ratio_std": 1.0} for _, spec in sweep.specs()})
    assert order() == ["opened", "between", "longer"]


def test_what_is_left_of_a_set_counts(holds, published, store, undecided):
    undecided("lowest std, S shape")
    begun = [f"3d/s-shape/AE,steps={steps},width=8" for steps in (10, 9)]
    holds(entry("whole", ("3d/s-shape/AE,steps=12,width=8",)), entry("begun", tuple(begun)))
    assert order() == ["whole", "begun"]
    trained(begun[0])
    assert order() == ["begun", "whole"]


def test_a_set_bears_on_the_claims_whose_rules_ask_for_its_runs(holds, published):
    holds(entry(runs=(SPHERE,)), entry("roll", (ROLL,)))
    sphere, roll = ({*row.claims} for row in queue.rows())
    assert "lowest std, Open sphere" in sphere - roll
    assert "lowest std, Swiss roll" in roll - sphere
    assert "advantages over classic methods" in sphere & roll  # its rule asks for no run by name


def test_the_queue_needs_no_timing_to_order_its_sets(monkeypatch):
    monkeypatch.setattr(estimate, "seconds_per_step", None)
    for device in ("cpu", "cuda"):
        names = order(device=device, finished=True)
        assert sorted(names) == sorted(e.name for e in ENTRIES)
        for each in ENTRIES:
            assert not each.after or names.index(each.after) < names.index(each.name)


def test_on_a_gpu_runs_of_one_shape_are_one_stack_whatever_is_done_of_it(holds, published):
    names = tuple(f"{AE},weight={weight}" for weight in (0.1, 0.2))
    holds(entry(runs=(*names, f"{AE},width=9"), seeds=(0, 1)))
    alone = list(queue.units(queue.rows(), "cpu"))
    assert [[spec.seed for spec in unit.specs] for unit in alone] == [[0]] * 3 + [[1]] * 3
    stacks = [unit.specs for unit in queue.units(queue.rows(), "cuda")]
    assert sorted(map(len, stacks)) == [2, 4]
    trained(names[0])
    assert [unit.specs for unit in queue.units(queue.rows(), "cuda")] == stacks
    assert len(list(queue.units(queue.rows(), "cpu"))) == 5


def test_a_stack_has_no_more_runs_than_a_gpu_holds(holds, published, monkeypatch):
    monkeypatch.setattr(queue, "TOGETHER", 2)
    holds(entry(seeds=(0, 1, 2)))
    assert [len(unit.runs) for unit in queue.units(queue.rows(), "cuda")] == [2, 1]


def test_what_was_begun_comes_first_then_what_fits_then_the_first(store):
    names = [f"{AE},weight={weight}" for weight in (0.1, 0.2, 0.3)]
    first, second, third = waiting = [
        queue.Unit([(name, sections.spec(name, "published"))]) for name in names
    ]
    seconds = {0.1: 9.0, 0.2: 5.0, 0.3: 1.0}

    def taken(waiting, budget):
        return queue.next_unit(waiting, lambda spec: seconds[spec.weight], budget, store)

    assert taken(waiting, 10) == first
    assert taken(waiting, 6) == second
    assert taken(waiting, 0.5) == first
    runs.checkpoint_of([third.specs[0].key], store).touch()
    assert taken(waiting, 10) == third
    with runs.lock_of(third.specs[0].key, store):  # another process trains it
        assert taken(waiting, 10) == first
        assert taken([third], 10) is None


def test_the_queue_trains_all_that_it_can_and_ends(holds, published, store, monkeypatch):
    holds(entry(runs=(AE, f"{AE},weight=0.2"), seeds=(0, 1)))
    monkeypatch.setattr(estimate, "clock", lambda device, budget: lambda spec: 1.0)
    done = [spec for finished in queue.run(budget=60.0) for _, spec in finished]
    assert [spec.seed for spec in done] == [0, 0, 1, 1] and queue.rows() == []
    assert all(runs.find(spec) for spec in done)


def test_of_equally_good_runs_the_first_is_chosen():
    tried = {"a": {"svm": 0.9, "knn": 0.7}, "b": {"svm": 0.75, "knn": 0.85}, "c": {}}
    assert choice.best(tried, "classification") == "a"
    assert choice.best({"c": {}}, "classification") == ""
    assert choice.best({"a": {"edge_ratio_std": 2}, "b": {"edge_ratio_std": 1}}, "3d") == "b"


def test_a_record_arrives_as_it_was_and_one_that_is_there_stays(store, tmp_path):
    out, there, run = tmp_path / "out", tmp_path / "there", trained(AE)
    assert parcels.send([run.spec], store, out) == []
    assert [answer for _, answer in parcels.merge(out, there)] == ["merged"]
    names = sorted(file.name for file in run.folder.iterdir())
    for name in names:
        assert (there / run.spec.key / name).read_bytes() == (run.folder / name).read_bytes()
    assert sorted(file.name for file in (there / run.spec.key).iterdir()) == names
    before = (there / run.spec.key).stat().st_ino
    assert [answer for _, answer in parcels.merge(out, there)] == ["there already"]
    assert (there / run.spec.key).stat().st_ino == before


def test_of_a_larger_network_the_record_travels_alone(store, tmp_path, monkeypatch):
    run, out, there = trained(f"{AE},width=2000"), tmp_path / "out", tmp_path / "there"
    monkeypatch.setattr(parcels, "LARGEST", len(parcels._packed(run, networks=True)) - 1)
    assert parcels.send([run.spec], store, out) == []
    assert [answer for _, answer in parcels.merge(out, there)] == ["merged"]
    arrived = runs.find(run.spec, there)
    assert arrived is not None and arrived.weights_checksum == run.weights_checksum
    assert arrived.metrics == run.metrics
    assert not (arrived.folder / "weights.safetensors").exists()


def test_all_parcels_together_have_a_limit_and_what_is_left_out_is_named(
    store, tmp_path, monkeypatch
):
    first, second = trained(AE), trained(f"{AE},weight=0.2")
    room = len(parcels._packed(first, networks=True))
    monkeypatch.setattr(parcels, "TOGETHER", room)
    runs.checkpoint_of(["0" * 16], store).write_bytes(b"any")
    left_out = parcels.send([first.spec, second.spec], store, tmp_path / "out")
    assert left_out == [f"{second.spec.key}.tar", f"{'0' * 16}.checkpoint"]
    assert [file.name for file in (tmp_path / "out").iterdir()] == [f"{first.spec.key}.tar"]


def damage(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize("harm", [damage, lambda content: content[:700], lambda content: b""])
def test_a_damaged_record_is_refused_and_nothing_of_it_stays(store, tmp_path, harm):
    run, out, there = trained(AE), tmp_path / "out", tmp_path / "there"
    parcels.send([run.spec], store, out)
    (parcel,) = out.iterdir()
    parcel.write_bytes(harm(parcel.read_bytes()))
    assert [answer for _, answer in parcels.merge(out, there)] == ["refused: it is damaged"]
    assert not list(there.glob("**/run.json")) and not list(there.glob("*writing*"))


def test_a_parcel_cannot_write_outside_its_record(store, tmp_path):
    run, out = trained(AE), tmp_path / "out"
    parcels.send([run.spec], store, out)
    with tarfile.open(out / f"{run.spec.key}.tar", "a") as tar:
        member = tarfile.TarInfo("../outside")
        member.size = 1
        tar.addfile(member, io.BytesIO(b"x"))
    assert [answer for _, answer in parcels.merge(out, tmp_path / "there")] == [
        "refused: it is damaged"
    ]
    assert not list(tmp_path.glob("**/outside"))


def test_what_other_code_trained_is_refused(store, tmp_path, monkeypatch):
    stopped(store)
    run, out, there = trained(AE), tmp_path / "out", tmp_path / "there"
    parcels.send([run.spec], store, out)
    monkeypatch.setattr(parcels, "code_digest", lambda *_: "other")
    answers = [answer for _, answer in parcels.merge(out, there)]
    assert answers == ["refused: other code trained it"] * 2


def test_what_is_being_trained_here_is_left_alone(store, tmp_path):
    run, out, there = trained(AE), tmp_path / "out", tmp_path / "there"
    parcels.send([run.spec], store, out)
    there.mkdir()
    with runs.lock_of(run.spec.key, there):
        answers = [answer for _, answer in parcels.merge(out, there)]
    assert answers == ["refused: its run is being trained here"]
    assert not (there / run.spec.key).exists()


LONG = sections.spec("toy/curve/CAE,width=8,depth=1,steps=30", "published")


def stopped(store, after=10):
    """Train a run until some step, and leave its checkpoint."""
    calls = iter(range(after))
    with pytest.raises(Unfinished):
        runs.get(LONG, "published", store, stop=lambda: next(calls, None) is None)
    return runs.checkpoint_of([LONG.key], store)


def test_a_run_that_was_begun_goes_on_elsewhere(store, tmp_path):
    """A checkpoint takes the place of an earlier one, never of a later one."""
    out, there = tmp_path / "out", tmp_path / "there"
    stopped(there, 5)
    later = stopped(store, 20).read_bytes()
    parcels.send([], store, out)
    assert [answer for _, answer in parcels.merge(out, there)] == ["merged"]
    assert runs.checkpoint_of([LONG.key], there).read_bytes() == later
    steps = []
    run = runs.get(LONG, "published", there, progress=lambda step, _: steps.append(step))
    whole = runs.get(LONG, "published", tmp_path / "plain")
    assert steps[0] == 21 and run.weights_checksum == whole.weights_checksum
    assert [answer for _, answer in parcels.merge(out, there)] == ["there already"]
    stopped(tmp_path / "further", 25)
    assert [answer for _, answer in parcels.merge(out, tmp_path / "further")] == ["there already"]


def test_a_damaged_checkpoint_is_refused(store, tmp_path):
    stopped(store)
    parcels.send([], store, tmp_path / "out")
    (parcel,) = (tmp_path / "out").iterdir()
    parcel.write_bytes(parcel.read_bytes()[:-1] + b"?")
    there = tmp_path / "there"
    assert [answer for _, answer in parcels.merge(tmp_path / "out", there)] == [
        "refused: it is damaged"
    ]
    assert not list(there.glob(".*.checkpoint"))


def test_a_checkpoint_leaves_the_folder_when_its_run_is_finished(store, tmp_path):
    stopped(store)
    parcels.send([LONG], store, tmp_path)
    assert (tmp_path / f"{LONG.key}.checkpoint").exists()
    runs.get(LONG, "published")
    parcels.send([LONG], store, tmp_path)
    assert [file.name for file in tmp_path.glob(f"{LONG.key}*")] == [f"{LONG.key}.tar"]


def test_a_checkpoint_that_a_kill_left_beside_its_record_does_not_travel(
    store, tmp_path, monkeypatch
):
    """A kill can fall between the record of a run and the end of its checkpoint."""
    checkpoint, out = stopped(store), tmp_path / "out"
    begun = checkpoint.read_bytes()
    runs.get(LONG, "published")
    for file in (checkpoint, checkpoint.with_name(checkpoint.name + ".before")):
        file.write_bytes(begun)
    with runs.lock_of(LONG.key, store):  # whoever holds it may need the checkpoint
        parcels.send([], store, tmp_path / "meanwhile")
    assert checkpoint.exists()
    with monkeypatch.context() as changed:  # the record is of other code: the run is trained anew
        changed.setattr(runs, "code_digest", lambda *_: "other")
        parcels.send([], store, tmp_path / "other")
    assert [file.name for file in (tmp_path / "other").iterdir()] == [f"{LONG.key}.checkpoint"]
    parcels.send([LONG], store, out)
    assert [file.name for file in out.iterdir()] == [f"{LONG.key}.tar"]
    assert not list(store.glob(".*.checkpoint*"))


def test_a_checkpoint_arrives_where_only_other_code_finished_its_run(store, tmp_path):
    out, there = tmp_path / "out", tmp_path / "there"
    stopped(store)
    parcels.send([], store, out)
    record = runs.get(LONG, "published", there).folder / "run.json"
    assert [answer for _, answer in parcels.merge(out, there)] == ["there already"]
    facts = json.loads(record.read_text(encoding="utf-8"))
    record.write_text(records.sealed(facts | {"code": "other"}), encoding="utf-8")
    assert [answer for _, answer in parcels.merge(out, there)] == ["merged"]


def call(monkeypatch, *words):
    monkeypatch.setattr("sys.argv", ["isoae", "queue", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code or 0


def test_the_command_shows_what_is_left_trains_it_and_merges_it(
    holds, published, store, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(estimate, "seconds_of", lambda specs, device: [1800.0] * len(specs))
    monkeypatch.setattr(os, "nice", lambda _: 0)
    name = claims.CHAPTERS["03_evaluation_3d"][0].name
    verdicts = {"claims": {name: {"verdict": "undecided"}}}
    monkeypatch.setattr(queue.committed, "read", lambda: verdicts)
    tried = entry("sweep", ("3d/s-shape/CAE,steps=9,weight=0.1",))
    holds(tried, entry("chosen", ("3d/s-shape/CAE", "3d/s-shape/AE"), after="sweep"))
    out, there = tmp_path / "out", tmp_path / "there"
    assert call(monkeypatch) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in (shown[1], shown[4])] == [["1", "0.50"], ["2", "1.00"]]
    assert [line.strip() for line in shown[5:]] == [
        "replaces: nothing", f"open claims: {name}", "1 of them come after: sweep",
    ]  # fmt: skip
    holds(entry(seeds=(0, 1)))
    assert call(monkeypatch, "run", "--out", out, "--budget", "0s") == 0
    assert not list(store.glob("*/run.json")) and not list(store.glob(".*.checkpoint"))
    assert call(monkeypatch, "run", "--out", out) == 0
    assert len(list(out.glob("*.tar"))) == 2
    assert call(monkeypatch, "merge", out, "--store", there) == 0
    assert len(list(there.glob("*/run.json"))) == 2
    parcel = next(iter(out.glob("*.tar")))
    parcel.write_bytes(b"")
    assert call(monkeypatch, "merge", out, "--store", tmp_path / "third") == 1
    assert f"{parcel.name}  refused: it is damaged" in capsys.readouterr().out
    assert call(monkeypatch, "merge", tmp_path / "nowhere") == 2
    assert "has no parcels: give the folder that --out wrote." in capsys.readouterr().err


COMMAND = """
import os, sys
from isoae_lib import cli
from isoae_lib.core import training
from isoae_lib.paper import queue
from isoae_lib.paper.entries import Entry
training.CHECKPOINT_SECONDS = {interval}
os.nice = lambda _: 0  # the test waits for it
names = tuple(f"3d/s-shape/{{method}},{small}" for method in ("AE", "I-AE"))
queue.ENTRIES = (Entry(name="small", runs=names, replaces="nothing", seeds=(0, 1)),)
sys.argv = ["isoae", "queue", *{words!r}]
cli.main()
"""


def started(*words, interval, project=ROOT):
    code = COMMAND.format(words=[str(word) for word in words], small=SMALL, interval=interval)
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=project, stderr=subprocess.DEVNULL,
        stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(project)},
    )  # fmt: skip


@pytest.fixture
def clone(tmp_path):
    """Another copy of the project, as far as the queue needs it."""
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("isoae_lib", "data/paper"):
        shutil.copytree(ROOT / name, tmp_path / "clone" / name, ignore=ignored)
    (tmp_path / "clone" / "notebooks").mkdir()
    shutil.copy(ROOT / "notebooks" / "01_theory.py", tmp_path / "clone" / "notebooks")
    return tmp_path / "clone"


@pytest.mark.slow
def test_a_queue_that_is_killed_twice_and_merged_in_a_clone_equals_a_plain_run(tmp_path, clone):
    """Of four runs, the first two are killed in the middle; what arrives has the same bits."""
    here, out, there, plain = (tmp_path / name for name in ("here", "out", "there", "plain"))
    for done in range(2):
        process = started("run", "--store", here, "--out", out, interval=0.05)
        try:
            deadline = time.monotonic() + 600
            while len(list(here.glob("*/run.json"))) < done or not list(here.glob(".*.checkpoint")):
                assert process.poll() is None and time.monotonic() < deadline
                time.sleep(0.005)
        finally:
            process.kill()
        assert process.wait() == -signal.SIGKILL
    assert started("run", "--store", here, "--out", out, interval=30).wait() == 0
    merged = started("merge", out, "--store", there, interval=30, project=clone)
    answers = [line.split()[1:] for line in merged.communicate()[0].splitlines()]
    assert merged.returncode == 0 and answers == [["merged"]] * 4
    assert not list(out.glob("*.checkpoint"))
    for name in (f"3d/s-shape/{method},{SMALL}" for method in ("AE", "I-AE")):
        for seed in (0, 1):
            spec = sections.spec(name, "published", seed)
            arrived, whole = runs.find(spec, there), runs.get(spec, store=plain)
            assert arrived is not None and arrived.weights_checksum == whole.weights_checksum
            assert arrived.metrics == whole.metrics and arrived.history == whole.history
            assert np.array_equal(arrived.codes, whole.codes)
