"""The contenders: each module is a program, ``python -m bench.contenders.NAME RAW_FOLDER OUT_FOLDER``.

All do one job as far as they can: gzip objects of concatenated JSON in; typed columns, identical
records reduced to one, sorted by device and time, as ZSTD Parquet out.
"""
