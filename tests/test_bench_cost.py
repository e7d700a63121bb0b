"""What the benchmark's runs cost: the workloads are the protocols' runs, and the command prints a table of them."""

from dataclasses import replace

import pytest

from gendr import get_num_threads
from gendr.tools.bench.cost import POSE, UNIFORM, WORKLOADS, Cost, Workload, measure
from gendr.tools.bench.tasks import PoseRun, ShapeRun

TINY = replace(UNIFORM, steps=2, views=1, image_size=16)


def test_the_workloads_are_the_protocols():
    for workload in WORKLOADS:
        for run in workload.runs:
            if isinstance(run, ShapeRun):
                assert (run.steps, run.views, run.image_size) == (100, 24, 64)
                assert workload.parts == len(workload.runs)
            if isinstance(run, PoseRun):
                first, end = run.pairs
                assert (run.image_size, run.tau) == (64, (1e-1, 1e-7))
                assert workload.parts == (end - first) * run.steps / 1000


def test_seconds_are_those_of_one_run():
    threads = get_num_threads()
    alone, _ = measure(Workload("one", (TINY,), 1.0), threads=1, repeats=3)
    eighth, _ = measure(Workload("eight", (TINY,) * 8, 8.0), threads=1, repeats=3)
    assert eighth < 2 * alone
    assert get_num_threads() == threads


def test_the_command_prints_a_row_a_workload_and_number_of_threads(capsys):
    pose = replace(POSE, pairs=(0, 2), steps=2, image_size=16)
    workloads = (Workload("a shape", (TINY,), 1.0), Workload("a pair", (pose,), 1.0))
    assert Cost(repeats=1).run(workloads) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[:2] for line in lines[4:]] == [
        ["| a shape", "1"],
        ["| a shape", "2"],
        ["| a pair", "1"],
        ["| a pair", "2"],
    ]


@pytest.mark.parametrize(("cost", "message"), [(Cost(repeats=0), "repeats: "), (Cost(threads=(0,)), "threads: ")])
def test_what_cannot_be_measured_ends_with_one_line(cost, message, capsys):
    with pytest.raises(SystemExit) as end:
        cost.run(WORKLOADS[:1])
    assert end.value.code == 2
    assert f"cost: error: {message}" in capsys.readouterr().err
