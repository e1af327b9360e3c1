"""Stores the progress of a training where another attempt at the same task finds it and resumes."""

from __future__ import annotations

import logging
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spark_jobs.engines.interface import Progress

log = logging.getLogger(__name__)

SAVE_SECONDS = 60  # a lost task loses at most its last minute; shorter trainings cost nothing
LOOK_SECONDS = 5.0
_UNFIT = "Can't load progress from snapshot"  # CatBoost's words for progress of other rows, settings or versions


def fitted(settings: dict[str, Any], train: Any, validation: Any, progress: Progress | None, key: str) -> Any:
    """Trains a classifier, from where an earlier attempt left off if there is one. The model is the same either way.

    Args:
        settings: of the classifier.
        key: a name of the rows and of everything else that makes this model.
    """
    from catboost import CatBoostClassifier

    def train_with(more: dict[str, Any]) -> Any:
        return CatBoostClassifier(**settings, **more).fit(
            train, eval_set=validation, use_best_model=validation is not None
        )

    if progress is None:
        return train_with({"allow_writing_files": False})
    with tempfile.TemporaryDirectory() as folder, _stored_progress(Path(folder, "progress"), progress, key) as file:
        where = {"train_dir": folder, "save_snapshot": True, "snapshot_interval": SAVE_SECONDS}
        try:
            model = train_with({**where, "snapshot_file": str(file)})
        except Exception as error:
            if _UNFIT not in str(error):
                raise
            log.warning("progress of an earlier attempt does not fit this training: it starts anew")
            file.unlink()
            model = train_with({**where, "snapshot_file": str(file)})
    progress.remove(key)
    return model


@contextmanager
def _stored_progress(file: Path, progress: Progress, key: str) -> Iterator[Path]:
    """Puts what an earlier attempt left into the file, and stores what CatBoost writes there while the block runs."""
    progress_bytes = progress.load(key)
    if progress_bytes is not None:
        file.write_bytes(progress_bytes)
        # A warning, since a task's process shows nothing less: it stands in the executor's stderr.
        log.warning("resuming from the progress of an earlier attempt (%d bytes)", len(progress_bytes))
    is_over = threading.Event()
    watch = threading.Thread(target=_store_changes, args=(file, _version(file), progress, key, is_over), daemon=True)
    watch.start()
    try:
        yield file
    finally:
        is_over.set()
        watch.join()


def _store_changes(
    file: Path, stored: tuple[int, int] | None, progress: Progress, key: str, is_over: threading.Event
) -> None:
    while not is_over.wait(LOOK_SECONDS):
        if (version := _version(file)) != stored:
            try:
                progress.save(key, file.read_bytes())
                stored = version
            except Exception as error:  # noqa: BLE001 - the training itself is well: the next look tries again
                log.warning("progress could not be stored: %s", type(error).__name__)


def _version(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_size
