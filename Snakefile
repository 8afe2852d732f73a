# The workflow: training runs -> executed notebooks -> html. `isoae book` runs it with
# --config preset=...; outputs of a preset lie under build/<preset>.
import glob
import sys

from isoae_lib import paper, provenance

PRESET = config.get("preset", "laptop")
BASE = f"build/{PRESET}"
HTML = "build/html" if PRESET != "smoke" else "build/smoke/html"
ISOAE = f"'{sys.executable}' -m isoae_lib.cli"
LIBRARY = sorted(glob.glob("isoae_lib/*.py"))


GROUPS = paper.groups(PRESET)


def code_of(module):
    return [f"isoae_lib/{name}.py" for name in provenance.modules_behind(module)]



def stamps(wildcards):
    groups = list(paper.groups(PRESET, (wildcards.stem,)))
    if wildcards.stem in ("03_evaluation_3d", "04_visualization", "05_classification"):
        groups.append("embeddings")
    return [f"{BASE}/runs/{group}.done" for group in groups]


wildcard_constraints:
    seed=r"\d+",


rule book:
    input: f"{HTML}/index.html"


rule notebooks:
    input: expand(f"{BASE}/executed/{{stem}}.ipynb", stem=paper.NOTEBOOKS)


rule train:
    input: code_of("runs")
    output: touch(BASE + "/runs/{group}/{seed}.done")
    log: BASE + "/logs/{group}/{seed}.log"
    params: names=lambda w: " ".join(GROUPS[f"{w.group}/{w.seed}"])
    priority: 1  # notebooks wait, to fill the cores while the last runs are on their way
    shell: ISOAE + " train {params.names} --preset " + PRESET + " --seed {wildcards.seed} > '{log}' 2>&1"


rule embed:
    input: code_of("embeddings")
    output: touch(BASE + "/runs/embeddings.done")
    log: BASE + "/logs/embeddings.log"
    priority: 2  # one of the longest jobs
    shell: ISOAE + " embed --preset " + PRESET + " > '{log}' 2>&1"


rule execute:
    input:
        "notebooks/{stem}.py",
        LIBRARY,
        glob.glob("data/paper/*.csv") + glob.glob("data/runs/**/run.json", recursive=True),
        [f for kind in ("benchmarks", "embeddings", "references") for f in glob.glob(f"data/{kind}/*.json")],
        stamps,
    output: BASE + "/executed/{stem}.ipynb"
    log: BASE + "/logs/{stem}.log"
    shell: ISOAE + " notebook {wildcards.stem} --preset " + PRESET + " --out '{output}' > '{log}' 2>&1"


rule site:
    input:
        rules.notebooks.input,
        "_config.yml", "_toc.yml", "isoae_lib/site.py",
        [p for p in glob.glob("book/**/*", recursive=True) if "." in p.rsplit("/", 1)[-1]],
    output: f"{HTML}/index.html"
    log: f"{BASE}/logs/book.log"
    shell: ISOAE + " site --preset " + PRESET + " > '{log}' 2>&1"
