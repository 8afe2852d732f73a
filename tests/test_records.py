"""Records keep what was written: any change is noticed, reported, and set aside."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from make_golden import TINY
from test_cli import call

from isoae_lib.core import training
from isoae_lib.errors import InputError
from isoae_lib.files import ROOT
from isoae_lib.paper import datasets, provenance, records, runs, sections
from isoae_lib.paper.data import images, surfaces
from isoae_lib.paper.datasets import Data
from isoae_lib.paper.metrics import measures, rounding
from isoae_lib.paper.specs import RunSpec

AE = RunSpec(data="s-shape", method="AE", **TINY)
FILES = ("run.json", "history.csv", "embedding.npz", "weights.safetensors")


def flip(content, at):
    content[at] ^= 1


DAMAGES = {
    "empty": lambda content: content.clear(),
    "cut short": lambda content: content.__delitem__(slice(-5, None)),
    "one bit in the middle": lambda content: flip(content, len(content) // 2),
    "one bit near the end": lambda content: flip(content, -4),
}


def checksum(folder):
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))["files"][
        "weights.safetensors"
    ]


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    return runs.get(AE, store=tmp_path_factory.mktemp("sound")).folder


@pytest.fixture
def folder(sound, store):
    return shutil.copytree(sound, store / sound.name)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("damage", DAMAGES)
def test_any_damage_is_noticed_and_trained_again(file, damage, sound, folder, store, caplog):
    content = bytearray((folder / file).read_bytes())
    DAMAGES[damage](content)
    (folder / file).write_bytes(content)
    with pytest.raises(InputError, match="is damaged"):
        runs.read(folder)
    assert runs.find(AE) is None and "is trained again" in caplog.text and folder.exists()
    assert runs.get(AE).record["files"]["weights.safetensors"] == checksum(sound)
    (aside,) = store.glob(".*.replaced")
    assert (aside / file).read_bytes() == content


@pytest.mark.parametrize("file", FILES)
def test_a_missing_file_is_noticed(file, folder):
    (folder / file).unlink()
    if file == "run.json":
        assert runs.find(AE) is None
    else:
        with pytest.raises(InputError, match="is damaged"):
            runs.read(folder)


def test_a_number_that_was_edited_is_noticed(folder):
    file = folder / "run.json"
    record = json.loads(file.read_text(encoding="utf-8"))
    record["metrics"]["edge_ratio_std"] = 0.03
    file.write_text(json.dumps(record, indent=1), encoding="utf-8")
    with pytest.raises(InputError, match=r"checksum of run.json differs"):
        runs.read(folder)


def test_verify_counts_and_fails(folder, monkeypatch, capsys):
    sound = len(runs.folders())
    assert call(monkeypatch, "runs", "verify") == 0
    assert f"{sound} records are sound, 0 damaged" in capsys.readouterr().out
    (folder / "history.csv").write_text("step\n", encoding="utf-8")
    assert call(monkeypatch, "runs", "verify") == 1
    out = capsys.readouterr().out
    assert f"{sound - 1} records are sound, 1 damaged" in out and str(folder) in out


def test_list_and_show(folder, monkeypatch, capsys):
    assert call(monkeypatch, "runs", "list") == 0
    out = capsys.readouterr().out
    assert f"Run {AE.key}: AE on s-shape, seed 0" in out and f"steps={AE.steps} " in out
    assert call(monkeypatch, "runs", "show", AE.key[:6]) == 0
    out = capsys.readouterr().out
    assert "metrics.edge_ratio_std: " in out and "commit: " in out and "status: finished" in out
    assert call(monkeypatch, "runs", "show", "zz") == 2
    assert "0 records begin with 'zz'" in capsys.readouterr().err


def test_a_published_record_is_whole_without_weights(folder, monkeypatch, tmp_path):
    monkeypatch.setitem(runs.PUBLISHED, "runs", tmp_path / "published")
    published = runs.publish(runs.read(folder), "3d/s-shape/AE")
    assert published == tmp_path / "published" / "3d/s-shape/AE" / "seed-0"
    ((name, again),) = runs.published()
    assert name == "3d/s-shape/AE"
    assert again.metrics == runs.read(folder).metrics
    with pytest.raises(InputError, match="has no weights"):
        _ = again.model


def test_seeds_are_published_together_or_not_at_all(folder, store, monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(runs.PUBLISHED, "runs", tmp_path / "published")
    specs = {seed: replace(AE, seed=seed) for seed in (0, 1)}
    monkeypatch.setattr(sections, "spec", lambda name, preset, seed: specs[seed])
    words = ("runs", "publish", "3d/s-shape/AE", "--seed", "0", "--seed", "1")
    assert call(monkeypatch, *words) == 2
    assert "3d/s-shape/AE, seed 1, is not in the store" in capsys.readouterr().err
    assert not (tmp_path / "published").exists()
    runs.get(specs[1])
    assert call(monkeypatch, *words) == 0
    assert [run.spec.seed for _, run in runs.published()] == [0, 1]


def test_what_figures_draw_is_published_of_the_first_seed_alone(folder, monkeypatch, tmp_path):
    monkeypatch.setitem(runs.PUBLISHED, "runs", tmp_path / "published")
    run = runs.read(folder)
    for seed in (0, 1):
        runs.publish(replace(run, spec=replace(run.spec, seed=seed)), "3d/s-shape/AE")
    first, second = (run for _, run in runs.published())
    assert first.figures.keys() == run.figures.keys()
    assert (first.figure("decoded_surface") == run.figure("decoded_surface")).all()
    assert second.figures == {}
    with pytest.raises(InputError, match="keeps no decoded_surface: train the run again"):
        second.figure("decoded_surface")
    diverged = replace(second, record=second.record | {"status": "diverged"})
    with pytest.raises(InputError, match="keeps no decoded_surface: its run diverged"):
        diverged.figure("decoded_surface")


@pytest.mark.parametrize(("data", "files"), [("celeba", 0), ("cifar10", 1)])
def test_pictures_that_the_owners_of_the_data_forbid_are_not_published(
    data, files, folder, monkeypatch, tmp_path
):
    monkeypatch.setitem(runs.PUBLISHED, "runs", tmp_path / "published")
    run = runs.read(folder)
    runs.publish(replace(run, spec=replace(run.spec, data=data)), f"generalization/{data}/AE")
    assert len([*tmp_path.rglob("published/**/figures.npz")]) == files
    ((_, published),) = runs.published()
    assert bool(published.figures) == bool(files)


@pytest.mark.parametrize("kind", ["runs", "canaries", "curves", "weights"])
def test_a_record_is_published_where_it_is_asked_for(kind, folder, monkeypatch, tmp_path, capsys):
    for known in runs.PUBLISHED:
        monkeypatch.setitem(runs.PUBLISHED, known, tmp_path / known)
    monkeypatch.setattr(sections, "spec", lambda *_: AE)
    assert call(monkeypatch, "runs", "publish", "3d/s-shape/AE", "--to", kind) == 0
    published = tmp_path / kind / "3d/s-shape/AE/seed-0"
    assert str(published) in capsys.readouterr().out
    assert [name for name, _ in runs.published(kind)] == ["3d/s-shape/AE"]
    assert runs.folders() == [folder, published]
    assert call(monkeypatch, "runs", "publish", "3d/s-shape/AE", "--to", "curve") == 2
    assert "'curve'" in capsys.readouterr().err


def test_a_stack_holds_the_locks_of_all_its_runs_in_one_order(monkeypatch):
    """In the order of keys, whatever that of the runs: two stacks never wait for each other."""
    held, lock = [], runs._locked
    monkeypatch.setattr(runs, "_locked", lambda key, store: held.append(key) or lock(key, store))
    for specs in (in_stack(), in_stack()[::-1]):
        held.clear()
        runs._train(specs, "custom", runs.store_path(), "cpu", None, lambda: False)
        assert held == sorted(spec.key for spec in specs)


def test_codes_above_the_plane_are_not_published(folder, monkeypatch, tmp_path):
    monkeypatch.setitem(runs.PUBLISHED, "runs", tmp_path / "published")
    spec = RunSpec(data="mnist", method="AE", network="S-CNN")
    codes, labels = np.ones((30, 2)), np.arange(30) % 10
    run = replace(runs.read(folder), codes=codes, labels=labels)
    for latent, count in ((2, 20), (3, 0)):
        monkeypatch.setattr(runs, "PUBLISHED_CODES", 20)
        runs.publish(replace(run, spec=replace(spec, latent=latent)), "section/mnist/AE")
        with np.load(next((tmp_path / "published").rglob("embedding.npz"))) as kept:
            assert len(kept["codes"]) == len(kept["labels"]) == count


@pytest.mark.parametrize("offset", [0.0, 3000.0])
def test_published_codes_are_as_precise_as_a_picture_needs(offset):
    codes = np.random.default_rng(0).normal((offset, 0.0), 1.0, (500, 2))
    kept = rounding.for_a_picture(codes)
    assert np.abs(kept - codes).max() < 0.01
    assert kept.dtype == (np.float32 if offset else np.float16)
    assert rounding.for_a_picture(codes[:0]).shape == (0, 2)


def test_what_other_code_trained_is_not_published(folder, monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(runs.PUBLISHED, "runs", tmp_path / "published")
    monkeypatch.setattr(sections, "spec", lambda *_: AE)
    monkeypatch.setattr(runs, "code_digest", lambda *_: "other")
    monkeypatch.setattr(records, "code_digest", lambda *_: "other")
    assert call(monkeypatch, "runs", "publish", "3d/s-shape/AE") == 2
    assert "as this code makes it" in capsys.readouterr().err
    assert not (tmp_path / "published").exists()


def test_what_is_new_is_measured_of_the_weights_without_training(folder, store, monkeypatch):
    before = runs.find(AE)
    drawn = before.figures.keys()
    measure, digest = measures.surfaces.measure_surface, provenance.code_digest

    def more(*given):
        metrics, figures = measure(*given)
        return metrics | {"new": 1.5}, figures | {"new": np.arange(3)}

    def changed(*modules):
        return f"{modules == provenance.MEASURING} {digest(*modules)}"

    monkeypatch.setattr(measures.surfaces, "measure_surface", more)
    assert "new" not in runs.get(AE).metrics  # the same code, as far as its digest says
    for module in (runs, records):
        monkeypatch.setattr(module, "code_digest", changed)
    monkeypatch.setattr(runs, "_train", lambda *_: pytest.fail("it was trained"))
    same_training = before.record | {"code": changed(*provenance.TRAINING)}
    (folder / "run.json").write_text(records.sealed(same_training), encoding="utf-8")
    again = runs.get(AE)
    assert again.metrics == before.metrics | {"new": 1.5}
    assert again.figure("new").tolist() == [0, 1, 2]
    assert again.figures.keys() - drawn == {"new"}
    anew = ("code", "measured_by", "metrics", "files")
    assert again.record["measured_by"] == f"True {before.record['measured_by']}"
    for record in (again.record, before.record):
        assert all(record.pop(name) for name in anew)
    assert again.record == before.record and list(again.record) == list(before.record)
    assert again.history == before.history and (again.codes == before.codes).all()
    assert checksum(again.folder) == checksum(next(store.glob(".*.replaced")))


MEASURE = """
import json
from isoae_lib.core import training
from isoae_lib.paper import runs
from isoae_lib.paper.specs import RunSpec
if {stored}:
    training.fits = None
