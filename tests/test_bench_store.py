"""The results file: rows come back as they were, are never written twice, and claims end with their process."""

import dataclasses
import math
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

import gendr
from gendr.tools.bench import store_claims, store_schema
from gendr.tools.bench.store import Made, Store
from gendr.tools.bench.tasks import Outcome, PoseRun, ShapeRun

RUN = ShapeRun("teapot", "logistic(squared)", "yager(p=2)", elevation=-30, lr=0.03, tau=1e-2, seed=3)
POSE = PoseRun("airplane", "uniform", "probabilistic", lr=0.3, pairs=(0, 20))


def taus(*exponents):
    return [dataclasses.replace(RUN, tau=10.0**e) for e in exponents]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results.sqlite"


@pytest.fixture
def store(path):
    with Store.open(path, create=True) as opened:
        yield opened


def test_rows_come_back_as_they_were(store, path):
    made = Made({"gendr": "9"}, "abc+", "2026-01-01T00:00:00.000+00:00", "2026-01-01T00:00:01.000+00:00")
    outcome = Outcome(0.1 + 0.2, 1.5, {"curve": [1.0, 0.5], "best_step": 1})
    store.add(RUN, outcome, made)
    store.fail(POSE, "it broke")
    with Store.open(path) as other:
        shape, pose = other.rows("shape")[0], other.rows("pose")[0]
    assert shape.run == RUN
    assert (shape.key, shape.protocol, shape.mesh, shape.seed) == (RUN.key, "shape", "teapot", 3)
    assert (shape.distribution, shape.t_conorm) == ("logistic(squared)", "yager(p=2)")
    assert shape.config == RUN.as_dict()
    assert Outcome(shape.metric, shape.seconds, shape.details) == outcome
    assert Made(shape.versions, shape.commit, shape.started, shape.finished) == made
    assert (shape.status, shape.error) == ("done", None)
    assert pose.run == POSE
    assert (pose.status, pose.error, pose.metric, pose.seconds, pose.details) == ("failed", "it broke", None, None, {})
    assert pose.versions["gendr"] == gendr.__version__
    assert len(store.rows()) == 2
    assert store.done_keys() == {RUN.key}
    assert store.metrics("shape", "teapot", "logistic(squared)", "yager(p=2)") == {RUN.key: outcome.metric}


def test_what_is_done_stays_and_a_failure_gives_way(store):
    store.fail(RUN, "first")
    store.fail(RUN, "second")
    assert store.rows()[0].error == "second"
    store.add(RUN, Outcome(0.25, 1.0))
    store.add(RUN, Outcome(0.75, 1.0))
    store.fail(RUN, "late")
    assert [(row.status, row.metric, row.error) for row in store.rows()] == [("done", 0.25, None)]


def test_a_metric_is_a_number_and_a_bad_one_writes_nothing(store):
    first, second = taus(-1, -2)
    with pytest.raises(ValueError, match="metric: expected a number"):
        store.record([(first, Outcome(0.5, 1.0)), (second, Outcome(math.nan, 1.0))])
    assert not store.rows()


def test_one_file_remains(path):
    with Store.open(path, create=True) as store:
        store.add(RUN, Outcome(0.25, 1.0))
        assert store._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_claims_keep_stores_apart(store, path):
    runs = taus(-1, -2, -3, -4)
    with Store.open(path) as other:
        assert store.claim(runs[:2]) == runs[:2]
        assert store.claim(runs[:1]) == runs[:1]
        assert other.claim(runs[:3]) == runs[2:3]
        store.add(runs[0], Outcome(0.5, 1.0))
        store.fail(runs[1], "broken")
        assert other.claim(runs) == runs[2:]
        assert other.claim(runs, retry_failed=True) == runs[1:]
    assert store.claim(runs, retry_failed=True) == runs[1:]


OTHER = """
import sys, time
from gendr.tools.bench.store import Store
from gendr.tools.bench.tasks import Run
store = Store.open(sys.argv[1])
print(len(store.claim([Run.from_key(key) for key in sys.argv[2:]])), flush=True)
time.sleep(60)
"""


