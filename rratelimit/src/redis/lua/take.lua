-- Takes units from all limits of a request, or from none.
--
-- KEYS: one for each limit, and, where something is owed, what this node has told so far. ARGV: 1 to
-- write, and 0 to answer the same and write nothing, the name of this request's permits, how many limits,
-- then for each limit: kind, max, a, b, burst, need, binds, extra, share. Then what is owed: which
-- limit, number, units, mark (`now` for the window that it is now). A limit that does not bind (0)
-- counts, and refuses nothing. A need of 0 takes nothing, but is refused where nothing is left. Of
-- what is left after the need, up to `extra` units are taken on lease, but no more than one part in
-- `share`. What is owed is spent, and `refund.lua` is about to be told of it, or has been: where it has
-- not, it counts here, and is not written, as that will be.
-- Answer: 1 or 0, then for each limit: remaining, microseconds until there is more, microseconds
-- until there is room for the need (-1: there is; -2: there never will be), mark of the window that
-- was taken from, leased, microseconds until that window is over (-1: it slides).

local writes, permit = ARGV[1] == '1', ARGV[2]
local now = now_micros()
local asked, seen, limits = tonumber(ARGV[3]), {}, {}

for i = 1, asked do
    local at = 3 + (i - 1) * 9
    local key = KEYS[i]
    local it = seen[key]
    if not it then
        it = {key = key, kind = ARGV[at + 1], now = now, pending = 0,
            taken = 0, is_owed = false,
            a = tonumber(ARGV[at + 3]), b = tonumber(ARGV[at + 4]),
            burst = tonumber(ARGV[at + 5])}
        load(it)
        seen[key] = it
    end
    limits[i] = {it = it, max = tonumber(ARGV[at + 2]), burst = tonumber(ARGV[at + 5]),
        need = tonumber(ARGV[at + 6]), binds = ARGV[at + 7] == '1',
        extra = tonumber(ARGV[at + 8]), share = tonumber(ARGV[at + 9])}
end

local told = KEYS[asked + 1] and tonumber(redis.call('HGET', KEYS[asked + 1], 'spent') or 0)
for at = 4 + asked * 9, #ARGV, 4 do
    local it = seen[KEYS[tonumber(ARGV[at])]]
    local units, mark = tonumber(ARGV[at + 2]), ARGV[at + 3]
    -- Only windows that do not slide have an end.
    local is_over = it.left and mark ~= 'now' and tonumber(mark) ~= it.mark
    if tonumber(ARGV[at + 1]) > told and not is_over then
        it.is_owed = true
        add(it, units)
    end
end

local function room(limit)
    return room_of(limit.it, limit.max, limit.burst)
end

local allowed = true
for _, limit in ipairs(limits) do
    local it = limit.it
    limit.fits = it.pending + math.max(1, limit.need) <= room(limit)
    if limit.binds and not limit.fits then
        allowed = false
    end
    it.pending = it.pending + limit.need
end

writes = writes and allowed
-- What is only looked at is counted here, and not saved.
for _, limit in ipairs(limits) do
    local it = limit.it
    limit.leased = 0
    if allowed then
        if it.kind == 'c' then
            it.count = it.count + limit.need
            if writes then
                redis.call('ZREMRANGEBYSCORE', it.key, '-inf', now - it.a)
                redis.call('ZADD', it.key, now, permit)
                redis.call('PEXPIRE', it.key, math.ceil(it.a / 1000))
            end
        else
            add(it, limit.need)
            limit.mark = it.kind == 'b' and full_at(it) or it.mark
            if limit.extra > 0 then
                limit.leased = math.min(limit.extra, math.floor(room(limit) / limit.share))
                add(it, limit.leased)
            end
            it.taken = it.taken + limit.need + limit.leased
        end
    end
end

local answer = {allowed and 1 or 0}
for i, limit in ipairs(limits) do
    local it = limit.it
    local left = room(limit)
    local most = it.kind == 'b' and limit.burst or limit.max
    local at = 2 + (i - 1) * 6
    answer[at] = left
    answer[at + 1] = until_more(it, limit.max, limit.burst)
    if limit.fits then
        answer[at + 2] = -1
    elseif most < math.max(1, limit.need) then
        answer[at + 2] = -2
    else
        answer[at + 2] = wait(it, most - math.max(1, limit.need))
    end
    answer[at + 3] = limit.mark or it.mark
    answer[at + 4] = limit.leased
    answer[at + 5] = it.left or -1
end

if writes then
    for _, it in pairs(seen) do
        if it.kind ~= 'c' then
            if it.is_owed then
                load(it)
                add(it, it.taken)
            end
            save(it)
        end
    end
end
return answer
