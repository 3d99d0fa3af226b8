"""What should happen in memory, worked out apart from the kernel.

policies.py    which page goes when a frame is needed
traces.py      accesses: scripts as people write them, and random ones from a seed

Nothing here was ever taken from a run of the kernel: the numbers that the kernel is
held against come from the definitions in the comments, and the tests of this folder
hold those against published examples.
"""
