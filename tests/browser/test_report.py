"""The report in a real browser: nothing of others runs, filters find, keys reach everything, it prints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.browser.chromium import NAMES, Page, browser, found
from tests.cli.report_cases import HOSTILE, hostile, month

from pipeseal.cli._report.page import render

SHOWN = "[...document.querySelectorAll('#entries > li')].filter(each => each.checkVisibility()).length"
# Of each text that is seen: how it stands out from what lies behind it, as WCAG 2 measures it; at least 4.5 is asked.
CONTRAST = """
(() => {
  const light = (rgb) => {
    const [r, g, b] = rgb.map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = parts(getComputedStyle(each).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const element of document.body.querySelectorAll("*")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || element.closest("svg, .sr, .skip, option") || !element.checkVisibility()) continue;
    const [a, b] = [parts(getComputedStyle(element).color), behind(element)].map(light).sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) faint.push(element.outerHTML.slice(0, 120));
  }
  return faint;
})()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the pages."""
    made = tmp_path_factory.mktemp("report")
    for name, facts in (("month", month()), ("hostile", hostile())):
        (made / f"{name}.html").write_text(render(facts), "utf-8")
    return made


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Give a browser."""
    assert found(), f"none of {', '.join(NAMES)} is on PATH; on Debian: apt-get install chromium"
    with browser(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def page(chromium: Page, folder: Path) -> Page:
    """Give the report of a month in a window of usual size."""
    chromium.sized(1280, 900)
    chromium.open(folder / "month.html")
    return chromium


def said(page: Page, *methods: str) -> list[dict[str, Any]]:
    """Return what the browser said of those methods."""
    return [each for each in page.heard if each.get("method") in methods]


def asked_for(page: Page) -> set[str]:
    """Return the URLs that were asked for."""
    return {each["params"]["request"]["url"].partition("#")[0] for each in said(page, "Network.requestWillBeSent")}


@pytest.mark.parametrize("name", ["month", "hostile"])
def test_it_asks_for_nothing_and_complains_of_nothing(chromium: Page, folder: Path, name: str) -> None:
    """One file, no other request, no error, and the page's own policy is never broken."""
    file = folder / f"{name}.html"
    chromium.open(file)
    chromium.run("new Promise(done => setTimeout(done, 100))")
    assert asked_for(chromium) == {file.as_uri()}
    assert not said(chromium, "Runtime.exceptionThrown", "Log.entryAdded", "Page.javascriptDialogOpening")


def test_what_others_wrote_runs_nothing(chromium: Page, folder: Path) -> None:
    """The title is ours with everything opened, and the texts are there as texts."""
    chromium.open(folder / "hostile.html")
    chromium.run("document.querySelectorAll('details').forEach(each => { each.open = true })")
    chromium.run("new Promise(done => setTimeout(done, 100))")
    assert chromium.run("document.title") == "pipeseal report: 123456789012, us-east-1"
    text = chromium.run("document.body.textContent")
    assert all(each in text for each in HOSTILE[:3])
    assert chromium.run("document.scripts.length") == 1


def test_the_filters_find(page: Page) -> None:
    """By word, state, kind and control, together; the number is told, and Clear shows all again."""
    every = page.run(SHOWN)

    def chosen(name: str, value: str) -> tuple[int, str]:
        page.run(
            f"(form => {{ form.elements['{name}'].value = '{value}';"
            "form.dispatchEvent(new Event('input', {bubbles: true})) })(document.getElementById('filters'))"
        )
        return page.run(SHOWN), page.run("document.getElementById('count').textContent")

    assert chosen("search", "terraform contested") == (4, f"4 of {every} shown")
    assert chosen("state", "open")[0] == 1
    assert chosen("kind", "pipeline")[0] == 0
    assert page.run("document.getElementById('none').checkVisibility()")
    page.run("document.querySelector('#filters [type=reset]').click()")
    page.run("new Promise(done => setTimeout(done, 50))")
    assert page.run(SHOWN) == every
    assert chosen("control", "KMS.SYMMETRIC")[0] == 1


def test_a_bar_leads_to_its_entry(page: Page) -> None:
    """A click opens it, also where a filter had hidden it."""
    page.run("document.getElementById('filters').elements.kind.value = 'key'")
    page.run("document.getElementById('filters').dispatchEvent(new Event('input'))")
    page.run("document.querySelector('#timeline ~ .wide a[href]').dispatchEvent(new MouseEvent('click'))")
    page.run("new Promise(done => setTimeout(done, 100))")
    assert page.run("document.querySelector('#entries > li:target details').open")
    assert page.run("document.querySelector('#entries > li:target').checkVisibility()")


def test_it_reads_without_javascript(page: Page, folder: Path) -> None:
    """All entries are there; what would do nothing is not."""
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    page.open(folder / "month.html")
    page.call("Emulation.setScriptExecutionDisabled", value=False)
    assert page.run(SHOWN) == page.run("document.querySelectorAll('#entries > li').length") > 20
    assert not page.run("document.getElementById('filters').checkVisibility()")


def test_the_keyboard_reaches_everything(page: Page) -> None:
    """The first stop skips to the report; an entry opens by Enter; every stop can be seen."""
    page.key("Tab")
    assert page.run("document.activeElement.className") == "skip"
    page.key("Enter")
    assert page.run("document.activeElement.id") == "main"
    stops = []
    for _ in range(90):
        page.key("Tab")
        stops.append(page.run("document.activeElement.tagName"))
        if stops[-1] == "SUMMARY" and page.run("!!document.activeElement.closest('#entries')"):
            break
    assert {"a", "DIV", "INPUT", "SELECT", "BUTTON"} <= set(stops)
    assert page.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.key("Enter")
    assert page.run("document.activeElement.parentElement.open")


def test_a_screen_reader_hears_it(page: Page) -> None:
    """Landmarks, and a name for everything that can be focused, the bars and nodes of the drawings too."""
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    heard = [
        (node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node.get("ignored")
    ]
    roles = {role for role, _ in heard}
    assert {"banner", "main", "navigation", "contentinfo", "search", "table", "rowheader", "columnheader"} <= roles
    focusable = {"link", "button", "textbox", "searchbox", "combobox", "radio", "DisclosureTriangle"}
    assert not [role for role, name in heard if role in focusable and not name.strip()]
    names = {name for role, name in heard if role == "link"}
    assert "pipeline release: contained" in names
    assert "bucket website, S3.TLS: open for 12 d" in names


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out(page: Page, folder: Path, scheme: str) -> None:
    """In both schemes, with everything opened."""
    page.sized(1280, 900, scheme)
    page.open(folder / "month.html")
    page.run("document.querySelectorAll('details').forEach(each => { each.open = true })")
    assert page.run(CONTRAST) == []


def test_the_colours_follow_the_system_or_the_reader(page: Page) -> None:
    """The switch wins over the system's scheme, both ways."""
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.run(ground)
    page.run("document.getElementById('theme-dark').click()")
    dark = page.run(ground)
    assert dark != light
    page.sized(1280, 900, "dark")
    page.run("document.getElementById('theme-light').click()")
    assert page.run(ground) == light
    page.run("document.getElementById('theme-auto').click()")
    assert page.run(ground) == dark


@pytest.mark.parametrize("width", [1280, 768, 390])
def test_it_fits_any_window(page: Page, width: int) -> None:
    """Only drawings and tables scroll sideways, within themselves."""
    page.sized(width, 900)
    assert page.run("document.documentElement.scrollWidth") <= width


def test_it_prints(page: Page) -> None:
    """What only works on a screen stays off the paper, which is white in a dark system too."""
    assert page.printed().startswith(b"%PDF-")
    page.sized(700, 900, "dark", "print")
    for name in ("nav", ".theme", "#filters"):
        assert not page.run(f"document.querySelector('{name}').checkVisibility()")
    assert page.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.run("document.documentElement.scrollWidth") <= 700
