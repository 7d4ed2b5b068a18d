"""What machines and operators ask of a running Plaudit: health and metrics."""
