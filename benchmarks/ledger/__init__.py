"""The ledger: is anything lost? `python -m benchmarks.ledger`; the rules are in docs/ledger.md.

Clients write what they intend and what became of it, servers write what they saw, and
a checker joins the lists. Everything runs over real loopback sockets, in real processes
that are killed, stopped and restarted for real.

command        the command line: picks scenarios and proxies, prints the table
  stage        one scenario on one proxy: opens all, runs the load and the story, reads the books
    scenarios  the stories: which fault comes when
    crowd      the load: many clients, one seeded mix
      client   one honest HTTP/1.1 client: no retry, one outcome a request
    fleet      the servers as processes: start, kill, stop, continue, drain
      server   the server program
    proxies    the proxies under test, configured alike
    wire       strict HTTP/1.1 reading, for clients and servers alike
records        what is written down: intents, outcomes, sightings
checker        rules L1 to L5, as a function of the three lists
accounts       rule L6: the proxy's own books against ours
footprint      rule L7: descriptors and memory of the proxy, before and after
summary        a run's figures, and the limits that ours are held to
"""
