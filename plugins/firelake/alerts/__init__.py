"""Telling people when a table needs them: what is said, and that it is said once."""
