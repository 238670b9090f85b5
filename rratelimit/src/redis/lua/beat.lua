-- A node says that it is alive, and hears how many are.
--
-- KEYS: the nodes that are alive, the seed that those use. ARGV: this node, how long (microseconds) a
-- node is alive without a sign, its seed. Answer: their number, or -1 when they use another seed: what
-- they count would not be the same things.

local now, alive = now_micros(), tonumber(ARGV[2])
local seed = redis.call('GET', KEYS[2])
if seed and seed ~= ARGV[3] then
    return -1
end
redis.call('SET', KEYS[2], ARGV[3], 'PX', math.ceil(alive / 1000))
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - alive)
-- Those in the future were seen before the store's clock was set back.
redis.call('ZREMRANGEBYSCORE', KEYS[1], now + alive, '+inf')
redis.call('PEXPIRE', KEYS[1], math.ceil(alive / 1000))
return redis.call('ZCARD', KEYS[1])
