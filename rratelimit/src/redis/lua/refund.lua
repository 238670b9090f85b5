-- Counts units, and gives units back into the windows they were taken from; what is less than none
-- is taken of the window too. Once: a node numbers what it tells, one after the other, and tells again
-- what it has no answer to; what was done already is not done again.
--
-- KEYS: what this node has told so far, then one for each limit. ARGV: which telling this is, the number
-- of the newest spending that was told with it or before (for `take.lua`), then for each limit: kind, a, b, burst, mark, units; the mark `now` is the window that it is now.

if tonumber(ARGV[1]) <= tonumber(redis.call('HGET', KEYS[1], 'telling') or 0) then
    return 0
end
redis.call('HSET', KEYS[1], 'telling', ARGV[1], 'spent', ARGV[2])
-- Nobody tells again after a day.
redis.call('PEXPIRE', KEYS[1], 86400000)

local now = now_micros()
for i = 2, #KEYS do
    local at = 2 + (i - 2) * 6
    local it = {key = KEYS[i], kind = ARGV[at + 1], now = now,
        a = tonumber(ARGV[at + 2]), b = tonumber(ARGV[at + 3]), burst = tonumber(ARGV[at + 4])}
    local mark, units = ARGV[at + 5], tonumber(ARGV[at + 6])
    load(it)
    if mark == 'now' then
        add(it, units)
    else
        give_back(it, units, tonumber(mark))
    end
    save(it)
end
return #KEYS
