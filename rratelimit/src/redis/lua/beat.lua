-- A node says that it is alive, and hears how many are.
--
-- KEYS: the nodes that are alive. ARGV: this node, how long (microseconds) a node is alive without
-- a sign.

local now, alive = now_micros(), tonumber(ARGV[2])
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - alive)
-- Those in the future were seen before the store's clock was set back.
redis.call('ZREMRANGEBYSCORE', KEYS[1], now + alive, '+inf')
redis.call('PEXPIRE', KEYS[1], math.ceil(alive / 1000))
return redis.call('ZCARD', KEYS[1])
