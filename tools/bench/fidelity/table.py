"""The findings of a results file's studies as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gendr import _check
from gendr.tools.bench.fidelity import agreement
from gendr.tools.bench.fidelity.compare import Measured
from gendr.tools.bench.fidelity.findings import FINDINGS
from gendr.tools.bench.report.study import Budget, Study
from gendr.tools.bench.report.tables import Table

MESH = {"shape": "airplane", "pose": "teapot"}
"""What the thesis ran each protocol on."""
ALL = "all"
"""The name for all meshes together."""
BUDGET: dict[str, Budget] = {
    "shape": (("steps", 100), ("image_size", 64), ("views", 24)),
    "pose": (("steps", 1000), ("image_size", 64), ("tau", (0.1, 1e-7))),
}
"""The published budgets."""
_NOT_MEASURED = Measured("-", "not measured")
_HEADS = ("finding", "published", "here", "agrees")


@dataclass(frozen=True)
class Part:
    """One protocol's findings.

    Attributes:
        title: what they were measured on.
        table: finding, published, here, agrees.
    """

    title: str
    table: Table


def parts(studies: Sequence[Study], mesh: str | None = None) -> list[Part]:
    """A part for each protocol that was run: on the published budget where the studies have it, else on the largest.

    Args:
        studies: largest first, as `collect` gives them.
        mesh: only this one; `all`: all together; None: the thesis's where a study has it, else all.

    Raises:
        ValueError: no study has the mesh.
    """
    chosen = {protocol: study for protocol in MESH if (study := _choose(studies, protocol, mesh)) is not None}
    if not chosen:
        meshes = sorted({name for study in studies for name in study.meshes})
        _check.fail("mesh", f"one of the results': {', '.join(meshes)}", repr(mesh))
    return [_part(study, chosen.get("shape")) for study in chosen.values()]


def _part(study: Study, shape: Study | None) -> Part:
    lines = [(f.text, f.published, f.measure(study) or _NOT_MEASURED) for f in FINDINGS[study.protocol]]
    if study.protocol == "pose":
        found = agreement.similar(shape, study) if shape is not None else None
        lines.append((agreement.TEXT, agreement.PUBLISHED, found or _NOT_MEASURED))
    texts = [[text, published, measured.here, measured.verdict] for text, published, measured in lines]
    return Part(_title(study), Table(_HEADS, _HEADS, texts, texts))


def _choose(studies: Sequence[Study], protocol: str, mesh: str | None) -> Study | None:
    found = [s for s in studies if s.protocol == protocol and (mesh in (None, ALL) or mesh in s.meshes)]
    if not found:
        return None
    study = next((s for s in found if s.budget == BUDGET[protocol]), found[0])
    wanted = mesh or MESH[protocol]
    return study.on(wanted) if wanted in study.meshes else study


def _title(study: Study) -> str:
    budget = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in study.budget)
    published = "" if study.budget == BUDGET[study.protocol] else " (not the published budget)"
    unit = "points of the share within 3°" if study.protocol == "pose" else "loss"
    size = f"{int((study.known > 0).sum()):,} instances, {len(study.conditions):,} conditions"
    where = f"{study.protocol}: {', '.join(study.meshes)}; {budget}{published}; {size}."
    return f"{where} Leads are in {unit}, positive as published."
