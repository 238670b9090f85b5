-- Looks at what was spent, and changes nothing.
--
-- KEYS: one for each limit. ARGV: for each limit: kind, a, b. Answer: for each limit: what is spent,
-- and microseconds until less is (0: nobody knows, or nothing is spent).

local now = now_micros()
local answer = {}
for i = 1, #KEYS do
    local at = (i - 1) * 3
    local it = {key = KEYS[i], kind = ARGV[at + 1], now = now,
        a = tonumber(ARGV[at + 2]), b = tonumber(ARGV[at + 3])}
    load(it)
    local less = 0
    if it.count > 0 then
        if it.kind == 's' then
            less = (it.buckets[1] + 61) * it.a - now
        elseif it.kind == 'b' then
            less = math.ceil((it.debt - (it.count - 1) * it.a) / it.b)
        elseif it.kind ~= 'c' then
            less = it.left
        end
    end
    answer[#answer + 1] = it.count
    answer[#answer + 1] = math.max(0, less)
end
return answer
