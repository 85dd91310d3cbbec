"""What a command does with scenarios: many seeds of one, a failure shrunk, a trace run again."""
