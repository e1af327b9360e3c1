"""Every job's configuration: one frozen dataclass a job, its flags, its limits and what an experiment may try."""
