"""One picture restored step by step: in time, in memory, and no worse than what costs nothing.

What is here knows neither tasks nor files: `tasks` drives it for arrays, `runs` for picture files.
"""
