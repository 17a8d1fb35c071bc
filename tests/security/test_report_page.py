"""Markup in the names of variables and files, opened in a real browser: nothing of it runs."""

import shutil
from pathlib import Path

import pytest
from attacks import named_weights

from tfinspect.report import write_report

pytestmark = pytest.mark.slow
# Without `/` and `.`, which HDF5 takes as parts of a path.
PAYLOADS = [
    '<img src=x onerror="window.owned=1">',
    '"><svg onload=window.owned=1>',
    "<script>window.owned=1<∕script>",
    "{{7*7}}${7*7}",
    "javascript:window.owned=1",
]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    place = tmp_path_factory.mktemp("hostile")
    path = named_weights(place / f"{PAYLOADS[0]}.weights.h5", "-".join(PAYLOADS))
    return Path(write_report(str(path), str(place / "report.html")))


def test_page_has_no_element_made_from_a_name(page):
    text = page.read_text()
    assert text.count("<script") == 1
    assert "<img src=x" not in text
    assert "<svg onload" not in text
    assert "{{7*7}}" in text


def test_browser_runs_nothing_of_a_name(page):
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("Debian's packages chromium and chromium-driver are not installed")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(driver))
    try:
        browser.get(page.as_uri())
        assert browser.execute_script("return window.owned") is None
        assert [one for one in browser.get_log("browser") if one["level"] != "INFO"] == []
        assert "onerror" in browser.page_source
    finally:
        browser.quit()
