"""The README's example runs as printed."""

import re

import gendr
from source_tree import ROOT


def test_example_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})
    assert gendr.Mesh.load(tmp_path / "airplane.obj").n_vertices == 642
