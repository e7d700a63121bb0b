"""The sweep on a real cluster of Ray's on this machine, one of whose two workers is killed on the way."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

import pytest

from bench_sweeps import is_gone, rows, settled, start, undisturbed, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs the extra ray"),
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes in /proc"),
]

CLUSTER = """
import sys
import ray
ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=100_000_000,
         _node_ip_address="127.0.0.2", _temp_dir=sys.argv[1])
print(ray.get_runtime_context().gcs_address, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def cluster(monkeypatch):
    """Its address, and a word that its processes have in their environment."""
    mark = f"gendr-test-{uuid.uuid4().hex}"
    changes = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": uuid.uuid4().hex}
    for name, value in {**changes, "OMP_NUM_THREADS": "1", "GENDR_MARK": mark}.items():
        monkeypatch.setenv(name, value)
    folder = Path(tempfile.gettempdir(), mark[-20:])  # Ray makes sockets there: a short path
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", CLUSTER, str(folder)]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True) as head:
        yield head.stdout.readline().strip(), mark
        head.stdin.close()
        head.wait(60)
    shutil.rmtree(folder, ignore_errors=True)


def ray_workers(mark):
    """The processes of the cluster that are at a task of ours."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "cmdline").read_bytes().startswith(b"ray::_attempt") and (
                mark.encode() in (folder / "environ").read_bytes()
            ):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def test_a_sweep_on_ray_of_whose_two_workers_one_is_killed(tmp_path, cluster):
    address, mark = cluster
    process = start(tmp_path, "--ray", address)
    until(lambda: (rows(tmp_path) >= 8 and ray_workers(mark)) or process.poll() is not None)
    assert process.poll() is None, (tmp_path / "said0").read_text()
    victim = ray_workers(mark)[0]
    os.kill(victim, signal.SIGKILL)
    assert process.wait(600) == 0, (tmp_path / "said0").read_text()
    assert is_gone(victim)
    found, _ = settled(tmp_path)
    assert found == undisturbed()
    assert f"Ray at {address}, 2 at a time" in (tmp_path / "said0").read_text()
