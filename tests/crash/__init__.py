"""Plaudit killed, stopped and started again while shops send orders: the promises, with real processes."""
