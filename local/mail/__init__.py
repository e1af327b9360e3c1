"""The stack's mail server: it catches every mail and shows it on a page."""
