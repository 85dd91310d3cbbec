-- What wrk runs for us: an upload when it is given a size, and one line of JSON at the end.

-- wrk calls this before it builds the one request that it then repeats.
function init(args)
  local upload_bytes = tonumber(args[1] or 0)
  if upload_bytes > 0 then
    wrk.method = "POST"
    wrk.body = string.rep("x", upload_bytes)
  end
end

-- Durations are in microseconds.
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "duration_us": %d, "bytes": %d, "p50_us": %d, "p99_us": %d, ' ..
    '"connect": %d, "read": %d, "write": %d, "timeout": %d, "status": %d}\n',
    summary.requests, summary.duration, summary.bytes,
    latency:percentile(50), latency:percentile(99),
    errors.connect, errors.read, errors.write, errors.timeout, errors.status))
end
