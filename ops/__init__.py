"""Commands of those who operate Arrears: submit a job, run an experiment, replay a run, prove the log of decisions.

They stand on `local` for the embedded stack's addresses, and work on any other by the environment.
"""
