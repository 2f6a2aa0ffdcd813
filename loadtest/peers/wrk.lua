-- Requests from as many clients as CLIENTS says, or with the tickets in the file TICKETS, and one line of figures that a
-- program can read. With EXPECTED, answers of another status are counted.
local tickets = os.getenv("TICKETS")
local clients = tonumber(os.getenv("CLIENTS") or 0)
local expected = tonumber(os.getenv("EXPECTED") or 0)
local prepared, n = {}, 0
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

local function prepare(i)
  wrk.headers["X-Forwarded-For"] = string.format("10.%d.%d.%d", math.floor(i / 65536), math.floor(i / 256) % 256, i % 256)
  prepared[i] = wrk.format("GET")
end

function init(_)
  unexpected = 0
  if not tickets then
    for i = 1, clients do prepare(i) end
    return
  end
  for line in io.lines(tickets) do
    local cookie, tag = line:match("^(%S+) ?(.*)$")
    wrk.headers["Cookie"] = "spillway-room-sale=" .. cookie
    wrk.headers["If-None-Match"] = tag ~= "" and tag or nil
    clients = clients + 1
    prepare(clients)
  end
end

function request()
  n = n % clients + 1
  return prepared[n]
end

-- Without it wrk need not look at answers.
if expected > 0 then
  function response(status)
    if status ~= expected then unexpected = unexpected + 1 end
  end
end

function done(summary, latency, _)
  local errors = summary.errors
  local refusals = expected > 0 and threads[1]:get("unexpected") or errors.status
  io.write(string.format("figures %d %d %d %d %d %d\n", summary.requests, summary.duration, refusals,
    errors.connect + errors.read + errors.write + errors.timeout, latency:percentile(50), latency:percentile(99)))
end
