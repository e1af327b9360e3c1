"""How much memory one CatBoost task needs, from rows, features and bytes, and how many shards make it fit.

Constants were measured with CatBoost 1.2.10 on Linux by the growth of resident memory: 200,000 and 400,000 rows of 20,
50 and 200 numbers and 0, 5 and 15 categories, depth 6, plain and ordered boosting. The estimate was 0 to 50 % above
what each of these took.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

READ_BYTES = 4  # a number while it is read: float32
KEPT_BYTES = 1  # a number once it is quantised, when the float32 array is given back
ROW_BYTES = 24  # row order, its sorting, the label twice
BOOSTING_BYTES = 170  # CatBoost's own of each row: estimates, derivatives, leaves
ORDERED_BYTES = 380  # the same where boosting is ordered
LEVEL_BYTES = 56  # a category of a row: its code, its hash, its statistics
TEXT_BYTES = 500  # a text of a row with its words; a text pool cannot be quantised
BIN_BYTES = 32  # sums of one bin of one feature in one leaf
BINS = 255
BASE_MB = 450  # Python and its libraries, and two row groups at a time
MOST_SHARDS = 256


@dataclass(frozen=True)
class TaskSize:
    """What one task would train on.

    Attributes:
        rows: training rows. ``validation_rows`` come beside them into every task.
        numeric, categorical, text: how many features of each kind the model sees.
        is_ordered: boosting is ordered.
        added_rows: training rows that come on top when the model is trained again on all of them.
    """

    rows: int
    validation_rows: int
    numeric: int
    categorical: int
    depth: int
    text: int = 0
    is_ordered: bool = False
    added_rows: int = 0

    def needed_mb(self) -> int:
        """Peak memory of the task in MB, rounded up, whichever of its trainings needs more."""
        again = replace(self, rows=self.rows + self.added_rows, validation_rows=0)
        return max(self._of_one_training(), again._of_one_training() if self.added_rows else 0)

    def _of_one_training(self) -> int:
        cell_bytes = READ_BYTES if self.text else KEPT_BYTES
        # Beside categories the validation slice cannot be quantised.
        kept_validation = READ_BYTES if self.text or self.categorical else KEPT_BYTES
        other = self.categorical * LEVEL_BYTES + self.text * TEXT_BYTES + ROW_BYTES
        both = self.rows + self.validation_rows
        reading_training = self.rows * (self.numeric * (READ_BYTES + KEPT_BYTES) + other)
        reading_validation = self.rows * (self.numeric * cell_bytes + other) + self.validation_rows * (
            self.numeric * (READ_BYTES + KEPT_BYTES) + other
        )
        boosting = other + (ORDERED_BYTES if self.is_ordered else BOOSTING_BYTES)
        of_rows = self.numeric * (self.rows * cell_bytes + self.validation_rows * kept_validation) + both * boosting
        of_leaves = BIN_BYTES * BINS * (self.numeric + self.categorical) << (self.depth - 1)
        return BASE_MB + -(-max(reading_training, reading_validation, of_rows + of_leaves) // 2**20)

    def of_shards(self, shards: int) -> TaskSize:
        """The size of the largest of so many shards."""
        return replace(self, rows=-(-self.rows // shards), added_rows=-(-self.added_rows // shards))


def shards_that_fit(size: TaskSize, memory_mb: int) -> int | None:
    """The fewest shards whose tasks need no more than this memory. None where no number of them does."""
    return next((n for n in range(1, MOST_SHARDS + 1) if size.of_shards(n).needed_mb() <= memory_mb), None)
