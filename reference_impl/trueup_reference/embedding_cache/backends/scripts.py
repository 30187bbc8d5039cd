"""The ledger on the Redis server, as scripts: Redis runs each as one step, whatever other processes do.

A namespace has three keys and one for every entry, all with one hash tag, so that a cluster keeps them together:

    {NAMESPACE}:order        a sorted set of the entries' keys; the least recent has the lowest score
    {NAMESPACE}:rows         a hash: key -> "SIZE CHECKSUM"
    {NAMESPACE}:bytes        the sum of the sizes
    {NAMESPACE}:entry:KEY    the tensor, as a safetensors file

Should Redis itself give one of the first three up (`maxmemory` with an `allkeys-` policy), the scripts make the ledger
whole again: the sum is added up anew, rows without a place in the order are dropped with their entries.
"""

from __future__ import annotations

_COMMON = """
local order, rows, bytes, prefix = KEYS[1], KEYS[2], KEYS[3], ARGV[1]

local function size_of(row)
  return tonumber(string.match(row or '', '^%d+')) or 0
end

local function total()
  local known = tonumber(redis.call('GET', bytes) or '')
  if not known then
    known = 0
    for _, row in ipairs(redis.call('HVALS', rows)) do known = known + size_of(row) end
    redis.call('SET', bytes, string.format('%.0f', known))
  end
  return known
end

local function drop(key)
  local known = total()
  local row = redis.call('HGET', rows, key)
  redis.call('ZREM', order, key)
  redis.call('HDEL', rows, key)
  redis.call('UNLINK', prefix .. key)
  if row then redis.call('SET', bytes, string.format('%.0f', math.max(0, known - size_of(row)))) end
  return row
end

local function touch(key)
  local last = redis.call('ZRANGE', order, -1, -1, 'WITHSCORES')
  if last[1] ~= key then redis.call('ZADD', order, (tonumber(last[2]) or 0) + 1, key) end
end

local function make_room(limit)
  local gone = {}
  while total() > limit do
    local oldest = redis.call('ZRANGE', order, 0, 0)[1]
    if oldest then
      if drop(oldest) then gone[#gone + 1] = oldest end
    else
      for _, key in ipairs(redis.call('HKEYS', rows)) do
        drop(key)
        gone[#gone + 1] = key
      end
      redis.call('SET', bytes, '0')
      break
    end
  end
  return gone
end
"""

# ARGV: prefix, key, size, capacity, row, file. Answers the evicted keys.
SET = (
    _COMMON
    + """
local key, size = ARGV[2], tonumber(ARGV[3])
-- Changes nothing, but is refused where memory is short. Redis asks so only before the first write of a script.
redis.call('APPEND', bytes, '')
drop(key)
local gone = make_room(tonumber(ARGV[4]) - size)
redis.call('SET', prefix .. key, ARGV[6])
redis.call('HSET', rows, key, ARGV[5])
redis.call('SET', bytes, string.format('%.0f', total() + size))
touch(key)
return gone
"""
)

# ARGV: prefix, key, most bytes of a header. Answers nothing, 'lost', 'corrupted', or the row and the file.
GET = (
    _COMMON
    + """
local key = ARGV[2]
local row = redis.call('HGET', rows, key)
if not row then
  redis.call('UNLINK', prefix .. key)
  return false
end
local length = redis.pcall('STRLEN', prefix .. key)
if length == 0 then
  drop(key)
  return 'lost'
end
if type(length) ~= 'number' or length > size_of(row) + tonumber(ARGV[3]) then
  drop(key)
  return 'corrupted'
end
touch(key)
return {row, redis.call('GET', prefix .. key)}
"""
)

# ARGV: prefix, key, and the row that it must have, or nothing. Answers whether there was such an entry.
REMOVE = (
    _COMMON
    + """
if ARGV[3] ~= '' and redis.call('HGET', rows, ARGV[2]) ~= ARGV[3] then return 0 end
return drop(ARGV[2]) and 1 or 0
"""
)

# ARGV: prefix, bytes; below 0 everything goes. Answers the removed keys, least recent first.
SHRINK = (
    _COMMON
    + """
local limit = tonumber(ARGV[2])
if limit >= 0 then return make_room(limit) end
local gone = redis.call('ZRANGE', order, 0, -1)
for _, key in ipairs(gone) do drop(key) end
for _, key in ipairs(redis.call('HKEYS', rows)) do
  drop(key)
  gone[#gone + 1] = key
end
redis.call('DEL', order, rows, bytes)
return gone
"""
)
