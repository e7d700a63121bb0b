"""The benchmark's report: who is best, what is missing, and a page that works in a browser without a network."""

import csv
import io
import re
import shutil
import subprocess

import numpy as np
import pytest
from rich.console import Console

import bench_rows
from gendr.presets import THESIS, Instance
from gendr.tools.bench.report import report, write
from gendr.tools.bench.report.folder import replace
from gendr.tools.bench.report.intervals import student, wilson
from gendr.tools.bench.report.standings import standings
from gendr.tools.bench.report.tallies import collect
from gendr.tools.bench.store import Store
from gendr.tools.bench.tasks import Outcome, PoseRun, ShapeRun

LOGISTIC = Instance.from_spec("logistic + probabilistic")


def test_the_best_of_each_elevation_is_averaged():
    losses = {(30.0, 1e-2): 0.3, (30.0, 1e-3): 0.2, (60.0, 1e-2): 0.4, (60.0, 1e-3): 0.5}
    (study,), failed = collect(bench_rows.shape_row(LOGISTIC, v, elevation=e, tau=t) for (e, t), v in losses.items())
    (line,) = standings(study)
    assert not failed
    assert line.interval.mean == pytest.approx(0.3)  # (0.2 + 0.4) / 2
    assert line.interval.low == pytest.approx(student([0.2, 0.4]).low)
    assert (line.rank, line.known, line.tau.low, line.tau.high) == (1, 2, 1e-3, 1e-2)


def test_an_instance_that_misses_conditions_has_no_rank():
    rows = [bench_rows.shape_row(LOGISTIC, 0.3, elevation=e) for e in (0.0, 30.0)]
    (study,), _ = collect([*rows, bench_rows.shape_row(THESIS[0], 0.1, elevation=0.0)])
    assert [(line.instance, line.rank) for line in standings(study)] == [(LOGISTIC, 1), (THESIS[0], None)]


def test_poses_take_the_learning_rate_with_the_most_recovered():
    initial = [20.0, 40.0, 60.0, 70.0]
    rows = [
        bench_rows.pose_row(LOGISTIC, [1.0, 4.0, 30.0, 30.0], initial, lr=0.1),
        bench_rows.pose_row(LOGISTIC, [1.0, 2.0, 4.0, 30.0], initial, lr=0.3),
    ]
    (line,) = standings(collect(rows)[0][0])
    assert line.lr == 0.3
    assert line.interval == wilson(2, 4)
    assert [n for _, n in line.shares["within5"]] == [1, 1, 2, 4]
    assert [i.mean for i, _ in line.shares["within5"]] == [1.0, 1.0, 0.5, 0.75]


def test_files_and_tables(tmp_path):
    files = report(bench_rows.tiny())
    assert set(files) == {
        *("index.html", "shape.csv", "shape.md", "failed.csv", "shape-loss-plain.png", "shape-loss-squared.png")
    }
    lines = list(csv.DictReader(io.StringIO(files["shape.csv"].decode())))
    assert [line["rank"] for line in lines] == ["1", "", ""]
    assert float(lines[0]["loss"]) == pytest.approx(0.26)
    assert "unreadable" in files["failed.csv"].decode()
    replace(tmp_path / "out", files)
    (tmp_path / "out" / "mine.txt").write_text("")
    with pytest.raises(ValueError, match=r"folder, got .*which holds mine\.txt"):
        replace(tmp_path / "out", files)


