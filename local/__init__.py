"""The embedded stack: every server that Arrears needs, real and on loopback, for one person's machine.

Nothing outside this folder imports it. `python -m local.stack --help` shows what it can do.
"""
