"""The examples run, the longer ones with fewer steps and pixels, and stay as short as they say."""

import re
import subprocess
import sys

import pytest
from PIL import Image

from gendr.render import Mesh
from source_tree import ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
ARGUMENTS = {  # steps, and pixels
    "sort_digits": ["20"],
    "fit_texture": ["30", "40"],
    "fit_pose": ["50", "40"],
    "fit_light": ["100", "40"],
}
ERRORS = {  # what is printed, and the error that these few steps must reach (seen: 0.018, 1.1, 0.2)
    "fit_texture": (r"unseen view ([\d.]+) of 1", 0.04),
    "fit_pose": (r"recovered to ([\d.]+) degrees", 4.0),
    "fit_light": (r"direction to ([\d.]+) degrees", 1.5),
}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_examples_run(example, tmp_path):
    command = [sys.executable, example, *ARGUMENTS.get(example.stem, [])]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    if example.stem == "fit_shape":
        assert Mesh.load(tmp_path / "teapot.obj").n_vertices == 642
        assert "IoU 0.9" in run.stdout
    if example.stem == "topk_loss":
        assert run.stdout.count("top-3") == 2
    if example.stem == "sort_digits":
        # A coin would be right in half of the pairs; 20 steps reach 0.7 and more.
        assert float(run.stdout.split()[-1].rstrip("%")) > 60
    if example.stem in ERRORS:
        pattern, worst = ERRORS[example.stem]
        assert float(re.search(pattern, run.stdout)[1]) < worst
        with Image.open(tmp_path / f"{example.stem}.png") as picture:
            assert picture.size == (120, 40)  # start, result, truth
    if example.stem == "triangle":
        # Raising the apex of a triangle of base 1.2 adds 0.6 to its area per unit of height; softness takes little.
        apex = float(run.stdout.split()[-1].rstrip(")"))
        assert apex == pytest.approx(0.6, abs=0.01)


@pytest.mark.parametrize(("name", "lines"), [("triangle", 30), ("topk_loss", 40), ("sort_digits", 70)])
def test_examples_stay_short(name, lines):
    assert len((ROOT / "examples" / f"{name}.py").read_text().splitlines()) <= lines
