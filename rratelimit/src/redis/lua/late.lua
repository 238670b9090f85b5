-- Counts what nodes let pass while this store could not be asked, in the windows in which it passed;
-- what is over by now is over.
--
-- KEYS: one for each limit. ARGV: for each limit: kind, a, b, burst, microseconds since, units. A
-- bucket is emptied by it, and no further: who was let through must not wait for ever.

local now = now_micros()
for i = 1, #KEYS do
    local at = (i - 1) * 6
    local it = {key = KEYS[i], kind = ARGV[at + 1], now = now,
        a = tonumber(ARGV[at + 2]), b = tonumber(ARGV[at + 3])}
    local burst, age = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
    local units = tonumber(ARGV[at + 6])
    load(it)
    if it.kind == 'b' then
        local debt = it.debt + math.max(0, units * it.a - age * it.b)
        it.debt = math.max(it.debt, math.min(debt, burst * it.a))
    elseif it.kind == 's' then
        give_back(it, -units, math.floor((now - age) / it.a))
    else
        local window = window_at(it.kind, it.a, now - age)
        give_back(it, -units, window)
    end
    save(it)
end
return #KEYS