def test_a_killed_process_loses_its_claims(store, path):
    runs = taus(-1, -2)
    command = [sys.executable, "-c", OTHER, str(path), *(run.key for run in runs)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "2\n"
        assert store.claim(runs) == []
        os.kill(process.pid, signal.SIGKILL)
        while store_claims._born(process.pid) not in ("dead", ""):
            time.sleep(0.01)
        assert store.claim(runs) == runs  # though its parent has not yet taken notice
    assert store.claim(runs) == runs


def test_claims_from_elsewhere_lapse_without_a_sign_of_life(store, path, monkeypatch):
    with Store.open(path) as other:
        other._owner = dataclasses.replace(other._owner, place="another machine")
        assert other.claim([RUN]) == [RUN]
        assert store.claim([RUN]) == []
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + store_claims.STALE + 1)
        other.beat()
        assert store.claim([RUN]) == []
        monkeypatch.setattr(time, "time", lambda: now + 2 * store_claims.STALE + 2)
        assert store.claim([RUN]) == [RUN]


def test_facts_are_noted_once(store):
    assert store.remember("mesh teapot", "1") == "1"
    assert store.remember("mesh teapot", "2") == "1"


def test_a_file_of_another_kind(path):
    with pytest.raises(FileNotFoundError, match=r"results.sqlite: there is no such file"):
        Store.open(path)
    with pytest.raises(FileNotFoundError, match="no such folder"):
        Store.open(path / "deeper", create=True)
    with pytest.raises(ValueError, match="results: expected a file"):
        Store.open(path.parent)
    path.write_bytes(b"metric,seconds\n" * 100)
    for create in (False, True):
        with pytest.raises(ValueError, match="a file that is no SQLite database"):
            Store.open(path, create=create)
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE songs (name TEXT)")
    db.close()
    with pytest.raises(ValueError, match="another SQLite database"):
        Store.open(path, create=True)


def test_another_schema_version(path):
    Store.open(path, create=True).close()
    with sqlite3.connect(path) as db:
        db.execute("UPDATE meta SET value = '0'")
    db.close()
    before = path.read_bytes()
    for create in (False, True):
        with pytest.raises(
            ValueError, match=f"expected a results file of schema version {store_schema.VERSION}.*got version 0"
        ):
            Store.open(path, create=create)
    assert path.read_bytes() == before


def test_an_empty_file_becomes_one(path):
    path.touch()
    with pytest.raises(ValueError, match="an empty file"):
        Store.open(path)
    Store.open(path, create=True).close()
    Store.open(path).close()


def test_a_file_that_may_only_be_read_is_read(path, monkeypatch):
    with Store.open(path, create=True) as store:
        store.add(RUN, Outcome(0.25, 1.0))
    path.chmod(0o444)
    path.parent.chmod(0o555)
    monkeypatch.setattr(os, "access", lambda file, mode: False)  # root may write everywhere
    try:
        with Store.open(path) as reader:
            assert [file.name for file in path.parent.iterdir()] == [path.name]
            assert reader.rows()[0].metric == 0.25
            with pytest.raises(OSError, match="readonly"):
                reader.add(RUN, Outcome(0.5, 1.0))
    finally:
        path.parent.chmod(0o755)


@contextmanager
def files_no_longer_than(limit):
    """A full disk, as far as a process can have one to itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def fill(path, limit):
    """Add a large row with so much space; returns the error."""
    try:
        with files_no_longer_than(limit), Store.open(path, create=True) as store:
            store.add(taus(-3)[0], Outcome(0.5, 1.0, {"curve": "x" * 200_000}))
    except OSError as error:
        return str(error)
    return None


@pytest.mark.parametrize("limit", [0, 1000, 20_000, 100_000])
def test_a_full_disk_leaves_nothing_half_written(path, limit):
    for _ in range(2):
        error = fill(path, limit)
        assert error.startswith(f"{path}: ")
        assert "disk" in error
        with Store.open(path, create=True) as store:
            assert not store.rows()
    with Store.open(path, create=True) as store:
        store.add(RUN, Outcome(0.25, 1.0))
    assert fill(path, limit).startswith(f"{path}: ")
    with Store.open(path) as store:
        assert [row.metric for row in store.rows()] == [0.25]
        assert store.claim(taus(-3)) == taus(-3)
    assert fill(path, 2**30) is None
