-- Gives units back into the windows they were taken from, and permits back. Units that are less
-- than none are taken of the window too.
--
-- KEYS: one for each limit. ARGV: for each limit: kind, a, b, mark, units; of a permit, its name is
-- the mark.

local now = now_micros()
for i = 1, #KEYS do
    local at = (i - 1) * 5
    local it = {key = KEYS[i], kind = ARGV[at + 1], now = now,
        a = tonumber(ARGV[at + 2]), b = tonumber(ARGV[at + 3])}
    if it.kind == 'c' then
        redis.call('ZREM', it.key, ARGV[at + 4])
    else
        load(it)
        give_back(it, tonumber(ARGV[at + 5]), tonumber(ARGV[at + 4]))
        save(it)
    end
end
return #KEYS
