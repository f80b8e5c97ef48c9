/**
 * What the Redis store runs, each one atomic. KEYS[1] is the name of the cache; everything else is named after it:
 * `:a:<key>` an answer · `:meta` its bytes, prompt and bucket · `:used` in which order answers were used, counted by
 * `:uses` · `:over` when the time of each is over, ms · `:g:<prompt>` and `:b:<bucket>` the keys of each · `:bytes` all of
 * them.
 */
const COMMON = `
local p = KEYS[1]
local function remove(key)
  local meta = redis.call('HGET', p..':meta', key)
  if not meta then return 0 end
  local bytes, group, bucket = string.match(meta, '^(%d+) (%S+) (%S+)$')
  redis.call('DEL', p..':a:'..key)
  redis.call('HDEL', p..':meta', key)
  redis.call('ZREM', p..':used', key)
  redis.call('ZREM', p..':over', key)
  redis.call('SREM', p..':g:'..group, key)
  redis.call('ZREM', p..':b:'..bucket, key)
  redis.call('DECRBY', p..':bytes', bytes)
  return 1
end
local function use(key)
  redis.call('ZADD', p..':used', redis.call('INCR', p..':uses'), key)
end
local function sizes()
  return redis.call('ZCARD', p..':used'), tonumber(redis.call('GET', p..':bytes') or 0)
end
`;

/** ARGV: key. Returns the answer or nothing, and how many were removed because their time was over. */
export const GET = `${COMMON}
local answer = redis.call('GET', p..':a:'..ARGV[1])
if not answer then return {false, remove(ARGV[1])} end
use(ARGV[1])
return {answer, 0}
`;

/**
 * ARGV: key, group, bucket, answer, bytes, now, over, entries at most, bytes at most. Returns evictions, expired, entries
 * and bytes.
 */
export const PUT = `${COMMON}
local key, group, bucket, answer, bytes, now, over = unpack(ARGV, 1, 7)
local most, room = tonumber(ARGV[8]), tonumber(ARGV[9]) - tonumber(bytes)
remove(key)
local evictions, expired = 0, 0
for _, old in ipairs(redis.call('ZRANGEBYSCORE', p..':over', '-inf', now, 'LIMIT', 0, 1000)) do
  expired = expired + remove(old)
end
local entries, all = sizes()
if room < 0 or most < 1 then return {1, expired, entries, all} end
while entries >= most or all > room do
  evictions = evictions + remove(redis.call('ZRANGE', p..':used', 0, 0)[1])
  entries, all = sizes()
end
local ttl = over - now
redis.call('SET', p..':a:'..key, answer, 'PX', ttl)
redis.call('HSET', p..':meta', key, bytes..' '..group..' '..bucket)
use(key)
redis.call('ZADD', p..':over', over, key)
redis.call('SADD', p..':g:'..group, key)
redis.call('INCRBY', p..':bytes', bytes)
local names = {':meta', ':used', ':uses', ':over', ':bytes', ':g:'..group}
if bucket ~= '-' then
  redis.call('ZADD', p..':b:'..bucket, now, key)
  names[7] = ':b:'..bucket
end
for _, name in ipairs(names) do
  if redis.call('PTTL', p..name) < ttl then redis.call('PEXPIRE', p..name, ttl) end
end
entries, all = sizes()
return {evictions, expired, entries, all}
`;

/** ARGV: bucket, answers at most. Returns keys and answers, in turns. */
export const SIMILAR = `
local found = {}
for _, key in ipairs(redis.call('ZREVRANGE', KEYS[1]..':b:'..ARGV[1], 0, ARGV[2] - 1)) do
  local answer = redis.call('GET', KEYS[1]..':a:'..key)
  if answer then
    found[#found + 1] = key
    found[#found + 1] = answer
  end
end
return found
`;

/** ARGV: group. Returns entries and bytes. */
export const PURGE = `${COMMON}
for _, key in ipairs(redis.call('SMEMBERS', p..':g:'..ARGV[1])) do remove(key) end
local entries, all = sizes()
return {entries, all}
`;
