"""The banner that a finished report page gets once a person has overridden the gate."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

_BEGIN, _END = "<!-- override -->", "<!-- end of override -->"
_PRESENT = re.compile(re.escape(_BEGIN) + ".*?" + re.escape(_END), re.DOTALL)
# The page's own policy allows styles and nothing else.
_STYLE = "padding:1rem 1.25rem;border-left:5px solid #b3261e;background:#fde7e4;color:#3b0906;border-radius:0 8px 8px 0"


def with_override(page: str, *, rules: Sequence[str], who: str, why: str) -> str:
    """Says at the top of a report page that the model was promoted in spite of unmet rules. A second call adds nothing.

    Args:
        rules: those that were set aside.
        who, why: the person and the reason, as they stand in the log of decisions.
    """
    listed = "".join(f"<li>{escape(rule)}</li>" for rule in rules)
    banner = (
        f'{_BEGIN}<section class="override" role="alert" style="{_STYLE}"><h2>Promoted by override</h2>'
        f"<p>{escape(who)} set aside what the gate demands:</p><ul>{listed}</ul><p>Reason: {escape(why)}</p>"
        f"</section>{_END}"
    )
    before, main, after = _PRESENT.sub("", page).partition("<main>")
    return f"{before}{main}{banner}{after}" if main else f"{banner}{before}"