def test_from_a_store_of_two_protocols(tmp_path):
    store, out, told = tmp_path / "r.sqlite", tmp_path / "out", io.StringIO()
    meshes = ("airplane", "/my data/<b>.obj")
    results = [
        (ShapeRun(mesh, "logistic", "probabilistic", elevation, lr=0.03, tau=tau, seed=seed), Outcome(loss + tau, 60.0))
        for mesh, loss in zip(meshes, (0.2, 0.4), strict=True)
        for elevation in (0, 30)
        for seed in (0, 1)
        for tau in (0.01, 0.1)
    ]
    results += [(ShapeRun("airplane", "levy", "maximum", 0, lr=0.03, tau=0.1), "RuntimeError: <script>")]
    poses = PoseRun("teapot", "uniform", "average", lr=0.3, pairs=(0, 2))
    results += [(poses, Outcome(0.5, 60.0, {"errors": [4.0, 50.0], "initial": [20.0, 70.0]}))]
    with Store.open(store, create=True) as opened:
        opened.record(results)
    write(store, out, console=Console(file=told))
    assert told.getvalue() == "18 runs read\n5 figures drawn\n"
    names = {path.name for path in out.iterdir()}
    assert {"shape.csv", "shape-airplane.csv", "shape-b.csv", "pose.csv", "failed.csv"} < names
    tables = [(out / f"{name}.csv").read_text() for name in ("shape", "shape-airplane", "shape-b")]
    losses = [float(next(csv.DictReader(io.StringIO(table)))["loss"]) for table in tables]
    assert losses == pytest.approx([0.31, 0.21, 0.41])
    text = (out / "index.html").read_text()
    assert "18 runs, 17.0 minutes of processor time" in text
    assert "<b>" not in text
    assert "RuntimeError: <script>" not in text
    with pytest.raises(ValueError, match="--overwrite"):
        write(store, out)
    write(store, out, overwrite=True)
    assert {path.name for path in out.iterdir()} == names


def test_from_a_results_file_and_bad_ones(tmp_path):
    with Store.open(tmp_path / "r.sqlite", create=True):
        pass
    with pytest.raises(ValueError, match="expected at least one run"):
        write(tmp_path / "r.sqlite", tmp_path / "out")
    with pytest.raises(OSError, match=r"none\.sqlite"):
        write(tmp_path / "none.sqlite", tmp_path / "out")
    assert not (tmp_path / "out").exists()


PROBE = """<script>
const said = [];
document.addEventListener("securitypolicyviolation", (e) => said.push("blocked " + e.blockedURI));
const table = document.querySelector("table");
const column = [...table.querySelectorAll("th")].findIndex((h) => h.textContent === "loss");
const read = () => [...table.tBodies[0].rows].map((r) => r.cells[column].textContent).join(" ");
for (const times of [1, 2]) { table.querySelectorAll("button")[column].click(); said.push(read()); }
const outside = performance.getEntriesByType("resource").filter((e) => !e.name.startsWith("data:"));
said.push("outside " + outside.length);
document.body.dataset.said = said.join("; ");
</script></body>"""


def test_the_page_sorts_in_a_browser_and_asks_for_nothing(tmp_path):
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    text = report(bench_rows.tiny())["index.html"].decode()
    assert not re.search(r"(src|href|srcset)=\"(?!data:|#)", text)
    (tmp_path / "page.html").write_text(text.replace("</body>", PROBE))
    flags = "--headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update"
    flags += f" --disable-sync --no-first-run --enable-logging=stderr --user-data-dir={tmp_path / 'profile'} --dump-dom"
    command = [chromium, *flags.split(), (tmp_path / "page.html").as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    said = re.search(r'data-said="([^"]*)"', done.stdout)
    assert said, done.stderr
    assert said[1] == "0.2600 0.3100 -; 0.3100 0.2600 -; outside 0"
    assert "CONSOLE" not in done.stderr


def test_wilson_and_student_agree_with_scipy():
    from scipy import stats

    known = stats.binomtest(7, 20).proportion_ci(0.95, "wilson")
    assert wilson(7, 20)[1:] == pytest.approx((known.low, known.high), rel=1e-12)
    values = np.random.default_rng(0).normal(size=9)
    known = stats.t.interval(0.95, 8, values.mean(), stats.sem(values))
    assert student(values)[1:] == pytest.approx(known, rel=1e-12)
