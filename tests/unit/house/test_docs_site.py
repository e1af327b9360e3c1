"""The site of the docs is built without a warning, and whoever reads it asks no other host for anything."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
# What a browser fetches by itself; an `a` waits for a click.
FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href", "object": "data"}


class Fetches(HTMLParser):
    """Collects the addresses that a page makes a browser fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get(FETCHED.get(tag, ""))
        if address:
            self.addresses.append(address)


def elsewhere(text: str, suffix: str) -> list[str]:
    """Addresses of other hosts that a browser would fetch for a page or a style sheet."""
    if suffix == ".css":
        found = re.findall(r"url\(\s*[\"']?([^)\"']+)", text) + re.findall(r"@import\s+[\"']([^\"']+)", text)
    else:
        page = Fetches()
        page.feed(text)
        found = page.addresses
    return [address for address in found if re.match(r"(?:\w+:)?//", address)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environ = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    told = subprocess.run(command, cwd=REPOSITORY, env=environ, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    return folder


def test_no_page_and_no_style_sheet_fetches_anything_from_another_host(site: Path) -> None:
    files = [file for suffix in ("html", "css") for file in site.rglob(f"*.{suffix}")]
    assert len(files) > 70
    assert {file.name: found for file in files if (found := elsewhere(file.read_text(), file.suffix))} == {}


def test_a_page_that_fetches_from_another_host_would_be_seen() -> None:
    assert elsewhere('<link rel="x" href="//fonts.example/a.css">', ".html") == ["//fonts.example/a.css"]
    assert elsewhere("@import 'https://a.example/b.css'; a { background: url(c.svg) }", ".css") == [
        "https://a.example/b.css"
    ]
    assert elsewhere('<a href="https://a.example">a</a><script src="b.js"></script>', ".html") == []


def test_pages_of_the_root_are_pages_of_the_site_and_lead_to_the_others(site: Path) -> None:
    assert 'href="guide/gate.html"' in (site / "index.html").read_text()
    assert 'href="develop/contributing.html"' in (site / "index.html").read_text()
    assert 'href="architecture.html"' in (site / "develop/contributing.html").read_text()
    assert 'href="../index.html#dags"' in (site / "guide/runs.html").read_text()


def test_search_finds_words_of_every_part(site: Path) -> None:
    index = (site / "search/search_index.json").read_text()
    for place in (
        "index.html",
        "develop/contributing.html",
        "operate/runbook.html",
        "reference/glossary.html",
        "adr/0001",
    ):
        assert f'"location":"{place}' in index
