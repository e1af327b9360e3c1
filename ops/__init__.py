"""Commands of those who operate Arrears: submit a job, run an experiment, replay a run, prove the log of decisions.

They work on the embedded stack, whose addresses `local` knows. `verify_decisions --root` works on any other.
"""
