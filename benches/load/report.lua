-- Runs inside wrk: one request made from the script's arguments (METHOD BODY_BYTES), and the
-- figures as one line that wrk.py reads. Defines no request() or response(): they would slow wrk.

function init(args)
   wrk.method = args[1] or "GET"
   local length = tonumber(args[2] or "0")
   if length > 0 then
      wrk.body = string.rep("x", length)
   end
end

function done(summary, latency, requests)
   local errors = summary.errors
   io.write(string.format(
      "figures requests=%d microseconds=%d p50=%d p99=%d connect=%d read=%d write=%d status=%d timeout=%d\n",
      summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
      errors.connect, errors.read, errors.write, errors.status, errors.timeout
   ))
end
