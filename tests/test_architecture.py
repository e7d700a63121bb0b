"""The order of the house: imports point down, files stay small, both sides of the kernels know the same names."""

import ast
import re
import sys
from importlib.metadata import packages_distributions, requires

import pytest

from gendr import _ops, distributions, tnorms
from source_tree import MODULES, ROOT

# Top to bottom. A module may import what stands in a lower row, and what shares its own group (its name or a package
# that holds it); never what stands in a higher row, nor another group of its own row.
ROWS = [
    ["gendr.cli", "gendr.__main__"],
    ["gendr.tools"],
    ["gendr.scenes"],
    ["gendr"],
    ["gendr.presets"],
    ["gendr.render"],
    ["gendr.render.pose"],
    ["gendr.render.renderer", "gendr.render.losses", "gendr.render.reach_report"],
    ["gendr.render.rasterize", "gendr.render.look", "gendr.render.finite_inputs"],
    ["gendr.render.geometry", "gendr.render.stages"],
    ["gendr.render.blending", "gendr.render.reference_views", "gendr.render.softness", "gendr.render.culling"],
    ["gendr.render.reference_blend"],
    ["gendr.render.reference"],
    ["gendr.render.colmap_io"],
    ["gendr.render.camera_io", "gendr.render.mesh_batch"],
    ["gendr.render.camera", "gendr.render.deferred"],
    ["gendr.render.shading"],
    ["gendr.render.lights"],
    [
        "gendr.render.mesh",
        "gendr.render.regularisers",
        "gendr.render.schedules",
        "gendr.render.rotations",
        "gendr.optim",
    ],
    ["gendr.render.formats", "gendr.render.subdivision", "gendr.render.topology"],
    ["gendr.render.mesh_exchange"],
    ["gendr.render.mesh_parts"],
    ["gendr.render.material"],
    ["gendr.render.texture", "gendr.render.clip", "gendr.render.normals", "gendr.render.spherical_harmonics"],
    ["gendr.render.texture_wraps", "gendr.render.clipped"],
    ["gendr.render.ordered_sums"],
    ["gendr.topk"],
    ["gendr.sort"],
    ["gendr._cuda"],
    ["gendr._ops", "gendr._edges"],
    ["gendr._kernels", "gendr._threads", "gendr.distributions", "gendr.tnorms"],
    ["gendr._autocast", "gendr._check", "gendr._types"],
]
GROUPS = {group: len(ROWS) - i for i, row in enumerate(ROWS) for group in row}
PARENTS = {"gendr", "gendr.render"}  # their rows are those of their own __init__, not of what they hold


def group_of(module):
    if module in GROUPS:
        return module
    held = [g for g in GROUPS if g not in PARENTS and module.startswith(g + ".")]
    return max(held, key=len, default=None)


def imports_of(name, source):
    """The modules that a module imports, functions' own imports and those for type checkers included."""
    found = set()
    package = name if MODULES[name].stem == "__init__" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            members = {f"{base}.{alias.name}" for alias in node.names}
            found |= {m if m in MODULES or group_of(m) == m else base for m in members}
    return found


def upward(name, source):
    """The imports of a module that the order forbids."""
    own = group_of(name)
    wrong = []
    for target in imports_of(name, source):
        group = group_of(target) if target.split(".")[0] == "gendr" else own
        if group != own and GROUPS[group] >= GROUPS[own]:
            wrong.append(target)
    return wrong


@pytest.mark.parametrize("name", MODULES)
def test_imports_point_down(name):
    assert group_of(name), f"{name} has no place in the order of imports: give it one in ROWS"
    assert not upward(name, MODULES[name].read_text())


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("gendr._check", "from gendr import _ops"),
        ("gendr.distributions.base", "def f():\n    from gendr.tnorms import TNorm"),
        ("gendr.tnorms.base", "import gendr.render.mesh"),
        ("gendr.optim", "from gendr.render import losses"),
        ("gendr.render.mesh", "from .rasterize import rasterize"),
        ("gendr.render.rasterize", "import gendr"),
        ("gendr.render.camera", "from ...tools import fit"),
        ("gendr.scenes", "from gendr import tools"),
    ],
)
def test_an_upward_import_is_seen(name, source):
    assert upward(name, source)


def test_third_parties_are_declared():
    installed = packages_distributions()
    declared = {re.match(r"[\w-]+", line)[0].lower().replace("_", "-") for line in requires("gendr")}
    for name, file in MODULES.items():
        for target in {module.partition(".")[0] for module in imports_of(name, file.read_text())}:
            if target not in sys.stdlib_module_names and target != "gendr":
                names = {d.lower().replace("_", "-") for d in installed.get(target, [target])}
                assert names & declared, f"{name} imports {target}, which pyproject.toml does not list"


FILES = [
    f for folder in ("gendr", "kernels", "scenes", "tools", "tests", "examples") for f in (ROOT / folder).rglob("*")
]
CODE = [f for f in FILES if f.suffix in {".py", ".pyi", ".h", ".cpp", ".cu", ".cuh"}]


def test_files_stay_small():
    lengths = {str(f.relative_to(ROOT)): len(f.read_text().splitlines()) for f in CODE}
    assert not {f: n for f, n in lengths.items() if n > 400}


def test_kernels_and_python_know_the_same_names():
    assert set(_ops.DISTRIBUTIONS) == set(distributions.DISTRIBUTIONS)
    assert set(_ops.T_CONORMS) == set(tnorms.TNORMS)
