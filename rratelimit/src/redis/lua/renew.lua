-- A node confirms the permits that it still holds.
--
-- KEYS: the permits of one limit. ARGV: how long (microseconds) they are good for, then their names.

local now, alive = now_micros(), tonumber(ARGV[1])
for i = 2, #ARGV do
    redis.call('ZADD', KEYS[1], now, ARGV[i])
end
redis.call('PEXPIRE', KEYS[1], math.ceil(alive / 1000))
return #ARGV - 1
