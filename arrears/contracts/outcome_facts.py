"""What one attempt of a task leaves behind: the same facts steer Airflow's retries and fill the report mail."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class JobResult:
    """What a job hands back to its launcher.

    Attributes:
        figures: name → number or short text, in the order a reader wants them. Shown in the mail.
        values: what later tasks of the run need as arguments (versions, run ids), never rows.
        attachments: S3 addresses of plots and pages that the mail attaches.
        links: label → URL or S3 address shown as a link in the mail.
    """

    figures: Mapping[str, float | int | str | None] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    attachments: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class OutcomeFact:
    """How one attempt of one job ended: who must act if it failed, and its figures if it did not.

    Attributes:
        problems: everything that is wrong. ``first_line`` has it in one line.
        advice: what to do about it, where there is something to say.
    """

    job: str
    outcome: Literal["success", "failed"]
    started_at: str
    ended_at: str
    error_class: str = ""
    who_acts: str = ""
    may_retry: bool = True
    first_line: str = ""
    problems: tuple[str, ...] = ()
    result: JobResult = field(default_factory=JobResult)
    advice: str = ""

    def to_json(self) -> str:
        """One JSON object for people and machines alike. Figures keep the order that a reader wants."""
        return json.dumps(dataclasses.asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str | bytes) -> OutcomeFact:
        """Reads a fact. Fields that a later version added are ignored."""
        content: dict[str, Any] = json.loads(text)
        names = {f.name for f in dataclasses.fields(cls)}
        result = content.get("result") or {}
        return cls(
            **{k: v for k, v in content.items() if k in names - {"result", "problems"}},
            problems=tuple(content.get("problems", ())),
            result=JobResult(
                figures=result.get("figures", {}),
                values=result.get("values", {}),
                attachments=tuple(result.get("attachments", ())),
                links=result.get("links", {}),
            ),
        )
