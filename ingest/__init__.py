"""Sources of the lake: simulators that send what the real devices and pages send."""