run = runs.get(RunSpec(data="s-shape", method="AE", **{settings}))
print(json.dumps([run.record["files"]["weights.safetensors"], *run.metrics, *run.figures]))
"""


@pytest.mark.slow
def test_a_metric_and_a_figure_are_added_in_a_copy_and_stored_records_have_them(tmp_path):
    library = shutil.copytree(ROOT / "isoae_lib", tmp_path / "isoae_lib")

    def measured(stored):
        script = MEASURE.format(settings=TINY, stored=stored)
        words = [sys.executable, "-c", script]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    before = measured(stored=False)
    file = library / "paper/metrics/surfaces.py"
    text = file.read_text(encoding="utf-8")
    for known, more in (
        ('"extra_area": e', '"widest": sigma.max()'),
        ('"far_from', '"box": codes'),
    ):
        assert text.count(known) == 1
        text = text.replace(known, f"{more},\n        {known}")
    file.write_text(text, encoding="utf-8")
    weights, *after = measured(stored=True)
    assert weights == before.pop(0) and set(after) - set(before) == {"widest", "box"}


def test_a_record_of_unofficial_images_that_have_changed_is_not_used(store, monkeypatch):
    monkeypatch.setattr(Data, "official", False)
    monkeypatch.setenv("ISOAE_ALLOW_UNVERIFIED", "1")
    runs.get(AE)
    assert runs.find(AE) is not None
    with monkeypatch.context() as strict:
        strict.delenv("ISOAE_ALLOW_UNVERIFIED")
        assert runs.find(AE) is None
    monkeypatch.setattr(Data, "digest", "of others")
    assert runs.find(AE) is None


def test_one_run_loads_its_data_once(store, monkeypatch, data):
    asked = []
    sample, load = surfaces.Surface.sample, images.load

    def counted(self, n, seed):
        asked.append((n, seed))
        return sample(self, n, seed)

    monkeypatch.setattr(surfaces.Surface, "sample", counted)
    runs.get(AE)
    assert asked.count((AE.points, AE.seed)) == 1
    datasets._decoded.cache_clear()
    asked.clear()
    monkeypatch.setattr(images, "load", lambda *part: asked.append(part) or load(*part))
    runs.get(replace(AE, data="mnist-5k", network="FC-NN", latent=16, width_factor=1 / 16))
    assert sorted(asked) == [("mnist-5k", "test"), ("mnist-5k", "train")]


@pytest.mark.parametrize("data", ["s-shape", "curve"])
def test_a_last_step_into_nowhere_has_diverged(data, store):
    sizes = {"latent": 1, "points": 16} if data == "curve" else {"latent": 2, "points": 64}
    run = runs.get(RunSpec(data=data, method="AE", steps=1, rate=1e30, width=8, depth=1, **sizes))
    assert run.record["status"] == "diverged" and run.metrics == {}


def test_collapsed_codes_are_a_result_and_the_worst(store):
    run = runs.get(replace(AE, width=1, depth=1, steps=300, rate=1e-2))
    assert run.record["status"] == "finished" and run.metrics["edge_ratio_std"] == float("inf")


def test_a_publication_that_fails_leaves_the_record_before_it(folder, monkeypatch, tmp_path):
    monkeypatch.setitem(runs.PUBLISHED, "runs", tmp_path / "published")
    run = runs.read(folder)
    published = runs.publish(run, "3d/s-shape/AE")

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(records, "sealed", full)
        with pytest.raises(InputError, match="cannot be written: No space left"):
            runs.publish(run, "3d/s-shape/AE")
    assert runs.read(published).metrics == run.metrics
    assert list(published.parent.iterdir()) == [published]
    assert runs.publish(run, "3d/s-shape/AE") == published


def test_a_record_names_the_gpu(monkeypatch):
    monkeypatch.setattr(records.torch.cuda, "get_device_name", lambda device: f"a GPU at {device}")
    assert training.hardware("cuda:1") == "cuda:1, a GPU at cuda:1"
    assert training.hardware("cpu").startswith("cpu, ")


def test_a_record_says_the_seconds_of_its_fit():
    fit = training.Fit(model=None, seconds=90.125)
    assert records.training_facts("smoke", "cpu", fit)["seconds"] == 90.12


def test_a_full_disk_leaves_no_record(store, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(records.np, "savez_compressed", full)
    with pytest.raises(InputError, match="cannot be written: No space left on device"):
        runs.get(AE)
    assert not list(store.glob("*/run.json")) and not list(store.glob(".*.writing*"))


def in_stack():
    return [RunSpec(data="s-shape", method="I-AE", seed=k, **TINY) for k in range(3)]


def test_a_stack_leaves_the_records_of_each_run_alone(tmp_path):
    specs = in_stack()
    runs.train_stacks(specs)
    for spec in specs:
        run, alone = runs.find(spec), runs.get(spec, store=tmp_path / "alone")
        assert run is not None and run.codes == pytest.approx(alone.codes, abs=1e-4)
        assert run.codes != pytest.approx(runs.find(specs[spec.seed - 1]).codes, abs=1e-2)


def test_a_stack_killed_between_its_records_is_not_trained_again(store, monkeypatch):
    """The checkpoint of the whole stack stays until its last record is there."""
    specs = in_stack()
    write, written = records.write, []

    def killed_at_the_second(store, spec, *rest):
        if written:
            raise KeyboardInterrupt
        written.append(spec)
        return write(store, spec, *rest)

    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(records, "write", killed_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        runs.train_stacks(specs)
    assert runs.find(specs[0]) and not runs.find(specs[1])
    monkeypatch.setattr(records, "write", write)
    steps = []
    runs.train_stacks(specs, progress=lambda step, row: steps.append(step))
    assert steps[0] > 0 and all(runs.find(spec) for spec in specs)
    assert not list(store.glob("*checkpoint*"))


def test_the_rest_of_a_stack_is_left_to_itself(store):
    specs = in_stack()
    first = runs.get(specs[0]).folder.stat().st_mtime_ns
    runs.train_stacks(specs)
    assert runs.find(specs[1]) is None
    assert runs.find(specs[0]).folder.stat().st_mtime_ns == first
