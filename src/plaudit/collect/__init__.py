"""HTTP in: Segment's tracking API. Bytes become envelopes, and a 200 means that they are on disk."""
