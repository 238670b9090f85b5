-- Looks at what was spent, and changes nothing.
--
-- KEYS: one for each limit. ARGV: for each limit: kind, max, a, b, burst. Answer: for each limit:
-- what is spent, and microseconds until there is room for more (0: nobody knows, or nothing is spent).

local now = now_micros()
local answer = {}
for i = 1, #KEYS do
    local at = (i - 1) * 5
    local it = {key = KEYS[i], kind = ARGV[at + 1], now = now,
        a = tonumber(ARGV[at + 3]), b = tonumber(ARGV[at + 4])}
    load(it)
    local more = 0
    if it.count > 0 and it.kind ~= 'c' then
        more = until_more(it, tonumber(ARGV[at + 2]), tonumber(ARGV[at + 5]))
    end
    answer[#answer + 1] = it.count
    answer[#answer + 1] = more
end
return answer
