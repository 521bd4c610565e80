"""Benchmarks: Firelake beside its peers and beside what the machine can do at best."""
