"""The page itself: whole, safe, small, the same twice."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import polars as pl
import pytest

from connector.errors import ConfigError
from connector.telemetry.report import ReportData, render, write_report
from connector.telemetry.report.data import FRAMES, OURS

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}$x_1$"


class Page(HTMLParser):
    """Reads a page and remembers what matters."""

    VOID = frozenset({"meta", "br", "img", "link", "input", "hr"})

    def __init__(self, text):
        super().__init__()
        self.tags, self.ids, self.open, self.references, self.outside = Counter(), [], [], set(), []
        self.crossed = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            if name in ("href", "xlink:href", "src", "action"):
                if value.startswith("#"):
                    self.references.add(value[1:])
                else:
                    self.outside.append(value)
            if name == "aria-labelledby":
                self.references |= set(value.split())

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.crossed.append(tag)


@pytest.fixture(scope="module")
def shared():
    return {}


@pytest.fixture
def page(report_data, shared):
    if "text" not in shared:
        shared["text"] = render(report_data)
    return shared["text"]


@pytest.fixture
def empty(report_data):
    return ReportData(
        title="Shadow week",
        site="north",
        currency="EUR",
        first_day=report_data.first_day,
        last_day=report_data.last_day,
        made_at=report_data.made_at,
        version="1",
    )


def test_the_page_is_well_formed_and_needs_nothing_from_outside(page):
    read = Page(page)
    assert read.open == []
    assert read.crossed == []
    assert read.outside == []
    assert read.tags["script"] == read.tags["link"] == read.tags["iframe"] == 0
    assert read.tags["svg"] == read.tags["figure"] == 7
    assert "url(http" not in page
    assert "@import" not in page
    assert len(page) < 600_000


def test_ids_are_unique_and_every_reference_meets_one(page):
    read = Page(page)
    twice = [name for name, count in Counter(read.ids).items() if count > 1]
    assert twice == []
    urls = set(re.findall(r"url\(#([^)]+)\)", page))
    assert read.references | urls <= set(read.ids)


def test_every_picture_has_words_and_takes_its_colors_from_the_page(page):
    pictures = re.findall(r"<svg .*?</svg>", page, re.DOTALL)
    for svg in pictures:
        assert 'role="img"' in svg
        assert "#010a" not in svg
        assert set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", svg)) <= {"#000000", "#ffffff"}
        assert "DejaVu" not in svg
    assert "prefers-color-scheme: dark" in page
    for variable in set(re.findall(r"var\((--[a-z-]+)\)", page)):
        assert page.count(f"{variable}:") == 2, variable


def test_the_page_says_what_happened(page):
    for text in (
        "Eight days",
        "2026-03-02 to 2026-03-09",
        "97.50%",
        "1,200",
        "Fill rate at 1010: 96.00% against 98.00%",
        "By the ERP&#39;s own account 1 line was filed, none of them twice.",
        "10000001",
        "relative jump C4",
        "wanted 50% that very day and 75% then or in the 7 days before",
        "Made up.",
        "Made 2026-03-10 07:00 UTC",
        "shadow on 1 node between 2026-03-02 and 2026-03-05",
    ):
        assert text in page, text


def test_what_was_filed_twice_is_shouted(empty, posted):
    twice = replace(empty, posted=posted.with_columns(times_filed=pl.lit(2)), unmatched=3)
    page = render(twice)
    assert "2 OF THEM MORE THAN ONCE" in page
    assert re.search(r'class="kpi worse">\s*<h3>Filed twice</h3>\s*<p class="figure">2<', page)
    assert re.search(r'class="kpi worse">\s*<h3>Unmatched</h3>\s*<p class="figure">3<', page)


def test_no_text_of_the_erp_can_become_markup(report_data):
    frames = {
        name: getattr(report_data, name).with_columns(
            pl.lit(EVIL).alias(column)
            for column, kind in schema.items()
            if kind == pl.String and column != "world"
        )
        for name, schema in FRAMES.items()
    }
    hostile = replace(
        report_data,
        **frames,
        title=EVIL,
        site=EVIL,
        currency=EVIL,
        version=EVIL,
        notes=(EVIL,),
        facts=((EVIL, EVIL),),
        guard_names={EVIL: EVIL},
        node_labels={EVIL: EVIL},
    )
    page = render(hostile)
    read = Page(page)
    assert read.tags["script"] == read.tags["img"] == 0
    assert read.open == read.crossed == []
    assert "{{7*7}}" in page
    assert page.count("&lt;script&gt;") > 20
    assert "$x_1$" in page  # drawn as it is written, not as a formula


def test_an_empty_report_says_what_is_missing_and_draws_nothing(empty):
    page = render(empty)
    assert Page(page).tags["svg"] == 0
    for text in (
        "Nobody wanted an order in these days.",
        "There is no second world to compare with",
        "No fail-safe changed anything.",
        "Nothing was posted: in shadow nothing is.",
    ):
        assert text in page
    assert "Where it did worse" not in page


def test_a_shadow_week_without_lost_sales_still_draws_its_stock(report_data, days):
    week = days.filter(pl.col("world") == OURS).with_columns(
        pl.lit(None).alias(name) for name in ("demand_units", "served_units", "served_value")
    )
    shadow = replace(report_data, days=week, compared_from=None, unmatched=None)
    page = render(shadow)
    assert "lost sales are unknown" in page
    assert 'id="stock-value-t"' in page
    assert "Fill rate</h3>" not in page
    assert Page(page).crossed == []


def test_a_long_table_is_cut_and_says_so(empty, findings):
    many = pl.concat([findings] * 100)
    page = render(replace(empty, findings=many))
    assert "and 50 more" in page
    assert "What they changed, the most money first (200)" in page


def test_many_nodes_are_summed_and_the_largest_drawn(report_data, days):
    wide = pl.concat(
        days.filter(pl.col("node") == "1010").with_columns(
            node=pl.lit(f"N{number:02d}"), stock_value=pl.col("stock_value") * (number + 1)
        )
        for number in range(30)
    )
    page = render(replace(report_data, days=wide))
    assert "All 30 nodes" in page
    assert "Of 30 nodes the 11 with the most stock are drawn one by one." in page
    stock = page[page.index('id="stock-value-t"') : page.index('id="stock-value-s"')]
    assert ">N29<" in stock
    assert ">N05<" not in stock


def test_the_same_data_gives_the_same_page(report_data, page):
    assert render(report_data) == page


def test_a_report_is_written_whole(empty, tmp_path):
    path = tmp_path / "new" / "report.html"
    size = write_report(empty, path)
    assert path.stat().st_size == size
    assert [each.name for each in path.parent.iterdir()] == ["report.html"]


def test_a_folder_that_cannot_be_written_is_said(empty, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        write_report(empty, tmp_path / "file" / "report.html")


def test_without_matplotlib_the_install_is_named_and_nothing_else_needs_it():
    code = """
import sys
sys.modules["matplotlib"] = None
from connector.errors import ConfigError
from connector.telemetry.report.drawing import draw
try:
    draw("x", 1, lambda figure: None, says="", title="")
except ConfigError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 'pip install "replenishd[report]"' in done.stdout
    code = "import sys, connector.telemetry.report; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
