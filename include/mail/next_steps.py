"""What a reader of a mail should do next, and who: the last thing that a failure or a decision leaves open."""

from __future__ import annotations

from arrears.contracts.outcome_facts import OutcomeFact

# How outcome facts call people, as a person says it.
_PEOPLE = {
    "data owner": "the owner of the data",
    "operator": "whoever set up or started the run",
    "upstream": "whoever runs what is not there",
    "developers": "the developers",
}
_AFTER_FAILURE = {
    "data owner": "Mend the data or its description, then start the run again.",
    "operator": "Change what is named above, in the form of the DAG or in the settings, then start the run again.",
    "upstream": "It was tried again in vain. When what is missing is there, clear the failed task in Airflow.",
    "developers": "Send this mail and the log to the developers. The run may be repeated: nothing is left half done.",
}
_AFTER_SILENCE = (
    "Look at the log. Where it breaks off, the machine may have run out of memory, or somebody ended the task: clear it"
    " in Airflow, and it runs again."
)
_AFTER_DECISION = {
    "promoted": "Nothing: inference scores with it from now on. To undo it, run rollback from its form.",
    "kept": "Nothing: the champion goes on. Where the new model shall serve in spite of it, run training again from its"
    " form and override the gate there, with the reason.",
    "refused": "See which rules are not met. Train otherwise or on better data; a rule is set aside in the form of"
    " training alone, with the reason.",
    "rejected": "Nothing: the champion goes on. The answer and its reason are in the log of decisions.",
    "rolled back": "Dates that were scored keep their scores. To score them anew, run inference with force.",
}
_AFTER_SUCCESS = {
    "generate_data": "Look at the attached page. Training starts by itself if schedules follow this data set; else run"
    " training from its form.",
    "new_data": "Nothing: inference starts by itself if schedules follow this data set.",
    "inference": "Fetch the scores: they are in the table test_sample_inference, in the partition of this date.",
    "generate_bank": "Run generate_data with source bank, to make a training set of these tables.",
    "build_features": "Nothing: generate_data takes them where features_from is store.",
    "experiment": "See which trial is best. Its settings, for the form of training, are in training_conf.json of the"
    " MLflow run.",
}


def person(who_acts: str) -> str:
    """Who must act, in words that say whom to ask."""
    return _PEOPLE.get(who_acts, who_acts)


def after_failure(fact: OutcomeFact | None) -> str:
    """What to do about a failure: the job's own advice where it has any. None: nobody knows what it was."""
    if fact is None:
        return _AFTER_SILENCE
    return (
        f"{fact.advice[0].upper()}{fact.advice[1:]}."
        if fact.advice
        else _AFTER_FAILURE.get(fact.who_acts, _AFTER_SILENCE)
    )


def after_success(dag_id: str, decision: str) -> str:
    """What to do about a run that ended well."""
    return _AFTER_DECISION.get(decision) or _AFTER_SUCCESS.get(dag_id.partition(".")[0], "Nothing.")
