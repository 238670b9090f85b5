-- Permits are held no more. To be told twice does no harm.
--
-- KEYS: one for each permit: the permits of its limit. ARGV: its name.

for i = 1, #KEYS do
    redis.call('ZREM', KEYS[i], ARGV[i])
end
return #KEYS
