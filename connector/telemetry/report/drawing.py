"""From a matplotlib figure to an SVG that takes its colors and its font from the page.

Matplotlib is an extra and slow to load: it is imported on the first picture only. Colors are drawn
as placeholders and become CSS variables, so one picture serves the light and the dark page.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any

from connector.errors import ConfigError

# CSS variable -> the placeholder drawn for it
INK = MappingProxyType(
    {
        "ours": "#010a01",
        "erp": "#010a02",
        "ink": "#010a03",
        "muted": "#010a04",
        "grid": "#010a05",
        "good": "#010a06",
        "bad": "#010a07",
        "hold": "#010a08",
        "card": "#010a09",
        "live": "#010a0a",
        "demand": "#010a0b",
    }
)
WIDTH = 9.6  # inches; the page scales pictures to its own width
_STYLE = MappingProxyType(
    {
        "svg.fonttype": "none",
        "font.family": "DejaVu Sans",
        "text.parse_math": False,  # a $ in a node's name is a $
        "font.size": 8.6,
        "axes.titlesize": 9.2,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlecolor": INK["ink"],
        "axes.titlepad": 7.0,
        "axes.labelcolor": INK["muted"],
        "axes.edgecolor": INK["grid"],
        "axes.linewidth": 0.8,
        "axes.facecolor": "none",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.xmargin": 0.01,
        "grid.color": INK["grid"],
        "grid.linewidth": 0.6,
        "xtick.color": INK["grid"],
        "ytick.color": INK["grid"],
        "xtick.labelcolor": INK["muted"],
        "ytick.labelcolor": INK["muted"],
        "text.color": INK["ink"],
        "figure.facecolor": "none",
        "legend.frameon": False,
        "legend.labelcolor": INK["ink"],
        "lines.linewidth": 1.6,
        "lines.solid_capstyle": "round",
    }
)
_FAMILY = re.compile(r"font-family: [^;\"]*;? ?")
_FONT = re.compile(r"font: (?:(\d+|bold) )?([\d.]+)px [^;\"]*")  # how older versions say it
_SIZE = re.compile(r' (?:width|height)="[\d.]+pt"')
_UNWANTED = re.compile(r"<metadata>.*?</metadata>\s*|<style [^>]*>.*?</style>\s*", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One picture with the words for those who do not see it."""

    name: str  # unique on the page, letters and dashes
    title: str
    says: str  # what a reader should take from it, one or two sentences
    svg: str
    folded: bool = False  # opened by a click


def draw(
    name: str,
    height: float,
    paint: Callable[[Any], None],
    *,
    says: str,
    title: str,
    folded: bool = False,
) -> Picture:
    """Paint a figure of `height` inches and return it as a themed SVG.

    Raises ConfigError when matplotlib is not installed.
    """
    matplotlib, figures = _matplotlib()
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": name}):
        figure = figures.Figure(figsize=(WIDTH, height), layout="constrained")
        paint(figure)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    svg = _themed(out.getvalue(), name)
    return Picture(name=name, title=title, says=says, svg=svg, folded=folded)


def require_matplotlib() -> None:
    """Raise ConfigError when pictures cannot be drawn here; cheap when they can."""
    if find_spec("matplotlib") is None:
        raise _missing()


def _missing() -> ConfigError:
    return ConfigError(
        "the report's pictures need matplotlib, which is not installed",
        hint='pip install "replenishd[report]"',
    )


def _matplotlib() -> tuple[Any, Any]:
    try:
        matplotlib = import_module("matplotlib")
        matplotlib.use("agg")
        figures = import_module("matplotlib.figure")
    except ImportError as error:
        raise _missing() from error
    return matplotlib, figures


def _themed(text: str, name: str) -> str:
    """Make the SVG fit to stand inside a page: own ids, the page's font and colors, no size."""
    svg = text[text.index("<svg") :].strip()
    svg = _UNWANTED.sub("", _SIZE.sub("", svg, count=2))
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r"url\(#", f"url(#{name}-", svg)
    svg = re.sub(r'href="#', f'href="#{name}-', svg)
    svg = _FAMILY.sub("", svg)
    svg = _FONT.sub(lambda found: _font(found[1], found[2]), svg)
    for variable, placeholder in INK.items():
        svg = svg.replace(placeholder, f"var(--{variable})")
    return svg.replace("<svg ", f'<svg role="img" aria-labelledby="{name}-t {name}-s" ', 1)


def _font(weight: str | None, size: str) -> str:
    return f"font-size: {size}px" + (f"; font-weight: {weight}" if weight else "")
