-- What wrk asks for, by environment, and its figures as one line of JSON.
local depth = tonumber(os.getenv("BENCH_PIPELINE") or "1")
local body = tonumber(os.getenv("BENCH_BODY") or "0")

if os.getenv("BENCH_CLOSE") == "1" then
  wrk.headers["Connection"] = "close"
end
if body > 0 then
  wrk.method = "POST"
  wrk.body = string.rep("x", body)
end
if depth > 1 then
  local batch
  init = function()
    local request = wrk.format()
    batch = string.rep(request, depth)
  end
  request = function() return batch end
end

done = function(summary, latency)
  local e = summary.errors
  io.write(string.format(
    'BENCH {"requests":%d,"seconds":%.6f,"p50":%.4f,"p99":%.4f,"errors":%d,"timeouts":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.connect + e.read + e.write + e.status, e.timeout))
end
