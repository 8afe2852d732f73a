# The workflow: training runs -> executed notebooks -> html. `isoae book` runs it with
# --config preset=..., and device=... if the profile says so, in the folder build/workflow, where
# Snakemake keeps what it knows. Paths are relative to that folder, so that none holds a character
# that the shell or Snakemake reads.
import glob
import os
import sys

from isoae_lib.book import tied
from isoae_lib.book.workflow import minutes_of
from isoae_lib.paper import provenance, sections

PRESET, DEVICE = config.get("preset", "laptop"), config.get("device", "cpu")
ROOT = "../.."
BASE = f"../{PRESET}"
HTML = "../html" if PRESET != "smoke" else "../smoke/html"
os.environ |= {"ISOAE_PYTHON": sys.executable, tied.PARENT: str(os.getpid())}
# exec: the job is a child of Snakemake, and ends when Snakemake does; training first writes a
# checkpoint
TIED = f'exec > {{log}} 2>&1; cd {ROOT}; exec "$ISOAE_PYTHON" -m isoae_lib.book.tied '
TRAIN, ISOAE = TIED + "8 isoae_lib.cli:main train", TIED + "0 isoae_lib.cli:main"
LIBRARY = sorted(  # with the scripts and style sheets of figures to play with
    file
    for ending in ("py", "js", "css")
    for file in glob.glob(f"{ROOT}/isoae_lib/**/*.{ending}", recursive=True)
)
GROUPS = sections.groups(PRESET)


def code_of(module):
    return [f"{ROOT}/{file}" for file in provenance.files_behind(module)]


def stamps(wildcards):
    groups = list(sections.groups(PRESET, (wildcards.stem,)))
    shown = [s for s in sections.SECTIONS.values() if s.notebook == wildcards.stem]
    if PRESET != sections.CANARIES and any(s.baselines for s in shown):  # there, they are published
        groups.append("baselines")
    return [f"{BASE}/runs/{group}.done" for group in groups]


wildcard_constraints:
    seed=r"\d+",


rule book:
    input: f"{HTML}/index.html"


rule notebooks:
    input: expand(f"{BASE}/executed/{{stem}}.ipynb", stem=sections.NOTEBOOKS)


rule train:
    input: code_of("paper.runs")
    output: touch(BASE + "/runs/{group}/{seed}.done")
    log: BASE + "/logs/{group}/{seed}.log"
    params: names=lambda w: " ".join(GROUPS[f"{w.group}/{w.seed}"])
    priority: 1  # notebooks wait, to fill the cores while the last runs are on their way
    resources:  # for a cluster
        runtime=lambda w: minutes_of(GROUPS[f"{w.group}/{w.seed}"], PRESET, DEVICE),
    shell:
        TRAIN + " {params.names} --preset " + PRESET + " --seed {wildcards.seed}"
        f" --device {DEVICE}"


rule baselines:
    input: code_of("paper.baseline_records")
    output: touch(BASE + "/runs/baselines.done")
    log: BASE + "/logs/baselines.log"
    priority: 2  # one of the longest jobs
    shell: ISOAE + " baselines --preset " + PRESET


rule execute:
    input:
        ROOT + "/notebooks/{stem}.py",
        LIBRARY,
        glob.glob(f"{ROOT}/data/paper/*.csv") + glob.glob(f"{ROOT}/data/verdicts.json"),
        [
            record
            for kind in ("runs", "curves", "canaries", "weights")
            for record in glob.glob(f"{ROOT}/data/{kind}/**/run.json", recursive=True)
        ],
        [
            file
            for kind in ("benchmarks", "baselines/*", "canaries", "own")
            for file in glob.glob(f"{ROOT}/data/{kind}/*.json")
        ],
        stamps,
    output: BASE + "/executed/{stem}.ipynb"
    log: BASE + "/logs/{stem}.log"
    shell: ISOAE + " notebook {wildcards.stem} --preset " + PRESET


rule site:
    input:
        rules.notebooks.input,
        [f"{ROOT}/{name}" for name in ("_config.yml", "_toc.yml", "CONTRIBUTING.md")],
        f"{ROOT}/isoae_lib/book/site.py",
        [p for p in glob.glob(f"{ROOT}/book/**/*", recursive=True) if "." in p.rsplit("/", 1)[-1]],
    output: f"{HTML}/index.html"
    log: f"{BASE}/logs/book.log"
    shell: ISOAE + " site --preset " + PRESET
