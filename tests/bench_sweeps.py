"""A small sweep as a process of its own, and what becomes of it and of its workers; Linux only."""

import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

from bench_fakes import table
from gendr.presets.instances import Instance
from gendr.tools.bench.batch import run_batch
from gendr.tools.bench.plans import Taus, shape_plan
from gendr.tools.bench.pool import Here
from gendr.tools.bench.store import Store
from gendr.tools.bench.sweep import sweep

GRID = "uniform + probabilistic\nlogistic(squared) + einstein\n"
TAUS = "1e-1,3e-2,1e-2,3e-3,1e-3,3e-4,1e-4,3e-5,1e-5,3e-6"
BUDGET = {"steps": 20, "image_size": 12, "views": 2}
COMMAND = [sys.executable, "-m", "gendr.cli", "bench", "shape", "--grid", "grid.txt", "--mesh", "teapot", "chair"]
OPTIONS = ["--elevations", "-30", "30", "--lr", "0.03", "--taus", TAUS, "-o", "results.sqlite"]
RUNS = 80
PATIENCE = 600.0


def planned():
    instances = [Instance.from_spec(line) for line in GRID.splitlines()]
    return shape_plan(instances, ["teapot", "chair"], [-30, 30], [0.03], Taus.from_text(TAUS), [0], **BUDGET)


@cache
def undisturbed():
    """The table of the sweep that nobody disturbs, in this process."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Store.open(Path(folder, "results.sqlite"), create=True) as store,
    ):
        assert sweep(planned(), store, Here(run_batch))
        assert len(store.rows()) == RUNS
        return table(store)


def start(folder, *more):
    """`gendr bench shape` in a folder; what it says goes to the files said0, said1, ... there."""
    (folder / "grid.txt").write_text(GRID)
    budget = [f"--{name.replace('_', '-')}={value}" for name, value in BUDGET.items()]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with open(folder / f"said{len(list(folder.glob('said*')))}", "w") as said:
        return subprocess.Popen(
            [*COMMAND, *OPTIONS, *budget, *more], cwd=folder, env=environment, stdout=said, stderr=said
        )


def rows(folder):
    """How many there are by now."""
    if not (folder / "results.sqlite").exists():
        return 0
    with sqlite3.connect(f"file:{folder / 'results.sqlite'}?mode=ro", uri=True) as db:
        try:
            count = db.execute("SELECT count(*) FROM runs").fetchone()[0]
        except sqlite3.OperationalError:  # the tables are not there yet
            count = 0
    db.close()
    return count


def until(what):
    """Wait until it is so."""
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.02)


def workers_of(pid):
    """The processes that a sweep started to work for it."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            words = (folder / "cmdline").read_text()
        except OSError:
            continue
        if parent == pid and "spawn_main" in words:
            found.append(int(folder.name))
    return found


def is_gone(pid):
    """Whether a process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def settled(folder):
    """The table, and when each run was finished."""
    with Store.open(folder / "results.sqlite") as store:
        return table(store), {row.key: row.finished for row in store.rows()}
