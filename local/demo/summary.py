"""The numbers with which the demo ends, each read from where it is kept: manifests, the registry, the mailbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from arrears.contracts.addresses import Table, registered_model
from arrears.model.metrics.cutoffs import NO_CUTOFF
from include.outcome_fact_reader import latest_outcomes
from local.demo.demo_checks import Evidence
from local.demo.runs import Finished
from local.stack.processes import memory
from local.stack.status import table
from local.stack.supervisor import Supervisor
from local.stack_settings import StackSettings

SHOWN = (Table.TRAIN, Table.TEST, Table.TEST_SAMPLE, Table.TEST_SAMPLE_INFERENCE)
COLD_MINUTES, WARM_MINUTES, IDLE_GIB = 12, 4, 3  # the targets, for a machine with two cores
GIB = 1024**3


@dataclass(frozen=True)
class Report:
    """The HTML page about the model: its address in S3 and its copy on this machine."""

    address: str
    path: Path


def summary(evidence: Evidence, runs: Sequence[Finished]) -> str:
    """Rows, champion and mails as a person reads them. Two demos over the same data give the same text."""
    mails = "".join(f"  {run.mail.subject}\n" for run in runs)
    return f"{_rows(evidence)}\n{_champion(evidence, runs)}\nMails received: {len(runs)}\n{mails}"


def report_page(evidence: Evidence, folder: Path) -> Report | None:
    """Copy the champion's own HTML report from S3 to this machine. None where there is no champion or no report."""
    run_id = _champions_run(evidence)
    address = "" if run_id is None else f"{evidence.addresses.model_folder(evidence.dataset, run_id)}/report.html"
    if not address or not evidence.objects.exists(address):
        return None
    path = folder / PurePosixPath(address).name
    folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes(evidence.objects.get(address))
    return Report(address, path)


def costs(settings: StackSettings, runs: Sequence[Finished], seconds: float) -> str:
    """What the demo took, beside its targets: time since `make` began, memory of the stack now that it is idle."""
    repeated = not any(run.ran_now for run in runs)
    target = f"{WARM_MINUTES} min for a repeated run" if repeated else f"{COLD_MINUTES} min from a clean clone"
    services = Supervisor(settings).services().values()
    idle = sum(memory(service.pid) for service in services if service.pid) / GIB
    return (
        f"Took {int(seconds // 60)} min {int(seconds % 60)} s (target: at most {target}).\n"
        f"The idle stack holds {idle:.2f} GiB of memory (target: at most {IDLE_GIB} GiB).\n"
    )


def _rows(evidence: Evidence) -> str:
    lines = []
    for each in SHOWN:
        rows, partition = evidence.manifest(each)["rows"], f"{each.partition_column}={evidence.partition(each)}"
        lines.append((each.value, f"{rows:,} rows", evidence.addresses.table(each, evidence.dataset), partition))
    artifacts = evidence.objects.list(evidence.addresses.artifacts)
    size = sum(each.size for each in artifacts) / 1e6
    lines.append(("artifacts", f"{len(artifacts):,} objects", evidence.addresses.artifacts, f"{size:,.1f} MB"))
    return table(("prefix", "holds", "address", "partition"), lines)


def _champions_run(evidence: Evidence) -> str | None:
    version = evidence.champion()
    return None if version is None else evidence.models.run_of_version(registered_model(evidence.dataset), version)


def _champion(evidence: Evidence, runs: Sequence[Finished]) -> str:
    name, version = registered_model(evidence.dataset), evidence.champion()
    if version is None:
        return f"Champion: {name} has none\n"
    metrics, _, _ = evidence.models.run_facts(evidence.models.run_of_version(name, version))
    return (
        f"Champion: {name} version {version} ({_decision(evidence, runs, version)})\n"
        f"  AUC {metrics['auc']:.4f} [{metrics['auc_low']:.4f}, {metrics['auc_high']:.4f}]"
        f", Gini {metrics['gini']:.4f}, KS {metrics['ks']:.4f} on held-out borrowers\n"
        f"  {_cutoff(metrics)}\n"
    )


def _cutoff(metrics: Mapping[str, float]) -> str:
    if "threshold" not in metrics:
        return f"{NO_CUTOFF[0].upper()}{NO_CUTOFF[1:]}"
    return f"Cut-off {metrics['threshold']:.4g}: {metrics['approval_rate']:.1%} of held-out borrowers are approved"


def _decision(evidence: Evidence, runs: Sequence[Finished], version: str) -> str:
    """What the demo's training has to do with the champion. A later training may have made another one champion."""
    (run_id,) = [run.run_id for run in runs if run.dag_id == "training"]
    fact = latest_outcomes(evidence.addresses, "training", run_id).get("promote_model")
    if fact is None:
        return "the demo's training decided nothing"
    decision, judged = fact.result.values["decision"], fact.result.values["model_version"]
    if judged == version:
        return f"{decision} by the demo's training"
    return f"not of the demo's training, whose version {judged} was {decision}"
