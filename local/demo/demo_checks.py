"""Is what an earlier demo wrote still there, whole? Everything is looked up anew. No note of the demo is believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from arrears.contracts.addresses import Addresses, Table, registered_model
from arrears.contracts.errors import UpstreamNotReady
from arrears.stores.models import Models
from arrears.stores.objects import Objects


@dataclass(frozen=True)
class Evidence:
    """What S3 and the model registry say about one data set on one business date."""

    addresses: Addresses
    dataset: str
    as_of: str
    objects: Objects
    models: Models

    def missing_results(self, dag_id: str) -> list[str]:
        """What keeps the work of this DAG from being whole, in words. Nothing where it is whole."""
        checks = {
            "generate_data": self._missing_data,
            "training": self._missing_champion,
            "new_data": self._missing_sample,
            "inference": self._missing_scores,
        }
        try:
            return checks[dag_id]()
        except UpstreamNotReady as missing:
            return list(missing.problems)

    def dataset_version(self) -> str:
        """The version that a demo's own data generation put in force. Raises UpstreamNotReady where it did not."""
        record = self.objects.get_json(f"{self.addresses.activations(self.dataset)}/{self.as_of}.json")
        return str(record["dataset_version"])

    def partition(self, table: Table) -> str:
        """Which partition of a table this data set and date have."""
        return self.dataset_version() if table.partition_column == "dataset_version" else self.as_of

    def manifest(self, table: Table) -> dict[str, Any]:
        """Rows and files of that partition. Raises UpstreamNotReady where it was not written."""
        address = self.addresses.partition_manifest(table, self.dataset, self.partition(table))
        return dict(self.objects.get_json(address))

    def champion(self) -> str | None:
        """The registry version that is champion now."""
        return self.models.champion(registered_model(self.dataset))

    def scored_by(self) -> str | None:
        """The registry version that scored the date. None where the date is not scored."""
        try:
            return str(self.manifest(Table.TEST_SAMPLE_INFERENCE)["model_version"])
        except UpstreamNotReady:
            return None

    def _missing_data(self) -> list[str]:
        return self._missing_files(Table.TRAIN) + self._missing_files(Table.TEST)

    def _missing_champion(self) -> list[str]:
        return [] if self.champion() else [f"{registered_model(self.dataset)} has no champion"]

    def _missing_sample(self) -> list[str]:
        drawn_from = self.manifest(Table.TEST_SAMPLE).get("dataset_version", self.dataset_version())
        other = [] if drawn_from == self.dataset_version() else [f"it was drawn from version {drawn_from}"]
        return other + self._missing_files(Table.TEST_SAMPLE)

    def _missing_scores(self) -> list[str]:
        scored, drawn = self.manifest(Table.TEST_SAMPLE_INFERENCE), self.manifest(Table.TEST_SAMPLE)
        fewer = [] if scored["rows"] == drawn["rows"] else [f"{scored['rows']} of {drawn['rows']} rows are scored"]
        return fewer + self._missing_files(Table.TEST_SAMPLE_INFERENCE)

    def _missing_files(self, table: Table) -> list[str]:
        manifest = self.manifest(table)
        if not manifest["files"]:
            return [f"the manifest of {table.value} names no file"]
        sizes = {file["uri"]: self.objects.size(file["uri"]) for file in manifest["files"]}
        return [
            f"{file['uri']} is missing" if sizes[file["uri"]] is None else f"{file['uri']} has another size"
            for file in manifest["files"]
            if sizes[file["uri"]] != file["size"]
        ]
