"""Side by side with real peers: `python -m benchmarks --quick`; the method is in docs/benchmarks.md.

command        the command line: picks rows and peers, prints, writes
  suite        opens the bench, runs each row over each peer, collects results
    rows       one small class each: what is loaded, and which figures come of it
    peers      one small class each: how a proxy is configured and started
    wrk        one run of the load generator, and what it reported
    origin     the real server behind every proxy; echo_origin behind tunnels
    certificate  what listeners over TLS show
    program    one child process: pinned, timed, ended by its own group
    proc       arithmetic over /proc: CPU and memory of a process tree
results        what was measured, as JSON
table          results as one table: figures down, peers across, ratios in cells
goals          results against what is aimed at: yes, no, open
plot           results as a picture
document       their places in docs/benchmarks.md

path           our own code over a network without a kernel (canned), variant by variant
  variants     features switched on; looks at features that are off, taken out
decisions      what a balancing decision costs, by algorithm and size of pool
ledger         is anything lost? A suite of its own
"""
