"""A study's part of the report: its heat maps, its table and what is to be known about them."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from gendr.tools.bench.report import page
from gendr.tools.bench.report.heat_map import HeatMap, heat_maps
from gendr.tools.bench.report.picture import DARK, LIGHT, draw, limits
from gendr.tools.bench.report.standings import standings
from gendr.tools.bench.report.study import Study
from gendr.tools.bench.report.tables import Table, instances

_NOTES = {
    "shape": "The loss is the best of all learning rates and tau for each mesh, elevation and seed, then the mean. "
    "The 95 % interval is Student's t over the seeds; with one seed over elevations and meshes, where it says how they "
    "differ and nothing about repetition. tau is the geometric mean of the best ones.",
    "pose": "The learning rate is the one with the most poses within 3°, for each mesh. The intervals are Wilson's, "
    "95 %; ranges are of the initial angle in degrees.",
}
_LEGEND = (
    "× only failed runs; hatched: no result; grey: conditions are missing, so the figure cannot be compared and has "
    "no rank. The halves' bars count the best tenth of each half by itself."
)


@dataclass(frozen=True, eq=False)
class Section:
    """A study under a name.

    Attributes:
        name: what its files' names begin with.
        study: what it tells.
    """

    name: str
    study: Study

    @property
    def title(self) -> str:
        """Protocol and meshes."""
        return f"{self.study.protocol}: {', '.join(self.study.meshes)}"

    @cached_property
    def figures(self) -> list[tuple[str, HeatMap, tuple[float, float]]]:
        """File name, heat map and its colours' ends, for each half of each metric."""
        found = []
        for metric in self.study.metrics:
            halves = heat_maps(self.study, metric)
            ends = limits(halves)
            found += [(f"{self.name}-{metric.name}-{half.name}.png", half, ends) for half in halves]
        return found

    def pictures(self) -> Iterator[tuple[str, bytes, bytes]]:
        """File name, and the PNG on light and on dark paper, for each of the figures."""
        for name, half, ends in self.figures:
            yield name, draw(half, ends, LIGHT), draw(half, ends, DARK)

    def tables(self) -> dict[str, bytes]:
        """The table's files by name."""
        return {
            f"{self.name}.csv": self._table.csv().encode(),
            f"{self.name}.md": f"{self._table.markdown()}\n".encode(),
        }

    def html(self, pictures: list[tuple[str, bytes, bytes]]) -> list[str]:
        """The section on the page, with what `pictures` gave."""
        parts = [f'<h2 id="{self.name}">{html.escape(self.title)}</h2>', f"<p>{html.escape(self._summary())}</p>"]
        for (_, half, _), (_, light, dark) in zip(self.figures, pictures, strict=True):
            alt = f"{half.metric.title}, {half.name} distributions by T-conorms"
            missing = f"{half.name}: {half.missing:,} of {half.values.size:,} cells have no result."
            parts += [page.figure(light, dark, alt), f'<p class="note">{missing}</p>']
        note = f'<p class="note">{_LEGEND} {_NOTES[self.study.protocol]}</p>'
        return [*parts, note, page.table(self._table)]

    @cached_property
    def _table(self) -> Table:
        return instances(self.study)

    def _summary(self) -> str:
        study = self.study
        budget = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in study.budget)
        complete, known = int(study.is_complete.sum()), int((study.known > 0).sum())
        failed = sum(not k and study.runs(i).failed > 0 for i, k in zip(study.instances, study.known, strict=True))
        counts = f"{complete:,} instances complete, {known - complete:,} incomplete, {failed:,} failed"
        return f"{budget}. {counts}.{self._ahead()}"

    def _ahead(self) -> str:
        best = standings(self.study)[0]
        metric = self.study.metrics[0]
        if best.rank is None:
            return ""
        low, high = metric.text(best.interval.low), metric.text(best.interval.high)
        sure = f" [{low}, {high}] over {best.over}" if math.isfinite(best.interval.low) else ""
        return f" Ahead: {best.instance}, {metric.title} {metric.text(best.interval.mean)}{sure}."
