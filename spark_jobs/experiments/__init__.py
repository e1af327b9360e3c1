"""Many trainings on the same folds: rows pinned once, trials side by side, a ranking."""
