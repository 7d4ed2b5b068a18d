"""What Segment's calls mean: pure functions of values, with no I/O and no clock."""
