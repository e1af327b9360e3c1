"""The suites; a package in full, because a library of the environment installs one of this name and would win."""
