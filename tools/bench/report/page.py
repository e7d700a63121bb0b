"""The report's page: one HTML file with its pictures, style and script in it, which asks the network for nothing."""

from __future__ import annotations

import base64
import html
import math
from collections.abc import Sequence
from pathlib import Path

from gendr.tools.bench.report.tables import Table, Value

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def page(sections: Sequence[str]) -> str:
    """The whole document around its sections.

    >>> page(["<h1>Report</h1>"]).startswith("<!doctype html>")
    True
    """
    style, script = (Path(__file__).with_name(f"page.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">\n<title>gendr benchmark</title>',
            f"<style>\n{style}</style>\n</head>\n<body>\n<main>",
            *sections,
            f"</main>\n<script>\n{script}</script>\n</body>\n</html>\n",
        ]
    )


def contents(links: Sequence[tuple[str, str]]) -> str:
    """Links to the sections: pairs of an id and a text.

    >>> contents([("shape", "a < b")])
    '<nav><a href="#shape">a &lt; b</a></nav>'
    """
    return "<nav>" + " ".join(f'<a href="#{name}">{html.escape(text)}</a>' for name, text in links) + "</nav>"


def figure(light: bytes, dark: bytes, alt: str) -> str:
    """A picture that follows the reader's colour scheme.

    >>> figure(b"", b"", "a < b").count("a &lt; b")
    1
    """
    day, night = (f"data:image/png;base64,{base64.b64encode(png).decode()}" for png in (light, dark))
    source = f'<source media="(prefers-color-scheme: dark)" srcset="{night}">'
    return f'<div class="wide"><picture>{source}<img src="{day}" alt="{html.escape(alt)}"></picture></div>'


def table(content: Table) -> str:
    """A table whose columns sort at a click on their heads.

    >>> table(Table(["a"], ["a"], [[1]], [["<1>"]])).count("&lt;1&gt;")
    1
    """
    shown = [i for i, head in enumerate(content.heads) if head]
    heads = "".join(f'<th><button type="button">{html.escape(content.heads[i])}</button></th>' for i in shown)
    lines = [
        "<tr>" + "".join(_cell(values[i], texts[i]) for i in shown) + "</tr>"
        for values, texts in zip(content.values, content.texts, strict=True)
    ]
    body = "\n".join(lines)
    return f'<div class="wide tall"><table><thead><tr>{heads}</tr></thead><tbody>\n{body}\n</tbody></table></div>'


def _cell(value: Value, text: str) -> str:
    if isinstance(value, (int, float)):
        return f'<td class="number" data-value="{value if math.isfinite(value) else ""}">{html.escape(text)}</td>'
    return f"<td>{html.escape(text)}</td>"
