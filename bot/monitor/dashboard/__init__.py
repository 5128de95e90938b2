"""The dashboard: one page in a process of its own, told by journals alone.

`watch` reads one instance's journal in short looks, `parts` and `series` hold what of it a page
shows, `hub` looks for as long as somebody listens, `server` answers browsers and `access` says
which. What has to be computed (`legs`, `landscape`, `smiles`, `expiries`) is computed here, from
what the bot wrote down. Nothing here writes a journal or asks a bot for anything.
"""
