"""The stored report of a model that a person promoted in spite of unmet rules: its page says so first."""

from __future__ import annotations

from arrears.contracts.job_configs.jobs import PromoteModelConfig
from arrears.contracts.promotion_log import PromotionRecord
from arrears.reports.banner import with_override
from arrears.stores.models import Models
from arrears.stores.objects import Objects

_PAGE = "report.html"


def put_override_first(config: PromoteModelConfig, decided: PromotionRecord, objects: Objects, models: Models) -> None:
    """Puts an override at the top of the report, in S3 and in MLflow. A second call changes nothing.

    Args:
        decided: the log's entry, which names the rules, the person and the reason.
    """
    folders = (config.addresses.model_folder(config.dataset, config.mlflow_run_id), config.report_folder)
    addresses = [f"{folder}/{_PAGE}" for folder in folders if folder]
    present = [address for address in addresses if objects.exists(address)]
    for address in present:
        page = objects.get(address).decode()
        marked_page = with_override(page, rules=decided.rules_set_aside, who=decided.who, why=decided.override).encode()
        objects.put(address, marked_page)
        if address == present[0]:
            models.log_results(config.mlflow_run_id, {}, {_PAGE: marked_page}, {})
