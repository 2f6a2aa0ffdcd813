-- Requests from as many clients as CLIENTS says, and one line of figures that a program can read.
local clients = tonumber(os.getenv("CLIENTS"))
local prepared, n = {}, 0

function init(_)
  for i = 1, clients do
    wrk.headers["X-Forwarded-For"] = string.format("10.%d.%d.%d", math.floor(i / 65536), math.floor(i / 256) % 256, i % 256)
    prepared[i] = wrk.format("GET")
  end
end

function request()
  n = n % clients + 1
  return prepared[n]
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format("figures %d %d %d %d %d %d\n", summary.requests, summary.duration, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout, latency:percentile(50), latency:percentile(99)))
end
