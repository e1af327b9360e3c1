"""Pages as single HTML files that open anywhere, with nothing to fetch and nothing to run.

See docs/adr/0005.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from importlib.resources import files

from arrears.contracts.metric_names import in_words
from arrears.model.metrics import rules_of_thumb


def render(template: str, styles: Sequence[str], **values: object) -> str:
    """Fills a template of this package. Images and styles stand inside, every value is escaped.

    Args:
        template: file name, such as ``model_page.html``. It may include others of the package.
        styles: file names of its style sheets, in order.
    """
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    # Templates are package data, read so that it works from inside the zip that Spark ships.
    folder = files("arrears.reports")
    environment = Environment(
        loader=FunctionLoader(lambda name: folder.joinpath(name).read_text("utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["in_words"] = in_words
    environment.globals["rules_of_thumb"] = rules_of_thumb
    style = "\n".join(folder.joinpath(name).read_text("utf-8") for name in styles)
    return environment.get_template(template).render(style=style, **values)


def data_url(png: bytes) -> str:
    """A picture as the address of itself."""
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
