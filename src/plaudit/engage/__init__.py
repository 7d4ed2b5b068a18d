"""Profiles, computed traits and audiences. What stands directly in this folder is pure: values in, values out."""
