"""A definition as closures: compiled once, evaluated for any profile.

Every timed part answers `(value, until)`: the value now, and a time before which it cannot become another
without a new fact (`NEVER` when it cannot at all). Parts that do not look at the clock answer a value only.
"""
