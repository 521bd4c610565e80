"""What a lake's pages show: read from its tables and listings, kept for a short while, never written."""
