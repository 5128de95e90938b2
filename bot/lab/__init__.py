"""What would have happened: recordings, studies, scorecards."""

__all__: list[str] = []
