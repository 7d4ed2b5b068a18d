"""What Segment asks of a partner-owned destination (reference: segment.md 3.2, 3.3)."""
