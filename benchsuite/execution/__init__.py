"""Execution of plans: each cell becomes one record, computed within limits, stored under the key of its chain."""
