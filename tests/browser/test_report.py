"""The report in a browser: ledger content does not run, filters and keyboard work, and the page prints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.browser.chromium import NAMES, BrowserPage, browser, chromium_path
from tests.cli.report_cases import HOSTILE, hostile, month

from pipeseal.cli._report.page import render

SHOWN = "[...document.querySelectorAll('#entries > li')].filter(each => each.checkVisibility()).length"
# Lists visible text whose contrast ratio to its background is below 4.5 (WCAG 2, level AA).
CONTRAST = """
(() => {
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const background = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const color = channels(getComputedStyle(each).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const tooFaint = [];
  for (const element of document.body.querySelectorAll("*")) {
    const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!hasText || element.closest("svg, .visually-hidden, .skip, option") || !element.checkVisibility()) continue;
    const colors = [channels(getComputedStyle(element).color), background(element)];
    const [a, b] = colors.map(luminance).sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) tooFaint.push(element.outerHTML.slice(0, 120));
  }
  return tooFaint;
})()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the pages of a month and of the hostile data; return their folder."""
    path = tmp_path_factory.mktemp("report")
    for name, data in (("month", month()), ("hostile", hostile())):
        (path / f"{name}.html").write_text(render(data), "utf-8")
    return path


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserPage]:
    """Start a browser."""
    assert chromium_path(), f"none of {', '.join(NAMES)} is on PATH; on Debian: apt-get install chromium"
    with browser(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def page(chromium: BrowserPage, folder: Path) -> BrowserPage:
    """Open the report of a month in a desktop window."""
    chromium.resize(1280, 900)
    chromium.open(folder / "month.html")
    return chromium


def events_of(page: BrowserPage, *methods: str) -> list[dict[str, Any]]:
    """Return the events with those methods."""
    return [each for each in page.events if each.get("method") in methods]


def requested_urls(page: BrowserPage) -> set[str]:
    """Return the URLs that the page requested."""
    return {each["params"]["request"]["url"].partition("#")[0] for each in events_of(page, "Network.requestWillBeSent")}


@pytest.mark.parametrize("name", ["month", "hostile"])
def test_the_page_makes_no_requests_and_logs_no_errors(chromium: BrowserPage, folder: Path, name: str) -> None:
    """The file is the only request, and there is no error, dialog or violation of the content security policy."""
    file = folder / f"{name}.html"
    chromium.open(file)
    chromium.run("new Promise(done => setTimeout(done, 100))")
    assert requested_urls(chromium) == {file.as_uri()}
    assert not events_of(chromium, "Runtime.exceptionThrown", "Log.entryAdded", "Page.javascriptDialogOpening")


def test_ledger_content_does_not_run(chromium: BrowserPage, folder: Path) -> None:
    """With every entry expanded, the title is unchanged, and the hostile content is shown as text."""
    chromium.open(folder / "hostile.html")
    chromium.run("document.querySelectorAll('details').forEach(each => { each.open = true })")
    chromium.run("new Promise(done => setTimeout(done, 100))")
    assert chromium.run("document.title") == "pipeseal report: 123456789012, us-east-1"
    text = chromium.run("document.body.textContent")
    assert all(each in text for each in HOSTILE[:3])
    assert chromium.run("document.scripts.length") == 1


def test_the_filters_select_entries(page: BrowserPage) -> None:
    """Search, state, kind and control combine; the count is shown, and "Clear filters" shows all entries."""
    every = page.run(SHOWN)

    def filtered(name: str, value: str) -> tuple[int, str]:
        page.run(
            f"(form => {{ form.elements['{name}'].value = '{value}';"
            "form.dispatchEvent(new Event('input', {bubbles: true})) })(document.getElementById('filters'))"
        )
        return page.run(SHOWN), page.run("document.getElementById('count').textContent")

    assert filtered("search", "terraform contested") == (4, f"4 of {every} shown")
    assert filtered("state", "open")[0] == 1
    assert filtered("kind", "pipeline")[0] == 0
    assert page.run("document.getElementById('no-match').checkVisibility()")
    page.run("document.querySelector('#filters [type=reset]').click()")
    page.run("new Promise(done => setTimeout(done, 50))")
    assert page.run(SHOWN) == every
    assert filtered("control", "KMS.SYMMETRIC")[0] == 1


def test_a_bar_links_to_its_entry(page: BrowserPage) -> None:
    """A click expands the entry, even if a filter hides it."""
    page.run("document.getElementById('filters').elements.kind.value = 'key'")
    page.run("document.getElementById('filters').dispatchEvent(new Event('input'))")
    page.run("document.querySelector('#timeline ~ .scroll a[href]').dispatchEvent(new MouseEvent('click'))")
    page.run("new Promise(done => setTimeout(done, 100))")
    assert page.run("document.querySelector('#entries > li:target details').open")
    assert page.run("document.querySelector('#entries > li:target').checkVisibility()")


def test_the_page_can_be_read_without_javascript(page: BrowserPage, folder: Path) -> None:
    """All entries are visible, and the filters, which need the script, are not."""
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    page.open(folder / "month.html")
    page.call("Emulation.setScriptExecutionDisabled", value=False)
    assert page.run(SHOWN) == page.run("document.querySelectorAll('#entries > li').length") > 20
    assert not page.run("document.getElementById('filters').checkVisibility()")


def test_the_keyboard_reaches_everything(page: BrowserPage) -> None:
    """The first tab stop skips to the report, Enter expands an entry, and the focus is visible."""
    page.press("Tab")
    assert page.run("document.activeElement.className") == "skip"
    page.press("Enter")
    assert page.run("document.activeElement.id") == "main"
    stops = []
    for _ in range(90):
        page.press("Tab")
        stops.append(page.run("document.activeElement.tagName"))
        if stops[-1] == "SUMMARY" and page.run("!!document.activeElement.closest('#entries')"):
            break
    assert {"a", "DIV", "INPUT", "SELECT", "BUTTON"} <= set(stops)
    assert page.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.press("Enter")
    assert page.run("document.activeElement.parentElement.open")


def test_the_page_is_accessible_to_screen_readers(page: BrowserPage) -> None:
    """It has landmarks, and a name for everything that can be focused, bars and nodes of the drawings included."""
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    exposed = [
        (node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node.get("ignored")
    ]
    roles = {role for role, _ in exposed}
    assert {"banner", "main", "navigation", "contentinfo", "search", "table", "rowheader", "columnheader"} <= roles
    focusable = {"link", "button", "textbox", "searchbox", "combobox", "radio", "DisclosureTriangle"}
    assert not [role for role, name in exposed if role in focusable and not name.strip()]
    names = {name for role, name in exposed if role == "link"}
    assert "pipeline release: quarantined" in names
    assert "bucket website, S3.TLS: open for 12 d" in names


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast(page: BrowserPage, folder: Path, scheme: str) -> None:
    """This holds in both color schemes, with every entry expanded."""
    page.resize(1280, 900, scheme)
    page.open(folder / "month.html")
    page.run("document.querySelectorAll('details').forEach(each => { each.open = true })")
    assert page.run(CONTRAST) == []


def test_the_color_scheme_can_be_selected(page: BrowserPage) -> None:
    """The switch overrides the color scheme of the system, both ways."""
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.run(background)
    page.run("document.getElementById('theme-dark').click()")
    dark = page.run(background)
    assert dark != light
    page.resize(1280, 900, "dark")
    page.run("document.getElementById('theme-light').click()")
    assert page.run(background) == light
    page.run("document.getElementById('theme-auto').click()")
    assert page.run(background) == dark


@pytest.mark.parametrize("width", [1280, 768, 390])
def test_the_page_fits_the_window(page: BrowserPage, width: int) -> None:
    """Only drawings and tables scroll horizontally, within their own boxes."""
    page.resize(width, 900)
    assert page.run("document.documentElement.scrollWidth") <= width


def test_the_page_prints(page: BrowserPage) -> None:
    """Controls of the screen are not printed, and the background is white in the dark color scheme too."""
    assert page.print_to_pdf().startswith(b"%PDF-")
    page.resize(700, 900, "dark", "print")
    for name in ("nav", ".theme", "#filters"):
        assert not page.run(f"document.querySelector('{name}').checkVisibility()")
    assert page.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.run("document.documentElement.scrollWidth") <= 700
