"""The mails that a run sends: what they say, how they go out, and the files beside them."""
