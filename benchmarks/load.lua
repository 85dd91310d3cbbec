-- What wrk runs for us: an upload when it is given a size, and one line of JSON at the end.

local CHUNK_BYTES = 65536

-- wrk would name a length for any body that it knows of, so this one is written by hand.
local function chunked_request(upload_bytes)
  local parts = {
    "POST " .. wrk.path .. " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port ..
    "\r\nTransfer-Encoding: chunked\r\n\r\n"
  }
  local chunk = string.format("%x\r\n", CHUNK_BYTES) .. string.rep("x", CHUNK_BYTES) .. "\r\n"
  for _ = 1, upload_bytes / CHUNK_BYTES do
    parts[#parts + 1] = chunk
  end
  parts[#parts + 1] = "0\r\n\r\n"
  return table.concat(parts)
end

-- wrk calls this before it builds the one request that it then repeats.
function init(args)
  local upload_bytes = tonumber(args[1] or 0)
  if args[2] == "chunked" then
    local whole = chunked_request(upload_bytes)
    request = function() return whole end
  elseif upload_bytes > 0 then
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
