"""The page in a real browser: quiet, self-contained, searchable, sortable, fit for a phone."""

import json

import pytest
from oracle_files import CKPT_V2

from tfinspect.report import write_report

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_report(str(CKPT_V2), str(tmp_path_factory.mktemp("report") / "report.html"))


@pytest.fixture
def page(browser, path):
    browser.get_log("performance")
    browser.get(f"file://{path}")
    return browser


def _shown(page):
    return page.execute_script(
        "return [...document.querySelectorAll('#rows tbody tr')].filter((r) => !r.hidden)"
        ".map((r) => r.cells[0].textContent)"
    )


def _search(page, text):
    field = page.find_element("id", "search")
    field.clear()
    field.send_keys(text)


def test_console_stays_empty(page):
    assert [entry for entry in page.get_log("browser") if entry["level"] != "INFO"] == []


def test_no_request_leaves_the_page(page, path):
    messages = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    sent = [
        one["params"]["request"]["url"]
        for one in messages
        if one["method"] == "Network.requestWillBeSent"
    ]
    outside = [url for url in sent if not url.startswith("data:")]
    assert outside == [f"file://{path}"]


def test_search_leaves_the_rows_that_hold_every_word(page):
    everything = _shown(page)
    _search(page, "conv1 gamma")
    expected = [name for name in everything if "conv1" in name and "gamma" in name]
    assert expected
    assert _shown(page) == expected
    assert page.find_element("id", "found").text.startswith(f"{len(expected)} of ")
    _search(page, "no such variable")
    assert _shown(page) == []
    assert page.find_element("id", "none").is_displayed()


def test_columns_are_sorted_from_the_keyboard(page):
    from selenium.webdriver.common.keys import Keys

    button = page.find_elements("css selector", "#rows th button")[2]
    assert button.text == "Parameters"
    for direction in ("ascending", "descending"):
        button.send_keys(Keys.ENTER)
        sizes = page.execute_script(
            "return [...document.querySelectorAll('#rows tbody tr')]"
            ".map((r) => Number(r.cells[3].dataset.value))"
        )
        assert sizes == sorted(sizes, reverse=direction == "descending")


def test_every_column_is_seen_on_a_desktop(page):
    desktop = {"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", desktop)
    try:
        assert page.execute_script(
            "const t = document.getElementById('rows').parentElement;"
            "return t.scrollWidth <= t.clientWidth"
        )
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_columns_of_scopes_have_headings(page):
    heads = page.find_elements("css selector", "#scopes .heads span")
    assert [one.text for one in heads][:4] == ["Scope", "Share", "Parameters", "Size"]


def test_phone_needs_no_sideways_scrolling(page):
    phone = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    try:
        assert page.execute_script("return document.documentElement.scrollWidth") <= 360
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_the_paper(page, scheme):
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    for selector in ("body", "p.kind", "nav a", "td.number", "footer"):
        ink, paper = page.execute_script(
            "const c = getComputedStyle(document.querySelector(arguments[0])).color;"
            "return [c, getComputedStyle(document.body).backgroundColor]",
            selector,
        )
        # WCAG 2.2, success criterion 1.4.3.
        assert _contrast(ink, paper) >= 4.5, selector


def _contrast(first, second):
    dark, light = sorted((_luminance(first), _luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(color):
    channels = [int(part) / 255 for part in color[color.index("(") + 1 : -1].split(",")[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
