"""Raw objects: their keys, their compression, and the records in their bytes."""
