"""The Lua that looks at Celery's queues within Redis, so that no message leaves it."""

from __future__ import annotations

from hashlib import sha1

# ARGV: the queues; the suffixes of the priority steps; "queue:step" -> mark of the newest message
# when last looked at; how many messages may be looked at for those marks; look at every n-th queue;
# beginning with which. Numbers of queues and steps begin with 1.
#
# Returns {depth of each queue}, or -1; {[queue, error]}; and for each list that is looked at and
# not empty [queue, step, length, mark, newer, sent_at or ""]. A mark is a message's delivery tag;
# `newer` is how many messages came after the last one: -1 without a mark, -2-n for at least n.
SCRIPT = r"""
local queues, suffixes = cjson.decode(ARGV[1]), cjson.decode(ARGV[2])
local marks, budget = cjson.decode(ARGV[3]), tonumber(ARGV[4])
local nth, first = tonumber(ARGV[5]), tonumber(ARGV[6])
local depths, errors, lists = {}, {}, {}
local function mark(message)
  local tail = string.sub(message, -160)
  local at = string.find(tail, '"delivery_tag"', 1, true)
  return at and string.sub(tail, at + 14, at + 54) or redis.sha1hex(string.sub(message, -4096))
end
local function newer(key, length, last)
  local at = 1
  while at < length and budget > 0 do
    local messages = redis.call('LRANGE', key, at, at + 15)
    for i, message in ipairs(messages) do
      if mark(message) == last then return at + i - 1 end
    end
    at, budget = at + #messages, budget - #messages
  end
  return at < length and -2 - at or length
end
local function sent_at(message)
  message = string.sub(message, -4096)
  local at = string.find(message, '"sent_at"', 1, true)
  return at and string.match(message, '^ ?: ?([%d.]+)', at + 9) or ''
end
local function look(queue, step, key, length)
  local newest, last = mark(redis.call('LINDEX', key, 0)), marks[queue .. ':' .. step]
  lists[#lists + 1] = {queue, step, length, newest,
    not last and -1 or last == newest and 0 or newer(key, length, last),
    sent_at(redis.call('LINDEX', key, -1))}
end
local function count(queue, step, key)
  local length = redis.pcall('LLEN', key)
  if type(length) == 'table' then
    depths[queue] = -1
    errors[#errors + 1] = {queue, length.err}
  elseif length > 0 and depths[queue] >= 0 then
    depths[queue] = depths[queue] + length
    if queue % nth == first then look(queue, step, key, length) end
  end
end
local function count_further(from, to)
  local keys = {}
  for queue = from, to do
    for step = 2, #suffixes do keys[#keys + 1] = queues[queue] .. suffixes[step] end
  end
  if #keys == 0 or redis.pcall('EXISTS', unpack(keys)) == 0 then return end
  for i, key in ipairs(keys) do
    count(from + math.floor((i - 1) / (#suffixes - 1)), 2 + (i - 1) % (#suffixes - 1), key)
  end
end
for queue, name in ipairs(queues) do
  depths[queue] = 0
  count(queue, 1, name .. suffixes[1])
end
for from = 1, #queues, 32 do count_further(from, math.min(from + 31, #queues)) end
return {depths, errors, lists}
"""
DIGEST = sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()
