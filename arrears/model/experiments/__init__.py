"""The search of experiments: which trial comes next, which one won, which features stay."""
