"""The embedded stack: its services, started, watched and stopped: `python -m local.stack --help`."""
