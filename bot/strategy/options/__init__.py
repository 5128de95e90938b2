"""Option trades that bring gamma, vega and shocked figures back at least cost.

rows (what is passed) → problem (what may be traded) → solve → plan (what it means, what may go).
"""
