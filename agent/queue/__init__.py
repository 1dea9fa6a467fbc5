"""Runs on several machines: orders go through procrastinate on PostgreSQL to ``bms worker``.

The rows of ``orders`` are what counts. A job of the queue only brings an order to a worker: one that is lost
is made again for as long as its order is open, and one too many finds the order done or the run taken.
"""
