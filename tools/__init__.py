"""What the steps of an evaluation do: search, sources, facts, rating, runtimes, scenarios, judge, report.

Nothing here knows the graph or the database. Functions are pure where they can be; what talks to the
network does so through a seam that a test or a replay can replace.
"""
