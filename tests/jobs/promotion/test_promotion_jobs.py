"""Who becomes champion, challenger and archived, what the log says of it, and that no crash leaves half of it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from arrears.contracts.addresses import Addresses
from arrears.contracts.errors import BadConfiguration, UpstreamNotReady
from arrears.contracts.outcome_facts import JobResult
from arrears.stores.models import Models
from arrears.stores.objects import Objects
from spark_jobs.jobs import promote_model, propose_model
from tests.jobs.promotion.registry_world import (
    A_PILOT,
    BETTER,
    DATASET,
    GOOD,
    MODEL,
    POOR,
    a_promotion,
    a_proposal,
    aliases,
    entries,
    kinds,
    measured,
    promoted,
)

APPROVAL = {"approval": "human", "answer": "Approve", "approver": "Ada", "answered_at": "2026-03-14T12:00:00+00:00"}


def approve(root: str, run_id: str, champion: str | None = None, **answer: Any) -> JobResult:
    proposed = propose_model.run(a_proposal(root, run_id, champion))
    given = {**APPROVAL, "judged": proposed.values["judged"], **answer}
    return promote_model.run(a_promotion(root, run_id, champion, **given))


def test_earlier_champions_keep_their_place_in_line_when_others_follow(root: str) -> None:
    first = promoted(root)
    assert aliases() == {"champion": first}
    second = promoted(root, first)
    assert aliases() == {"champion": second, "archived-1": first}
    third = promoted(root, second)
    assert aliases() == {"champion": third, "archived-1": first, "archived-2": second}
    assert kinds(root) == ["promoted", "promoted", "promoted"]


def test_entry_tells_everything_about_a_decision(root: str) -> None:
    run_id = measured(POOR)
    done = promote_model.run(a_promotion(root, run_id))
    assert done.values["decision"] == "refused"
    (entry,) = entries(root)
    assert entry["mlflow_run_id"] == run_id
    assert (entry["who"], entry["champion_before"], entry["number"]) == ("the gate", "", 1)
    assert entry["metrics"] == POOR
    assert entry["why"] == "auc_low 0.5000 does not exceed its floor 0.6; ece 0.3000 exceeds its ceiling 0.05"
    assert [verdict["met"] for verdict in entry["verdicts"]] == [False, False, True, True]
    assert str(entry["at"]).endswith("+00:00")


def test_mail_lists_every_rule_with_its_verdict(root: str) -> None:
    figures = promote_model.run(a_promotion(root, measured(POOR))).figures
    assert list(figures) == [
        "decision",
        "model",
        "champion before",
        "rule auc_low > 0.6",
        "rule ece <= 0.05",
        "rule no unexplained leak",
        "rule auc is measured",
        "to promote it nevertheless",
    ]
    assert figures["rule auc_low > 0.6"] == "NOT MET: auc_low 0.5000 does not exceed its floor 0.6"


def test_candidate_that_meets_the_rules_and_does_not_win_stays_challenger(root: str) -> None:
    first = promoted(root)
    noise = promote_model.run(a_promotion(root, measured(GOOD, first, 0.7466), first))
    kept = noise.values
    assert kept["decision"] == "kept"
    told = "by +0.0034, 95 % interval -0.0166 to +0.0234: it is not shown to be better, the difference may be chance"
    assert told in str(noise.figures["rule auc_difference_low > 0"])
    assert aliases() == {"champion": first, "challenger": kept["model_version"]}
    refused = promote_model.run(a_promotion(root, measured(POOR, first), first)).values
    assert refused["decision"] == "refused"
    assert aliases()["challenger"] == kept["model_version"]


def test_rerun_writes_no_second_entry(root: str) -> None:
    for metrics in (POOR, BETTER):
        config = a_promotion(root, measured(metrics))
        assert promote_model.run(config) == promote_model.run(config)
    assert kinds(root) == ["refused", "promoted"]


def test_unmet_rule_is_overridden_with_a_reason_that_is_kept(root: str) -> None:
    config = a_promotion(root, measured(POOR), **A_PILOT, requested_by="grace")
    done = promote_model.run(config)
    assert done.values["decision"] == "promoted"
    assert done.values["set_aside"] == "auc_low > 0.6; ece <= 0.05"
    told = "grace set aside auc_low > 0.6; ece <= 0.05, because: a pilot of fifty loans"
    assert next(iter(done.figures.items())) == ("OVERRIDE", told)
    (entry,) = entries(root)
    assert (entry["who"], entry["override"]) == ("grace", "a pilot of fifty loans")
    assert entry["set_aside"] == ["auc_low > 0.6", "ece <= 0.05"]


def test_override_stands_first_on_the_kept_page_and_in_the_log(root: str, tmp_path: Path) -> None:
    import mlflow

    run_id, page = measured(POOR), b"<html><body><main>\n<h1>Default model</h1></main></body></html>"
    kept, sent = f"{Addresses(root).model_folder(DATASET, run_id)}/report.html", f"{root}/artifacts/runs/r1/report.html"
    for address in (kept, sent):
        Objects().put(address, page)
    reason = "a pilot of <b>fifty</b> loans"
    given = {
        **A_PILOT,
        "override_reason": reason,
        "requested_by": "grace",
        "report_folder": f"{root}/artifacts/runs/r1",
    }
    config = a_promotion(root, run_id, **given)
    promote_model.run(config)
    promote_model.run(config)
    logged = Path(mlflow.artifacts.download_artifacts(f"runs:/{run_id}/evaluation/report.html", dst_path=str(tmp_path)))
    for found in (Objects().get(kept).decode(), Objects().get(sent).decode(), logged.read_text()):
        before, _, banner = found.partition("<main>")
        assert before == "<html><body>"
        assert banner.startswith('<!-- override --><section class="override" role="alert"')
        told = banner.partition("<h1>")[0]
        assert " ".join(re.sub(r"<[^>]*>", " ", told).split()) == (
            "Promoted by override grace set aside what the gate demands: auc_low &gt; 0.6 ece &lt;= 0.05"
            " Reason: a pilot of &lt;b&gt;fifty&lt;/b&gt; loans"
        )
        assert found.count("Promoted by override") == 1
    (address,) = [item.uri for item in Objects().list(Addresses(root).promotions(MODEL))]
    assert Objects().get(address).startswith(b'{\n "override": "a pilot of <b>fifty</b> loans",\n "set_aside": [')


def test_override_is_refused_where_no_rule_is_unmet(root: str) -> None:
    done = promote_model.run(a_promotion(root, measured(GOOD), **A_PILOT, requested_by="grace"))
    assert (done.values["decision"], done.values["set_aside"]) == ("promoted", "")
    assert done.values["override"] == done.figures["gate_override"] == "override refused: no rule is unmet"
    (entry,) = entries(root)
    assert (entry["who"], entry["override"], entry["set_aside"]) == ("the gate", "", [])


def test_override_does_not_turn_a_rejection_into_a_promotion(root: str) -> None:
    done = approve(root, measured(POOR), answer="Reject", **A_PILOT)
    assert (done.values["decision"], done.values["set_aside"]) == ("rejected", "")
    assert kinds(root) == ["rejected"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"gate_override": True}, "gate_override needs its reason, in at least 5 different words, not ''"),
        ({"gate_override": True, "override_reason": "none"}, "different words, not 'none'"),
        ({"gate_override": True, "override_reason": "none None - none . 1 none none"}, "at least 5 different words"),
        ({"override_reason": "a pilot of fifty loans"}, "gate_override is off, yet there is a reason"),
    ],
)
def test_override_is_a_deliberate_act_with_a_reason(root: str, given: dict[str, Any], told: str) -> None:
    with pytest.raises(BadConfiguration, match=told):
        a_promotion(root, "run", **given)


def test_human_approval_promotes_and_both_entries_name_the_person(root: str) -> None:
    run_id = measured(GOOD)
    proposed = propose_model.run(a_proposal(root, run_id))
    version = proposed.values["proposed_version"]
    assert aliases() == {"challenger": version}
    assert "| auc_low > 0.6 | 0.7000 | met |" in proposed.values["summary"]
    assert "would set aside" not in proposed.values["summary"]
    done = approve(root, run_id, approval_reason="as agreed in the committee")
    assert done.values["decision"] == "promoted"
    assert aliases() == {"champion": version}
    assert [(entry["kind"], entry["who"]) for entry in entries(root)] == [("approved", "Ada"), ("promoted", "the gate")]
    assert entries(root)[0]["why"] == "as agreed in the committee (answered at 2026-03-14T12:00:00+00:00)"


def test_approval_alone_promotes_nothing_that_misses_a_rule(root: str) -> None:
    run_id = measured(POOR)
    told = propose_model.run(a_proposal(root, run_id)).values["summary"]
    assert "**An override would set aside:**\n\n* auc_low > 0.6: auc_low 0.5000 does not exceed" in told
    assert "\n* ece <= 0.05: ece 0.3000 exceeds" in told
    assert approve(root, run_id).values["decision"] == "refused"
    assert aliases() == {}
    assert kinds(root) == ["approved", "refused"]
    assert approve(root, run_id, **A_PILOT).values["decision"] == "promoted"
    assert entries(root)[-1]["who"] == "Ada"


@pytest.mark.parametrize(("approver", "who"), [("Ada", "Ada"), ("", "nobody")])
def test_rejection_and_silence_keep_the_champion(root: str, approver: str, who: str) -> None:
    first = promoted(root)
    done = approve(root, measured(BETTER, first), first, answer="Reject", approver=approver)
    assert done.values["decision"] == "rejected"
    assert aliases() == {"champion": first, "challenger": done.values["model_version"]}
    assert [(entry["kind"], entry["who"]) for entry in entries(root)[1:]] == [("rejected", who)]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"answer": ""}, "nobody was asked"),
        ({"approver": " "}, "an approval needs a named person"),
        ({"approver": "Anonymous"}, "an approval needs a named person"),
        ({"answered_at": "noon"}, "answered_at 'noon' is no time"),
        ({"judged": "0123456789abcdef"}, "not those that the approver saw"),
    ],
)
def test_approval_that_cannot_be_proven_promotes_nothing(root: str, answer: dict[str, str], told: str) -> None:
    with pytest.raises(BadConfiguration, match=told):
        approve(root, measured(GOOD), **answer)
    assert "champion" not in aliases()
    assert entries(root) == []


def test_figures_that_changed_after_the_approval_need_another(root: str) -> None:
    run_id = measured(GOOD)
    judged = propose_model.run(a_proposal(root, run_id)).values["judged"]
    Models().log_results(run_id, {"ece": 0.04}, {}, {})
    with pytest.raises(BadConfiguration, match="not those that the approver saw"):
        promote_model.run(a_promotion(root, run_id, **APPROVAL, judged=judged))


def test_candidate_compared_with_a_former_champion_is_not_promoted(root: str) -> None:
    run_id = measured(BETTER)
    first = promoted(root)
    with pytest.raises(BadConfiguration, match=f"champion became version {first}"):
        promote_model.run(a_promotion(root, run_id))


def test_candidate_that_was_trained_on_other_data_than_it_was_measured_on_is_not_promoted(root: str) -> None:
    for version, told in (("v0", "was trained on v0 and evaluated on v1"), ("", "that it does not tell and evaluated")):
        run_id = measured(GOOD)
        Models().tag_run(run_id, {"arrears.dataset_version": version})
        with pytest.raises(BadConfiguration, match=told):
            promote_model.run(a_promotion(root, run_id))
    assert entries(root) == []


def test_candidate_that_was_not_measured_on_these_data_is_not_promoted(root: str) -> None:
    config = a_promotion(root, measured(GOOD))
    manifest = Addresses(root).dataset_manifest
    Objects().put(manifest("small_bank", "v2"), Objects().get(manifest("small_bank", "v1")))
    with pytest.raises(BadConfiguration, match="was evaluated on v1 against champion none, not on v2"):
        promote_model.run(replace(config, dataset_version="v2"))
    with pytest.raises(UpstreamNotReady, match=r"v3\.json does not exist"):
        promote_model.run(replace(config, dataset_version="v3"))
    assert entries(root) == []


def test_version_that_was_registered_twice_counts_once(root: str) -> None:
    import mlflow

    run_id = measured(GOOD)
    first = Models().register(run_id, MODEL, tags={})
    mlflow.MlflowClient().create_model_version(MODEL, f"runs:/{run_id}/model", run_id)
    assert Models().register(run_id, MODEL, tags={}) == first
