"""Pages of the site that lie outside docs/: README and CONTRIBUTING stand at the root, where git hosts show them."""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
# Where each of them stands in the site.
ROOT_PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "develop/contributing.md"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the root."""
    for name, place in ROOT_PAGES.items():
        files.append(File.generated(config, place, content=(ROOT / name).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links between docs/ and the root, right as files in git, into links inside the site."""
    depth = page.file.src_uri.count("/")
    if page.file.src_uri in ROOT_PAGES.values():
        markdown = re.sub(r"\]\(docs/", f"]({'../' * depth}", markdown)
    for name, place in ROOT_PAGES.items():
        markdown = re.sub(rf"\]\((?:\.\./)*{re.escape(name)}", f"]({'../' * depth}{place}", markdown)
    return markdown
